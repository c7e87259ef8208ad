//! One call of all handlers: what they gave is collected here.

use std::any::Any;
use std::mem;
use std::panic::Location;
use std::sync::Arc;

use settled::plumbing::{self, Place};
use settled::{BoxError, OwnedTransaction, Stashed};

use crate::delivery::Waits;
use crate::notification::Notification;
use crate::parts::{Parts, Yield};
use crate::relay::Relay;
use crate::tally::{Kept, Tallies, Tally};

pub(crate) struct Round<'a, R> {
    /// The results so far, as long as there is nothing but results: that is all that most rounds come to.
    results: Vec<R>,
    /// Otherwise everything is here.
    parts: Option<Parts<R>>,
    /// Where the notification was made.
    location: &'static Location<'static>,
    /// There was a handler that is gone: a weak one, or one that is called once.
    pub(crate) met_gone: bool,
    /// The asynchronous ones run one after another.
    sequential: bool,
    /// Where those wait for one another.
    relay: Option<Arc<Relay>>,
    /// Where the tally comes from.
    tallies: &'a Tallies<R>,
    /// Of the prompt deliveries, once there is one.
    tally: Option<Kept<R>>,
    /// How many there are.
    prompt: u32,
    /// The number of the change that it tells of; 0: of none.
    pub(crate) stamp: u64,
    /// Asynchronous handlers are not to hear of it.
    pub(crate) is_sync: bool,
}

impl<'a, R> Round<'a, R> {
    #[inline]
    pub(crate) fn new(
        location: &'static Location<'static>,
        sequential: bool,
        tallies: &'a Tallies<R>,
    ) -> Self {
        Round {
            results: Vec::new(),
            parts: None,
            location,
            met_gone: false,
            sequential,
            relay: None,
            tallies,
            tally: None,
            prompt: 0,
            stamp: 0,
            is_sync: false,
        }
    }

    pub(crate) fn is_sequential(&self) -> bool {
        self.sequential
    }

    /// Where the asynchronous handlers wait for one another, if they do.
    #[inline]
    pub(crate) fn relay(&mut self) -> Option<Arc<Relay>> {
        self.sequential.then(|| self.relay.get_or_insert_with(|| Arc::new(Relay::new())).clone())
    }

    /// A handler has returned.
    // Where it is known what was returned, next to nothing is left of this.
    #[inline(always)]
    pub(crate) fn push(&mut self, outcome: Result<Yield<R>, BoxError>) {
        match outcome {
            Ok(Yield::One(result)) => self.push_result(result),
            Ok(Yield::Nothing) => {}
            other => self.push_other(other),
        }
    }

    #[inline(always)]
    fn push_result(&mut self, result: R) {
        match &mut self.parts {
            None => self.results.push(result),
            Some(_) => self.push_behind(result),
        }
    }

    #[cold]
    fn push_behind(&mut self, result: R) {
        self.parts().push(Yield::One(result));
    }

    #[cold]
    fn push_other(&mut self, outcome: Result<Yield<R>, BoxError>) {
        match outcome {
            Ok(Yield::Many(results)) if self.parts.is_none() => self.results.extend(results),
            Ok(given) => self.parts().push(given),
            Err(error) => {
                let failure = plumbing::fail_at(error, self.location);
                self.parts().push_failure(failure);
            }
        }
    }

    /// A handler, or the event's `Clone` for it, panicked.
    #[cold]
    pub(crate) fn panicked(&mut self, payload: Box<dyn Any + Send>) {
        let failure = plumbing::panic_at(payload, self.location);
        self.parts().push_failure(failure);
    }

    /// For the next prompt delivery, and its number.
    #[inline]
    pub(crate) fn tally(&mut self) -> (&Arc<Tally<R>>, u32) {
        let Round { tallies, tally, prompt, location, .. } = self;
        (&tally.get_or_insert_with(|| tallies.take(location)).0, *prompt)
    }

    /// The prompt delivery with that number has been added.
    #[inline]
    pub(crate) fn push_prompt(&mut self, place: Place) {
        let number = self.prompt;
        self.prompt += 1;
        self.parts().push_prompt(number, place);
    }

    pub(crate) fn push_delivery(&mut self, stashed: Stashed<Yield<R>>, waits: Option<Box<Waits>>) {
        self.parts().push_delivery(stashed, waits);
    }

    #[inline]
    fn parts(&mut self) -> &mut Parts<R> {
        let Round { results, parts, location, .. } = self;
        parts.get_or_insert_with(|| Parts::new(location, mem::take(results)))
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// All have been called. By reference, since most rounds have nothing but results, and moving the rest costs.
    #[inline]
    pub(crate) fn finish(&mut self, own: Option<OwnedTransaction>) -> Notification<R> {
        if self.parts.is_none() && own.is_none() {
            return Notification::done(mem::take(&mut self.results));
        }
        self.finish_parts(own)
    }

    #[cold]
    fn finish_parts(&mut self, own: Option<OwnedTransaction>) -> Notification<R> {
        let tally = self.tally.take();
        self.parts().set_own(own);
        self.parts().set_tally(tally);
        self.parts.take().map_or_else(|| Notification::done(Vec::new()), Notification::new)
    }
}
