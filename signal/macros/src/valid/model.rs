//! The rules of a model.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, GenericParam, Meta, Path, Token};

use crate::ast::Errors;
use crate::ast::marks::Marks;
use crate::ast::model::{Kind, Model};
use crate::ast::options::Once;

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    parameters(model, errors);
    derives(&model.attributes, errors);
    bases(model, errors);
    for field in &model.fields {
        kinds(&field.marks, errors);
        marks(&field.marks, field.kind(), errors);
    }
    names(model, errors);
}

fn parameters(model: &Model, errors: &mut Errors) {
    for parameter in &model.generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            errors.push(Error::new(
                parameter.lifetime.span(),
                "a model owns what it holds, and so does a handler's event: it has no lifetime parameters",
            ));
        }
    }
    if let (Some((span, _)), true) = (&model.options.handlers, model.generics.params.is_empty()) {
        errors.push(Error::new(
            *span,
            "only a generic model says that it has handlers: here they are found without that",
        ));
    }
}

fn derives(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        // What is no list of paths is the compiler's to refuse.
        for path in paths.into_iter().flatten() {
            let Some(name) = path.segments.last().map(|segment| &segment.ident) else { continue };
            if name == "Debug" {
                errors.push(Error::new(name.span(), "a model is `Debug` already: it shows its values"));
            } else if name == "Default" {
                errors.push(Error::new(
                    name.span(),
                    "a model is made by its constructor, which connects its handlers: mark fields with `#[default]`",
                ));
            }
        }
    }
}

fn bases(model: &Model, errors: &mut Errors) {
    for field in model.fields.iter().filter(|field| field.kind() == Kind::Base).skip(1) {
        errors.push(Error::new(span(&field.marks.base), "a model has one base: this is the second"));
    }
}

/// At most one kind.
fn kinds(marks: &Marks, errors: &mut Errors) {
    let kinds = [("plain", at(&marks.plain)), ("base", at(&marks.base)), ("signal", at(&marks.signal))];
    let mut kinds = kinds.into_iter().filter_map(|(name, at)| Some((name, at?)));
    let Some((first, _)) = kinds.next() else { return };
    for (second, span) in kinds {
        errors.push(Error::new(span, format!("a field is `#[{first}]` or `#[{second}]`, not both")));
    }
}

/// Marks where they mean something.
fn marks(marks: &Marks, kind: Kind, errors: &mut Errors) {
    let mut refuse = |span: Option<Span>, message: &str| {
        if let Some(span) = span {
            errors.push(Error::new(span, message));
        }
    };
    if matches!(kind, Kind::Plain | Kind::Base) {
        refuse(at(&marks.validate), "a validator is for an observable field or a signal");
    }
    if kind != Kind::Observable {
        refuse(at(&marks.gated), "`#[gated]` is for an observable field: it compares values");
    }
    if let Some((_, options)) = &marks.signal {
        if options.sequential.is_some() {
            refuse(at(&options.concurrent), "a signal is sequential or concurrent, not both");
        }
        if marks.default.is_some() {
            let option = at(&options.sequential).or(at(&options.concurrent)).or(at(&options.order));
            refuse(option, "the signal in `#[default(..)]` has its options already");
        }
    }
    if kind == Kind::Signal && marks.default.is_some() {
        refuse(at(&marks.validate), "the signal in `#[default(..)]` has its validator already");
    }
}

/// No two things of one name.
fn names(model: &Model, errors: &mut Errors) {
    let mut taken = HashMap::new();
    let new = model.options.new.as_ref().map_or("new".to_string(), |(_, (_, name))| name.unraw().to_string());
    taken.insert(new, "the constructor".to_string());
    // Of fields that are configured away a twin may stand there under another condition.
    let has_cfg =
        |attribute: &Attribute| matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg"));
    for field in &model.fields {
        if field.marks.rest.iter().any(has_cfg) {
            continue;
        }
        for (name, what) in field.methods() {
            if let Some(other) = taken.get(&name) {
                errors.push(Error::new(field.name.span(), format!("`{name}` would be {what} and {other}")));
            } else {
                taken.insert(name, what);
            }
        }
    }
}

/// Where a mark is.
fn at<T>(mark: &Once<T>) -> Option<Span> {
    mark.as_ref().map(|(span, _)| *span)
}

fn span<T>(mark: &Once<T>) -> Span {
    at(mark).unwrap_or_else(Span::call_site)
}
