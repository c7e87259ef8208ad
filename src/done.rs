//! A future that is done, and of which somebody is to hear: its handle, its callbacks, the failures of its parent.

use std::panic::{AssertUnwindSafe, catch_unwind};

use smallvec::SmallVec;

use crate::current::{Polled, Remains};
use crate::driver::Drive;
use crate::error::{Failure, Kind as Why, call_quietly, drop_quietly};
use crate::parcel::pack;
use crate::ready::Key;
use crate::ticket::{Settled, Ticket};
use crate::turn::Done;
use crate::waker::{Wakers, wake_all};

impl Drive<'_> {
    /// A future is done, and somebody is to hear of it: its handle, its callbacks, the failures of its parent.
    #[cold]
    pub(crate) fn settle_polled(&self, done: Done) {
        let Done { job, key, loose, kept, remains, panic, refused } = done;
        let location = self.engine(|engine| engine.location_of_polled(loose, key));
        let mut failures: SmallVec<[Failure; 1]> = SmallVec::new();
        let mut omitted = 0;
        let mut value = None;
        match remains {
            None => {}
            Some(Remains::Value(left)) => value = Some(left),
            Some(Remains::Error(error)) => failures.push(Failure::new(Why::Error(error), location)),
            Some(Remains::Failures(many)) => {
                failures.extend(many.iter().cloned());
                omitted = many.omitted();
            }
        }
        failures.extend(panic.map(|payload| Failure::from_panic(payload, location)));
        // A future that panicked or was refused is still to be dropped, which may panic too.
        if job.is_some() {
            let fate = refused.clone().or_else(|| failures.first().cloned());
            let place = self.engine(|engine| engine.place_of_polled(loose, key));
            let mut second = None;
            let dropped = || second = catch_unwind(AssertUnwindSafe(|| drop(job))).err();
            self.ambient.with_fate(place, fate, dropped);
            failures.extend(second.map(|payload| Failure::from_panic(payload, location)));
        }
        let cancelled = refused.as_ref().is_some_and(Failure::is_cancelled);
        let told = refused.clone().or_else(|| failures.first().cloned());
        if !cancelled {
            failures.insert_many(0, refused);
        }
        let mut wakers_of_others = Wakers::new();
        if let Some(ticket) = &kept {
            let settled: Settled = match told {
                Some(failure) => {
                    drop_quietly(value);
                    Err(failure)
                }
                None => Ok(value.unwrap_or_else(|| pack(()))),
            };
            for payload in ticket.settle(settled, &mut wakers_of_others) {
                failures.push(Failure::from_panic(payload, location));
            }
        } else {
            drop_quietly(value);
        }
        let ambient = self.ambient;
        self.engine(|engine| {
            engine.stop |= kept.is_some();
            for failure in failures {
                engine.fail_polled(loose, failure, key);
            }
            if omitted > 0 {
                engine.omit_polled(loose, omitted, key);
            }
        });
        // The last reference to a ticket may hold a value of the user's: it is dropped with its transaction current.
        let ticket = self.engine(|engine| engine.take_ticket_of_polled(loose, key));
        kept.into_iter().chain(ticket).for_each(|ticket| call_quietly(|| Ticket::let_go(ticket)));
        self.engine(|engine| engine.finish_done(key));
        ambient.polled.set(Polled::Nothing);
        ambient.wakes.set(Key::MAX);
        wake_all(wakers_of_others);
    }
}
