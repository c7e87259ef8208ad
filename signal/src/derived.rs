//! What handles of a computed share: its value, and how that is brought up to date.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::effect::Effect;
use crate::graph::{Body, Tracked, Trouble, Untracked, Verdict};
use crate::lock::lock;
use crate::observable::Observable;
use crate::payload::{discard, message};

/// The core of a computed, whatever computes it.
pub(crate) type Core<T> = Derived<T, dyn Calculate<T>>;

pub(crate) struct Derived<T, C: ?Sized> {
    pub(crate) tracked: Tracked,
    pub(crate) handles: AtomicUsize,
    /// The epoch of the graph at which it was known to be up to date.
    verified: AtomicU64,
    pub(crate) location: &'static Location<'static>,
    value: Mutex<Held<T>>,
    /// Where somebody wants to hear of changes.
    pub(crate) mirror: OnceLock<Box<Mirror<T>>>,
    calculation: C,
}

struct Held<T> {
    value: Value<T>,
    /// What it was before something was uncommitted, with the number of that time.
    beneath: Option<(u64, T)>,
}

enum Value<T> {
    /// Never computed.
    None,
    Some(T),
    /// What is said of the failure.
    Failed(Arc<str>),
}

pub(crate) trait Calculate<T>: Send + Sync {
    fn compute(&self) -> T;
    fn same(&self, a: &T, b: &T) -> bool;
}

/// The closures of a computed.
pub(crate) struct Calculation<C, S> {
    pub(crate) compute: C,
    pub(crate) same: S,
}

impl<T, C, S> Calculate<T> for Calculation<C, S>
where
    C: Fn() -> T + Send + Sync,
    S: Fn(&T, &T) -> bool + Send + Sync,
{
    #[inline]
    fn compute(&self) -> T {
        (self.compute)()
    }

    #[inline]
    fn same(&self, a: &T, b: &T) -> bool {
        (self.same)(a, b)
    }
}

impl<T, C> Derived<T, C> {
    pub(crate) fn new(tracked: Tracked, location: &'static Location<'static>, calculation: C) -> Self {
        Derived {
            tracked,
            handles: AtomicUsize::new(1),
            verified: AtomicU64::new(0),
            location,
            value: Mutex::new(Held { value: Value::None, beneath: None }),
            mirror: OnceLock::new(),
            calculation,
        }
    }
}

impl<T, C> Body for Derived<T, C>
where
    T: Send + Sync + 'static,
    C: Calculate<T>,
{
    fn run(&self, epoch: u64, uncommitted: u64) -> Verdict {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let new = self.calculation.compute();
            self.put(new, uncommitted)
        }));
        let verdict = result.unwrap_or_else(|payload| {
            let what = format!("the computed made at {} panicked: {}", self.location, message(&*payload));
            discard(payload);
            self.fail(what)
        });
        self.verified.store(epoch, Ordering::Release);
        verdict
    }

    fn runaway(&self) {
        let what = format!("the computed made at {} keeps changing what it reads", self.location);
        self.fail(what);
    }

    fn location(&self) -> Option<&'static Location<'static>> {
        Some(self.location)
    }
}

impl<T, C: Calculate<T>> Derived<T, C> {
    /// What is not needed any more is dropped when the lock is open again.
    #[inline]
    fn put(&self, new: T, uncommitted: u64) -> Verdict {
        let mut held = lock(&self.value);
        if let Value::Some(old) = &held.value
            && self.calculation.same(old, &new)
        {
            drop(held);
            return Verdict::Same;
        }
        let old = mem::replace(&mut held.value, Value::Some(new));
        if uncommitted != 0 || held.beneath.is_some() {
            return self.put_above(held, old, uncommitted);
        }
        drop(held);
        Verdict::Changed
    }

