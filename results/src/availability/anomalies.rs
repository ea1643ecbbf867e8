//! Lost, doubled and stale: what the checks found, on the sheet of the fault that did it.

use super::row::AvailabilityRow;
use crate::checks::{AnomalyTotals, ConsistencyReport, FaultAnomalies, TrialName};
use crate::records::Model;

/// Who looks for each kind.
struct Watching {
    lost: Watched,
    doubled: Watched,
    stale: Watched,
}

/// The checks that look for one kind. A 0 means something if one of the first applies to the target, and every one that
/// applies could tell.
struct Watched {
    /// Each looks for it everywhere; none where nobody does.
    everywhere: &'static [&'static str],
    /// These find some of it besides.
    besides: &'static [&'static str],
}

impl Watching {
    fn of(model: Model) -> Self {
        let by = |everywhere| Watched { everywhere, besides: &[] };
        match model {
            Model::Stocks => Self {
                lost: Watched {
                    everywhere: &["acknowledged-orders-survive", "state-is-what-was-told"],
                    besides: &["exactly-once"],
                },
                doubled: by(&["exactly-once"]),
                stale: by(&["no-stale-read"]),
            },
            // A write that is done twice leaves what it left.
            Model::Register => Self {
                lost: by(&["acknowledged-writes-survive"]),
                doubled: by(&[]),
                stale: by(&["no-stale-value"]),
            },
            Model::Log => Self {
                lost: by(&["acknowledged-appends-survive"]),
                doubled: by(&["appended-once"]),
                stale: by(&["log-reads-agree"]),
            },
        }
    }
}

impl Watched {
    /// Whether there being none could be known of the trial.
    fn could_tell(&self, checked: &ConsistencyReport, trial: &TrialName) -> bool {
        let applies = |check: &&&str| checked.applies(check);
        let mut all = self.everywhere.iter().chain(self.besides).filter(applies);
        self.everywhere.iter().any(|check| checked.applies(check))
            && all.all(|check| checked.could_tell(check, trial))
    }
}

/// Fills in what each fault lost, doubled and made stale, as the checks found it. What they could
/// not have found is left empty, not 0.
pub fn attribute(rows: &mut [AvailabilityRow], checked: &ConsistencyReport) {
    let Watching { lost, doubled, stale } = Watching::of(checked.run.model);
    for row in rows {
        let trial = TrialName { cell: row.cell.clone(), trial: row.trial };
        let of_fault =
            checked.anomalies.iter().find(|one| one.trial == trial && one.fault == Some(row.fault));
        let count = |of: fn(&FaultAnomalies) -> u64, watched: &Watched| {
            let known = || watched.could_tell(checked, &trial);
            of_fault.map(of).filter(|&count| count > 0).or_else(|| known().then_some(0))
        };
        row.lost = count(|one| one.lost, &lost);
        row.doubled = count(|one| one.doubled, &doubled);
        row.stale = count(|one| one.stale, &stale);
    }
}

/// What was lost, doubled and stale in a whole run, by a fault or without one. Empty where no check could have told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Acknowledged orders that are gone or changed.
    pub lost: Option<u64>,
    /// Trades with more effects than their clients were told of.
    pub doubled: Option<u64>,
    /// Reads older than an acknowledged trade.
    pub stale: Option<u64>,
}

impl Found {
    /// What the checks found in these trials, which are all that the run has.
    #[must_use]
    pub fn new(checked: &ConsistencyReport, trials: &[TrialName]) -> Self {
        let Watching { lost, doubled, stale } = Watching::of(checked.run.model);
        let totals = AnomalyTotals::of(&checked.anomalies);
        let count = |count: u64, watched: &Watched| {
            let known = || trials.iter().all(|trial| watched.could_tell(checked, trial));
            (count > 0 || known()).then_some(count)
        };
        Self {
            lost: count(totals.lost, &lost),
            doubled: count(totals.doubled, &doubled),
            stale: count(totals.stale, &stale),
        }
    }

    /// Both together. What one of them does not know is what the other has.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (known, None) | (None, known) => known,
        };
        Self {
            lost: sum(self.lost, other.lost),
            doubled: sum(self.doubled, other.doubled),
            stale: sum(self.stale, other.stale),
        }
    }
}
