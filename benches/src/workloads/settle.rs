//! W1: `n` futures are added to a new transaction, or whatever a peer has for one, and all of them settle.

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures_buffered::FuturesUnorderedBounded;
use stackfuture::StackFuture;

use crate::subject::{Case, Round, Subject, Workload};
use crate::work::{Boxed, Work, drive};

const SIZES: &[usize] = &[1, 10, 1_000, 100_000];

pub(super) const W1: Workload = Workload {
    id: "w1",
    title: "W1: add and settle, per future",
    cases: &[
        Case {
            id: "ready-boxed",
            title: "ready at the first poll, boxed by the caller",
            sizes: SIZES,
            subjects: READY_BOXED,
        },
        Case {
            id: "yield-boxed",
            title: "one self-wake, boxed by the caller",
            sizes: SIZES,
            subjects: YIELD_BOXED,
        },
        Case {
            id: "ready-plain",
            title: "ready at the first poll, plain",
            sizes: SIZES,
            subjects: READY_PLAIN,
        },
        Case { id: "yield-plain", title: "one self-wake, plain", sizes: SIZES, subjects: YIELD_PLAIN },
    ],
};

/// All subjects over one maker of futures.
macro_rules! subjects {
    ($make:expr, $($yardstick:expr),*) => {
        &[
            Subject::ours("settled, scope and add", |n| scope(n, || $make)),
            Subject::ours("settled, begin, add by handle, end", |n| by_handle(n, || $make)),
            Subject::peer("futures-buffered, bounded", |n| bounded(n, || $make)),
            Subject::peer("futures-buffered, unbounded", |n| unbounded(n, || $make)),
            Subject::peer("FuturesUnordered", |n| unordered(n, || $make)),
            Subject::yardstick("join_all", |n| joined(n, || $make)),
            Subject::peer("moro-local", |n| moro(n, || $make)),
            Subject::peer("tokio JoinSet, current thread", |n| join_set(n, || $make)),
            $($yardstick),*
        ]
    };
}

const READY_BOXED: &[Subject] = subjects!(
    Work::ready().boxed(),
    Subject::yardstick("a Vec of them, one after another", |n| one_by_one(n, || Work::ready().boxed()))
);
const YIELD_BOXED: &[Subject] = subjects!(
    Work::yielding().boxed(),
    Subject::yardstick("a Vec of them, one after another", |n| one_by_one(n, || Work::yielding().boxed()))
);
const READY_PLAIN: &[Subject] = subjects!(
    Work::ready(),
    Subject::yardstick("stackfuture in a reused Vec, one after another", |n| arena(n, Work::ready))
);
const YIELD_PLAIN: &[Subject] = subjects!(
    Work::yielding(),
    Subject::yardstick("stackfuture in a reused Vec, one after another", |n| arena(n, Work::yielding))
);

fn scope<F: Future<Output = ()> + Send + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || {
        drive(settled::scope(async {
            for _ in 0..n {
                settled::add(make());
            }
        }))
        .unwrap();
    })
}

fn by_handle<F: Future<Output = ()> + Send + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || {
        let transaction = settled::begin();
        for _ in 0..n {
            transaction.add(make()).unwrap_or_else(|_| panic!("it is open"));
        }
        drive(transaction.end()).unwrap();
    })
}

fn bounded<F: Future<Output = ()> + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || {
        let mut set = FuturesUnorderedBounded::new(n);
        for _ in 0..n {
            set.push(make());
        }
        drive(async { while set.next().await.is_some() {} });
    })
}

fn unbounded<F: Future<Output = ()> + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || {
        let mut set = futures_buffered::FuturesUnordered::new();
        for _ in 0..n {
            set.push(make());
        }
        drive(async { while set.next().await.is_some() {} });
    })
}

fn unordered<F: Future<Output = ()> + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || {
        let mut set: FuturesUnordered<F> = (0..n).map(|_| make()).collect();
        drive(async { while set.next().await.is_some() {} });
    })
}

fn joined<F: Future<Output = ()> + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || drop(drive(join_all((0..n).map(|_| make())))))
}

fn moro<F: Future<Output = ()> + 'static>(n: usize, make: fn() -> F) -> Round {
    Box::new(move || {
        drive(moro_local::async_scope!(|scope| {
            for _ in 0..n {
                drop(scope.spawn(make()));
            }
        }));
    })
}

fn join_set<F: Future<Output = ()> + Send + 'static>(n: usize, make: fn() -> F) -> Round {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    Box::new(move || {
        runtime.block_on(async {
            let mut set = tokio::task::JoinSet::new();
            for _ in 0..n {
                set.spawn(make());
            }
            while let Some(done) = set.join_next().await {
                done.expect("nothing panics");
            }
        });
    })
}

fn one_by_one(n: usize, make: fn() -> Boxed) -> Round {
    let mut kept = Vec::with_capacity(n);
    Box::new(move || {
        kept.extend((0..n).map(|_| make()));
        drive(async {
            for future in kept.drain(..) {
                future.await;
            }
        });
    })
}

/// Erased and not allocated at all: as little as an erased future can cost.
fn arena(n: usize, make: fn() -> Work) -> Round {
    let mut kept: Vec<StackFuture<'static, (), 16>> = Vec::with_capacity(n);
    Box::new(move || {
        kept.extend((0..n).map(|_| StackFuture::from(make())));
        drive(async {
            for future in kept.drain(..) {
                future.await;
            }
        });
    })
}
