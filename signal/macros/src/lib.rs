//! The macros of `settled-signal`, which re-exports them: to be used from there.
//!
//! An item is taken apart (`ast`), checked (`valid`) and written anew (`expand`).

#![forbid(unsafe_code)]

mod ast;
mod expand;
mod valid;

use proc_macro::TokenStream;
use syn::{Item, ItemImpl, parse_macro_input};

use crate::ast::Errors;
use crate::ast::handlers::{Block, Number};
use crate::ast::model::{Model, Options};

/// How many blocks of handlers a model can have: as many as its constructor looks for.
const BLOCKS: usize = 8;

/// Makes a struct a model: each of its fields becomes an observable with a getter and a setter, and the methods that are
/// marked in its blocks of [`#[handlers]`](macro@handlers) are called when it changes.
///
/// ```
/// use std::sync::Arc;
/// use settled_signal::{Signal, handlers, model, transaction};
///
/// /// A person.
/// #[model]
/// pub struct Person {
///     /// The name that is shown.
///     name: String,
///     #[default(18)]
///     age: u32,
///     greeted: Signal<String>,
///     #[plain]
///     id: u64,
/// }
///
/// #[handlers]
/// impl Person {
///     #[handler(name)]
///     fn on_name(&self, name: &String) {
///         self.greeted().notify(format!("Hello {name}"));
///     }
///
///     #[handler(age)]
///     async fn on_age(self: Arc<Self>, age: u32) -> transaction::Handled {
///         if age > 150 { Err("too old".into()) } else { Ok(()) }
///     }
/// }
///
/// # transaction::block_on(async {
/// let ada: Arc<Person> = Person::new("Ada".into(), 7);
/// ada.greeted().connect(|greeting| assert_eq!(greeting, "Hello Grace"));
/// ada.set_name("Grace".into());                      // on_name has been called
/// assert_eq!((ada.name(), ada.age(), ada.id), ("Grace".to_string(), 18, 7));
///
/// let failures = transaction::scope(async { ada.set_age(151); }).await.unwrap_err();
/// assert!(failures.to_string().ends_with("too old"));
/// # });
/// ```
///
/// # What becomes of a field
///
/// | field | stored as | methods |
/// | --- | --- | --- |
/// | `name: T` | `Observable<T>` | `name() -> T`, `with_name(f)`, `set_name(value) -> Notification<()>`, `update_name(f)`, `name_changed() -> &Source<T>` |
/// | `renamed: Signal<E, R>`, or an alias of it that is marked `#[signal]` | as it is | `renamed() -> &Signal<E, R>` |
/// | `#[base] animal: Arc<Animal>` | as it is | `animal() -> &Arc<Animal>`, and what the base has |
/// | `#[plain] id: T` | as it is | none |
///
/// `T` is `Clone + Send + Sync + 'static`. The methods are as visible as the model, unless the field says otherwise
/// (`pub(self)`: for this module), and have the field's documentation. The field itself is as visible as it was written:
/// inside the module `self.name` is the observable.
///
/// # The constructor
///
/// `new` takes what has no default, in the order of the fields, and gives an `Arc`, since handlers are bound to the model
/// weakly. `#[default(18)]` and `#[default]` (for `Default::default()`) give a field, plain ones and signals too, its value.
/// `#[model(new = pub(crate) make)]` gives the constructor another name and visibility, so that one written by hand can
/// stand before it.
///
/// Names are given once, not for each instance: `Person.name` to an observable, `Person.greeted` to a signal,
/// `Person.on_name` to a handler.
///
/// It costs an allocation for the model, and those of each field (an observable has two) and of each handler (one, or
/// two where it is asynchronous).
///
/// # What fields can be marked with
///
/// | mark | meaning |
/// | --- | --- |
/// | `#[default]`, `#[default(value)]` | the constructor does not ask for it |
/// | `#[validate(function)]` | a function or closure that looks at each value (but the first) or, of a signal, at each event; an observable gets `try_set_name` and `try_update_name` |
/// | `#[gated]` | what equals the value that stands is no change |
/// | `#[signal(sequential)]`, `#[signal(concurrent)]`, `#[signal(order = TopDown)]` | how the signal calls its handlers |
/// | `#[plain]`, `#[base]`, `#[signal]` | see above |
///
/// ```
/// use settled_signal::model;
///
/// #[model]
/// struct Tank {
///     #[default(1)]
///     #[validate(|level: &u32| if *level < 100 { Ok(()) } else { Err("overflow") })]
///     level: u32,
/// }
///
/// let tank = Tank::new();
/// assert_eq!(tank.try_set_level(200).unwrap_err().value, 200);
/// assert!(settled_signal::transaction::block_on(tank.set_level(200)).is_err());
/// assert_eq!(tank.level(), 1);
/// ```
///
/// # Bases
///
/// A model that is marked `#[base]` is seen through: the model derefs to it, and its handlers can name what the base has.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use settled_signal::{handlers, model};
///
/// #[model]
/// struct Animal {
///     name: String,
///     #[plain]
///     #[default]
///     log: Mutex<Vec<String>>,
/// }
///
/// #[handlers]
/// impl Animal {
///     #[handler(name)]
///     fn on_name(&self, name: &String) { self.log.lock().unwrap().push(format!("an animal: {name}")); }
/// }
///
/// #[model]
/// struct Dog {
///     #[base]
///     animal: Arc<Animal>,
/// }
///
/// #[handlers]
/// impl Dog {
///     #[handler(name)]
///     fn on_name(&self, name: &String) { self.log.lock().unwrap().push(format!("a dog: {name}")); }
/// }
///
/// let rex = Dog::new(Animal::new("Rex".into()));
/// rex.set_name("Bello".into());
/// assert_eq!(*rex.log.lock().unwrap(), ["an animal: Bello", "a dog: Bello"]);
/// ```
///
/// Handlers of the models come before those that are connected otherwise, and among the models those of the base come first,
/// or last where the signal is marked `#[signal(order = TopDown)]`. A model has one base; it derefs to nothing else. The
/// base is made before, and may be shared.
///
/// # What a model is besides
///
/// It is `Debug`, with its values (what is not `Debug` itself is shown as `_`), and holds no lock while it shows one. Other
/// derives, attributes, generics and `#[cfg]`s of fields are as ever. Lifetime parameters are not possible: handlers
/// may be called at any time.
///
/// A generic model says that it has handlers, since its constructor cannot look for them: `#[model(handlers)]`, or
/// `#[model(handlers = 2)]` where it has two blocks. Their bounds are those of the model.
#[proc_macro_attribute]
pub fn model(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as Options);
    let item = parse_macro_input!(item as Item);
    let mut errors = Errors::default();
    let parsed = Model::parse(options, item, &mut errors);
    let Some(model) = errors.take(parsed) else { return errors.into_tokens().into() };
    valid::model::check(&model, &mut errors);
    if errors.any() { errors.into_tokens() } else { expand::model::expand(&model) }.into()
}