    #[cold]
    fn put_above(&self, mut held: MutexGuard<'_, Held<T>>, old: Value<T>, uncommitted: u64) -> Verdict {
        let mut verdict = Verdict::Changed;
        let mut gone = None;
        let is_known = held.beneath.as_ref().is_some_and(|(period, _)| *period == uncommitted);
        let mut old = Some(old);
        if uncommitted == 0 {
            if let (Some((_, beneath)), Value::Some(new)) = (&held.beneath, &held.value)
                && self.calculation.same(beneath, new)
            {
                verdict = Verdict::Restored;
            }
            gone = held.beneath.take();
        } else if !is_known {
            gone = held.beneath.take();
            if let Some(Value::Some(old)) = old.take() {
                held.beneath = Some((uncommitted, old));
            }
        }
        drop(held);
        drop((old, gone));
        verdict
    }

    #[cold]
    fn fail(&self, what: String) -> Verdict {
        let old = mem::replace(&mut lock(&self.value).value, Value::Failed(what.into()));
        // Whatever its destructor does, the failure is told already.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(old))).map_err(discard);
        Verdict::Changed
    }
}

thread_local! {
    /// Those that are computed here though another thread computes them.
    static ASIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl<T> Core<T> {
    /// What `f` gives for the value, up to date.
    #[inline]
    pub(crate) fn read<R>(&self, location: &'static Location<'static>, f: impl FnOnce(&T) -> R) -> R {
        if self.verified.load(Ordering::Acquire) != self.tracked.graph().epoch() {
            match self.tracked.graph().settle(&self.tracked) {
                Ok(epoch) => self.verified.store(epoch, Ordering::Release),
                Err(trouble) => return self.read_in_trouble(trouble, location, f),
            }
        }
        self.tracked.track();
        let held = lock(&self.value);
        match &held.value {
            Value::Some(value) => f(value),
            Value::Failed(what) => {
                let what = what.clone();
                drop(held);
                panic!("{what}");
            }
            Value::None => unreachable!("what is up to date was computed"),
        }
    }

    #[cold]
    fn read_in_trouble<R>(
        &self,
        trouble: Trouble,
        location: &'static Location<'static>,
        f: impl FnOnce(&T) -> R,
    ) -> R {
        let reads_itself = || panic!("the computed made at {} reads itself, at {location}", self.location);
        if trouble == Trouble::Cycle {
            // So that it heals.
            self.tracked.track();
            reads_itself();
        }
        // The thread that computes it waits for what is computed further down this stack. So it is computed here as well,
        // for this read alone.
        struct Aside;
        impl Drop for Aside {
            fn drop(&mut self) {
                ASIDE.with_borrow_mut(Vec::pop);
            }
        }
        let address = std::ptr::from_ref(&self.tracked).addr();
        if ASIDE.with_borrow(|aside| aside.contains(&address)) {
            reads_itself();
        }
        ASIDE.with_borrow_mut(|aside| aside.push(address));
        let _aside = Aside;
        self.tracked.track();
        let value = {
            let _untracked = Untracked::begin();
            self.calculation.compute()
        };
        f(&value)
    }
}

/// The value as an observable, kept by an effect.
pub(crate) struct Mirror<T> {
    observable: Observable<T>,
    effect: Mutex<Option<Effect>>,
}

impl<T> Mirror<T> {
    /// It follows no more. What is to be dropped.
    pub(crate) fn end(&self) -> Option<Effect> {
        lock(&self.effect).take()
    }
}

impl<T: Clone + Send + Sync + 'static> Core<T> {
    pub(crate) fn mirror(self: &Arc<Self>, location: &'static Location<'static>) -> &Observable<T> {
        if let Some(mirror) = self.mirror.get() {
            return &mirror.observable;
        }
        // It is the effect that reads the value, not who asks for this.
        let _untracked = Untracked::begin();
        let observable = Observable::new(self.read(location, T::clone));
        let (this, mirrored, is_first) = (Arc::downgrade(self), observable.clone(), AtomicBool::new(true));
        let effect = Effect::unowned(location, move || {
            let Some(this) = this.upgrade() else { return };
            let value = this.read(location, T::clone);
            if !is_first.swap(false, Ordering::Relaxed) {
                mirrored.set(value);
            }
        });
        let effect = Mutex::new(Some(effect));
        &self.mirror.get_or_init(|| Box::new(Mirror { observable, effect })).observable
    }
}
