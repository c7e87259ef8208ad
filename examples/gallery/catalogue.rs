//! What examples there are: read from the package's metadata, which is the one place for names, order and descriptions.

use serde::Deserialize;

/// One example of the gallery.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    /// What `cargo run --example` takes.
    pub(crate) name: String,
    /// What it shows: the first line of its header.
    pub(crate) about: String,
    /// The arguments of each of its runs, one after the other; without, one run and no arguments. `{folder}` is a temporary
    /// folder that its runs share, `{here}` that of this package.
    #[serde(default = "once")]
    pub(crate) runs: Vec<Vec<String>>,
}

fn once() -> Vec<Vec<String>> {
    vec![Vec::new()]
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    gallery: Gallery,
}

#[derive(Deserialize)]
struct Gallery {
    examples: Vec<Entry>,
}

/// All the examples, in learning order.
pub(crate) fn entries() -> Vec<Entry> {
    let manifest: Manifest =
        toml::from_str(include_str!("../Cargo.toml")).expect("cargo has read this manifest too");
    manifest.package.metadata.gallery.examples
}

/// Looks an example up.
///
/// # Errors
///
/// If there is none of that name: a message that tells which there are, and which of them may be meant.
pub(crate) fn find<'a>(entries: &'a [Entry], name: &str) -> Result<&'a Entry, String> {
    entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let similar = |entry: &&Entry| strsim::damerau_levenshtein(&entry.name, name) <= 2;
        let meant = entries.iter().find(similar).map(|entry| format!("; did you mean `{}`?", entry.name));
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        format!("no example is called `{name}`{}\nthere are: {}", meant.unwrap_or_default(), names.join(", "))
    })
}
