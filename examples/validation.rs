//! Validators: `try_set` gives back what is refused, `set` tells the transaction, and no handler ever hears of it.
//!
//! A registration has a name, an age and a signal by which it is sent in. What is valid is said once, at the fields. A
//! form asks with `try_set`, and shows the visitor what is wrong, with the text still there to be mended. An import of
//! thousands just sets: what was refused is in the outcome of its transaction, with the place.
//!
//! Run it: `cargo run --example validation`
//!
//! It prints what the form tells its visitor, what the import is told, and what has been saved: only what is valid.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_lite::future::yield_now;
use settled_signal::transaction::{block_on, scope};
use settled_signal::{Rejected, Signal, handlers, model};

/// Why something is not valid: a type of this program, which is found again in what was refused.
#[derive(Debug, PartialEq)]
enum Invalid {
    Empty,
    TooLong { most: usize },
    NoSuchAge,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::Empty => write!(f, "there is nothing in it"),
            Invalid::TooLong { most } => write!(f, "more than {most} letters"),
            Invalid::NoSuchAge => write!(f, "nobody is that old"),
        }
    }
}

impl std::error::Error for Invalid {}

const LONGEST: usize = 11;

fn valid_text(text: &str) -> Result<(), Invalid> {
    match text.chars().count() {
        0 => Err(Invalid::Empty),
        count if count > LONGEST => Err(Invalid::TooLong { most: LONGEST }),
        _ => Ok(()),
    }
}

fn valid_age(age: &u32) -> Result<(), Invalid> {
    if *age < 130 { Ok(()) } else { Err(Invalid::NoSuchAge) }
}

#[model]
struct Registration {
    #[validate(|name: &String| valid_text(name))]
    name: String,
    #[validate(valid_age)]
    age: u32,
    /// Told when it is sent in, with the visitor's remark.
    #[validate(|remark: &String| valid_text(remark))]
    sent: Signal<String>,
    #[plain]
    saved: Arc<Mutex<Vec<String>>>,
}

#[handlers]
impl Registration {
    #[handler(name)]
    async fn save_name(self: Arc<Self>, name: String) {
        yield_now().await;
        self.saved.lock().unwrap().push(format!("name: {name}"));
    }

    #[handler(age)]
    async fn save_age(self: Arc<Self>, age: u32) {
        yield_now().await;
        self.saved.lock().unwrap().push(format!("age: {age}"));
    }

    #[handler(sent)]
    async fn save_remark(self: Arc<Self>, remark: String) {
        yield_now().await;
        self.saved.lock().unwrap().push(format!("remark: {remark}"));
    }
}

/// Takes what a visitor has typed. What is too long is shortened, as the visitor would do.
fn fill_in(form: &Registration, typed: &str) -> Result<(), Rejected<String>> {
    let Err(rejected) = form.try_set_name(typed.to_string()) else { return Ok(()) };
    println!("  \"{}\": {rejected}", rejected.value);
    match rejected.reason.downcast_ref() {
        // The value has come back: nothing had to be cloned to be able to try again.
        Some(Invalid::TooLong { most }) => {
            let shorter = rejected.value.chars().take(*most).collect();
            form.try_set_name(shorter).map(drop)
        }
        _ => Err(rejected),
    }
}

fn main() {
    let saved = Arc::new(Mutex::new(Vec::new()));
    let form = Registration::new("nobody".into(), 0, saved.clone());

    println!("a form:");
    let visit = block_on(scope(async {
        let empty = fill_in(&form, "").expect_err("nothing can be made of that");
        assert_eq!(empty.reason.downcast_ref(), Some(&Invalid::Empty));
        fill_in(&form, "Augusta Ada King").expect("it can be shortened");
        // So it is with a signal: refused, the event comes back, and no handler has been called.
        let remark = form.sent().try_notify(String::new()).expect_err("no remark");
        println!("  sent: {remark}");
    }));
    // What was given back has been dealt with: it is no failure of the transaction.
    visit.expect("nothing is left to be told");
    println!("  saved: {:?}", saved.lock().unwrap());
    assert_eq!(*saved.lock().unwrap(), ["name: Augusta Ada"]);

    println!("an import:");
    let first = line!() + 2;
    let import = block_on(scope(async {
        form.set_name("Grace".into());
        form.set_age(850);
        form.set_name(String::new());
        form.update_age(|age| *age += 85);
    }));
    let failures = import.expect_err("two are not valid");
    for failure in failures.iter() {
        println!("  {}", failure.cause());
    }
    let reasons: Vec<_> = failures.iter().filter_map(|failure| failure.downcast_ref::<Invalid>()).collect();
    assert_eq!(reasons, [&Invalid::NoSuchAge, &Invalid::Empty]);
    let lines: Vec<_> = failures.iter().map(|failure| failure.location().line()).collect();
    assert_eq!(lines, [first + 1, first + 2], "each names the setter that was called");
    println!("  saved: {:?}; it is {}, {}", &saved.lock().unwrap()[1..], form.name(), form.age());
    assert_eq!(
        saved.lock().unwrap()[1..],
        ["name: Grace", "age: 85"],
        "what is not valid is in no handler's hands"
    );
}
