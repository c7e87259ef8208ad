//! How long things have been there, without a look at the clock when they are added.
//!
//! Everything has a serial, its place in the order of adding. When a driver leaves something pending, the last serial is
//! noted with the time: all up to it were there then. So the clock is read once where a drive comes to rest, and never
//! where a transaction settles in one go. What this gives is a lower bound, and close to the truth, as added is what is
//! added while somebody drives.

use std::time::{Duration, Instant};

/// How many marks are kept before they are thinned: to fewer than this for any age that a process may reach.
const KEPT: usize = 128;

/// From there on ages are told one from the other by more than their half.
const FINE: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(crate) struct Clock {
    /// Serials, and when all up to that had been added; both ascending.
    marks: Vec<(u64, Instant)>,
}

impl Clock {
    /// All up to this serial has been added by now; nothing that is there is older than `oldest`. Costs a look at the
    /// clock only if the serial is a new one.
    #[inline]
    pub(crate) fn mark(&mut self, serial: u64, oldest: u64) {
        if self.marks.last().is_none_or(|(last, _)| *last < serial) {
            self.mark_now(serial, oldest);
        }
    }

    #[cold]
    fn mark_now(&mut self, serial: u64, oldest: u64) {
        if let Some(now) = now() {
            self.mark_at(serial, oldest, now);
        }
    }

    fn mark_at(&mut self, serial: u64, oldest: u64, now: Instant) {
        if self.marks.len() >= KEPT {
            // Of an earlier transaction with the same engine.
            self.marks.retain(|(last, _)| *last >= oldest);
        }
        if self.marks.len() >= KEPT {
            self.thin(now);
        }
        self.marks.push((serial, now));
    }

    /// Drops a mark where its neighbours tell nearly the same: neither is half as old again as the other. The very first
    /// stays, as what hangs longest is what one looks for.
    fn thin(&mut self, now: Instant) {
        let age = |then: Instant| now.saturating_duration_since(then) + FINE;
        let mut kept = Vec::with_capacity(KEPT);
        let mut newer = Duration::ZERO;
        for (index, mark) in self.marks.iter().enumerate().rev() {
            let older = index.checked_sub(1).map(|index| age(self.marks[index].1));
            if older.is_none_or(|older| older * 2 > newer * 3) {
                kept.push(*mark);
                newer = age(mark.1);
            }
        }
        kept.reverse();
        self.marks = kept;
    }

    /// For how long at least what has this serial has been there. `None`: no drive has come to rest since.
    pub(crate) fn age(&self, serial: u64, now: Option<Instant>) -> Option<Duration> {
        let index = self.marks.partition_point(|(last, _)| *last < serial);
        let (_, then) = self.marks.get(index)?;
        Some(now?.saturating_duration_since(*then))
    }
}

/// The time, where there is a clock.
pub(crate) fn now() -> Option<Instant> {
    if cfg!(all(target_family = "wasm", target_os = "unknown")) { None } else { Some(Instant::now()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One mark a second.
    fn clock(seconds: u64) -> (Clock, Instant) {
        let (mut clock, start) = (Clock::default(), Instant::now());
        for second in 0..seconds {
            clock.mark_at(10 * second, 0, start + Duration::from_secs(second));
        }
        (clock, start + Duration::from_secs(seconds))
    }

    #[test]
    fn an_age_counts_from_the_first_mark_that_saw_it() {
        let (clock, now) = clock(10);
        assert_eq!(clock.age(0, Some(now)), Some(Duration::from_secs(10)));
        assert_eq!(clock.age(41, Some(now)), Some(Duration::from_secs(5)));
        assert_eq!(clock.age(50, Some(now)), Some(Duration::from_secs(5)));
        assert_eq!(clock.age(91, Some(now)), None, "nothing has come to rest since");
    }

    #[test]
    fn marks_of_an_earlier_transaction_go_first() {
        let (mut clock, now) = clock(KEPT as u64);
        clock.mark_at(10 * KEPT as u64, 10 * KEPT as u64 - 5, now);
        assert_eq!(clock.marks.len(), 1);
    }

    #[test]
    fn marks_are_bounded_and_ages_wrong_by_a_part_of_themselves() {
        const SECONDS: u64 = 100_000;
        let (clock, now) = clock(SECONDS);
        assert!(clock.marks.len() <= KEPT);
        assert_eq!(clock.age(0, Some(now)), Some(Duration::from_secs(SECONDS)), "the oldest is exact");
        for second in (1..SECONDS).step_by(37) {
            let (age, told) = (SECONDS - second, clock.age(10 * second, Some(now)).unwrap().as_secs());
            assert!(told <= age && told * 3 >= age * 2 - 3, "{told} instead of {age}");
        }
    }
}
