//! Methods that cannot be handlers.

use std::rc::Rc;
use std::sync::Arc;

use settled_signal::{handlers, model};

#[model]
struct Person {
    name: String,
}

#[handlers]
impl Person {
    #[handler(name)]
    fn without_self(name: &String) {}

    #[handler(name)]
    fn exclusive(&mut self, name: &String) {}

    #[handler(name)]
    fn by_value(self, name: &String) {}

    #[handler(name)]
    fn counted(self: Rc<Self>, name: &String) {}

    #[handler(name)]
    fn two(&self, old: &String, new: &String) {}

    #[handler(name)]
    fn generic<T>(&self, name: &T) {}

    #[handler]
    fn nothing(&self) {}

    #[handler()]
    fn empty(&self) {}

    #[handler("name")]
    fn text(&self) {}
}

#[handlers]
impl Clone for Person {
    fn clone(&self) -> Self {
        unimplemented!()
    }
}

#[handlers]
impl Person {
    fn unmarked(&self) {}
}

#[handlers]
struct NoImpl;

#[handlers]
impl Person {
    #[handler(name, sometimes)]
    fn unknown(&self) {}

    #[handler(name, first, last)]
    fn both(&self) {}

    #[handler(name, delivery = Latest)]
    fn synchronous(&self) {}

    #[handler(name, delivery = Never)]
    async fn delivery(self: Arc<Self>) {}

    #[handler(name, first, first)]
    fn twice(&self) {}
}

#[handlers(0)]
impl Person {
    #[handler(name)]
    fn zeroth(&self) {}
}

#[handlers(second)]
impl Person {
    #[handler(name)]
    fn named(&self) {}
}

fn main() {}
