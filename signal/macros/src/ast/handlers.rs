//! An `impl` with methods that are handlers.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Error, Expr, Ident, ImplItem, ImplItemFn, ItemImpl, LitInt, LitStr, Meta, Result, Token,
};

use crate::ast::Errors;
use crate::ast::options::{Once, each, once, one_of, unknown};

/// Which block of its model it is, counted from 1.
pub(crate) struct Number(pub(crate) usize);

pub(crate) struct Block {
    pub(crate) number: usize,
    /// Without the marks.
    pub(crate) item: ItemImpl,
    pub(crate) handlers: Vec<Handler>,
}

/// One `#[handler(..)]` of one method.
pub(crate) struct Handler {
    /// What it handles.
    pub(crate) source: Handled,
    pub(crate) options: Options,
    /// The method, without its body.
    pub(crate) method: syn::Signature,
    /// The method's `#[cfg]`s.
    pub(crate) cfg: Vec<Attribute>,
}

/// What a handler is of.
pub(crate) enum Handled {
    /// A field of its model.
    Field(Ident),
    /// Something beyond its model, that is registered under such a name.
    Outside(LitStr),
}

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) first: Once<()>,
    pub(crate) last: Once<()>,
    pub(crate) once: Once<()>,
    pub(crate) priority: Once<Expr>,
    pub(crate) delivery: Once<Ident>,
}

const OPTIONS: &[&str] = &["first", "last", "once", "priority", "delivery"];
const DELIVERIES: &[&str] = &["Queued", "Every", "Latest", "Coalesced"];

impl Parse for Number {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Number(1));
        }
        let number: LitInt = input.parse().map_err(|error| {
            Error::new(
                error.span(),
                "expected the block's number, where a model has several: `#[handlers(2)]`",
            )
        })?;
        let blocks = 1..=crate::BLOCKS;
        number.base10_parse().ok().filter(|number| blocks.contains(number)).map(Number).ok_or_else(|| {
            Error::new(number.span(), format!("blocks are numbered from 1 to {}", crate::BLOCKS))
        })
    }
}

impl Block {
    pub(crate) fn parse(number: usize, mut item: ItemImpl, errors: &mut Errors) -> Self {
        let mut handlers = Vec::new();
        for item in &mut item.items {
            if let ImplItem::Fn(method) = item {
                Handler::parse(method, &mut handlers, errors);
            }
        }
        Block { number, item, handlers }
    }
}

impl Handler {
    /// Takes the marks off the method.
    fn parse(method: &mut ImplItemFn, handlers: &mut Vec<Handler>, errors: &mut Errors) {
        let is_mark = |attribute: &Attribute| attribute.path().is_ident("handler");
        let (marks, rest) = std::mem::take(&mut method.attrs).into_iter().partition(is_mark);
        method.attrs = rest;
        let marks: Vec<Attribute> = marks;
        for mark in marks {
            let Some((source, options)) = errors.take(parse_mark(&mark)) else { continue };
            let cfg = method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
            let cfg = cfg.cloned().collect();
            handlers.push(Handler { source, options, method: method.sig.clone(), cfg });
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.method.ident.span()
    }
}

fn parse_mark(mark: &Attribute) -> Result<(Handled, Options)> {
    let missing = "a handler names the field or signal that it handles: `#[handler(name)]`";
    let list = match &mark.meta {
        Meta::List(list) if !list.tokens.is_empty() => list,
        meta => {
            return Err(Error::new(
                meta.path().get_ident().map_or_else(Span::call_site, Ident::span),
                missing,
            ));
        }
    };
    list.parse_args_with(|input: ParseStream<'_>| {
        let source = match input.peek(LitStr) {
            true => Handled::Outside(input.parse()?),
            false => Handled::Field(input.parse().map_err(|error: Error| Error::new(error.span(), missing))?),
        };
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        let mut options = Options::default();
        each(input, |input| options.parse_one(input))?;
        Ok((source, options))
    })
}

impl Options {
    fn parse_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let name: Ident = input.parse()?;
        match name.to_string().as_str() {
            "first" => once(&mut self.first, &name, ()),
            "last" => once(&mut self.last, &name, ()),
            "once" => once(&mut self.once, &name, ()),
            "priority" => {
                input.parse::<Token![=]>()?;
                once(&mut self.priority, &name, input.parse()?)
            }
            "delivery" => {
                input.parse::<Token![=]>()?;
                once(&mut self.delivery, &name, one_of(input, DELIVERIES)?)
            }
            _ => Err(unknown(&name, OPTIONS)),
        }
    }
}
