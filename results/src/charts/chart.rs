//! What there is to say about a chart beside its picture.

use serde::Serialize;

/// What a chart shows. Reports choose and order charts by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartKind {
    /// A trial from end to end: every operation's latency as a point, faults as bands.
    Timeline,
    /// Who was up, in sync and leading when, and what the service as a whole delivered.
    Availability,
    /// The moments around each fault, in slices of 10 ms.
    Faults,
    /// Latency against p, cache on beside cache off.
    LatencyByP,
    /// Answers per second against p.
    ThroughputByP,
    /// Latency and answers per second against the rate that was offered.
    RateSweep,
    /// Every percentile of an operation's latency.
    Distribution,
    /// How old the states were that reads showed, and how soon after an acknowledgement they came.
    Staleness,
    /// Several systems beside each other under the same load and the same faults.
    SideBySide,
    /// Figures of comparable runs over time, by commit.
    OverTime,
    /// The rounds of a soak, in order.
    Rounds,
    /// How far from their goals the figures of a comparison with other systems are.
    Peers,
}

/// A chart that was drawn. Its files are `charts/STEM.svg` and `charts/STEM.png` of the run's
/// folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// The files' name without extension; fit to be an id in HTML.
    pub stem: String,
    /// What was measured, as it stands above the picture.
    pub title: String,
    /// One or two sentences that tell what the picture shows, with its key figures, for readers who
    /// do not see it.
    pub alt: String,
    /// What it shows.
    pub kind: ChartKind,
}
