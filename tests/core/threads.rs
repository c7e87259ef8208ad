//! Many threads: adding, waking, driving, migrating.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use futures::FutureExt;
use futures::channel::oneshot;
use settled::{add, add_value, begin, block_on, current, scope};
use support::{Gate, Log, Task, assert_pending, assert_ready, causes, elsewhere, failing, finish, yields};

const THREADS: usize = 4;
const EACH: usize = 1_000;

#[test]
fn many_threads_add_by_handle_while_one_drives() {
    let ran: Arc<Mutex<Vec<(usize, usize)>>> = Arc::default();
    let gate = Gate::new();
    let t = begin();
    t.add(gate.pass()).unwrap();
    thread::scope(|s| {
        let adders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (t, ran) = (&t, &ran);
                s.spawn(move || {
                    for i in 0..EACH {
                        let ran = ran.clone();
                        let future = async move { ran.lock().unwrap().push((thread, i)) };
                        if i % 2 == 0 {
                            t.add(future).unwrap();
                        } else {
                            t.enter(|| add(future));
                        }
                    }
                })
            })
            .collect();
        s.spawn(move || {
            adders.into_iter().for_each(|adder| adder.join().unwrap());
            gate.open();
        });
        block_on(t.end()).unwrap();
    });
    let ran = ran.lock().unwrap();
    assert_eq!(ran.len(), THREADS * EACH);
    for thread in 0..THREADS {
        let own: Vec<usize> = ran.iter().filter(|(by, _)| *by == thread).map(|(_, i)| *i).collect();
        assert!(own.is_sorted(), "what one thread added is polled in its order");
    }
}

#[test]
fn many_threads_wake_while_one_drives() {
    for _ in 0..20 {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS * 50).map(|_| oneshot::channel()).unzip();
        let t = begin();
        let gather = t.gather(receivers);
        thread::scope(|s| {
            let mut senders = senders.into_iter().enumerate();
            for _ in 0..THREADS {
                let part: Vec<_> = senders.by_ref().take(50).collect();
                s.spawn(move || part.into_iter().for_each(|(i, sender)| sender.send(i).unwrap()));
            }
            let values: Vec<usize> = block_on(gather).unwrap().into_iter().map(Result::unwrap).collect();
            assert_eq!(values, (0..THREADS * 50).collect::<Vec<_>>());
        });
        block_on(t.end()).unwrap();
    }
}

