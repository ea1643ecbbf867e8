//! The figures that a threshold can be about, and where they are found.

use super::figures::Figures;
use crate::availability::AvailabilityRow;
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
    Failover(usize, Over),
    Consistency,
}

/// A measured value, and in which cell.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) value: f64,
    pub(super) cell: Option<String>,
    /// Whether it says too much about the generator to be told: then it is no more than a bound from
    /// above, since the generator's lateness is part of it.
    pub(super) is_withheld: bool,
}

/// What was measured of a figure.
pub(super) enum Measured {
    Verdict(Option<Verdict>),
    Values(Values),
}

/// The values of a figure.
pub(super) struct Values {
    pub(super) values: Vec<Value>,
    /// Of how many faults there is no value.
    pub(super) unseen: usize,
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
            Self::Failover(index, _) if OF_ELECTIONS.contains(&OF_FAULTS[index].0) => {
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
            Self::Failover(index, over) => Measured::Values(faults(figures, cell, index, over)),
        }
    }
}

fn operations(figures: &Figures<'_>, cell: Option<&str>, op: Op, index: usize) -> Values {
    let (name, of) = OF_OPERATIONS[index];
    let name = name.trim_end_matches("_us");
    let wanted = |row: &&SummaryRow| row.op == op && cell.is_none_or(|cell| row.cell == cell);
    let value = |row: &SummaryRow| {
        let (cell, is_withheld) = (Some(row.cell.clone()), row.is_withheld(name));
        Some(Value { value: of(row)?, cell, is_withheld })
    };
    Values {
        values: figures.summary.iter().filter(wanted).filter_map(value).collect(),
        unseen: 0,
        missing: "no such operation was answered".to_owned(),
    }
}

fn faults(figures: &Figures<'_>, cell: Option<&str>, index: usize, over: Over) -> Values {
    let of = OF_FAULTS[index].1;
    let hit: Vec<&AvailabilityRow> = figures
        .availability
        .iter()
        .filter(|row| row.role == Role::Leader && cell.is_none_or(|cell| row.cell == cell))
        .collect();
    let seen: Vec<f64> = hit.iter().filter_map(|row| of(row)).collect();
    let value = match over {
        Over::Median => median(&seen),
        Over::Max => seen.iter().copied().max_by(f64::total_cmp),
    };
    let missing = if hit.is_empty() { "no leader was hit" } else { "it was never seen" };
    Values {
        values: value
            .map(|value| Value { value, cell: None, is_withheld: false })
            .into_iter()
            .collect(),
        unseen: hit.len() - seen.len(),
        missing: missing.to_owned(),
    }
}
