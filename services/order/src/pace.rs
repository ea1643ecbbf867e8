//! Which follower drags: it answers, and always far later than another (rule G2).
//!
//! Every commit waits for the slowest member. One that fails is removed; one that answers within the time that it has, and
//! takes ten times as long as the others, would make every trade wait for it, for ever. *A follower gets a tenth of
//! its time: trades take 50 ms instead of 7.* So a leader measures how long its followers take over messages with entries in
//! them, tick by tick. One drags once it has been slow, as measured against the quickest, for a second on end; it does no
//! longer once it was not, for a tick. On a machine that is slow for everybody nobody drags.
//!
//! Pure: times come in as values. What follows is decided in [`Replica`](super::replica::Replica).

use std::collections::{BTreeMap, BTreeSet};

use wire::ids::ReplicaId;

/// So many times as long as the quickest follower is slow...
const TIMES: u64 = 4;
/// ...if it is at least this: less is not worth going on with one copy less.
const LEAST_US: u64 = 20_000;
/// So many ticks on end, of those in which something was measured.
const TICKS: u8 = 10;

/// What is known of each follower.
#[derive(Clone, Debug, Default)]
pub struct Pace(BTreeMap<ReplicaId, Measured>);

#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    /// Since the last tick.
    sum_us: u64,
    count: u64,
    /// Ticks on end in which it was slow.
    slow_ticks: u8,
}

impl Measured {
    fn mean_us(self) -> Option<u64> {
        self.sum_us.checked_div(self.count)
    }
}

impl Pace {
    /// A message with entries was answered, after so long.
    pub fn answered(&mut self, follower: ReplicaId, took_us: u64) {
        let measured = self.0.entry(follower).or_default();
        measured.sum_us = measured.sum_us.saturating_add(took_us);
        measured.count += 1;
    }

    /// Time has passed. Who drags.
    pub fn tick(&mut self) -> BTreeSet<ReplicaId> {
        let quickest_us = self.0.values().filter_map(|measured| measured.mean_us()).min();
        for measured in self.0.values_mut() {
            let Measured { slow_ticks, .. } = *measured;
            // Nothing measured says nothing: a message may take longer than a tick.
            let slow_ticks = match (measured.mean_us(), quickest_us) {
                (Some(mean_us), Some(quickest_us)) => {
                    let is_slow = mean_us > LEAST_US.max(quickest_us.saturating_mul(TIMES));
                    if is_slow { slow_ticks.saturating_add(1) } else { 0 }
                }
                _ => slow_ticks,
            };
            *measured = Measured { slow_ticks, ..Measured::default() };
        }
        let drags = self.0.iter().filter(|(_, measured)| measured.slow_ticks >= TICKS);
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

    #[test]
    fn who_is_late_for_a_second_on_end_drags_until_it_is_not() {
        let mut pace = Pace::default();
        let late = [(QUICK, 2_000), (QUICK, 4_000), (LATE, 45_000)];
        for _ in 1..TICKS {
            assert!(tick(&mut pace, &late).is_empty());
        }
        assert_eq!(tick(&mut pace, &late), [LATE].into());
        assert_eq!(tick(&mut pace, &[]), [LATE].into(), "nothing was measured");
        assert_eq!(tick(&mut pace, &late), [LATE].into());
        assert!(tick(&mut pace, &[(QUICK, 3_000), (LATE, 5_000)]).is_empty());
        assert!(tick(&mut pace, &late).is_empty(), "it begins anew");
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
