//! A struct that is to be a model.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Fields, Generics, Ident, Item, ItemStruct, LitInt, Result, Token, Type, Visibility,
};

use crate::ast::Errors;
use crate::ast::marks::Marks;
use crate::ast::options::{Once, each, once, unknown};

/// The struct, and what it is marked with.
pub(crate) struct Model {
    pub(crate) options: Options,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) fields: Vec<Field>,
}

/// What stands in `#[model(..)]`.
#[derive(Default)]
pub(crate) struct Options {
    /// How many blocks of handlers a generic model has.
    pub(crate) handlers: Once<usize>,
    /// The constructor's visibility and name.
    pub(crate) new: Once<(Visibility, Ident)>,
}

pub(crate) struct Field {
    pub(crate) marks: Marks,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Options::default();
        each(input, |input| {
            let name: Ident = input.parse()?;
            match name.to_string().as_str() {
                "handlers" if input.peek(Token![=]) => {
                    input.parse::<Token![=]>()?;
                    let count: LitInt = input.parse()?;
                    let blocks = 1..=crate::BLOCKS;
                    let count = count.base10_parse().ok().filter(|count| blocks.contains(count)).ok_or_else(
                        || Error::new(count.span(), format!("a model has 1 to {} blocks", crate::BLOCKS)),
                    )?;
                    once(&mut options.handlers, &name, count)
                }
                "handlers" => once(&mut options.handlers, &name, 1),
                "new" => {
                    input.parse::<Token![=]>()?;
                    let new = (input.parse()?, input.parse()?);
                    once(&mut options.new, &name, new)
                }
                _ => Err(unknown(&name, &["handlers", "new"])),
            }
        })?;
        Ok(options)
    }
}

impl Model {
    pub(crate) fn parse(options: Options, item: Item, errors: &mut Errors) -> Result<Self> {
        let Item::Struct(ItemStruct { attrs, vis, ident, generics, fields, .. }) = item else {
            return Err(Error::new(Span::call_site(), "a model is a struct with named fields"));
        };
        let fields = match fields {
            Fields::Named(fields) => fields.named,
            Fields::Unnamed(fields) => return Err(unnamed(fields.span())),
            Fields::Unit => return Err(unnamed(ident.span())),
        };
        let fields = fields.into_iter().filter_map(|field| {
            let marks = Marks::parse(field.attrs, errors);
            Some(Field { marks, visibility: field.vis, name: field.ident?, ty: field.ty })
        });
        let fields = fields.collect();
        Ok(Model { options, attributes: attrs, visibility: vis, name: ident, generics, fields })
    }
}

fn unnamed(span: Span) -> Error {
    Error::new(span, "a model has named fields: their names become its getters and setters")
}

/// What becomes of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Observable,
    Signal,
    Base,
    Plain,
}

impl Field {
    pub(crate) fn kind(&self) -> Kind {
        match &self.marks {
            Marks { plain: Some(_), .. } => Kind::Plain,
            Marks { base: Some(_), .. } => Kind::Base,
            Marks { signal: Some(_), .. } => Kind::Signal,
            _ if is_signal(&self.ty) => Kind::Signal,
            _ => Kind::Observable,
        }
    }

    /// The name of one of its methods: `set_` and `name`, `name` and `_changed`.
    pub(crate) fn method(&self, before: &str, after: &str) -> Ident {
        format_ident!("{before}{}{after}", self.name.unraw(), span = self.name.span())
    }

    /// The methods that it gets, and what they are.
    pub(crate) fn methods(&self) -> Vec<(String, String)> {
        let name = self.name.unraw();
        let method = |name: String, what: &str| (name, format!("{what} of `{}`", self.name));
        match self.kind() {
            Kind::Plain => Vec::new(),
            Kind::Base | Kind::Signal => vec![method(name.to_string(), "the accessor")],
            Kind::Observable => {
                let mut methods = vec![
                    method(name.to_string(), "the getter"),
                    method(format!("with_{name}"), "the look"),
                    method(format!("set_{name}"), "the setter"),
                    method(format!("update_{name}"), "the update"),
                    method(format!("{name}_changed"), "the source"),
                ];
                if self.marks.validate.is_some() {
                    methods.push(method(format!("try_set_{name}"), "the trying setter"));
                    methods.push(method(format!("try_update_{name}"), "the trying update"));
                }
                methods
            }
        }
    }
}

/// By its name: an alias needs `#[signal]`.
fn is_signal(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Signal"))
}
