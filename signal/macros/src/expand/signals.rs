//! What `#[handler(name)]` can name: a hidden struct with a field for each, so that the compiler itself says what there is
//! where a name is wrong. It derefs to that of the base.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericParam, parse_quote};

use crate::ast::model::{Field, Kind, Model};
use crate::expand::model::visibility;
use crate::expand::new::blocks;
use crate::expand::{at, cfg, local};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let (name, label) = (&model.name, model.name.unraw().to_string());
    let signals = format_ident!("{}Signals", name.unraw());
    let mut with_lifetime = model.generics.clone();
    for parameter in &mut with_lifetime.params {
        match parameter {
            GenericParam::Type(parameter) => parameter.default = None,
            GenericParam::Const(parameter) => parameter.default = None,
            GenericParam::Lifetime(_) => {}
        }
    }
    with_lifetime.params.insert(0, parse_quote!('__model));
    let declared = &with_lifetime.params;
    let (generics_with_lifetime, arguments_with_lifetime, _) = with_lifetime.split_for_impl();
    let (generics, arguments, bounds) = model.generics.split_for_impl();
    let visible = &model.visibility;
    let fields = model.fields.iter().filter_map(|field| {
        let (cfg, visibility, name, ty) =
            (cfg(&field.marks.rest), visibility(model, field), &field.name, source(field)?);
        Some(quote!(#(#cfg)* #visibility #name: #ty))
    });
    let values = model.fields.iter().filter_map(|field| {
        let (cfg, name, value) = (cfg(&field.marks.rest), &field.name, value(field)?);
        Some(quote!(#(#cfg)* #name: #value))
    });
    // Uses the parameters that no field does.
    let uses = |tokens| (!model.generics.params.is_empty()).then_some(tokens);
    let of = uses(quote!(__of: ::core::marker::PhantomData<&'__model #name #arguments>,));
    let of_value = uses(quote!(__of: ::core::marker::PhantomData,));
    let base = model.fields.iter().filter(|field| field.kind() == Kind::Base).map(|field| {
        let (cfg, name, target) = (cfg(&field.marks.rest), &field.name, target(field));
        quote! {
            #(#cfg)*
            impl #generics_with_lifetime ::core::ops::Deref for #signals #arguments_with_lifetime #bounds {
                type Target = #target;

                fn deref(&self) -> &Self::Target {
                    &self.#name
                }
            }
        }
    });
    let level = match model.fields.iter().find(|field| field.kind() == Kind::Base) {
        Some(Field { ty, .. }) => quote_spanned! {at(ty.span())=>
            1 + <<#ty as ::core::ops::Deref>::Target as ::settled_signal::__private::Model>::LEVEL
        },
        None => quote!(0),
    };
    let expects = if model.generics.params.is_empty() {
        quote!(impl<const N: usize> ::settled_signal::__private::ExpectsBlock<N> for #name {})
    } else {
        let blocks = 1..=model.options.handlers.as_ref().map_or(0, |(_, count)| *count);
        quote! {
            #(
                impl #generics ::settled_signal::__private::ExpectsBlock<#blocks>
                    for #name #arguments #bounds {}
            )*
        }
    };
    let (made, to) = (local("model"), local("to"));
    let bases = model.fields.iter().filter(|field| field.kind() == Kind::Base).map(|field| {
        let (cfg, name) = (cfg(&field.marks.rest), &field.name);
        quote!(#(#cfg)* ::settled_signal::__private::Model::describe(&#made.#name, #to);)
    });
    let parts = model.fields.iter().filter_map(|field| {
        let (cfg, name) = (cfg(&field.marks.rest), &field.name);
        let label = name.unraw().to_string();
        match field.kind() {
            Kind::Observable => Some(quote!(#(#cfg)* #to.observable(#label, &#made.#name);)),
            Kind::Signal => Some(quote!(#(#cfg)* #to.signal(#label, &#made.#name);)),
            Kind::Base | Kind::Plain => None,
        }
    });
    let methods = blocks(model, "methods", &quote!(#made, #to));
    quote! {
        const _: () = {
            #[doc(hidden)]
            #[allow(dead_code, deprecated, missing_debug_implementations, private_interfaces, unreachable_pub)]
            #visible struct #signals <#declared> #bounds {
                #(#fields,)*
                #of
            }

            #[allow(deprecated)]
            impl #generics ::settled_signal::__private::Model for #name #arguments #bounds {
                const NAME: &'static str = #label;
                const LEVEL: u32 = #level;
                type Signals<'__model> = #signals #arguments_with_lifetime where Self: '__model;

                fn signals(&self) -> Self::Signals<'_> {
                    #signals { #(#values,)* #of_value }
                }

                fn describe(
                    #made: &::std::sync::Arc<Self>,
                    #to: &mut ::settled_signal::__private::Description,
                ) {
                    let _ = (#made, &mut *#to);
                    #(#bases)*
                    #(#parts)*
                    #methods
                }
            }

            #expects
            #(#base)*
        };
    }
}

fn target(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote_spanned! {at(ty.span())=>
        <<#ty as ::core::ops::Deref>::Target as ::settled_signal::__private::Model>::Signals<'__model>
    }
}

fn source(field: &Field) -> Option<TokenStream> {
    let ty = &field.ty;
    match field.kind() {
        Kind::Observable => Some(quote!(&'__model ::settled_signal::Source<#ty>)),
        Kind::Signal => Some(quote!(&'__model <#ty as ::core::ops::Deref>::Target)),
        Kind::Base => Some(target(field)),
        Kind::Plain => None,
    }
}

fn value(field: &Field) -> Option<TokenStream> {
    let name = &field.name;
    match field.kind() {
        Kind::Observable => Some(quote!(self.#name.changed())),
        Kind::Signal => Some(quote!(&self.#name)),
        Kind::Base => Some(quote!(::settled_signal::__private::Model::signals(&*self.#name))),
        Kind::Plain => None,
    }
}
