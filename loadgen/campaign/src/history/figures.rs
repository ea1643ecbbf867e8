//! The figures that are followed over time: what each is called in tables, charts and comparisons.

use results::compare::Broken;
use results::records::Op;
use results::stats::geometric_mean;

use crate::digest::{CHANGES, READS, RunDigest, is_change, is_read};

/// The figures of a run, or the medians of several; over several cells geometric means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Operations accepted per second.
    pub(super) accepted_per_s: Option<f64>,
    /// Median latency of trades (writes, appends), in milliseconds.
    pub(super) change_p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub(super) change_p99_ms: Option<f64>,
    /// Median latency of reads.
    pub(super) read_p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub(super) read_p99_ms: Option<f64>,
    /// From a leader's kill to the first acknowledged change: the median.
    pub(super) kill_ack_ms: Option<f64>,
    /// The same from a leader's pause.
    pub(super) pause_ack_ms: Option<f64>,
    /// The same from a cut of links.
    pub(super) cut_ack_ms: Option<f64>,
    /// The same from a fault of any other kind.
    pub(super) other_ack_ms: Option<f64>,
    /// The longest time without an answer around a fault.
    pub(super) longest_gap_ms: Option<f64>,
}

impl Figures {
    pub(super) fn of(digest: &RunDigest) -> Self {
        let ms = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
        let (_, longest_gap_ms) = digest.outage_ms();
        let mean = |values: Vec<f64>| geometric_mean(&values);
        Self {
            accepted_per_s: mean(digest.accepted_per_s()),
            change_p50_ms: mean(digest.of_rows(is_change, |row| ms(row.p50_us))),
            change_p99_ms: mean(digest.of_rows(is_change, |row| ms(row.p99_us))),
            read_p50_ms: mean(digest.of_rows(is_read, |row| ms(row.p50_us))),
            read_p99_ms: mean(digest.of_rows(is_read, |row| ms(row.p99_us))),
            kill_ack_ms: digest.first_ack_ms(Some(Broken::LeaderKilled)),
            pause_ack_ms: digest.first_ack_ms(Some(Broken::LeaderPaused)),
            cut_ack_ms: digest.first_ack_ms(Some(Broken::LinkCut)),
            other_ack_ms: digest.first_ack_ms(None),
            longest_gap_ms,
        }
    }
}

/// By which figure of a comparison a change is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum ComparedAs {
    /// The figure of this name.
    Named(&'static str),
    /// This figure of each operation that changes something: a trade's, a write's, an append's.
    OfChanges(&'static str),
    /// The same of operations that only look.
    OfReads(&'static str),
    /// The time to the first acknowledgement after such a fault.
    FirstAck(Broken),
    /// By none: what it takes depends on more than the system.
    Nothing,
}

impl ComparedAs {
    /// Whether the figure of a comparison with this name is the one.
    pub(super) fn is(self, metric: &str) -> bool {
        match self {
            Self::Named(name) => name == metric,
            Self::OfChanges(figure) => is_of(CHANGES, figure, metric),
            Self::OfReads(figure) => is_of(READS, figure, metric),
            Self::FirstAck(kind) => kind.metric("first_ack_ms") == metric,
            Self::Nothing => false,
        }
    }
}

/// Whether `metric` is this figure of one of these operations: `trade.p50_us`.
fn is_of(operations: &[Op], figure: &str, metric: &str) -> bool {
    let of_op = metric.strip_suffix(figure).and_then(|op| op.strip_suffix('.'));
    of_op.is_some_and(|name| operations.iter().any(|op| op.as_str() == name))
}

/// A figure, as it is shown. Texts speak of trades and queries: [`Model::worded`](results::records::Model::worded).
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The title of its column in tables.
    pub(super) title: &'static str,
    /// The heading of its panel in charts.
    pub(super) heading: &'static str,
    /// What that panel's axis counts.
    pub(super) unit: &'static str,
    /// What it is of a run.
    pub(super) of: fn(&Figures) -> Option<f64>,
    /// How changes of it are told.
    pub(super) compared_as: ComparedAs,
}

/// In the order of tables and charts.
pub(super) const FIGURES: [Shown; 10] = [
    Shown {
        title: "accepted/s",
        heading: "accepted per second",
        unit: "per second",
        of: |it| it.accepted_per_s,
        compared_as: ComparedAs::Named("throughput_per_s"),
    },
    Shown {
        title: "trade median, ms",
        heading: "trade latency, median",
        unit: "ms",
        of: |it| it.change_p50_ms,
        compared_as: ComparedAs::OfChanges("p50_us"),
    },
    Shown {
        title: "trade p99, ms",
        heading: "trade latency, 99th percentile",
        unit: "ms",
        of: |it| it.change_p99_ms,
        compared_as: ComparedAs::OfChanges("p99_us"),
    },
    Shown {
        title: "query median, ms",
        heading: "query latency, median",
        unit: "ms",
        of: |it| it.read_p50_ms,
        compared_as: ComparedAs::OfReads("p50_us"),
    },
    Shown {
        title: "query p99, ms",
        heading: "query latency, 99th percentile",
        unit: "ms",
        of: |it| it.read_p99_ms,
        compared_as: ComparedAs::OfReads("p99_us"),
    },
    Shown {
        title: "first ack after a leader's kill, ms",
        heading: "first acknowledged trade after a leader's kill, median",
        unit: "ms",
        of: |it| it.kill_ack_ms,
        compared_as: ComparedAs::FirstAck(Broken::LeaderKilled),
    },
    Shown {
        title: "after a leader's pause, ms",
        heading: "first acknowledged trade after a leader's pause, median",
        unit: "ms",
        of: |it| it.pause_ack_ms,
        compared_as: ComparedAs::FirstAck(Broken::LeaderPaused),
    },
    Shown {
        title: "after a cut of links, ms",
        heading: "first acknowledged trade after a cut of links, median",
        unit: "ms",
        of: |it| it.cut_ack_ms,
        compared_as: ComparedAs::FirstAck(Broken::LinkCut),
    },
    Shown {
        title: "after another fault, ms",
        heading: "first acknowledged trade after any other fault, median (changes are not looked for)",
        unit: "ms",
        of: |it| it.other_ack_ms,
        compared_as: ComparedAs::Nothing,
    },
    Shown {
        title: "longest gap, ms",
        heading: "longest time without an answer around a fault (changes are not looked for)",
        unit: "ms",
        of: |it| it.longest_gap_ms,
        compared_as: ComparedAs::Nothing,
    },
];
