//! Dotted names, and patterns of them.
//!
//! A name is segments with dots between them: `users.ada.name`. In a pattern `*` stands for one segment, `**` for any number
//! of them, also none.

use std::sync::Arc;

/// May something be registered under it?
pub(crate) fn is_name(text: &str) -> bool {
    text.split('.').all(|segment| !segment.is_empty() && !segment.contains('*'))
}

/// What names it takes.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: Arc<str>,
    is_exact: bool,
}

impl Pattern {
    /// `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_wild = |segment: &str| matches!(segment, "*" | "**");
        let is_whole = |segment: &str| is_wild(segment) || (!segment.is_empty() && !segment.contains('*'));
        let is_exact = !text.split('.').any(is_wild);
        text.split('.').all(is_whole).then(|| Pattern { text: text.into(), is_exact })
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Only the name that it is itself.
    pub(crate) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Looks at each segment of the name once for each `**` that it could belong to, at most.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if self.is_exact {
            return *self.text == *name;
        }
        let pattern: Vec<&str> = self.text.split('.').collect();
        let name: Vec<&str> = name.split('.').collect();
        let (mut at, mut of) = (0, 0);
        // The last `**`, and the first segment that it does not take.
        let mut last: Option<(usize, usize)> = None;
        while of < name.len() {
            match pattern.get(at) {
                Some(&"**") => {
                    last = Some((at, of));
                    at += 1;
                }
                Some(segment) if *segment == "*" || *segment == name[of] => {
                    at += 1;
                    of += 1;
                }
                _ => {
                    let Some((many, taken)) = last else { return false };
                    last = Some((many, taken + 1));
                    (at, of) = (many + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|segment| *segment == "**")
    }
}

/// Those of the names that look most like this one, at most three.
pub(crate) fn near(name: &str, names: impl Iterator<Item = Arc<str>>) -> Vec<Arc<str>> {
    let limit = 2.max(name.len() / 4);
    let mut near: Vec<_> = names
        .map(|other| (strsim::damerau_levenshtein(name, &other), other))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// A type's name as one writes it: without modules, and without the results of a signal that has none.
pub(crate) fn short(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    for piece in name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let start = piece.rfind("::").map_or(0, |colons| colons + 2);
        short.push_str(&piece[start..]);
    }
    short.replace(", ()>", ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).expect("it is one").matches(name)
    }

    #[test]
    fn a_star_is_one_segment_and_two_are_any_number() {
        for (pattern, yes, no) in [
            ("a.b", &["a.b"][..], &["a", "a.c", "a.b.c"][..]),
            ("a.*", &["a.b", "a.c"], &["a", "a.b.c", "b.a"]),
            ("*", &["a"], &["a.b"]),
            ("**", &["a", "a.b.c"], &[]),
            ("a.**", &["a", "a.b", "a.b.c"], &["b", "b.a"]),
            ("**.name", &["name", "a.name", "a.b.name"], &["a.names", "name.a"]),
            ("a.**.b.*.c", &["a.b.x.c", "a.x.b.y.c", "a.b.b.b.c", "a.b.c.b.x.c"], &["a.b.c", "a.b.x.d"]),
            ("**.a.**.b.**", &["a.b", "x.a.y.b.z", "b.a.b"], &["b.a", "a"]),
        ] {
            yes.iter().for_each(|name| assert!(matches(pattern, name), "{pattern} {name}"));
            no.iter().for_each(|name| assert!(!matches(pattern, name), "{pattern} {name}"));
        }
    }

    #[test]
    fn what_is_no_name_and_what_is_no_pattern() {
        for text in ["", ".", "a.", ".a", "a..b", "a.b*", "***"] {
            assert!(!is_name(text) && Pattern::parse(text).is_none(), "{text}");
        }
        assert!(!is_name("a.*") && !is_name("**") && is_name("a") && is_name("a.b-c.7"));
    }

    #[test]
    fn many_stars_take_no_longer_than_their_product() {
        let pattern = format!("{}x", "**.".repeat(500));
        assert!(!matches(&pattern, &["y"; 500].join(".")));
    }

    #[test]
    fn near_names_are_told_nearest_first() {
        let names = ["level", "lovel", "bevels", "users.ada.name", "label"].map(Arc::from);
        assert_eq!(
            near("levle", names.clone().into_iter()),
            ["level".into(), "lovel".into()] as [Arc<str>; 2]
        );
        assert_eq!(near("zzz", names.into_iter()), [] as [Arc<str>; 0]);
    }

    #[test]
    fn types_are_shown_as_they_are_written() {
        for (long, expected) in [
            ("settled_signal::signal::Signal<alloc::string::String, ()>", "Signal<String>"),
            ("a::B<(u32, &str), c::D>", "B<(u32, &str), D>"),
            ("alloc::sync::Arc<dyn m::Handler<u32>>", "Arc<dyn Handler<u32>>"),
            ("u32", "u32"),
        ] {
            assert_eq!(short(long), expected);
        }
    }
}
