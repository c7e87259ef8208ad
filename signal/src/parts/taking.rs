//! What is taken out of parts that have settled: results, and failures.

use settled::{Failure, Failures, plumbing};

use super::{Kept, Part, Parts, Yield};

impl<R> Parts<R> {
    /// Moves the results out of the settled parts.
    pub(crate) fn take_results(&mut self) -> Vec<R> {
        let mut results = std::mem::take(&mut self.results);
        let tally = self.tally.as_ref().map(|Kept(tally)| tally);
        for part in &mut self.list {
            match part {
                Part::Prompt(run) => {
                    tally.into_iter().for_each(|tally| run.take_results(tally, &mut results))
                }
                Part::Ok(Yield::Nested(parts)) => results.append(&mut parts.take_results()),
                Part::Ok(given) => match std::mem::replace(given, Yield::Nothing) {
                    Yield::One(result) => results.push(result),
                    Yield::Many(mut many) => results.append(&mut many),
                    Yield::Nothing | Yield::Nested(_) => {}
                },
                _ => {}
            }
        }
        results
    }

    /// Moves the failures out of the settled parts, and marks them as received. Each comes once, though both the
    /// transaction of a notification and its parts know of it.
    pub(crate) fn take_failures(&mut self) -> Option<Failures> {
        let own = self.own.as_mut().and_then(|own| own.failures.take()).unwrap_or_default();
        let mut all: Vec<Failure> = own.iter().cloned().collect();
        let known = all.len();
        self.gather_failures(known > 0, &mut all);
        all.iter().for_each(plumbing::receive);
        match all.len() {
            0 if own.is_empty() => None,
            len if len == known => Some(own),
            _ => Some(plumbing::failures(all)),
        }
    }

    fn gather_failures(&mut self, mut joins: bool, all: &mut Vec<Failure>) {
        fn gather(joins: bool, all: &mut Vec<Failure>, failure: &Failure) {
            if !joins || !all.iter().any(|known| plumbing::same(known, failure)) {
                all.push(failure.clone());
            }
        }
        let tally = self.tally.as_ref().map(|Kept(tally)| tally);
        for part in &mut self.list {
            match part {
                Part::Failed(failure) => gather(joins, all, failure),
                Part::Prompt(run) => {
                    tally
                        .into_iter()
                        .for_each(|tally| run.each_failure(tally, |failure| gather(joins, all, failure)));
                }
                Part::Ok(Yield::Nested(parts)) => {
                    if let Some(own) = parts.own.as_mut().and_then(|own| own.failures.take()) {
                        joins |= !own.is_empty();
                        all.extend(own.iter().cloned());
                    }
                    parts.gather_failures(joins, all);
                }
                _ => {}
            }
        }
    }
}
