//! What handles of a computed share: its value, and how that is brought up to date.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::effect::Effect;
use crate::graph::{Body, Tracked, Trouble, Untracked, Verdict};
use crate::lock::lock;
use crate::observable::Observable;
use crate::payload::{discard, message};
use crate::scalar::{from_bits, to_bits};

/// The core of a computed, whatever computes it.
pub(crate) type Core<T> = Derived<T, dyn Calculate<T>>;

pub(crate) struct Derived<T, C: ?Sized> {
    pub(crate) tracked: Tracked,
    pub(crate) handles: AtomicUsize,
    /// The epoch of the graph at which it was known to be up to date.
    verified: AtomicU64,
    pub(crate) location: &'static Location<'static>,
    value: Mutex<Held<T>>,
    /// The value, where that fits into a word.
    bits: AtomicU64,
    /// Is it there? See below.
    place: AtomicU8,
    /// Where somebody wants to hear of changes.
    pub(crate) mirror: OnceLock<Box<Mirror<T>>>,
    calculation: C,
}

/// The value is behind the lock.
const LOCKED: u8 = 0;
/// It is in `bits`.
const BITS: u8 = 1;
/// It is in `bits`, and something is kept beneath it: it is exchanged under the lock.
const ABOVE: u8 = 2;

struct Held<T> {
    value: Value<T>,
    /// What it was before something was uncommitted, with the number of that time.
    beneath: Option<(u64, T)>,
}

enum Value<T> {
    /// Never computed.
    None,
    Some(T),
    /// It is in `bits`.
    Bits,
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
            bits: AtomicU64::new(0),
            place: AtomicU8::new(LOCKED),
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

impl<T: 'static, C: Calculate<T>> Derived<T, C> {
    /// What is not needed any more is dropped when the lock is open again.
    #[inline]
    fn put(&self, new: T, uncommitted: u64) -> Verdict {
        if let Some(bits) = to_bits(&new) {
            return self.put_bits(new, bits, uncommitted);
        }
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

    #[inline]
    fn put_bits(&self, new: T, bits: u64, uncommitted: u64) -> Verdict {
        if uncommitted == 0
            && self.place.load(Ordering::Relaxed) == BITS
            && let Some(old) = from_bits(self.bits.load(Ordering::Relaxed))
        {
            if self.calculation.same(&old, &new) {
                return Verdict::Same;
            }
            self.bits.store(bits, Ordering::Release);
            return Verdict::Changed;
        }
        self.put_bits_locked(new, bits, uncommitted)
    }

    /// As for other values, and then back into its word.
    #[cold]
    fn put_bits_locked(&self, new: T, bits: u64, uncommitted: u64) -> Verdict {
        let mut held = lock(&self.value);
        let old = match &held.value {
            Value::Bits => from_bits(self.bits.load(Ordering::Relaxed)).map_or(Value::None, Value::Some),
            _ => mem::replace(&mut held.value, Value::None),
        };
        if let Value::Some(old) = &old
            && self.calculation.same(old, &new)
        {
            held.value = Value::Bits;
            return Verdict::Same;
        }
        held.value = Value::Some(new);
        let verdict = if uncommitted != 0 || held.beneath.is_some() {
            self.put_above(held, old, uncommitted)
        } else {
            drop(held);
            Verdict::Changed
        };
        let mut held = lock(&self.value);
        self.bits.store(bits, Ordering::Release);
        self.place.store(if held.beneath.is_some() { ABOVE } else { BITS }, Ordering::Release);
        held.value = Value::Bits;
        verdict
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
        let mut held = lock(&self.value);
        self.place.store(LOCKED, Ordering::Release);
        let old = mem::replace(&mut held.value, Value::Failed(what.into()));
        drop(held);
        // Whatever its destructor does, the failure is told already.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(old))).map_err(discard);
        Verdict::Changed
    }
}

thread_local! {
    /// Those that are computed here though another thread computes them.
    static ASIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl<T: 'static> Core<T> {
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
        // The place first: whatever it says, the word was there by then.
        if from_bits::<T>(0).is_some()
            && self.place.load(Ordering::Acquire) != LOCKED
            && let Some(value) = from_bits(self.bits.load(Ordering::Acquire))
        {
            return f(&value);
        }
        let held = lock(&self.value);
        match &held.value {
            Value::Some(value) => f(value),
            Value::Failed(what) => {
                let what = what.clone();
                drop(held);
                panic!("{what}");
            }
            Value::Bits => match from_bits(self.bits.load(Ordering::Acquire)) {
                Some(value) => f(&value),
                None => unreachable!("only what fits into a word is there"),
            },
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