/// Marks methods of a [model](macro@model) as handlers: its constructor connects them, weakly.
///
/// `#[handler(name)]` names a field or a signal of the model or its base. A name that there is not is an error there. (For what
/// is beyond the model see below.)
///
/// ```
/// use std::sync::Arc;
/// use settled_signal::{Signal, handlers, model};
///
/// #[model]
/// struct Shop {
///     price: u32,
///     asked: Signal<&'static str, u32>,
///     #[default]
///     changes: u32,
/// }
///
/// #[handlers]
/// impl Shop {
///     #[handler(price)]
///     fn count(&self) {
///         self.update_changes(|changes| *changes += 1);
///     }
///
///     #[handler(asked)]
///     async fn answer(self: Arc<Self>, what: &str) -> Option<u32> {
///         (what == "tea").then(|| self.price())
///     }
/// }
///
/// # settled_signal::transaction::block_on(async {
/// let shop = Shop::new(3);
/// shop.set_price(4);
/// assert_eq!(shop.changes(), 1);
/// assert_eq!(shop.asked().notify("tea").await.unwrap(), [4]);
/// assert_eq!(shop.asked().notify("coffee").await.unwrap(), []);
/// # });
/// ```
///
/// A handler takes its model as `&self`, `self: &Arc<Self>` or `self: Arc<Self>`, and then the event by reference, by value,
/// or not at all. A synchronous one that takes it by value gets a clone. An `async fn` is connected as an asynchronous
/// handler: until it is done it keeps the model. What it returns is what any handler may: see
/// `IntoOutcome`.
///
/// A method with several marks handles several things. Handlers of one thing are called in the order of the methods, unless
/// they are marked otherwise:
///
/// | mark | meaning |
/// | --- | --- |
/// | `#[handler(name, first)]`, `#[handler(name, last)]` | before, after all that are not marked so |
/// | `#[handler(name, priority = 10)]` | before those of a lower one; others have 0 |
/// | `#[handler(name, once)]` | for one call |
/// | `#[handler(name, delivery = Latest)]` | asynchronous: what becomes of an event while it is busy; see `Delivery` |
///
/// # Beyond the model
///
/// `#[handler("weather.*.rain")]`, with a string, is a handler of what has such a name in the `SignalRegistry` that the model is
/// registered in: in a pattern `*` is one segment of a name, `**` any number of them. It takes the event, whose type says
/// what it is for: a signal without results, an observable or a source of that. It is connected when the model is registered,
/// unless an `ExternalSignaller` takes it.
///
/// ```
/// use settled_signal::{Signal, SignalRegistry, handlers, model};
///
/// #[model]
/// struct Barrel { level: u32 }
///
/// #[handlers]
/// impl Barrel {
///     #[handler("weather.*.rain")]
///     fn on_rain(&self, amount: &u32) { self.update_level(|level| *level += amount); }
/// }
///
/// let (registry, rain, barrel) = (SignalRegistry::new(), Signal::<u32>::new(), Barrel::new(1));
/// registry.register("garden.barrel", &barrel).unwrap();
/// registry.register("weather.today.rain", &rain).unwrap();
/// rain.notify(5);
/// assert_eq!(barrel.level(), 6);
/// ```
///
/// # Several blocks
///
/// They are numbered, and connected in the order of their numbers: `#[handlers]` is the first, then `#[handlers(2)]`, and so
/// on, up to 8. Two of one number are an error.
///
/// ```
/// use settled_signal::{handlers, model};
///
/// #[model]
/// struct Sum { a: u32, b: u32, #[default] sum: u32 }
///
/// #[handlers]
/// impl Sum {
///     #[handler(a)]
///     fn on_a(&self) { self.set_sum(self.a() + self.b()); }
/// }
///
/// #[handlers(2)]
/// impl Sum {
///     #[handler(b)]
///     fn on_b(&self) { self.set_sum(self.a() + self.b()); }
/// }
///
/// let sum = Sum::new(0, 0);
/// sum.set_a(1);
/// sum.set_b(2);
/// assert_eq!(sum.sum(), 3);
/// ```
#[proc_macro_attribute]
pub fn handlers(number: TokenStream, item: TokenStream) -> TokenStream {
    let Number(number) = parse_macro_input!(number as Number);
    let item = parse_macro_input!(item as ItemImpl);
    let mut errors = Errors::default();
    let block = Block::parse(number, item, &mut errors);
    valid::handlers::check(&block, &mut errors);
    // Where it is wrong the methods stay, so that they are not missed on top.
    let item = &block.item;
    let handlers = if errors.any() { errors.into_tokens() } else { expand::handlers::expand(&block) };
    quote::quote!(#item #handlers).into()
}
