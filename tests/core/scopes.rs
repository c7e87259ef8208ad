//! `scope`, `try_scope` and their outcomes.

use std::error::Error;

use settled::{Handled, Outcome, ScopeError, Transaction, add, begin, current, scope, try_scope};
use support::{Gate, Log, Oops, Task, assert_pending, assert_ready, causes, failing, finish, yields};

#[test]
fn a_body_may_borrow_and_need_not_be_send() {
    let (text, counted) = (String::from("borrowed"), std::rc::Rc::new(3));
    let sum = finish(scope(async {
        yields(1).await;
        text.len() + *counted
    }));
    assert_eq!(sum.unwrap(), 11);
}

#[test]
fn a_scope_that_adds_nothing_is_ready_with_its_body() {
    let mut task = Task::new(scope(async { 5 }));
    assert_eq!(assert_ready!(task.poll()).unwrap(), 5);
}

#[test]
fn t03_a_scope_returns_what_its_body_returns() {
    assert_eq!(finish(scope(async { "value" })).unwrap(), "value");
    assert_eq!(finish(try_scope(async { Ok::<_, Oops>(5) })).unwrap(), 5);
}

#[test]
fn t20_failures_of_children_are_the_error_of_a_scope() {
    let failures = finish(scope(async {
        add(failing("one"));
        add(failing("two"));
        5
    }))
    .unwrap_err();
    assert_eq!(causes(&failures), ["one", "two"]);
}

#[test]
fn a_try_scope_whose_children_fail_says_so() {
    let result = finish(try_scope(async {
        add(failing("child"));
        Ok::<_, Oops>(5)
    }));
    let Err(ScopeError::Failed(failures)) = result else { panic!("{result:?}") };
    assert_eq!(causes(&failures), ["child"]);
}

#[test]
fn t25_a_body_that_fails_leaves_nothing_untracked() {
    let (log, gate) = (Log::new(), Gate::new());
    let mut task = Task::new(try_scope(async {
        add(gate.pass());
        add(log.step("settled"));
        Err::<(), _>(Oops("body".into()))
    }));
    assert_pending!(task.run());
    assert_eq!(log.take(), ["settled"]);
    gate.open();
    let result = assert_ready!(task.run());
    let Err(ScopeError::Body(error)) = result else { panic!("{result:?}") };
    assert_eq!(error, Oops("body".into()));
}

#[test]
fn where_the_body_fails_its_error_comes_first_and_no_failure_is_lost() {
    let outer = finish(scope(async {
        let result = try_scope(async {
            add(failing("child"));
            Err::<(), _>(Oops("body".into()))
        })
        .await;
        assert!(matches!(result, Err(ScopeError::Body(_))));
    }));
    // Nobody has received the child's failure: it goes up, for it is "never nowhere".
    assert_eq!(causes(&outer.unwrap_err()), ["child"]);
}

#[test]
fn the_outcome_of_a_scope_loses_nothing() {
    let Outcome { value, failures, deferred, .. } = finish(
        scope(async {
            add(failing("child"));
            5
        })
        .outcome(),
    );
    assert_eq!(value, 5);
    assert_eq!(causes(&failures), ["child"]);
    assert!(!deferred);
    let outcome = finish(scope(async { "fine" }).outcome());
    assert_eq!(outcome.value, "fine");
    assert!(outcome.failures.is_empty());
}

#[test]
fn the_outcome_of_a_try_scope_loses_nothing() {
    let outcome = finish(
        try_scope(async {
            add(failing("child"));
            Ok::<_, Oops>(5)
        })
        .outcome(),
    );
    assert!(matches!(outcome.value, Ok(5)), "also where children failed");
    assert_eq!(causes(&outcome.failures), ["child"]);
    assert!(!outcome.deferred);

    let outcome = finish(
        try_scope(async {
            add(failing("child"));
            Err::<(), _>(Oops("body".into()))
        })
        .outcome(),
    );
    assert!(matches!(&outcome.value, Err(ScopeError::Body(error)) if error.0 == "body"));
    assert_eq!(causes(&outcome.failures), ["child"]);
}

