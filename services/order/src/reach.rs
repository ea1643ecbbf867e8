//! Whom a replica cannot reach, and since when: rule G1.
//!
//! The front-end reaches every replica, or takes it for dead; that a replica reaches those whom it needs to
//! lead, only the replica itself can tell. *Otherwise: the link from the leader to the catalog breaks, every
//! trade waits, and the leader, which answers every ping, stays.* Noted by the caller, read by
//! the code that answers pings, without a lock. Times come in as values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wire::ids::ReplicaId;
use wire::internal::{Part, Unreachable};

/// Since when each part has been out of reach. Copies share it.
#[derive(Clone, Debug)]
pub struct Reach(Arc<BTreeMap<Part, AtomicU64>>);

impl Reach {
    /// Of the front-end, the catalog, and `others`: nothing is known to be out of reach.
    #[must_use]
    pub fn new(others: impl IntoIterator<Item = ReplicaId>) -> Self {
        let parts = others.into_iter().map(Part::Replica).chain([Part::FrontEnd, Part::Catalog]);
        Self(Arc::new(parts.map(|part| (part, AtomicU64::new(0))).collect()))
    }

    /// `part` answered, whatever it said.
    pub fn answered(&self, part: Part) {
        if let Some(since_us) = self.0.get(&part) {
            since_us.store(0, Ordering::Relaxed);
        }
    }

    /// A call to `part` that began at `began_us` had no answer. Only the first after an answer counts.
    pub fn failed(&self, part: Part, began_us: u64) {
        if let Some(since_us) = self.0.get(&part) {
            let (now, none) = (began_us.max(1), 0);
            let _ = since_us.compare_exchange(none, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Everybody who is out of reach.
    #[must_use]
    pub fn unreachable(&self, now_us: u64) -> Vec<Unreachable> {
        let since = |(part, since_us): (&Part, &AtomicU64)| {
            let since_us =
                Some(since_us.load(Ordering::Relaxed)).filter(|since_us| *since_us > 0)?;
            Some(Unreachable { peer: *part, since_ms: now_us.saturating_sub(since_us) / 1000 })
        };
        self.0.iter().filter_map(since).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_since_an_answer_counts() {
        let reach = Reach::new([ReplicaId(2)]);
        assert_eq!(reach.unreachable(9_000), []);
        reach.failed(Part::Catalog, 1_000);
        reach.failed(Part::Catalog, 3_000);
        reach.failed(Part::Replica(ReplicaId(2)), 5_000);
        let catalog = Unreachable { peer: Part::Catalog, since_ms: 8 };
        let other = Unreachable { peer: Part::Replica(ReplicaId(2)), since_ms: 4 };
        assert_eq!(reach.unreachable(9_000), [catalog, other]);
        reach.answered(Part::Catalog);
        assert_eq!(reach.unreachable(9_000), [other]);
        reach.failed(Part::Catalog, 9_000);
        assert_eq!(reach.unreachable(9_000)[0].since_ms, 0);
    }

    #[test]
    fn nothing_is_noted_of_whom_it_does_not_know() {
        let reach = Reach::new([]);
        reach.failed(Part::Replica(ReplicaId(7)), 1);
        assert_eq!(reach.unreachable(9_000), []);
    }
}
