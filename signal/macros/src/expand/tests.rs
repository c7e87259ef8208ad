//! What a reader of the documentation finds.

use quote::quote;
use syn::{ImplItem, Item, parse_quote};

use crate::ast::Errors;
use crate::ast::model::{Model, Options};
use crate::expand;

/// The public methods that are written for this struct, each with the first line of its documentation.
fn documented(item: Item) -> Vec<(String, String)> {
    let (mut errors, options) =
        (Errors::default(), syn::parse2::<Options>(quote!()).expect("none are given"));
    let parsed = Model::parse(options, item, &mut errors);
    let model = errors.take(parsed).filter(|_| !errors.any()).expect("it is a model");
    let file: syn::File = syn::parse2(expand::model::expand(&model)).expect("it is Rust");
    let methods = file.items.iter().filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() => Some(&item.items),
        _ => None,
    });
    let methods = methods.flatten().filter_map(|item| match item {
        ImplItem::Fn(method) => {
            let docs = expand::docs(&method.attrs).next().map(|doc| quote!(#doc).to_string());
            Some((method.sig.ident.to_string(), docs.unwrap_or_default()))
        }
        _ => None,
    });
    methods.collect()
}

#[test]
fn s20_the_documentation_of_fields_and_signals_is_that_of_the_model() {
    let methods = documented(parse_quote! {
        /// A person.
        pub struct Person {
            /// The name that is shown.
            pub name: String,
            #[validate(check)]
            pub age: u32,
            /// Told when the person is greeted.
            pub greeted: Signal<String>,
            pub seen: Signal<()>,
            /// What a person is.
            #[base]
            pub animal: Arc<Animal>,
        }
    });
    let doc = |name: &str| {
        let found = methods.iter().find(|(method, _)| method == name);
        found.unwrap_or_else(|| panic!("there is `{name}`")).1.as_str()
    };
    assert!(doc("name").contains(" The name that is shown."), "{}", doc("name"));
    assert!(doc("greeted").contains(" Told when the person is greeted."), "{}", doc("greeted"));
    assert!(doc("animal").contains(" What a person is."), "{}", doc("animal"));
    assert!(doc("set_name").contains("[`name`](Self::name)"), "{}", doc("set_name"));
    // What has none of its own is said for it, so that nothing is left without.
    let bare: Vec<_> = methods.iter().filter(|(_, doc)| doc.is_empty()).collect();
    assert!(bare.is_empty(), "{bare:?}");
    // `new`, those of `name`, of `age`, which is validated, and three more.
    assert_eq!(methods.len(), 1 + 5 + 7 + 3);
}
