//! What becomes of fields.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use settled::scope;
use settled_signal::{Connection, Notification, Observable, Rejected, Signal, Source, model};
use support::{Log, causes, finish};

#[model]
#[derive(Clone)]
struct Account {
    owner: String,
    #[default(String::from("EUR"))]
    currency: String,
    #[default]
    balance: i64,
    #[default(AtomicU32::new(7).into_inner())]
    fee: u32,
    #[plain]
    number: Arc<AtomicU32>,
    #[plain]
    #[default]
    notes: Arc<Mutex<Vec<String>>>,
    closed: Signal<String>,
    #[signal]
    opened: Opened,
    #[default(shared())]
    audited: Signal<u8>,
}

type Opened = Signal<u32, u32>;

fn shared() -> Signal<u8> {
    let signal = Signal::new();
    signal.connect(|_| {});
    signal
}

fn account() -> Arc<Account> {
    Account::new("Ada".into(), Arc::default())
}

#[test]
fn a_field_is_an_observable_with_a_getter_and_a_setter() {
    let account = account();
    let observable: &Observable<i64> = &account.balance;
    let changes: &Source<i64> = account.balance_changed();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let connection: Connection = changes.connect({
        let seen = seen.clone();
        move |balance| seen.lock().unwrap().push(*balance)
    });
    let notification: Notification<()> = account.set_balance(2);
    assert!(notification.is_done());
    account.update_balance(|balance| *balance += 3);
    assert_eq!((account.balance(), observable.get()), (5, 5));
    assert_eq!(account.with_balance(|balance| balance * 10), 50);
    assert_eq!(*seen.lock().unwrap(), [2, 5]);
    assert!(changes.disconnect(&connection));
}

#[test]
fn the_constructor_takes_what_has_no_default_in_the_order_of_the_fields() {
    let account = account();
    assert_eq!(account.owner(), "Ada");
    assert_eq!((account.currency(), account.balance(), account.fee()), ("EUR".into(), 0, 7));
    assert!(account.notes.lock().unwrap().is_empty());
    assert_eq!((account.audited().len(), account.closed().len()), (1, 0));
}

#[test]
fn a_plain_field_stays_what_it_is() {
    let account = account();
    account.number.store(3, Ordering::Relaxed);
    let number: &Arc<AtomicU32> = &account.number;
    assert_eq!(number.load(Ordering::Relaxed), 3);
}

#[test]
fn a_signal_has_an_accessor_and_an_alias_of_one_is_marked() {
    let account = account();
    account.opened().connect(|times| times + 1);
    assert_eq!(account.opened().notify(1).results(), Some(&[2][..]));
    let closed: &Signal<String> = account.closed();
    assert!(closed.is_empty());
}

#[test]
fn a_clone_of_a_model_is_another_handle_of_its_fields() {
    let account = account();
    let clone: Account = (*account).clone();
    clone.set_balance(9);
    assert_eq!(account.balance(), 9);
}

#[test]
fn debug_may_be_asked_for_from_within_an_update() {
    let account = account();
    let mut shown = String::new();
    account.update_balance(|_| shown = format!("{account:?}"));
    assert!(shown.contains("owner: \"Ada\"") && shown.contains("balance: _, fee: 7"), "{shown}");
}

/// Of what is not `Debug`.
struct Opaque;

#[model]
struct Shown {
    name: String,
    #[plain]
    opaque: Opaque,
    #[plain]
    cell: Cell<u8>,
    pressed: Signal<u8>,
}

#[test]
fn debug_shows_the_values_and_leaves_out_what_cannot_be_shown() {
    let shown = Shown::new("Ada".into(), Opaque, Cell::new(1));
    assert_eq!(
        format!("{shown:?}"),
        r#"Shown { name: "Ada", opaque: _, cell: Cell { value: 1 }, pressed: Signal { name: "Shown.pressed", handlers: 0 } }"#
    );
}

#[test]
fn debug_holds_no_lock_while_it_shows_a_value() {
    #[derive(Clone)]
    struct Reentrant(std::sync::Weak<Holder>);
    impl std::fmt::Debug for Reentrant {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let holder = self.0.upgrade().unwrap();
            holder.set_value(Reentrant(self.0.clone()));
            f.write_str("set")
        }
    }
    #[model]
    struct Holder {
        value: Reentrant,
    }
    let holder = Holder::new(Reentrant(std::sync::Weak::new()));
    holder.set_value(Reentrant(Arc::downgrade(&holder)));
    assert_eq!(format!("{holder:?}"), "Holder { value: set }");
}

#[model]
struct Ruled {
    #[validate(|level: &u32| if *level < 100 { Ok(()) } else { Err("overflow") })]
    #[gated]
    level: u32,
    #[validate(no_empty_line)]
    said: Signal<String>,
}

#[expect(clippy::ptr_arg, reason = "a validator gets the event as it is")]
fn no_empty_line(line: &String) -> Result<(), String> {
    if line.is_empty() { Err("nothing said".into()) } else { Ok(()) }
}

#[test]
fn a_validator_refuses_values_and_events() {
    let ruled = Ruled::new(1);
    let rejected: Rejected<u32> = ruled.try_set_level(100).unwrap_err();
    assert_eq!((rejected.value, ruled.level()), (100, 1));
    assert!(ruled.try_set_level(98).is_ok());
    assert_eq!(ruled.try_update_level(|level| *level += 2).unwrap_err().value, 100);
    assert!(ruled.try_update_level(|level| *level += 1).is_ok());
    let failures = finish(scope(async { _ = ruled.set_level(200) })).unwrap_err();
    assert_eq!(causes(&failures), ["overflow"]);
    assert_eq!(ruled.level(), 99);
    assert_eq!(ruled.said().try_notify(String::new()).unwrap_err().value, "");
    assert!(ruled.said().try_notify("hello".into()).is_ok());
}

#[test]
fn a_gated_field_tells_of_changes_only() {
    let (ruled, log) = (Ruled::new(1), Log::new());
    ruled.level_changed().connect({
        let log = log.clone();
        move |level| log.note(level.to_string())
    });
    ruled.set_level(1);
    ruled.set_level(2);
    ruled.set_level(2);
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn what_a_model_has_is_named_after_it() {
    let (a, b) = (Ruled::new(1), Ruled::new(2));
    assert_eq!((a.level.name(), a.said().name()), (Some("Ruled.level"), Some("Ruled.said")));
    // Made once.
    assert!(std::ptr::eq(a.said().name().unwrap(), b.said().name().unwrap()));
}
