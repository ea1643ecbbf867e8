//! `availability-overall.csv`: what a kind of fault cost, over all faults of that kind in the run.
//!
//! A figure that was not seen for some fault is left out of the median, and `seen` says of how many
//! it was seen: what never came back has no time, and counting it as any would be a guess.
//!
//! The interval is the one that order statistics give for a median, of whatever distribution: the
//! k-th smallest and the k-th largest value, k as large as `P(Binomial(n, 1/2) < k) <= 2.5 %`
//! allows (David & Nagaraja, *Order Statistics*, 2003, section 7.1). It takes the faults as
//! independent of each other. With fewer than six of them even the smallest and the largest value
//! enclose the median in less than 95 % of all cases, so there is none.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::row::AvailabilityRow;
use crate::stats::median;
use crate::timeline::{FaultKind, Role};

/// Faults that are comparable with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultGroup {
    /// Kills and power cuts of the leader.
    LeaderKill,
    /// Pauses of the leader.
    LeaderPause,
    /// Disks of the leader that hung, were slow or full.
    LeaderDisk,
    /// The leader got a part of its time.
    LeaderSlow,
    /// Faults of other order replicas and their disks.
    Follower,
    /// Faults of the catalog and its disk.
    Catalog,
    /// Faults of the front-end and its disk.
    FrontEnd,
    /// Cuts, delays and throttles of links.
    Link,
    /// Floods of connections, to whomever.
    Flood,
    /// Kills and pauses of processes that are none of these.
    Other,
}

impl FaultGroup {
    /// Every group, in the order of the tables.
    pub const ALL: [Self; 10] = [
        Self::LeaderKill,
        Self::LeaderPause,
        Self::LeaderDisk,
        Self::LeaderSlow,
        Self::Follower,
        Self::Catalog,
        Self::FrontEnd,
        Self::Link,
        Self::Flood,
        Self::Other,
    ];

    /// Where a fault belongs.
    #[must_use]
    pub fn of(row: &AvailabilityRow) -> Self {
        match (row.role, row.action) {
            (_, FaultKind::Flood) => Self::Flood,
            (Role::Leader, FaultKind::Pause) => Self::LeaderPause,
            (Role::Leader, FaultKind::Slow) => Self::LeaderSlow,
            (Role::Leader, FaultKind::StallDisk | FaultKind::SlowDisk | FaultKind::FullDisk) => {
                Self::LeaderDisk
            }
            (Role::Leader, _) => Self::LeaderKill,
            (Role::Follower, _) => Self::Follower,
            (Role::Catalog, _) => Self::Catalog,
            (Role::FrontEnd, _) => Self::FrontEnd,
            (Role::Link, _) => Self::Link,
            (Role::Other, _) => Self::Other,
        }
    }
}

impl fmt::Display for FaultGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeaderKill => "leader kill",
            Self::LeaderPause => "leader pause",
            Self::LeaderDisk => "leader disk",
            Self::LeaderSlow => "leader slow",
            Self::Follower => "follower",
            Self::Catalog => "catalog",
            Self::FrontEnd => "front-end",
            Self::Link => "link",
            Self::Flood => "flood",
            Self::Other => "other",
        })
    }
}

/// One figure over all faults of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverallRow {
    /// The faults.
    pub group: FaultGroup,
    /// The column of `availability.csv`; its unit is the name's last part, operations if it has
    /// none.
    pub figure: String,
    /// How many faults of the group there were.
    pub faults: usize,
    /// For how many of them the figure was seen.
    pub seen: usize,
    /// The median of those.
    pub median: Option<f64>,
    /// The lower bound of the median's 95 % interval; empty for fewer than six.
    pub interval_low: Option<f64>,
    /// Its upper bound.
    pub interval_high: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The sum, of what can be added up: operations. Estimates are added up as they are, those below 0, too.
    pub total: Option<f64>,
}

impl OverallRow {
    /// What people call the figure.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let known = FIGURES.iter().find(|(name, ..)| *name == self.figure);
        known.map_or("", |(_, title, ..)| title)
    }
}

/// A figure of a fault: its column, what people call it, its value, and whether it can be added up.
type Figure = (&'static str, &'static str, fn(&AvailabilityRow) -> Option<f64>, bool);

