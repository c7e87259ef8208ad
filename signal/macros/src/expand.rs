//! What is written instead.
//!
//! Paths are absolute. What a reader of the expansion meets in a name of its own (locals, parameters) has the hygiene of a
//! `macro_rules!` local, so that no field or argument can be taken for it; methods and fields have the names that they are
//! called by.

mod accessors;
mod debug;
pub(crate) mod handlers;
pub(crate) mod model;
mod new;
mod signals;

#[cfg(test)]
mod tests;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Ident};

/// A local variable that nobody else can name.
fn local(name: &str) -> Ident {
    format_ident!("{name}", span = Span::mixed_site())
}

/// The same, but an error about it points there.
fn local_at(name: &str, at: Span) -> Ident {
    format_ident!("{name}", span = Span::mixed_site().located_at(at))
}

/// There, as what the macro has written: an error points there, a lint about how it is written does not.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The attributes that decide whether it is there at all.
fn cfg(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

fn docs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc"))
}

/// Gives a builder a name, which all instances share.
fn name(name: &str) -> TokenStream {
    quote! {
        .name({
            static NAME: ::settled_signal::__private::Name = ::settled_signal::__private::Name::new(#name);
            &NAME
        })
    }
}
