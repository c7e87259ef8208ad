//! What is dropped is dropped inside its own transaction.

use std::pin::Pin;
use std::task::{Context, Poll};

use settled::{add, scope};
use support::{Gate, Task, assert_pending, assert_ready, finish, on_drop, yields};

use crate::ambient::{Seen, here};

/// Done at its first poll, at which it looks what is current; what it holds is dropped together with it, not before.
struct Holding<G>(Seen, G);

impl<G: Unpin> Future for Holding<G> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.see(here());
        Poll::Ready(())
    }
}

/// Adds when it is dropped.
fn goodbye(gate: &Gate) -> impl Unpin + Send + use<> + 'static {
    let gate = gate.clone();
    on_drop(move || {
        add(gate.pass());
    })
}

#[test]
fn what_a_future_holds_is_dropped_inside_its_transaction() {
    let seen = Seen::default();
    let look = |seen: &Seen| {
        let seen = seen.clone();
        on_drop(move || seen.see(here()))
    };
    finish(scope(Holding(seen.clone(), look(&seen)))).unwrap();
    let of_the_body = seen.take();
    assert!(of_the_body[0].is_some());
    assert_eq!(of_the_body, [of_the_body[0]; 2]);

    finish(scope(async {
        add(Holding(seen.clone(), look(&seen)));
        yields(2).await;
        let of_the_child = seen.take();
        assert!(of_the_child[0].is_some() && of_the_child[0] != here());
        assert_eq!(of_the_child, [of_the_child[0]; 2]);

        let (inside, guard) = (seen.clone(), look(&seen));
        add(async move {
            inside.see(here());
            yields(1).await;
            drop(guard);
        });
        yields(4).await;
        let of_the_other = seen.take();
        assert!(of_the_other[0] != of_the_child[0]);
        assert_eq!(of_the_other, [of_the_other[0]; 2]);
    }))
    .unwrap();
}

#[test]
fn what_a_destructor_adds_is_waited_for() {
    let gate = Gate::new();
    let in_a_body = scope(async { drop(goodbye(&gate)) });
    let at_the_end_of_a_body = scope(Holding(Seen::default(), goodbye(&gate)));
    let of_a_child = scope(async {
        add(Holding(Seen::default(), goodbye(&gate)));
    });
    let mut tasks = (Task::new(in_a_body), Task::new(at_the_end_of_a_body), Task::new(of_a_child));
    assert_pending!(tasks.0.run());
    assert_pending!(tasks.1.run());
    assert_pending!(tasks.2.run());
    gate.open();
    assert_ready!(tasks.0.run()).unwrap();
    assert_ready!(tasks.1.run()).unwrap();
    assert_ready!(tasks.2.run()).unwrap();
}
