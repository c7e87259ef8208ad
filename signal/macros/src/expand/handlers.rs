//! The handlers of a block, connected.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ReturnType, Type};

use crate::ast::handlers::{Block, Handled, Handler};
use crate::ast::options::Once;
use crate::expand::{at, local, local_at, name};
use crate::valid::handlers::{Takes, self_of};

pub(crate) fn expand(block: &Block) -> TokenStream {
    let item = &block.item;
    let (generics, _, bounds) = item.generics.split_for_impl();
    let (model_type, number) = (&item.self_ty, block.number);
    let cfg = item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let (model, signals) = (local("model"), local("signals"));
    let name = model_name(model_type);
    let connections = block.handlers.iter().filter_map(|handler| match &handler.source {
        Handled::Field(field) => {
            let (cfg, connection) = (&handler.cfg, connect(handler, &name, &model));
            Some(quote!(#(#cfg)* #signals .#field #connection;))
        }
        Handled::Outside(_) => None,
    });
    let to = local("to");
    let methods = block.handlers.iter().map(|handler| method(handler, &name, &model, &to));
    quote! {
        #(#cfg)*
        impl #generics ::settled_signal::__private::HandlersBlock<#number> for #model_type #bounds {
            fn connect(#model: &::std::sync::Arc<Self>) {
                let #signals = ::settled_signal::__private::Model::signals(&**#model);
                let _ = &#signals;
                #(#connections)*
            }

            fn methods(
                #model: &::std::sync::Arc<Self>,
                #to: &mut ::settled_signal::__private::Description,
            ) {
                let _ = #model;
                #(#methods)*
            }
        }
    }
}

/// Tells a registry of it.
fn method(handler: &Handler, model_name: &str, model: &Ident, to: &Ident) -> TokenStream {
    let (cfg, is_async) = (&handler.cfg, handler.method.asyncness.is_some());
    let name = format!("{model_name}.{}", handler.method.ident.unraw());
    let outside = match &handler.source {
        Handled::Field(field) => {
            let field = field.unraw().to_string();
            return quote!(#(#cfg)* #to.handler(#name, #field, #is_async););
        }
        Handled::Outside(outside) => outside,
    };
    let event = match event_type(handler) {
        Some(Type::Reference(reference)) => (*reference.elem).clone(),
        Some(ty) => ty.clone(),
        None => return TokenStream::new(),
    };
    let (weak, source) = (local("bound"), local("source"));
    let connection = connect(handler, model_name, model);
    quote_spanned! {at(outside.span())=>
        #(#cfg)*
        {
            let #weak = ::std::sync::Arc::downgrade(#model);
            #to.outside(#name, #outside, #is_async, move |#source: &::settled_signal::Source<#event>| {
                match #weak.upgrade() {
                    ::core::option::Option::Some(#model) => {
                        let #model = &#model;
                        #source #connection
                    }
                    ::core::option::Option::None => ::core::default::Default::default(),
                }
            });
        }
    }
}

/// What follows its source.
fn connect(handler: &Handler, model_name: &str, model: &Ident) -> TokenStream {
    let method = &handler.method.ident;
    let options = &handler.options;
    let here = at(handler.span());
    let is_async = handler.method.asyncness.is_some();
    let (event, this, weak) =
        (local_at("event", handler.span()), local_at("this", handler.span()), local("weak"));
    let takes = handler.method.receiver().and_then(self_of).unwrap_or(Takes::Reference);
    let argument = argument(handler, &event, is_async);

    // Called with the model: an `Arc` where it is asynchronous, a reference otherwise.
    let receiver = match takes {
        Takes::Reference if is_async => quote_spanned!(here=> &*#this),
        Takes::SharedReference if is_async => quote_spanned!(here=> &#this),
        _ => quote_spanned!(here=> #this),
    };
    // An error about what it returns points at that.
    let returns = match &handler.method.output {
        ReturnType::Type(_, ty) => at(ty.span()),
        ReturnType::Default => here,
    };
    let call = quote_spanned!(returns=> Self::#method(#receiver, #argument));
    let closure = match (is_async, takes) {
        // Without a future around the method's own.
        (true, Takes::Shared) if !is_reference(handler) => {
            quote_spanned!(returns=> move |#this, #event| #call)
        }
        (true, _) => quote_spanned!(returns=> move |#this, #event| async move { #call.await }),
        (false, Takes::Reference) => quote_spanned!(returns=> move |#this, #event| #call),
        (false, _) => {
            let reference = (takes == Takes::SharedReference).then(|| quote!(&));
            let call = quote_spanned!(returns=> Self::#method(#reference #this, #argument));
            let inner = quote_spanned! {returns=>
                move |_: &Self, #event| {
                    let #this = ::settled_signal::__private::called_on(&#weak);
                    #call
                }
            };
            quote!({ let #weak = ::std::sync::Arc::downgrade(#model); #inner })
        }
    };
    let flag = |flag: &Once<()>, name: &str| {
        let (span, ()) = flag.as_ref()?;
        let name = format_ident!("{name}", span = *span);
        Some(quote!(.#name()))
    };
    let (first, last) = (flag(&options.first, "first"), flag(&options.last, "last"));
    let once = flag(&options.once, "once");
    let priority = options.priority.as_ref();
    let priority = priority.map(|(span, priority)| quote_spanned!(at(*span)=> .priority(#priority)));
    let delivery = options.delivery.as_ref();
    let delivery = delivery.map(|(_, delivery)| quote!(.delivery(::settled_signal::Delivery::#delivery)));
    let name = name(&format!("{model_name}.{}", method.unraw()));
    // Where an error about it points: at what it returns.
    let finish = format_ident!("{}", if is_async { "run" } else { "sync" }, span = returns);
    quote! {
            .connect_with()
            .weak(#model)
            .level(<Self as ::settled_signal::__private::Model>::LEVEL)
            #name
            #first #last #once #priority #delivery
            .#finish(#closure)
    }
}

/// Its name without its module and its arguments.
fn model_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.unraw().to_string()),
        _ => None,
    }
    .unwrap_or_default()
}

/// The event's type in the method.
fn event_type(handler: &Handler) -> Option<&Type> {
    match handler.method.inputs.iter().nth(1)? {
        FnArg::Typed(argument) => Some(&argument.ty),
        FnArg::Receiver(_) => None,
    }
}

fn is_reference(handler: &Handler) -> bool {
    matches!(event_type(handler), Some(Type::Reference(_)))
}

/// The event as the method takes it: by reference, by value, or not at all. Handlers that are called at once get a
/// reference to it, others the event itself.
fn argument(handler: &Handler, event: &Ident, is_async: bool) -> Option<TokenStream> {
    let ty = event_type(handler)?;
    let mut event = event.clone();
    event.set_span(event.span().located_at(ty.span()));
    let argument = match (is_async, is_reference(handler)) {
        (true, true) => quote_spanned!(at(ty.span())=> &#event),
        (false, false) => quote_spanned!(at(ty.span())=> ::core::clone::Clone::clone(#event)),
        _ => quote!(#event),
    };
    Some(argument)
}
