//! The constructor.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::BLOCKS;
use crate::ast::model::{Field, Kind, Model};
use crate::ast::options::Once;
use crate::expand::{at, cfg, local, name};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let (visibility, new) = match &model.options.new {
        Some((_, (visibility, new))) => (visibility, new.clone()),
        None => (&model.visibility, format_ident!("new")),
    };
    let parameters = model.fields.iter().filter(|field| is_parameter(field)).map(|field| {
        let (cfg, name, ty) = (cfg(&field.marks.rest), &field.name, &field.ty);
        quote!(#(#cfg)* #name: #ty)
    });
    let fields = model.fields.iter().map(|field| {
        let (cfg, name, value) = (cfg(&field.marks.rest), &field.name, value(model, field));
        quote!(#(#cfg)* #name: #value)
    });
    let made = local("model");
    let connect = blocks(model, "connect", &quote!(&#made));
    let doc = format!("A new `{}`, with its handlers connected.", model.name.unraw());
    quote! {
        #[doc = #doc]
        #[allow(clippy::too_many_arguments)]
        #visibility fn #new(#(#parameters),*) -> ::std::sync::Arc<Self> {
            let #made = ::std::sync::Arc::new(Self { #(#fields,)* });
            #connect
            #made
        }
    }
}

/// Only what has no default.
fn is_parameter(field: &Field) -> bool {
    field.marks.default.is_none() && field.kind() != Kind::Signal
}

fn value(model: &Model, field: &Field) -> TokenStream {
    let (name, ty) = (&field.name, &field.ty);
    let given = match &field.marks.default {
        Some((_, Some(default))) => {
            quote_spanned!(at(default.span())=> { let default: #ty = #default; default })
        }
        Some((_, None)) => quote_spanned!(at(ty.span())=> <#ty as ::core::default::Default>::default()),
        None if field.kind() == Kind::Signal => return signal(model, field),
        None => quote!(#name),
    };
    match field.kind() {
        Kind::Observable => observable(model, field, &given),
        Kind::Signal | Kind::Base | Kind::Plain => given,
    }
}

/// `Person.name`
fn full_name(model: &Model, field: &Field) -> String {
    format!("{}.{}", model.name.unraw(), field.name.unraw())
}

fn observable(model: &Model, field: &Field, value: &TokenStream) -> TokenStream {
    let (ty, name) = (&field.ty, name(&full_name(model, field)));
    let validate = field.marks.validate.as_ref().map(|(_, validate)| validator(validate));
    let gated = field.marks.gated.as_ref().map(|(span, ())| quote_spanned!(at(*span)=> .gated()));
    quote_spanned! {at(ty.span())=>
        ::settled_signal::Observable::<#ty>::builder(#value) #name #validate #gated .build()
    }
}

fn signal(model: &Model, field: &Field) -> TokenStream {
    let (ty, name) = (&field.ty, name(&full_name(model, field)));
    let options = field.marks.signal.as_ref().map(|(_, options)| options);
    let flag = |flag: &Once<()>, name: &str| {
        let (span, ()) = flag.as_ref()?;
        let name = format_ident!("{name}", span = *span);
        Some(quote!(.#name()))
    };
    let sequential = options.and_then(|options| flag(&options.sequential, "sequential"));
    let concurrent = options.and_then(|options| flag(&options.concurrent, "concurrent"));
    let order = options.and_then(|options| options.order.as_ref());
    let order = order.map(|(_, order)| quote!(.order(::settled_signal::Order::#order)));
    let validate = field.marks.validate.as_ref().map(|(_, validate)| validator(validate));
    quote_spanned! {at(ty.span())=>
        <#ty>::builder() #name #sequential #concurrent #order #validate .build()
    }
}

fn validator(validate: &Expr) -> TokenStream {
    quote_spanned!(at(validate.span())=> .validate(#validate))
}

/// Calls this function of each block of handlers. A generic model says how many there are; for others all that there can
/// be are looked for.
pub(crate) fn blocks(model: &Model, function: &str, arguments: &TokenStream) -> TokenStream {
    let function = format_ident!("{function}");
    if model.generics.params.is_empty() {
        let blocks = 1..=BLOCKS;
        return quote! {
            {
                use ::settled_signal::__private::{MaybeBlock, NoBlock as _};
                #(MaybeBlock::<Self, #blocks>::#function(#arguments);)*
            }
        };
    }
    let blocks = 1..=model.options.handlers.as_ref().map_or(0, |(_, count)| *count);
    let span = model.options.handlers.as_ref().map_or_else(proc_macro2::Span::call_site, |(span, _)| *span);
    quote_spanned! {at(span)=>
        #(<Self as ::settled_signal::__private::HandlersBlock<#blocks>>::#function(#arguments);)*
    }
}