/// Every figure that is looked at over all faults, in the order of the file.
const FIGURES: [Figure; 21] = [
    ("confirmed_ms", "seen to have worked", |row| row.confirmed_ms, false),
    ("detected_ms", "detected", |row| row.detected_ms, false),
    ("election_ms", "election", |row| row.election_ms, false),
    ("new_leader_ms", "new leader", |row| row.new_leader_ms, false),
    ("takeover_ms", "takeover", |row| row.takeover_ms, false),
    ("serving_ms", "new leader serves", |row| row.serving_ms, false),
    ("first_ack_ms", "first ack", |row| row.first_ack_ms, false),
    ("backlog_drained_ms", "drained", |row| row.backlog_drained_ms, false),
    ("p99_back_ms", "p99 back", |row| row.p99_back_ms, false),
    ("longest_gap_ms", "longest gap", |row| row.longest_gap_ms, false),
    ("back_in_sync_ms", "in sync", |row| row.back_in_sync_ms, false),
    ("trades_missing_ms", "trades missing, as ms of service", |row| row.trades_missing_ms, false),
    ("reads_missing_ms", "reads missing, as ms of service", |row| row.reads_missing_ms, false),
    ("trades_missing", "trades missing", |row| row.trades_missing, true),
    ("reads_missing", "reads missing", |row| row.reads_missing, true),
    ("failed", "failed", |row| counted(Some(row.failed)), true),
    ("unknown", "unknown", |row| counted(Some(row.unknown)), true),
    ("retried", "retried", |row| counted(row.retried), true),
    ("lost", "lost", |row| counted(row.lost), true),
    ("doubled", "doubled", |row| counted(row.doubled), true),
    ("stale", "stale", |row| counted(row.stale), true),
];

fn counted(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}

/// Every figure of every group that has a fault, the groups in the order of [`FaultGroup::ALL`].
#[must_use]
pub fn overall(rows: &[AvailabilityRow]) -> Vec<OverallRow> {
    let mut all = Vec::new();
    for group in FaultGroup::ALL {
        let of_group: Vec<_> = rows.iter().filter(|row| FaultGroup::of(row) == group).collect();
        if !of_group.is_empty() {
            all.extend(FIGURES.iter().map(|figure| OverallRow::new(group, &of_group, figure)));
        }
    }
    all
}

/// Writes the rows as CSV with a header.
///
/// # Errors
/// Whatever the writer reports.
pub fn write_overall_csv(rows: &[OverallRow], writer: impl io::Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(writer);
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    Ok(())
}

impl OverallRow {
    fn new(group: FaultGroup, rows: &[&AvailabilityRow], (name, _, value, adds): &Figure) -> Self {
        let mut values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
        values.sort_by(f64::total_cmp);
        let interval = interval_of_median(&values);
        Self {
            group,
            figure: (*name).to_owned(),
            faults: rows.len(),
            seen: values.len(),
            median: median(&values),
            interval_low: interval.map(|(low, _)| low),
            interval_high: interval.map(|(_, high)| high),
            max: values.last().copied(),
            total: (*adds && !values.is_empty()).then(|| values.iter().sum()),
        }
    }
}

/// The 95 % interval of the median of ascending values; see the module's header.
fn interval_of_median(sorted: &[f64]) -> Option<(f64, f64)> {
    let rank = rank_of_bound(sorted.len())?;
    Some((sorted[rank - 1], sorted[sorted.len() - rank]))
}

/// The largest k with `P(Binomial(n, 1/2) < k) <= 2.5 %`; nothing if that is 0.
fn rank_of_bound(n: usize) -> Option<usize> {
    const TAIL: f64 = 0.025;
    // As logarithms: 2^-n is no number any more for a thousand faults.
    let mut ln_probability = -(n as f64) * std::f64::consts::LN_2;
    let mut below = 0.0;
    for k in 0..n {
        below += ln_probability.exp();
        if below > TAIL {
            return (k > 0).then_some(k);
        }
        ln_probability += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranks_are_those_of_the_sign_tests_tables() {
        // From the exact distribution: for 20 faults P(X <= 5) = 0.0207 and P(X <= 6) = 0.0577.
        let tables = [(5, None), (6, Some(1)), (8, Some(1)), (9, Some(2)), (10, Some(2))];
        let more = [(20, Some(6)), (25, Some(8)), (50, Some(18)), (100, Some(40))];
        for (n, rank) in tables.into_iter().chain(more) {
            assert_eq!(rank_of_bound(n), rank, "{n} faults");
        }
        assert_eq!(rank_of_bound(0), None);
        // By the normal approximation: 5000 - 1.96 * 50, a rank more or less.
        assert!(rank_of_bound(10_000).is_some_and(|rank| (4_901..=4_903).contains(&rank)));
    }

    #[test]
    fn six_values_enclose_their_median_by_the_smallest_and_the_largest() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 60.0];
        assert_eq!(interval_of_median(&values), Some((1.0, 60.0)));
        assert_eq!(interval_of_median(&values[..5]), None);
    }
}
