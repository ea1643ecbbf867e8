//! What came of all runs of one system.

use results::availability::{AvailabilityRow, FaultGroup, Found, OverallRow, overall};
use results::stats::Estimate;
use results::verdict::Verdict;

use crate::digest::{RunDigest, is_change, is_read};

/// A run of a system that was recorded, and what it was.
#[derive(Clone, Debug)]
pub(super) struct SystemRun {
    /// Its folder, seen from the page.
    pub(super) folder: String,
    /// What repeats it.
    pub(super) command: String,
    /// What is taken of it.
    pub(super) digest: RunDigest,
}

/// The figures of one number of clients, each over the rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LoadFigures {
    /// How many rounds there were.
    pub(super) rounds: usize,
    /// Operations accepted per second, of all kinds.
    pub(super) accepted_per_s: Option<Estimate>,
    /// Trades (writes, appends) accepted per second.
    pub(super) changes_per_s: Option<Estimate>,
    /// Their median latency, in microseconds.
    pub(super) change_p50_us: Option<Estimate>,
    /// Their 99th percentile.
    pub(super) change_p99_us: Option<Estimate>,
    /// The median latency of reads.
    pub(super) read_p50_us: Option<Estimate>,
    /// Their 99th percentile.
    pub(super) read_p99_us: Option<Estimate>,
}

/// What faults of one kind cost, over all rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outages {
    /// From each fault to the first acknowledged change after it, as far as that was seen.
    pub(super) first_acks_ms: Vec<f64>,
    /// The same over all of them.
    pub(super) first_ack: Option<OverallRow>,
    /// The longest time without an answer to a change, over all of them.
    pub(super) longest_gap: Option<OverallRow>,
    /// Why there is nothing, if the system has nothing that could be broken like this, or it could not be run.
    pub(super) why_none: Option<String>,
}

/// What one check found in all runs of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SystemFinding {
    /// The check.
    pub(super) check: String,
    /// How many violations there were.
    pub(super) violations: u64,
    /// In how many runs.
    pub(super) runs: usize,
    /// The first of them in the run with most, a sentence each.
    pub(super) sentences: Vec<String>,
    /// That run's folder.
    pub(super) folder: String,
    /// What repeats it.
    pub(super) command: String,
    most: u64,
}

/// What all runs of a system came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Totals {
    /// The worst verdict; nothing without runs.
    pub(super) verdict: Option<Verdict>,
    /// How many runs passed, failed and were inconclusive.
    pub(super) runs: [usize; 3],
    /// What was lost, doubled and stale.
    pub(super) found: Found,
    /// How many operations failed.
    pub(super) failed: u64,
    /// Of how many it is unknown what became of them.
    pub(super) unknown: u64,
}

impl Totals {
    pub(super) fn of<'a>(runs: impl IntoIterator<Item = &'a SystemRun>) -> Self {
        let mut all = Self::default();
        for SystemRun { digest, .. } in runs {
            all.verdict = Some(all.verdict.map_or(digest.verdict, |it| it.combine(digest.verdict)));
            let place = match digest.verdict {
                Verdict::Pass => 0,
                Verdict::Fail => 1,
                Verdict::Inconclusive => 2,
            };
            all.runs[place] += 1;
            all.found = all.found.plus(digest.found);
            let (failed, unknown) = digest.unanswered();
            (all.failed, all.unknown) = (all.failed + failed, all.unknown + unknown);
        }
        all
    }
}

impl LoadFigures {
    /// A run is one cell: each figure has one value of it.
    pub(super) fn of(runs: &[&SystemRun]) -> Self {
        let over = |value: &dyn Fn(&RunDigest) -> Option<f64>| {
            let values: Vec<f64> = runs.iter().filter_map(|run| value(&run.digest)).collect();
            Estimate::over_rounds(&values)
        };
        let whole = |us: Option<u64>| us.map(|us| us as f64);
        let first = |values: Vec<f64>| values.first().copied();
        Self {
            rounds: runs.len(),
            accepted_per_s: over(&|run| first(run.accepted_per_s())),
            changes_per_s: over(&|run| first(run.of_rows(is_change, |row| row.throughput_per_s))),
            change_p50_us: over(&|run| first(run.of_rows(is_change, |row| whole(row.p50_us)))),
            change_p99_us: over(&|run| first(run.of_rows(is_change, |row| whole(row.p99_us)))),
            read_p50_us: over(&|run| first(run.of_rows(is_read, |row| whole(row.p50_us)))),
            read_p99_us: over(&|run| first(run.of_rows(is_read, |row| whole(row.p99_us)))),
        }
    }
}

impl Outages {
    /// Of the faults of these runs that most of them are of: a plan of kills of leaders may have hit a follower once.
    pub(super) fn of(runs: &[&SystemRun]) -> Self {
        let rows: Vec<AvailabilityRow> = runs
            .iter()
            .flat_map(|run| {
                // Trials of several runs have the same names, and are not the same.
                run.digest.faults.iter().map(|row| AvailabilityRow {
                    cell: format!("{}/{}", run.folder, row.cell),
                    ..row.clone()
                })
            })
            .collect();
        let size =
            |group: &FaultGroup| rows.iter().filter(|row| FaultGroup::of(row) == *group).count();
        // The first of several that are as large.
        let group = FaultGroup::among(&rows).into_iter().rev().max_by_key(size);
        let of_group: Vec<AvailabilityRow> =
            rows.iter().filter(|row| Some(FaultGroup::of(row)) == group).cloned().collect();
        let figures = overall(&of_group);
        let figure = |name: &str| figures.iter().find(|row| row.figure == name).cloned();
        Self {
            first_acks_ms: of_group.iter().filter_map(|row| row.first_ack_ms).collect(),
            first_ack: figure("first_ack_ms"),
            longest_gap: figure("longest_gap_ms"),
            why_none: None,
        }
    }
}

/// What the checks found in all runs of a system, each check once.
pub(super) fn findings<'a>(runs: impl IntoIterator<Item = &'a SystemRun>) -> Vec<SystemFinding> {
    let mut all: Vec<SystemFinding> = Vec::new();
    for SystemRun { folder, command, digest } in runs {
        for finding in &digest.findings {
            let here = SystemFinding {
                check: finding.check.clone(),
                violations: finding.violations,
                runs: 1,
                sentences: finding.sentences.clone(),
                folder: folder.clone(),
                command: command.clone(),
                most: finding.violations,
            };
            match all.iter_mut().find(|known| known.check == finding.check) {
                None => all.push(here),
                Some(known) => {
                    let (violations, runs) = (known.violations + here.violations, known.runs + 1);
                    let shown = if here.most > known.most { here } else { known.clone() };
                    *known = SystemFinding { violations, runs, ..shown };
                }
            }
        }
    }
    all
}