#[test]
fn many_threads_drive_and_all_come_to_the_end() {
    for _ in 0..50 {
        let ran = Arc::new(AtomicUsize::new(0));
        let t = begin();
        for _ in 0..100 {
            let ran = ran.clone();
            t.add(async move {
                yields(2).await;
                let below = ran.clone();
                add(async move {
                    yields(1).await;
                    below.fetch_add(1, Ordering::SeqCst);
                });
                ran.fetch_add(1, Ordering::SeqCst);
            })
            .unwrap();
        }
        thread::scope(|s| {
            for _ in 0..THREADS {
                s.spawn(|| block_on(t.end()).unwrap());
                s.spawn(|| block_on(t.wait()).unwrap());
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 200);
    }
}

#[test]
fn drivers_that_give_up_leave_the_others_in_charge() {
    for _ in 0..50 {
        let t = begin();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..100).map(|_| oneshot::channel::<()>()).unzip();
        for receiver in receivers {
            t.add_value(receiver).unwrap();
        }
        let mut idle = Task::new(t.end());
        thread::scope(|s| {
            s.spawn(|| (0..20).for_each(|_| drop(Task::new(t.end()).poll())));
            // Polled once, kept, and never polled again.
            s.spawn(|| idle.poll());
            s.spawn(move || senders.into_iter().for_each(|sender| sender.send(()).unwrap()));
            s.spawn(|| block_on(t.wait()).unwrap());
            block_on(t.end()).unwrap();
        });
    }
}

#[test]
fn one_thread_cancels_what_another_one_drives() {
    for _ in 0..50 {
        let t = begin();
        let gate = Gate::new();
        let stashed: Vec<_> = (0..100).map(|_| t.add(gate.pass()).unwrap()).collect();
        thread::scope(|s| {
            s.spawn(|| stashed.iter().for_each(|one| one.cancel()));
            block_on(t.end()).unwrap();
        });
        for one in stashed {
            assert!(finish(one).unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn a_scope_migrates_between_threads_and_keeps_its_transaction() {
    let (log, ids) = (Log::new(), Arc::new(Mutex::new(Vec::new())));
    let see = |ids: &Mutex<Vec<_>>| ids.lock().unwrap().push(current().map(|t| t.id()));
    let gates: Vec<Gate> = (0..4).map(|_| Gate::new()).collect();
    let mut task = Task::new(scope(async {
        for (i, gate) in gates.iter().enumerate() {
            see(&ids);
            let (own, noted, passed) = (current().unwrap().id(), log.clone(), gate.clone());
            add(async move {
                passed.pass().await;
                assert_eq!(current().unwrap().parent().unwrap().id(), own);
                noted.note(i.to_string());
            });
            gate.pass().await;
        }
        see(&ids);
    }));
    for gate in &gates {
        elsewhere(|| {
            assert!(current().is_none());
            assert!(task.run().is_pending());
            assert!(current().is_none(), "nothing of it stays on the thread");
        });
        assert!(current().is_none());
        gate.open();
    }
    elsewhere(|| assert_ready!(task.run()).unwrap());
    let ids = ids.lock().unwrap();
    assert!(ids[0].is_some());
    assert_eq!(*ids, [ids[0]; 5]);
    assert_eq!(log.take(), ["0", "1", "2", "3"]);
}

#[test]
fn a_future_may_be_polled_by_any_thread_that_drives() {
    let polled_on: Arc<Mutex<Vec<thread::ThreadId>>> = Arc::default();
    let t = begin();
    let (seen, gate) = (polled_on.clone(), Gate::new());
    let passed = gate.clone();
    t.add(async move {
        seen.lock().unwrap().push(thread::current().id());
        passed.pass().await;
        seen.lock().unwrap().push(thread::current().id());
    })
    .unwrap();
    let mut end = Task::new(t.end());
    assert!(end.run().is_pending());
    gate.open();
    elsewhere(|| assert_ready!(end.run()).unwrap());
    let polled_on = polled_on.lock().unwrap();
    assert_eq!(polled_on.len(), 2);
    assert_ne!(polled_on[0], polled_on[1]);
}

#[test]
fn scopes_on_many_threads_are_apart() {
    thread::scope(|s| {
        for n in 0..THREADS {
            s.spawn(move || {
                for _ in 0..200 {
                    let sum = block_on(scope(async {
                        let t = current().unwrap();
                        let one = add_value(async move { n });
                        let two = t.add_value(async move { n * 2 }).unwrap();
                        one.await.unwrap() + two.await.unwrap()
                    }));
                    assert_eq!(sum.unwrap(), n * 3);
                }
            });
        }
    });
}

#[test]
fn transactions_are_handed_from_thread_to_thread() {
    let t = begin();
    let t = elsewhere(move || {
        t.enter(|| add(yields(1)));
        t
    });
    let log = Log::new();
    t.add(log.step("added")).unwrap();
    elsewhere(|| finish(t.end())).unwrap();
    assert_eq!(log.take(), ["added"]);
}

#[test]
fn closing_races_with_adding_and_nothing_is_lost() {
    for _ in 0..200 {
        let t = begin();
        let ran = Arc::new(AtomicUsize::new(0));
        let added = thread::scope(|s| {
            let adder = s.spawn(|| {
                let step = || {
                    let ran = ran.clone();
                    async move {
                        ran.fetch_add(1, Ordering::SeqCst);
                    }
                };
                (0..EACH).take_while(|_| t.add(step()).is_ok()).count()
            });
            block_on(t.end()).unwrap();
            adder.join().unwrap()
        });
        assert_eq!(ran.load(Ordering::SeqCst), added);
    }
}

#[test]
fn giving_up_an_end_races_with_the_close_and_no_failure_is_lost() {
    for _ in 0..EACH {
        let (gate, outer) = (Gate::new(), begin());
        let inner = outer.enter(begin);
        inner.add(gate.pass().then(|()| failing("told"))).unwrap();
        let mut end = Task::new(inner.end());
        assert_pending!(end.run());
        let early = thread::scope(|s| {
            s.spawn(|| drop(end));
            gate.open();
            finish(outer.wait())
        });
        let told = [early, finish(outer.end())].map(|told| told.map_or_else(|f| causes(&f), |()| vec![]));
        assert_eq!(told.concat(), ["told"]);
    }
}
