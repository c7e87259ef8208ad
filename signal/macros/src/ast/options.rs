//! `name`, `name = value`: the options in an attribute's parentheses.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Error, Ident, Result, Token};

/// A value that is given at most once, and where it was.
pub(crate) type Once<T> = Option<(Span, T)>;

/// Stores what is given for the first time.
pub(crate) fn once<T>(place: &mut Once<T>, name: &Ident, value: T) -> Result<()> {
    if place.is_some() {
        return Err(Error::new(name.span(), format!("`{name}` is given twice")));
    }
    *place = Some((name.span(), value));
    Ok(())
}

/// One of these names.
pub(crate) fn one_of(input: ParseStream<'_>, names: &[&str]) -> Result<Ident> {
    let name: Ident = input.parse()?;
    if names.iter().any(|known| name == known) {
        return Ok(name);
    }
    Err(unknown(&name, names))
}

pub(crate) fn unknown(name: &Ident, names: &[&str]) -> Error {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    Error::new(name.span(), format!("`{name}` is not known here: expected {}", names.join(", ")))
}

/// Options with commas between them.
pub(crate) fn each(
    input: ParseStream<'_>,
    mut parse: impl FnMut(ParseStream<'_>) -> Result<()>,
) -> Result<()> {
    while !input.is_empty() {
        parse(input)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}
