//! `Debug`: the values, each a clone that was made without holding a lock for longer than that.
//!
//! What is not `Debug` is shown as `_`: a field need not be printable to be in a model. Type parameters are asked to be,
//! as the standard derive does it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{GenericParam, parse_quote};

use crate::ast::model::{Kind, Model};
use crate::expand::{cfg, local};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let name = &model.name;
    let mut generics = model.generics.clone();
    for parameter in &mut generics.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(parse_quote!(::core::fmt::Debug));
        }
    }
    let (generics, arguments, bounds) = generics.split_for_impl();
    let (f, shown) = (local("f"), local("shown"));
    let fields = model.fields.iter().map(|field| {
        let (cfg, name, label) = (cfg(&field.marks.rest), &field.name, field.name.unraw().to_string());
        let value = match field.kind() {
            Kind::Observable => quote!(Shown(&::settled_signal::__private::Value(&self.#name))),
            Kind::Signal | Kind::Base | Kind::Plain => quote!(Shown(&self.#name)),
        };
        quote!(#(#cfg)* #shown.field(#label, #value.get());)
    });
    let label = name.unraw().to_string();
    quote! {
        impl #generics ::core::fmt::Debug for #name #arguments #bounds {
            fn fmt(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #[allow(unused_imports)]
                use ::settled_signal::__private::{Hidden as _, Shown};
                #[allow(unused_mut)]
                let mut #shown = #f.debug_struct(#label);
                #(#fields)*
                #shown.finish()
            }
        }
    }
}
