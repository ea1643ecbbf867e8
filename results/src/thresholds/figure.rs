//! The figures that a threshold can be about, and where they are found.

use super::figures::Figures;
use crate::availability::{AvailabilityRow, FaultGroup};
use crate::records::{Fact, Op};
use crate::stats::median;
use crate::summary::SummaryRow;
use crate::timeline::Role;
use crate::verdict::Verdict;

/// Of one operation.
pub(super) const OF_OPERATIONS: [(&str, OfOperation); 9] = [
    ("mean_us", |row| row.mean_us),
    ("p50_us", |row| float(row.p50_us)),
    ("p90_us", |row| float(row.p90_us)),
    ("p99_us", |row| float(row.p99_us)),
    ("p999_us", |row| float(row.p999_us)),
    ("max_us", |row| float(row.max_us)),
    ("throughput_per_s", |row| row.throughput_per_s),
    ("failed", |row| Some(row.failed as f64)),
    ("unknown", |row| Some(row.unknown as f64)),
];

/// Of one fault.
pub(super) const OF_FAULTS: [(&str, OfFault); 7] = [
    ("detected_ms", |row| row.detected_ms),
    ("new_leader_ms", |row| row.new_leader_ms),
    ("serving_ms", |row| row.serving_ms),
    ("first_ack_ms", |row| row.first_ack_ms),
    ("backlog_drained_ms", |row| row.backlog_drained_ms),
    ("p99_back_ms", |row| row.p99_back_ms),
    ("longest_gap_ms", |row| row.longest_gap_ms),
];

/// Those of faults that tell of detection and election.
const OF_ELECTIONS: [&str; 3] = ["detected_ms", "new_leader_ms", "serving_ms"];

/// Those of faults that end with an answer to a trade: while there was none they were not over.
const OF_ANSWERS: [&str; 2] = ["first_ack_ms", "backlog_drained_ms"];

/// Faults that a threshold can be about, by their word.
pub(super) const FAULTS: [(&str, Faults); 5] = [
    ("failover", None),
    ("leader-kill", Some(FaultGroup::LeaderKill)),
    ("leader-pause", Some(FaultGroup::LeaderPause)),
    ("leader-disk", Some(FaultGroup::LeaderDisk)),
    ("leader-slow", Some(FaultGroup::LeaderSlow)),
];

/// A group of those that hit a leader, or all of them.
pub(super) type Faults = Option<FaultGroup>;

pub(super) type OfOperation = fn(&SummaryRow) -> Option<f64>;
pub(super) type OfFault = fn(&AvailabilityRow) -> Option<f64>;

fn float(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

/// A median or a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Median,
    Max,
}

/// What a threshold is about. Figures go by their index in the tables above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Operation(Op, usize),
    Failover(Faults, usize, Over),
    Consistency,
}

/// What was measured, and between which bounds the service's own value lies.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Nothing if all that is known are the bounds.
    pub(super) measured: Option<f64>,
    /// It is no less,
    pub(super) low: f64,
    /// and no more.
    pub(super) high: f64,
    /// In which cell, if it is one's.
    pub(super) cell: Option<String>,
    /// Why the bounds differ, if they do.
    pub(super) doubt: Doubt,
}

/// Why a value is not known exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    None,
    /// It says too much about the generator to be told: the generator's lateness is part of it.
    Generator,
    /// Of so many faults it was not seen before the next one, or the end.
    Unseen(usize),
    /// The machine stalled the harness meanwhile, and may have stalled the service.
    Machine,
}

/// What was measured of a figure.
pub(super) enum Measured {
    Verdict(Option<Verdict>),
    Values(Values),
}

/// The values of a figure.
pub(super) struct Values {
    pub(super) values: Vec<Value>,
    /// Why there is none, if there is none.
    pub(super) missing: String,
}

