//! The methods that a field gets.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Ident};

use crate::ast::model::{Field, Kind, Model};
use crate::expand::model::visibility;
use crate::expand::{at, cfg, docs, local};

pub(crate) fn expand(model: &Model, field: &Field) -> TokenStream {
    match field.kind() {
        Kind::Observable => observable(model, field),
        Kind::Signal => accessor(model, field, "A signal."),
        Kind::Base => accessor(model, field, "The base model."),
        Kind::Plain => TokenStream::new(),
    }
}

/// The field's own documentation, or this.
fn doc(field: &Field, otherwise: &str) -> TokenStream {
    let mut docs = docs(&field.marks.rest).peekable();
    match docs.peek() {
        Some(_) => quote!(#(#docs)*),
        None => quote!(#[doc = #otherwise]),
    }
}

/// What the field is marked with, and each of its methods is, too.
fn marks(field: &Field) -> TokenStream {
    let cfg = cfg(&field.marks.rest);
    let deprecated = field.marks.rest.iter().filter(|attribute| attribute.path().is_ident("deprecated"));
    quote!(#(#cfg)* #(#deprecated)*)
}

fn accessor(model: &Model, field: &Field, otherwise: &str) -> TokenStream {
    let (visibility, name, ty) = (visibility(model, field), &field.name, &field.ty);
    let (doc, marks) = (doc(field, otherwise), marks(field));
    quote! {
        #doc
        #marks
        #[inline]
        #visibility fn #name(&self) -> &#ty {
            &self.#name
        }
    }
}

fn observable(model: &Model, field: &Field) -> TokenStream {
    let (visibility, name, ty) = (visibility(model, field), &field.name, &field.ty);
    let marks = marks(field);
    let method = |before: &str, after: &str| field.method(before, after);
    let (with, set, update, changed) =
        (method("with_", ""), method("set_", ""), method("update_", ""), method("", "_changed"));
    let (value, f, result) = (local("value"), local("f"), free(model));
    // An error about the field's type points at that.
    let at = at(ty.span());
    let (do_get, do_changed) = (quote_spanned!(at=> .get()), quote_spanned!(at=> .changed()));
    let (do_with, do_update) = (quote_spanned!(at=> .with(#f)), quote_spanned!(at=> .update(#f)));
    let do_try_update = quote_spanned!(at=> .try_update(#f));
    let (do_set, do_try_set) = (quote_spanned!(at=> .set(#value)), quote_spanned!(at=> .try_set(#value)));
    let get_doc = doc(field, &format!("The value of `{name}` (a clone of it)."));
    let with_doc = format!("Calls `f` with a snapshot of [`{name}`](Self::{name}).");
    let set_doc = format!("Sets [`{name}`](Self::{name}), and calls its handlers.");
    let update_doc = format!("Changes [`{name}`](Self::{name}) in place, and calls its handlers.");
    let changed_doc =
        format!("Where handlers connect that want to hear of changes of [`{name}`](Self::{name}).");
    let trying = field.marks.validate.as_ref().map(|_| {
        let (try_set, try_update) = (method("try_set_", ""), method("try_update_", ""));
        let set_doc = format!("Sets [`{name}`](Self::{name}), if its validator agrees.");
        let update_doc = format!("Changes [`{name}`](Self::{name}) in place, if its validator agrees.");
        quote! {
            #[doc = #set_doc]
            ///
            /// # Errors
            ///
            /// If it does not: with the value, and the reason.
            #marks
            #[inline]
            #[track_caller]
            #visibility fn #try_set(
                &self,
                #value: #ty,
            ) -> ::core::result::Result<::settled_signal::Notification<()>, ::settled_signal::Rejected<#ty>> {
                self.#name #do_try_set
            }

            #[doc = #update_doc]
            ///
            /// # Errors
            ///
            /// If it does not: with what would have been the value, and the reason.
            #marks
            #[inline]
            #[track_caller]
            #visibility fn #try_update(
                &self,
                #f: impl ::core::ops::FnOnce(&mut #ty),
            ) -> ::core::result::Result<::settled_signal::Notification<()>, ::settled_signal::Rejected<#ty>> {
                self.#name #do_try_update
            }
        }
    });
    quote! {
        #get_doc
        #marks
        #[inline]
        #[track_caller]
        #visibility fn #name(&self) -> #ty {
            self.#name #do_get
        }

        #[doc = #with_doc]
        #marks
        #[inline]
        #[track_caller]
        #visibility fn #with<#result>(&self, #f: impl ::core::ops::FnOnce(&#ty) -> #result) -> #result {
            self.#name #do_with
        }

        #[doc = #set_doc]
        #marks
        #[inline]
        #[track_caller]
        #visibility fn #set(&self, #value: #ty) -> ::settled_signal::Notification<()> {
            self.#name #do_set
        }

        #trying

        #[doc = #update_doc]
        #marks
        #[inline]
        #[track_caller]
        #visibility fn #update(
            &self,
            #f: impl ::core::ops::FnOnce(&mut #ty),
        ) -> ::settled_signal::Notification<()> {
            self.#name #do_update
        }

        #[doc = #changed_doc]
        #marks
        #[inline]
        #visibility fn #changed(&self) -> &::settled_signal::Source<#ty> {
            self.#name #do_changed
        }
    }
}

/// A name for a type parameter that no parameter of the model has.
fn free(model: &Model) -> Ident {
    let is_taken = |name: &str| {
        model.generics.params.iter().any(|parameter| match parameter {
            GenericParam::Type(parameter) => parameter.ident == name,
            GenericParam::Const(parameter) => parameter.ident == name,
            GenericParam::Lifetime(_) => false,
        })
    };
    let mut name = "R".to_string();
    while is_taken(&name) {
        name.push('R');
    }
    syn::parse_str(&name).unwrap_or_else(|_| local("R"))
}
