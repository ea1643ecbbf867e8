//! Which follower drags: it answers, and always far later than another (rule G2).
//!
//! Every commit waits for the slowest member. One that fails is removed; one that answers within the time that it has, and
//! takes ten times as long as the others, would make every trade wait for it, for ever. *A follower gets a tenth of
//! its time: trades take 50 ms instead of 7.* So a leader measures how long its followers take over messages, tick by
//! tick: not the mean message, but the one that a trade finds under way, which is the longer the more often
//! it is met (the mean weighted by length). A follower that is stopped for 45 ms of 50 answers most messages at once, and most
//! trades meet one that it does not.
//!
//! One drags once it has been slow, as measured against the quickest, for a second more than it was not; it does no longer
//! once it was not for a second more than it was. On a machine that is slow for everybody nobody drags.
//!
//! Pure: times come in as values. What follows is decided in [`Replica`](super::replica::Replica).

use std::collections::{BTreeMap, BTreeSet};

use wire::ids::ReplicaId;

/// So many times as long as the quickest follower is slow...
const TIMES: u64 = 4;
/// ...if it is at least this: less is not worth going on with one copy less.
const LEAST_US: u64 = 20_000;
/// So many ticks more of one kind than of the other, of those in which something was measured.
const TICKS: u8 = 10;

/// What is known of each follower.
#[derive(Clone, Debug, Default)]
pub struct Pace(BTreeMap<ReplicaId, Measured>);

#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    /// Since the last tick: how long messages took, and the squares of that.
    sum_us: u64,
    squares: u64,
    /// Ticks in which it was slow, less those in which it was not; from 0 to [`TICKS`].
    slow_ticks: u8,
    drags: bool,
}

impl Measured {
    /// The length of the message that is under way at a moment drawn at random from those at which one is.
    fn met_us(self) -> Option<u64> {
        self.squares.checked_div(self.sum_us)
    }

    /// The same after a tick, in which it was slow or was not; that is unknown where nothing was measured, for a
    /// message may take longer than a tick.
    fn after(self, was_slow: Option<bool>) -> Self {
        let slow_ticks = match was_slow {
            Some(true) => (self.slow_ticks + 1).min(TICKS),
            Some(false) => self.slow_ticks.saturating_sub(1),
            None => self.slow_ticks,
        };
        let drags = slow_ticks == TICKS || (self.drags && slow_ticks > 0);
        Self { sum_us: 0, squares: 0, slow_ticks, drags }
    }
}

impl Pace {
    /// A message was answered, after so long.
    pub fn answered(&mut self, follower: ReplicaId, took_us: u64) {
        let measured = self.0.entry(follower).or_default();
        measured.sum_us = measured.sum_us.saturating_add(took_us);
        measured.squares = measured.squares.saturating_add(took_us.saturating_mul(took_us));
    }

    /// Time has passed. Who drags.
    pub fn tick(&mut self) -> BTreeSet<ReplicaId> {
        let quickest_us = self.0.values().filter_map(|measured| measured.met_us()).min();
        for measured in self.0.values_mut() {
            let was_slow = measured.met_us().zip(quickest_us).map(|(met_us, quickest_us)| {
                met_us > LEAST_US.max(quickest_us.saturating_mul(TIMES))
            });
            *measured = measured.after(was_slow);
        }
        let drags = self.0.iter().filter(|(_, measured)| measured.drags);
        drags.map(|(follower, _)| *follower).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: ReplicaId = ReplicaId(1);
    const LATE: ReplicaId = ReplicaId(2);

    fn tick(pace: &mut Pace, took_us: &[(ReplicaId, u64)]) -> BTreeSet<ReplicaId> {
        took_us.iter().for_each(|(follower, took_us)| pace.answered(*follower, *took_us));
        pace.tick()
    }

    /// As often as it takes, and not once less.
    fn for_a_second(
        pace: &mut Pace,
        took_us: &[(ReplicaId, u64)],
        before: &BTreeSet<ReplicaId>,
        after: &BTreeSet<ReplicaId>,
    ) {
        for _ in 1..TICKS {
            assert_eq!(&tick(pace, took_us), before);
        }
        assert_eq!(&tick(pace, took_us), after);
    }

    #[test]
    fn who_is_late_for_a_second_drags_until_it_was_not_for_a_second() {
        let (nobody, late) = (BTreeSet::new(), BTreeSet::from([LATE]));
        let is_late = [(QUICK, 2_000), (QUICK, 4_000), (LATE, 45_000)];
        let mut pace = Pace::default();
        for_a_second(&mut pace, &is_late, &nobody, &late);
        assert_eq!(tick(&mut pace, &[]), late, "nothing was measured");
        for_a_second(&mut pace, &[(QUICK, 3_000), (LATE, 5_000)], &late, &nobody);
        for_a_second(&mut pace, &is_late, &nobody, &late);
    }

    #[test]
    fn what_counts_is_the_message_that_a_trade_meets() {
        let mut pace = Pace::default();
        let mut took_us = vec![(LATE, 1_000); 20];
        took_us.extend([(QUICK, 2_000), (LATE, 45_000), (LATE, 45_000)]);
        let late = BTreeSet::from([LATE]);
        for_a_second(&mut pace, &took_us, &BTreeSet::new(), &late);
    }

    #[test]
    fn a_tick_now_and_then_in_which_it_is_quick_makes_up_for_one_in_which_it_was_not() {
        let mut pace = Pace::default();
        let ticks = [(LATE, 45_000), (LATE, 45_000), (LATE, 1_000)].into_iter().cycle();
        // Two of three: a third of the ticks counts.
        let needed = ticks.take_while(|late| tick(&mut pace, &[(QUICK, 2_000), *late]).is_empty());
        assert_eq!(needed.count() + 1, 26);
        let mut in_turns = Pace::default();
        for late in [(LATE, 45_000), (LATE, 1_000)].into_iter().cycle().take(100) {
            assert!(tick(&mut in_turns, &[(QUICK, 2_000), late]).is_empty());
        }
    }

    #[test]
    fn a_message_that_takes_longer_than_a_tick_counts_when_it_is_answered() {
        let mut pace = Pace::default();
        for _ in 1..TICKS {
            assert!(tick(&mut pace, &[(QUICK, 2_000)]).is_empty());
            assert!(tick(&mut pace, &[(QUICK, 2_000), (LATE, 150_000)]).is_empty());
        }
        assert_eq!(tick(&mut pace, &[(QUICK, 2_000), (LATE, 150_000)]), [LATE].into());
    }

    #[test]
    fn nobody_drags_where_all_are_slow_or_late_by_little_or_only_one_is_measured() {
        for took_us in [
            [(QUICK, 60_000), (LATE, 200_000)],
            [(QUICK, 1_000), (LATE, LEAST_US)],
            [(LATE, 90_000); 2],
        ] {
            let mut pace = Pace::default();
            for _ in 0..3 * TICKS {
                assert!(tick(&mut pace, &took_us).is_empty(), "{took_us:?}");
            }
        }
    }
}
