//! The rules of a block of handlers.

use syn::spanned::Spanned;
use syn::{Error, Receiver, ReceiverKind, Safety, Type};

use crate::ast::Errors;
use crate::ast::handlers::{Block, Handled, Handler};

pub(crate) fn check(block: &Block, errors: &mut Errors) {
    if let Some((path, _)) = &block.item.trait_ {
        errors.push(Error::new(path.span(), "handlers are methods of the model itself, not of a trait"));
    }
    if block.handlers.is_empty() && !errors.any() {
        errors.push(Error::new(block.item.impl_token.span, "no method here is marked: `#[handler(name)]`"));
    }
    for handler in &block.handlers {
        options(handler, errors);
        method(handler, errors);
        outside(handler, errors);
    }
}

fn options(handler: &Handler, errors: &mut Errors) {
    let options = &handler.options;
    if let (Some(_), Some((span, ()))) = (&options.first, &options.last) {
        errors.push(Error::new(*span, "a handler is first or last, not both"));
    }
    if let (Some((span, _)), None) = (&options.delivery, &handler.method.asyncness) {
        errors
            .push(Error::new(*span, "`delivery` is for an asynchronous handler: this one is called at once"));
    }
}

fn outside(handler: &Handler, errors: &mut Errors) {
    let Handled::Outside(name) = &handler.source else { return };
    let text = name.value();
    let is_segment =
        |segment: &str| matches!(segment, "*" | "**") || (!segment.is_empty() && !segment.contains('*'));
    if !text.split('.').all(is_segment) {
        errors.push(Error::new(
            name.span(),
            "a name beyond the model is segments with dots between them, `*` for one, `**` for any number",
        ));
    }
    if handler.method.inputs.len() < 2 {
        errors.push(Error::new(
            handler.method.ident.span(),
            "a handler of something beyond its model takes the event, whose type says what that is (a field is named without quotes)",
        ));
    }
}

fn method(handler: &Handler, errors: &mut Errors) {
    let method = &handler.method;
    match method.receiver() {
        Some(receiver) if self_of(receiver).is_some() => {}
        Some(receiver) => errors.push(Error::new(
            receiver.span(),
            "a handler shares its model: it takes `&self`, `self: &Arc<Self>` or `self: Arc<Self>`",
        )),
        None => errors.push(Error::new(
            method.ident.span(),
            "a handler is a method: it takes `&self`, `self: &Arc<Self>` or `self: Arc<Self>`",
        )),
    }
    if let Some(second) = method.inputs.iter().nth(2) {
        errors.push(Error::new(second.span(), "a handler takes one event, or none"));
    }
    if let Some(parameter) = method.generics.params.first() {
        errors
            .push(Error::new(parameter.span(), "a handler is called with one event type: it is not generic"));
    }
    if let Safety::Unsafe(token) = &method.safety {
        errors.push(Error::new(token.span, "a handler is safe to call"));
    }
}

/// How a method takes its model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `&self`
    Reference,
    /// `self: &Arc<Self>`
    SharedReference,
    /// `self: Arc<Self>`
    Shared,
}

pub(crate) fn self_of(receiver: &Receiver) -> Option<Takes> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Some(Takes::Reference),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) if reference.mutability.is_none() => match &*reference.elem {
                ty if is_arc(ty) => Some(Takes::SharedReference),
                Type::Path(path) if path.path.is_ident("Self") => Some(Takes::Reference),
                _ => None,
            },
            ty if is_arc(ty) => Some(Takes::Shared),
            _ => None,
        },
        _ => None,
    }
}

/// By its name: an alias is not seen through.
fn is_arc(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Arc"))
}