#[test]
fn an_outcome_that_was_received_is_not_told_again() {
    finish(scope(async {
        let outcome = scope(async {
            add(failing("child"));
        })
        .outcome()
        .await;
        assert_eq!(outcome.failures.len(), 1);
    }))
    .unwrap();
}

#[test]
fn nested_scopes_settle_before_what_follows_them() {
    let log = Log::new();
    finish(scope(async {
        add(log.step("outer"));
        let inner = log.clone();
        scope(async {
            let child = inner.clone();
            add(async move {
                yields(3).await;
                child.note("inner");
            });
        })
        .await
        .unwrap();
        log.note("after inner");
    }))
    .unwrap();
    assert_eq!(log.take(), ["outer", "inner", "after inner"]);
}

#[test]
fn a_nested_scope_does_not_wait_for_its_parents_children() {
    let gate = Gate::new();
    let mut task = Task::new(scope(async {
        add(gate.pass());
        scope(async { add(yields(1)).await }).await.unwrap().unwrap();
        gate.open();
    }));
    assert_ready!(task.run()).unwrap();
}

#[test]
fn scopes_anywhere_below_come_to_their_ends() {
    finish(scope(async {
        scope(async {}).await.unwrap();
        add(async {
            scope(async {}).await.unwrap();
            scope(yields(1)).await.unwrap();
            add(async {
                scope(async {
                    scope(async {}).await.unwrap();
                    add(async { scope(async {}).await });
                })
                .await
                .unwrap();
            });
        });
        let t = begin();
        t.add(async { scope(async {}).await }).unwrap();
        t.end().await.unwrap();
    }))
    .unwrap();
}

#[test]
fn a_scope_that_fails_inside_a_try_scope_can_be_handed_on() {
    async fn job() -> Result<u32, Box<dyn Error + Send + Sync>> {
        let value: u32 = scope(async {
            add(failing("deep inside"));
            5
        })
        .await?;
        Ok(value)
    }
    let result = finish(try_scope(job()));
    let Err(ScopeError::Body(error)) = result else { panic!("{result:?}") };
    let failures = error.downcast_ref::<settled::Failures>().unwrap();
    assert_eq!(causes(failures), ["deep inside"]);
}

#[test]
fn a_try_scope_that_fails_inside_an_added_future_is_a_failure_of_that() {
    let failures = finish(scope(async {
        add(async {
            try_scope(async {
                add(failing("deep inside"));
                Ok::<_, Oops>(())
            })
            .await?;
            Handled::Ok(())
        });
    }))
    .unwrap_err();
    assert_eq!(failures.len(), 1);
    assert!(failures.first().unwrap().to_string().contains("deep inside"));
    let error = failures.first().unwrap().downcast_ref::<ScopeError<Oops>>().unwrap();
    assert!(matches!(error, ScopeError::Failed(inner) if causes(inner) == ["deep inside"]));
}

#[test]
fn the_builder_makes_scopes() {
    let result = finish(Transaction::builder().name("job").try_scope(async {
        add(failing("child"));
        Ok::<_, Oops>(5)
    }));
    assert!(matches!(result, Err(ScopeError::Failed(_))));
    let result = finish(Transaction::builder().depth_limit(8).scope(async { 5 }));
    assert_eq!(result.unwrap(), 5);
    let outcome = finish(Transaction::builder().scope(async { 6 }).outcome());
    assert_eq!(outcome.value, 6);
}

#[test]
fn scopes_side_by_side_in_one_body_are_apart() {
    finish(scope(async {
        let gate = Gate::new();
        let one = scope(async {
            add(failing("one"));
            gate.pass().await;
            current().unwrap().id()
        });
        let two = scope(async {
            add(failing("two"));
            gate.open();
            current().unwrap().id()
        });
        let (one, two) = futures::join!(one, two);
        assert_eq!(causes(&one.unwrap_err()), ["one"]);
        assert_eq!(causes(&two.unwrap_err()), ["two"]);
    }))
    .unwrap();
}

#[test]
fn ending_an_inner_one_before_the_body_goes_on() {
    let log = Log::new();
    finish(scope(async {
        let inner = begin();
        inner.add(log.step("inner work")).unwrap();
        inner.end().await.unwrap();
        log.note("body");
    }))
    .unwrap();
    assert_eq!(log.take(), ["inner work", "body"]);
}
