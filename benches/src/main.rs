//! W1: futures added to a new transaction and settled, beside the same with peers, in one run.
//!
//! `cargo run --release` prints nanoseconds and allocations per future (medians of interleaved rounds), and the ratio to
//! `FuturesUnordered`; `cargo run --release -- settled-boxed 1000 100` runs one subject that many times and nothing else,
//! for a profiler.

use std::alloc::System;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use futures_buffered::FuturesUnorderedBounded;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Wakes itself once.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn ready_boxed() -> Boxed {
    Box::pin(async { black_box(()) })
}

fn yield_boxed() -> Boxed {
    Box::pin(Yield(false))
}

fn scope_of(n: usize, make: impl Fn() -> Boxed) {
    settled::block_on(settled::scope(async {
        for _ in 0..n {
            settled::add(make());
        }
    }))
    .unwrap();
}

fn by_handle(n: usize, make: impl Fn() -> Boxed) {
    let transaction = settled::begin();
    for _ in 0..n {
        transaction.add(make()).unwrap();
    }
    settled::block_on(transaction.end()).unwrap();
}

fn plain(n: usize) {
    settled::block_on(settled::scope(async {
        for _ in 0..n {
            settled::add(Yield(true));
        }
    }))
    .unwrap();
}

fn unordered(n: usize, make: impl Fn() -> Boxed) {
    let mut set: FuturesUnordered<Boxed> = (0..n).map(|_| make()).collect();
    settled::block_on(async move { while set.next().await.is_some() {} });
}

fn bounded(n: usize, make: impl Fn() -> Boxed) {
    let mut set = FuturesUnorderedBounded::new(n);
    for _ in 0..n {
        set.push(make());
    }
    settled::block_on(async move { while set.next().await.is_some() {} });
}

type Subject = (&'static str, fn(usize));

const SUBJECTS: &[Subject] = &[
    ("unordered-ready", |n| unordered(n, ready_boxed)),
    ("bounded-ready", |n| bounded(n, ready_boxed)),
    ("settled-ready", |n| scope_of(n, ready_boxed)),
    ("handle-ready", |n| by_handle(n, ready_boxed)),
    ("settled-plain", plain),
    ("unordered-yield", |n| unordered(n, yield_boxed)),
    ("bounded-yield", |n| bounded(n, yield_boxed)),
    ("settled-yield", |n| scope_of(n, yield_boxed)),
    ("handle-yield", |n| by_handle(n, yield_boxed)),
];

const SIZES: [usize; 4] = [1, 10, 1_000, 100_000];

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let Some(name) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok()).expect("NAME SIZE TIMES");
        let (n, times): (usize, usize) = (number(), number());
        let (_, run) = SUBJECTS.iter().find(|(known, _)| *known == name).expect("a known subject");
        (0..times).for_each(|_| run(n));
        return;
    }
    println!("ns per future added and settled (allocations per future, x of FuturesUnordered)");
    print!("{:<18}", "N");
    SIZES.iter().for_each(|n| print!("{n:>22}"));
    println!();
    let mut table = vec![[(0.0, 0.0); SIZES.len()]; SUBJECTS.len()];
    for (column, n) in SIZES.into_iter().enumerate() {
        let times = (200_000 / n).max(1);
        let mut samples = vec![Vec::new(); SUBJECTS.len()];
        for _ in 0..15 {
            for (row, (_, run)) in SUBJECTS.iter().enumerate() {
                let region = Region::new(ALLOCATOR);
                let start = Instant::now();
                (0..times).for_each(|_| run(n));
                let total = (times * n) as f64;
                samples[row].push(start.elapsed().as_nanos() as f64 / total);
                table[row][column].1 = region.change().allocations as f64 / total;
            }
        }
        for (row, samples) in samples.iter_mut().enumerate() {
            samples.sort_by(f64::total_cmp);
            table[row][column].0 = samples[samples.len() / 2];
        }
    }
    for (row, (name, _)) in SUBJECTS.iter().enumerate() {
        let base = if name.ends_with("yield") { 5 } else { 0 };
        print!("{name:<18}");
        for ((ns, allocations), (of_base, _)) in table[row].iter().zip(&table[base]) {
            let ratio = ns / of_base;
            print!("{:>22}", format!("{ns:.1} ({allocations:.2}, {ratio:.2}x)"));
        }
        println!();
    }
}