impl Figure {
    /// What a target must give for it to be measured.
    pub(super) fn facts(self) -> &'static [Fact] {
        match self {
            Self::Operation(Op::Query, _) => &[Fact::Queries],
            Self::Operation(Op::Trade, _) => &[Fact::Trades],
            Self::Operation(Op::Lookup, _) => &[Fact::Lookups],
            Self::Operation(Op::Read, _) => &[Fact::Reads],
            Self::Operation(Op::Write, _) => &[Fact::Writes],
            Self::Operation(Op::CompareAndSet, _) => &[Fact::CompareAndSets],
            Self::Operation(Op::Append, _) => &[Fact::Appends],
            Self::Failover(_, index, _) if OF_ELECTIONS.contains(&OF_FAULTS[index].0) => {
                &[Fact::Leader, Fact::LeaderHistory]
            }
            Self::Failover(..) => &[Fact::Trades, Fact::Leader],
            Self::Consistency => &[],
        }
    }

    pub(super) fn measure(self, figures: &Figures<'_>, cell: Option<&str>) -> Measured {
        match self {
            Self::Consistency => Measured::Verdict(figures.consistency),
            Self::Operation(op, index) => Measured::Values(operations(figures, cell, op, index)),
            Self::Failover(which, index, over) => {
                let wanted = |row: &&AvailabilityRow| {
                    row.role == Role::Leader
                        && which.is_none_or(|group| FaultGroup::of(row) == group)
                        && cell.is_none_or(|cell| row.cell == cell)
                };
                let hit: Vec<_> = figures.availability.iter().filter(wanted).collect();
                let missing =
                    which.map_or("no leader was hit", |_| "no leader was hit in this way");
                Measured::Values(faults(&hit, index, over, missing))
            }
        }
    }
}

fn operations(figures: &Figures<'_>, cell: Option<&str>, op: Op, index: usize) -> Values {
    let (name, of) = OF_OPERATIONS[index];
    let name = name.trim_end_matches("_us");
    let wanted = |row: &&SummaryRow| row.op == op && cell.is_none_or(|cell| row.cell == cell);
    let value = |row: &SummaryRow| {
        let (value, cell) = (of(row)?, Some(row.cell.clone()));
        // What the generator's lateness is part of is no less than the truth, and may be more.
        let (low, doubt) = match row.is_withheld(name) {
            true => (0.0, Doubt::Generator),
            false => (value, Doubt::None),
        };
        Some(Value { measured: Some(value), low, high: value, cell, doubt })
    };
    Values {
        values: figures.summary.iter().filter(wanted).filter_map(value).collect(),
        missing: "no such operation was answered".to_owned(),
    }
}

/// Of these faults. One that was not seen to end lasted for as long as nothing was answered, and perhaps for ever; and for as long as the
/// machine stalled the harness it may have stalled the service.
fn faults(hit: &[&AvailabilityRow], index: usize, over: Over, missing: &str) -> Values {
    let (name, of) = OF_FAULTS[index];
    let least = |row: &&AvailabilityRow| {
        let unanswered_ms = row.longest_gap_ms.filter(|_| OF_ANSWERS.contains(&name));
        let stalled_ms = row.harness_stalled_ms.unwrap_or(0.0);
        (of(row).or(unanswered_ms).unwrap_or(0.0) - stalled_ms).max(0.0)
    };
    let low = over.all(&hit.iter().map(least).collect::<Vec<_>>());
    let high: Vec<f64> = hit.iter().map(|row| of(row).unwrap_or(f64::INFINITY)).collect();
    let high = over.all(&high);
    let seen: Vec<f64> = hit.iter().filter_map(|row| of(row)).collect();
    let doubt = match hit.len() - seen.len() {
        0 if low == high => Doubt::None,
        0 => Doubt::Machine,
        unseen => Doubt::Unseen(unseen),
    };
    let value = low.zip(high).map(|(low, high)| {
        let measured = over.all(&seen);
        Value { measured, low, high, cell: None, doubt }
    });
    Values { values: value.into_iter().collect(), missing: missing.to_owned() }
}

impl Over {
    fn all(self, values: &[f64]) -> Option<f64> {
        match self {
            Self::Median => median(values),
            Self::Max => values.iter().copied().max_by(f64::total_cmp),
        }
    }
}
