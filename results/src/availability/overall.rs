//! `availability-overall.csv`: what a kind of fault cost, over all faults of that kind in the run.
//!
//! A figure that was not seen for some fault is left out of the median, and `seen` says of how many
//! it was seen: what never came back has no time, and counting it as any would be a guess.
//!
//! The interval is the one that order statistics give for a median, of whatever distribution: the
//! k-th smallest and the k-th largest value, k as large as `P(Binomial(n, 1/2) < k) <= 2.5 %`
//! allows (David & Nagaraja, *Order Statistics*, 2003, section 7.1). It takes the faults as
//! independent of each other: where several share an outage there is none. With fewer than six of them
//! even the smallest and the largest value enclose the median in less than 95 % of all cases, so there
//! is none either.
//!
//! What operations an outage cost is added up once, however many faults of the kind share it.

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::row::{AvailabilityRow, outages};
use crate::records::RoleName;
use crate::stats::median;
use crate::timeline::{FaultKind, Role};

/// Faults that are comparable with each other. In the order of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FaultGroup {
    /// Kills and power cuts of the leader.
    LeaderKill,
    /// Pauses of the leader.
    LeaderPause,
    /// Disks of the leader that hung, were slow or full.
    LeaderDisk,
    /// The leader got a part of its time.
    LeaderSlow,
    /// Faults of other replicas and their disks.
    Follower,
    /// Faults of processes that neither lead nor follow, of this role, and of their disks.
    Of(RoleName),
    /// Cuts, delays and throttles of links.
    Link,
    /// Floods of connections, to whomever.
    Flood,
    /// Faults of the target's own.
    Own,
    /// Kills and pauses of processes that are none of these.
    Other,
}

impl FaultGroup {
    /// The groups of these faults, in the order of the tables.
    #[must_use]
    pub fn among(rows: &[AvailabilityRow]) -> BTreeSet<Self> {
        rows.iter().map(Self::of).collect()
    }

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
            (Role::Of(role), _) => Self::Of(role),
            (Role::Link, _) => Self::Link,
            (Role::Own, _) => Self::Own,
            (Role::Other, _) => Self::Other,
        }
    }

    /// Its word, as files have it.
    fn word(self) -> &'static str {
        match self {
            Self::LeaderKill => "leader-kill",
            Self::LeaderPause => "leader-pause",
            Self::LeaderDisk => "leader-disk",
            Self::LeaderSlow => "leader-slow",
            Self::Follower => "follower",
            Self::Of(role) => role.as_str(),
            Self::Link => "link",
            Self::Flood => "flood",
            Self::Own => "own",
            Self::Other => "other",
        }
    }
}

impl TryFrom<String> for FaultGroup {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let leader = [Self::LeaderKill, Self::LeaderPause, Self::LeaderDisk, Self::LeaderSlow];
        let others = [Self::Follower, Self::Link, Self::Flood, Self::Own, Self::Other];
        match leader.into_iter().chain(others).find(|group| group.word() == text) {
            Some(group) => Ok(group),
            None => RoleName::try_from(text).map(Self::Of),
        }
    }
}

impl From<FaultGroup> for String {
    fn from(group: FaultGroup) -> Self {
        group.word().to_owned()
    }
}

impl fmt::Display for FaultGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(role) => role.fmt(f),
            own => f.write_str(&own.word().replace('-', " ")),
        }
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

/// How a figure is added up over several faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sum {
    /// Not at all.
    No,
    /// Once for each outage.
    OfOutages,
    /// Once for each fault: it was put down to one already.
    OfFaults,
}

/// A figure of a fault: its column, what people call it, its value, and how it is added up.
type Figure = (&'static str, &'static str, fn(&AvailabilityRow) -> Option<f64>, Sum);

/// Every figure that is looked at over all faults, in the order of the file.
const FIGURES: [Figure; 21] = [
    ("confirmed_ms", "seen to have worked", |row| row.confirmed_ms, Sum::No),
    ("detected_ms", "detected", |row| row.detected_ms, Sum::No),
    ("election_ms", "election", |row| row.election_ms, Sum::No),
    ("new_leader_ms", "new leader", |row| row.new_leader_ms, Sum::No),
    ("takeover_ms", "takeover", |row| row.takeover_ms, Sum::No),
    ("serving_ms", "new leader serves", |row| row.serving_ms, Sum::No),
    ("first_ack_ms", "first ack", |row| row.first_ack_ms, Sum::No),
    ("backlog_drained_ms", "drained", |row| row.backlog_drained_ms, Sum::No),
    ("p99_back_ms", "p99 back", |row| row.p99_back_ms, Sum::No),
    ("longest_gap_ms", "longest gap", |row| row.longest_gap_ms, Sum::No),
    ("back_in_sync_ms", "in sync", |row| row.back_in_sync_ms, Sum::No),
    ("trades_missing_ms", "trades missing, as ms of service", |row| row.trades_missing_ms, Sum::No),
    ("reads_missing_ms", "reads missing, as ms of service", |row| row.reads_missing_ms, Sum::No),
    ("trades_missing", "trades missing", |row| row.trades_missing, Sum::OfOutages),
    ("reads_missing", "reads missing", |row| row.reads_missing, Sum::OfOutages),
    ("failed", "failed", |row| counted(Some(row.failed)), Sum::OfOutages),
    ("unknown", "unknown", |row| counted(Some(row.unknown)), Sum::OfOutages),
    ("retried", "retried", |row| counted(row.retried), Sum::OfOutages),
    ("lost", "lost", |row| counted(row.lost), Sum::OfFaults),
    ("doubled", "doubled", |row| counted(row.doubled), Sum::OfFaults),
    ("stale", "stale", |row| counted(row.stale), Sum::OfFaults),
];

fn counted(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}

/// Every figure of every group that has a fault, the groups in their order.
#[must_use]
pub fn overall(rows: &[AvailabilityRow]) -> Vec<OverallRow> {
    let mut all = Vec::new();
    for group in FaultGroup::among(rows) {
        let of_group: Vec<_> = rows.iter().filter(|row| FaultGroup::of(row) == group).collect();
        all.extend(FIGURES.iter().map(|figure| OverallRow::new(group, &of_group, figure)));
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
    fn new(group: FaultGroup, rows: &[&AvailabilityRow], (name, _, value, sum): &Figure) -> Self {
        let mut values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
        values.sort_by(f64::total_cmp);
        let of_outages = || outages(rows.iter().copied());
        let are_independent = of_outages().count() == rows.len();
        let interval = interval_of_median(&values).filter(|_| are_independent);
        let total = match sum {
            Sum::No => None,
            Sum::OfOutages => Some(of_outages().filter_map(value).sum()),
            Sum::OfFaults => Some(values.iter().sum()),
        };
        Self {
            group,
            figure: (*name).to_owned(),
            faults: rows.len(),
            seen: values.len(),
            median: median(&values),
            interval_low: interval.map(|(low, _)| low),
            interval_high: interval.map(|(_, high)| high),
            max: values.last().copied(),
            total: total.filter(|_| !values.is_empty()),
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
