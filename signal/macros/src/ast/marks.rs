//! The attributes of a field that are for `#[model]`.

use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Ident, Meta, Result, Token};

use crate::ast::Errors;
use crate::ast::options::{Once, each, once, one_of, unknown};

/// What a field is marked with.
#[derive(Default)]
pub(crate) struct Marks {
    pub(crate) plain: Once<()>,
    pub(crate) base: Once<()>,
    pub(crate) signal: Once<SignalOptions>,
    /// Without an expression: `Default::default()`.
    pub(crate) default: Once<Option<Expr>>,
    pub(crate) validate: Once<Expr>,
    pub(crate) gated: Once<()>,
    /// The attributes that are not the model's.
    pub(crate) rest: Vec<Attribute>,
}

/// What stands in `#[signal(..)]`.
#[derive(Default)]
pub(crate) struct SignalOptions {
    pub(crate) sequential: Once<()>,
    pub(crate) concurrent: Once<()>,
    pub(crate) order: Once<Ident>,
}

impl Marks {
    pub(crate) fn parse(attributes: Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut marks = Marks::default();
        for attribute in attributes {
            let Some(name) = attribute.path().get_ident().cloned() else {
                marks.rest.push(attribute);
                continue;
            };
            let result = match name.to_string().as_str() {
                "plain" => bare(&attribute).and_then(|()| once(&mut marks.plain, &name, ())),
                "base" => bare(&attribute).and_then(|()| once(&mut marks.base, &name, ())),
                "gated" => bare(&attribute).and_then(|()| once(&mut marks.gated, &name, ())),
                "signal" => signal(&attribute).and_then(|options| once(&mut marks.signal, &name, options)),
                "default" => default(&attribute).and_then(|value| once(&mut marks.default, &name, value)),
                "validate" => validate(&attribute).and_then(|value| once(&mut marks.validate, &name, value)),
                _ => {
                    marks.rest.push(attribute);
                    Ok(())
                }
            };
            errors.take(result);
        }
        marks
    }
}

/// A mark without anything.
fn bare(attribute: &Attribute) -> Result<()> {
    match &attribute.meta {
        Meta::Path(_) => Ok(()),
        meta => {
            let name = meta.path().get_ident().map(Ident::to_string).unwrap_or_default();
            Err(Error::new(meta.span(), format!("`#[{name}]` takes nothing")))
        }
    }
}

fn default(attribute: &Attribute) -> Result<Option<Expr>> {
    match &attribute.meta {
        Meta::Path(_) => Ok(None),
        Meta::List(_) => attribute.parse_args().map(Some),
        Meta::NameValue(meta) => {
            Err(Error::new(meta.span(), "the value stands in parentheses: `#[default(..)]`"))
        }
    }
}

fn validate(attribute: &Attribute) -> Result<Expr> {
    match &attribute.meta {
        Meta::List(_) => attribute.parse_args(),
        meta => Err(Error::new(
            meta.span(),
            "a validator is a function or a closure in parentheses: `#[validate(|value| ..)]`",
        )),
    }
}

fn signal(attribute: &Attribute) -> Result<SignalOptions> {
    let mut options = SignalOptions::default();
    if let Meta::Path(_) = attribute.meta {
        return Ok(options);
    }
    attribute.parse_args_with(|input: ParseStream<'_>| each(input, |input| options.parse_one(input)))?;
    Ok(options)
}

impl SignalOptions {
    fn parse_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let name: Ident = input.parse()?;
        match name.to_string().as_str() {
            "sequential" => once(&mut self.sequential, &name, ()),
            "concurrent" => once(&mut self.concurrent, &name, ()),
            "order" => {
                input.parse::<Token![=]>()?;
                let order = one_of(input, &["BottomUp", "TopDown"])?;
                once(&mut self.order, &name, order)
            }
            _ => Err(unknown(&name, &["sequential", "concurrent", "order"])),
        }
    }
}
