//! W3: `Observable::set` reaches `n` asynchronous handlers, each of which yields once, and all of them settle. What the
//! peers do for it: a handler is called and gives a box, the boxes are driven to their end.

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures_buffered::FuturesUnorderedBounded;
use settled_signal::Observable;

use crate::subject::{Case, Round, Subject, Workload};
use crate::work::{Boxed, Work, drive};

const SIZES: &[usize] = &[1, 10, 1_000];

pub(super) const W3: Workload = Workload {
    id: "w3",
    title: "W3: set and settle, per delivery",
    cases: &[Case {
        id: "yield",
        title: "one change to N asynchronous handlers, each of which yields once, all settled",
        sizes: SIZES,
        subjects: &[
            Subject::ours("settled-signal, set in a scope", in_a_scope),
            Subject::ours("settled-signal, notification awaited", awaited),
            Subject::peer("join_all", joined),
            Subject::peer("futures-buffered, bounded", bounded),
            Subject::peer("FuturesUnordered", unordered),
            Subject::peer("tokio JoinSet, current thread", join_set),
            Subject::yardstick("boxed and awaited, one after another", one_by_one),
        ],
    }],
};

fn observable(n: usize) -> Observable<u64> {
    let observable = Observable::new(0_u64);
    for _ in 0..n {
        observable.connect_async(|_| Work::yielding());
    }
    observable
}

fn in_a_scope(n: usize) -> Round {
    let observable = observable(n);
    Box::new(move || {
        drive(settled::scope(async {
            observable.set(1);
        }))
        .unwrap();
    })
}

fn awaited(n: usize) -> Round {
    let observable = observable(n);
    Box::new(move || drop(drive(observable.set(1)).unwrap()))
}

type Handlers = Vec<Box<dyn Fn(u64) -> Boxed>>;

fn handlers(n: usize) -> Handlers {
    (0..n).map(|_| Box::new(|_| Work::yielding().boxed()) as Box<dyn Fn(u64) -> Boxed>).collect()
}

fn joined(n: usize) -> Round {
    let handlers = handlers(n);
    Box::new(move || drop(drive(join_all(handlers.iter().map(|handler| handler(1))))))
}

fn bounded(n: usize) -> Round {
    let handlers = handlers(n);
    Box::new(move || {
        let mut set = FuturesUnorderedBounded::new(n);
        handlers.iter().for_each(|handler| set.push(handler(1)));
        drive(async { while set.next().await.is_some() {} });
    })
}

fn unordered(n: usize) -> Round {
    let handlers = handlers(n);
    Box::new(move || {
        let mut set: FuturesUnordered<_> = handlers.iter().map(|handler| handler(1)).collect();
        drive(async { while set.next().await.is_some() {} });
    })
}

fn join_set(n: usize) -> Round {
    let handlers = handlers(n);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    Box::new(move || {
        runtime.block_on(async {
            let mut set = tokio::task::JoinSet::new();
            handlers.iter().for_each(|handler| drop(set.spawn(handler(1))));
            while let Some(done) = set.join_next().await {
                done.expect("nothing panics");
            }
        });
    })
}

fn one_by_one(n: usize) -> Round {
    let handlers = handlers(n);
    Box::new(move || {
        drive(async {
            for handler in &handlers {
                handler(1).await;
            }
        });
    })
}
