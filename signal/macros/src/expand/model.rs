//! The struct itself, and what stands around it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Visibility;
use syn::spanned::Spanned;

use crate::ast::model::{Field, Kind, Model};
use crate::expand::{accessors, at, cfg, debug, new, signals};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let item = item(model);
    let new = new::expand(model);
    let accessors = model.fields.iter().map(|field| accessors::expand(model, field));
    let debug = debug::expand(model);
    let signals = signals::expand(model);
    let base = model.fields.iter().filter(|field| field.kind() == Kind::Base).map(|field| base(model, field));
    let name = &model.name;
    let (generics, arguments, bounds) = model.generics.split_for_impl();
    quote! {
        #item

        #[allow(dead_code, deprecated)]
        impl #generics #name #arguments #bounds {
            #new
            #(#accessors)*
        }

        #debug
        #(#base)*
        #signals
    }
}

fn item(model: &Model) -> TokenStream {
    let Model { attributes, visibility, name, generics, .. } = model;
    let bounds = &generics.where_clause;
    let fields = model.fields.iter().map(|field| {
        let Field { visibility, name, .. } = field;
        let (attributes, ty) = (&field.marks.rest, stored(field));
        quote!(#(#attributes)* #visibility #name: #ty)
    });
    quote! {
        #(#attributes)*
        #visibility struct #name #generics #bounds {
            #(#fields,)*
        }
    }
}

/// What a field is stored as.
fn stored(field: &Field) -> TokenStream {
    let ty = &field.ty;
    match field.kind() {
        Kind::Observable => quote_spanned!(at(ty.span())=> ::settled_signal::Observable<#ty>),
        Kind::Signal | Kind::Base | Kind::Plain => quote!(#ty),
    }
}

/// A field is as visible as its model, unless it says otherwise: fields of a model are its face.
pub(crate) fn visibility<'a>(model: &'a Model, field: &'a Field) -> &'a Visibility {
    match &field.visibility {
        Visibility::Inherited => &model.visibility,
        visibility => visibility,
    }
}

/// The base is seen through.
fn base(model: &Model, field: &Field) -> TokenStream {
    let (name, ty, model) = (&field.name, &field.ty, model);
    let cfg = cfg(&field.marks.rest);
    let model_name = &model.name;
    let (generics, arguments, bounds) = model.generics.split_for_impl();
    quote! {
        /// What its base model has.
        #(#cfg)*
        impl #generics ::core::ops::Deref for #model_name #arguments #bounds {
            type Target = <#ty as ::core::ops::Deref>::Target;

            fn deref(&self) -> &Self::Target {
                &self.#name
            }
        }
    }
}
