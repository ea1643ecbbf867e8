//! What faults did to trades and reads: lost, doubled, stale, each counted once and put down to a
//! fault.
//!
//! A violation says that a rule was broken, and one lost order breaks several: each replica that
//! lacks it is a violation, and each lookup. Here the trade counts, once. It is put down to the
//! fault that was injected, or undone, nearest in time to what the client saw of it: an order that
//! a leader acknowledged and took to its grave was acknowledged just *before* the fault.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::evidence::nearest_fault;
use super::history::History;
use super::trial_name::TrialName;
use crate::text::counted;

/// What became of a trade or a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Anomaly {
    /// An acknowledged order that is gone or changed, or a trade that was done by half.
    Lost,
    /// A trade with more effects than its client was told of.
    Doubled,
    /// A read older than an acknowledged trade.
    Stale,
}

/// What was lost, doubled or stale in one trial, by kind and by name, and by which fault.
#[derive(Debug, Default)]
pub(crate) struct Anomalies(BTreeMap<(Anomaly, String), Option<u32>>);

/// How many one fault has cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultAnomalies {
    /// In which trial.
    #[serde(flatten)]
    pub trial: TrialName,
    /// The fault's number; empty if there was none to blame.
    pub fault: Option<u32>,
    /// Acknowledged orders that are gone or changed, and trades that were done by half.
    pub lost: u64,
    /// Trades with more effects than their clients were told of.
    pub doubled: u64,
    /// Reads older than an acknowledged trade.
    pub stale: u64,
}

/// How many there are in all, whatever fault did it. An order that is gone is one, however many checks
/// and replicas miss it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnomalyTotals {
    /// Acknowledged orders that are gone or changed, and trades that were done by half.
    pub lost: u64,
    /// Trades with more effects than their clients were told of.
    pub doubled: u64,
    /// Reads older than an acknowledged trade.
    pub stale: u64,
}

impl AnomalyTotals {
    /// What a run's faults did together, and what was done without one.
    #[must_use]
    pub fn of(anomalies: &[FaultAnomalies]) -> Self {
        anomalies.iter().fold(Self::default(), |all, one| Self {
            lost: all.lost + one.lost,
            doubled: all.doubled + one.doubled,
            stale: all.stale + one.stale,
        })
    }

    /// All three kinds.
    #[must_use]
    pub fn total(self) -> u64 {
        self.lost + self.doubled + self.stale
    }
}

impl fmt::Display for AnomalyTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lost, {} doubled, {}",
            counted(self.lost, "order", "orders"),
            self.doubled,
            counted(self.stale, "stale read", "stale reads")
        )
    }
}

impl Anomalies {
    /// Puts an anomaly that showed at `at_us` down to the nearest fault. What has a name counts once.
    pub(crate) fn add(
        &mut self,
        history: &History<'_>,
        kind: Anomaly,
        name: impl Into<String>,
        at_us: Option<u64>,
    ) {
        let nearest = at_us.and_then(|at_us| nearest_fault(history, at_us));
        let fault = nearest.and_then(|nearest| nearest.fault);
        self.0.entry((kind, name.into())).or_insert(fault);
    }

    /// Adds what another check found; what both found is one.
    pub(super) fn extend(&mut self, others: Self) {
        for (named, fault) in others.0 {
            self.0.entry(named).or_insert(fault);
        }
    }

    /// The counts by fault.
    pub(super) fn counts(&self, trial: &TrialName) -> Vec<FaultAnomalies> {
        let mut counts: BTreeMap<Option<u32>, FaultAnomalies> = BTreeMap::new();
        for ((kind, _), &fault) in &self.0 {
            let none =
                || FaultAnomalies { trial: trial.clone(), fault, lost: 0, doubled: 0, stale: 0 };
            let count = counts.entry(fault).or_insert_with(none);
            match kind {
                Anomaly::Lost => count.lost += 1,
                Anomaly::Doubled => count.doubled += 1,
                Anomaly::Stale => count.stale += 1,
            }
        }
        counts.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::FaultAnomalies;
    use crate::checks::testing::Trial;
    use crate::records::Action;
    use wire::bazaar::TradeType::Buy;

    /// A kill at 45, its restart at 5000; a trade before and a trade after each.
    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 40));
        trial.fault(45, Action::Kill, "order-3");
        trial.trade(2, "r2", Buy, 4, "Stock1", (3_000, 4_990));
        trial.fault(5_000, Action::Restart, "order-3");
        for event in &mut trial.events {
            event.fault = event.fault.map(|_| 1);
        }
        trial
    }

    fn anomalies(trial: &Trial) -> Vec<FaultAnomalies> {
        trial.report().anomalies
    }

    #[test]
    fn nothing_is_lost_doubled_or_stale_in_a_trial_that_went_well() {
        assert_eq!(anomalies(&trial()), []);
    }

    #[test]
    fn an_order_that_all_replicas_lack_is_lost_once_to_the_fault_after_it() {
        let mut trial = trial();
        trial.lookup(1, "r1", (100, 110));
        trial.observations.last_mut().unwrap().outcome = crate::records::Outcome::Rejected;
        trial.finals.retain(|row| row.request_id.as_deref() != Some("r1"));
        let found = anomalies(&trial);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].fault, found[0].lost, found[0].doubled), (Some(1), 1, 0));
    }

    #[test]
    fn the_headline_counts_an_order_that_several_checks_miss_once() {
        let mut trial = trial();
        trial.lookup(1, "r1", (100, 110));
        trial.observations.last_mut().unwrap().outcome = crate::records::Outcome::Rejected;
        trial.finals.retain(|row| row.request_id.as_deref() != Some("r1"));
        let report = trial.report();
        assert!(report.violations() > 2, "{}", report.violations());
        let said = report.headline();
        let (found, unasked) = said.split_once(" Not asked: ").unwrap();
        assert!(found.ends_with(" violations: 1 order lost, 0 doubled, 0 stale reads."), "{said}");
        assert_eq!(
            unasked.matches("; ").count(),
            2,
            "the three checks without anything to look at: {said}"
        );
    }

    #[test]
    fn doubled_trades_and_stale_reads_are_counted_beyond_what_is_kept_as_evidence() {
        let mut trial = trial();
        let twin = trial.entry_mut("catalog", "r2").clone();
        trial.finals.push(twin);
        for nth in 0..50 {
            trial.show(3, "Stock1", 100, 0, (5_100 + nth * 10, 5_105 + nth * 10));
        }
        let found = anomalies(&trial);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].lost, found[0].doubled, found[0].stale), (0, 1, 50));
    }

    #[test]
    fn without_a_fault_there_is_none_to_blame() {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 40));
        trial.entry_mut("order-2", "r1").quantity = Some(9);
        let found = anomalies(&trial);
        assert_eq!((found[0].fault, found[0].lost), (None, 1));
    }
}
