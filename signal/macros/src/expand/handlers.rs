//! The handlers of a block, connected.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ReturnType, Type};

use crate::ast::handlers::{Block, Handler};
use crate::expand::{at, local, local_at};
use crate::valid::handlers::{Takes, self_of};

pub(crate) fn expand(block: &Block) -> TokenStream {
    let item = &block.item;
    let (generics, _, bounds) = item.generics.split_for_impl();
    let (model_type, number) = (&item.self_ty, block.number);
    let cfg = item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let (model, signals) = (local("model"), local("signals"));
    let handlers = block.handlers.iter().map(|handler| connect(handler, &model, &signals));
    quote! {
        #(#cfg)*
        impl #generics ::settled_signal::__private::HandlersBlock<#number> for #model_type #bounds {
            fn connect(#model: &::std::sync::Arc<Self>) {
                let #signals = ::settled_signal::__private::Model::signals(&**#model);
                #(#handlers)*
            }
        }
    }
}

fn connect(handler: &Handler, model: &Ident, signals: &Ident) -> TokenStream {
    let (cfg, source, method) = (&handler.cfg, &handler.source, &handler.method.ident);
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
    let connect = if options.is_empty() {
        let connect = if is_async { "connect_async_weak" } else { "connect_weak" };
        let connect = format_ident!("{connect}", span = returns);
        quote_spanned!(returns=> .#connect(#model, #closure))
    } else {
        let first = options.first.as_ref().map(|(span, ())| quote_spanned!(at(*span)=> .first()));
        let last = options.last.as_ref().map(|(span, ())| quote_spanned!(at(*span)=> .last()));
        let priority = options
            .priority
            .as_ref()
            .map(|(span, priority)| quote_spanned!(at(*span)=> .priority(#priority)));
        let delivery = options.delivery.as_ref();
        let delivery = delivery.map(|(_, delivery)| quote!(.delivery(::settled_signal::Delivery::#delivery)));
        let finish = format_ident!("{}", if is_async { "run" } else { "sync" }, span = returns);
        quote_spanned! {returns=>
            .connect_with() #priority #first #last #delivery .weak(#model) .#finish(#closure)
        }
    };
    quote! {
        #(#cfg)*
        #signals.#source #connect;
    }
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
