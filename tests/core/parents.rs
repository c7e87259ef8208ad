//! Whose a transaction is.

use settled::{add, begin, current, scope};
use support::{Gate, Task, assert_pending, assert_ready, elsewhere, finish};

fn above() -> Option<settled::TransactionId> {
    current().and_then(|t| t.parent()).map(|t| t.id())
}

#[test]
fn t23_begin_is_a_child_of_what_is_current_at_the_call() {
    let outer = begin();
    assert!(outer.parent().is_none());
    let inner = outer.enter(begin);
    assert_eq!(inner.parent().unwrap().id(), outer.id());
    finish(inner.end()).unwrap();
    finish(outer.end()).unwrap();
    finish(scope(async {
        let inner = begin();
        assert_eq!(inner.parent().unwrap().id(), current().unwrap().id());
        inner.end().await.unwrap();
    }))
    .unwrap();
}

#[test]
fn a_scope_is_a_child_of_what_is_current_at_its_first_poll() {
    let made_outside = scope(async { above() });
    let t = begin();
    let made_in_another = t.enter(|| scope(async { above() }));
    finish(scope(async {
        let id = current().unwrap().id();
        assert_eq!(made_outside.await.unwrap(), Some(id));
        assert_eq!(made_in_another.await.unwrap(), Some(id));
        assert_eq!(scope(async { above() }).await.unwrap(), Some(id));
    }))
    .unwrap();
    finish(t.end()).unwrap();
}

#[test]
fn a_scope_keeps_the_parent_of_its_first_poll() {
    let (a, b, gate) = (begin(), begin(), Gate::new());
    let mut task = Task::new(scope(async {
        let first = above();
        gate.pass().await;
        assert_eq!(above(), first);
        first
    }));
    let first = a.enter(|| task.poll());
    assert_pending!(first);
    gate.open();
    let parent = b.enter(|| assert_ready!(task.run())).unwrap();
    assert_eq!(parent, Some(a.id()));
    finish(a.end()).unwrap();
    finish(b.end()).unwrap();
}

#[test]
fn a_scope_in_an_added_future_is_a_child_of_that_future() {
    finish(scope(async {
        add(async {
            let own = current().unwrap().id();
            assert_eq!(scope(async { above() }).await.unwrap(), Some(own));
        });
    }))
    .unwrap();
}

#[test]
fn a_scope_on_another_thread_has_no_parent() {
    finish(scope(async {
        let parent = elsewhere(|| finish(scope(async { above() }))).unwrap();
        assert!(parent.is_none());
    }))
    .unwrap();
}

#[test]
fn the_chain_of_parents_leads_to_the_outermost() {
    finish(scope(async {
        let outermost = current().unwrap().id();
        add(async move {
            add(async move {
                let chain: Vec<_> =
                    std::iter::successors(current(), |t| t.parent()).map(|t| t.id()).collect();
                assert_eq!(chain.len(), 3);
                assert_eq!(chain[2], outermost);
            });
        });
    }))
    .unwrap();
}
