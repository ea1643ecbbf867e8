//! What is taken of one run: its manifest, its figures, and what its checks found, from the small files in its folder.
//!
//! Rows are not read: a run whose rows were removed says the same, and a hundred runs fit into memory.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use results::availability::{self, AvailabilityRow, Found};
use results::checks::{ConsistencyReport, TrialName};
use results::compare::Broken;
use results::records::{Manifest, Op, RunFolder};
use results::stats::median;
use results::summary::{self, SummaryRow};
use results::timeline::Role;
use results::verdict::Verdict;

use crate::error::CampaignError;

/// So many violations of a check are told, in sentences.
const MOST_SENTENCES: usize = 3;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The check.
    pub(crate) check: String,
    /// How many violations there were.
    pub(crate) violations: u64,
    /// The first of them, a sentence each.
    pub(crate) sentences: Vec<String>,
}

/// What is taken of one run.
#[derive(Clone, Debug)]
pub struct RunDigest {
    /// What was run.
    pub(crate) manifest: Manifest,
    /// `summary.csv`.
    pub(crate) summary: Vec<SummaryRow>,
    /// `availability.csv`; empty without faults.
    pub(crate) faults: Vec<AvailabilityRow>,
    /// The verdict of its checks.
    pub(crate) verdict: Verdict,
    /// What was lost, doubled and stale.
    pub(crate) found: Found,
    /// The checks that failed.
    pub(crate) findings: Vec<Finding>,
    /// Why checks were inconclusive, each reason once.
    pub(crate) doubts: Vec<String>,
}

impl RunDigest {
    /// Reads what a run has left of itself.
    ///
    /// # Errors
    /// A file is missing, or is not what it should be.
    pub fn read(folder: &RunFolder) -> Result<Self, CampaignError> {
        let manifest = folder.manifest()?;
        let checked = ConsistencyReport::read(folder)?;
        let summary = folder.path("summary.csv");
        let Some(checked) = checked else {
            let reason = "it was not checked: `double-trouble report` does that";
            return Err(CampaignError::file(&folder.path("consistency.json"), reason));
        };
        let summary = read(&summary, summary::read_csv)?.ok_or_else(|| {
            CampaignError::file(
                &summary,
                "there are no figures: `double-trouble report` makes them",
            )
        })?;
        let faults = read(&folder.path("availability.csv"), availability::read_csv)?;
        let trials = trials(&manifest);
        Ok(Self {
            summary,
            faults: faults.unwrap_or_default(),
            verdict: checked.verdict,
            found: Found::new(&checked, &trials),
            findings: findings(&checked),
            doubts: checked.why_inconclusive(),
            manifest,
        })
    }

    /// Operations of the load that were accepted per second, all together, of each cell.
    pub(crate) fn accepted_per_s(&self) -> Vec<f64> {
        let of_cell = |cell: &str| {
            let rows = self.summary.iter().filter(|row| row.cell == cell && row.op != Op::Lookup);
            let rates: Vec<f64> = rows.filter_map(|row| row.throughput_per_s).collect();
            (!rates.is_empty()).then(|| rates.iter().sum::<f64>())
        };
        self.manifest.cells.iter().filter_map(|cell| of_cell(&cell.id)).collect()
    }

    /// A figure of each row of these operations.
    pub(crate) fn of_rows(
        &self,
        is_wanted: impl Fn(Op) -> bool,
        figure: impl Fn(&SummaryRow) -> Option<f64>,
    ) -> Vec<f64> {
        self.summary.iter().filter(|row| is_wanted(row.op)).filter_map(figure).collect()
    }

    /// How many operations failed, and of how many it is unknown what became of them.
    pub(crate) fn unanswered(&self) -> (u64, u64) {
        let sum = |count: fn(&SummaryRow) -> u64| self.summary.iter().map(count).sum();
        (sum(|row| row.failed), sum(|row| row.unknown))
    }

    /// The median time to the first acknowledged change after a fault, and the longest time without an answer around one, in
    /// milliseconds: of faults that hit a leader, or of all if none did.
    pub(crate) fn outage_ms(&self) -> (Option<f64>, Option<f64>) {
        let of_leaders = || self.faults.iter().filter(|row| row.role == Role::Leader);
        let rows: Vec<&AvailabilityRow> = match of_leaders().next() {
            Some(_) => of_leaders().collect(),
            None => self.faults.iter().collect(),
        };
        let acks: Vec<f64> = rows.iter().filter_map(|row| row.first_ack_ms).collect();
        let gaps = rows.iter().filter_map(|row| row.longest_gap_ms);
        (median(&acks), gaps.reduce(f64::max))
    }

    /// The median time to the first acknowledged change after a fault of this kind, in milliseconds, or after one of no kind whose
    /// outages are compared.
    pub(crate) fn first_ack_ms(&self, kind: Option<Broken>) -> Option<f64> {
        let of_kind = self.faults.iter().filter(|row| Broken::of(row) == kind);
        median(&of_kind.filter_map(|row| row.first_ack_ms).collect::<Vec<_>>())
    }
}

/// What changes something.
pub(crate) const CHANGES: &[Op] = &[Op::Trade, Op::Write, Op::Append];
/// What only looks.
pub(crate) const READS: &[Op] = &[Op::Query, Op::Read];

/// Whether it changes something.
pub(crate) fn is_change(op: Op) -> bool {
    CHANGES.contains(&op)
}

/// Whether it only looks.
pub(crate) fn is_read(op: Op) -> bool {
    READS.contains(&op)
}

/// What a file holds; nothing if it is not there.
fn read<T>(
    path: &Path,
    rows: impl FnOnce(BufReader<File>) -> Result<Vec<T>, csv::Error>,
) -> Result<Option<Vec<T>>, CampaignError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CampaignError::io(path)(error)),
        Ok(file) => {
            rows(BufReader::new(file)).map(Some).map_err(|error| CampaignError::file(path, error))
        }
    }
}

fn trials(manifest: &Manifest) -> Vec<TrialName> {
    let of_cell = |cell: &results::records::Cell| {
        let id = cell.id.clone();
        (1..=cell.trials).map(move |trial| TrialName { cell: id.clone(), trial })
    };
    manifest.cells.iter().flat_map(of_cell).collect()
}

fn findings(checked: &ConsistencyReport) -> Vec<Finding> {
    let broken = checked.checks.iter().filter(|check| check.violations > 0);
    broken
        .map(|check| Finding {
            check: check.name.clone(),
            violations: check.violations,
            sentences: check
                .evidence
                .iter()
                .take(MOST_SENTENCES)
                .map(|violation| match violation.request_ids.first() {
                    Some(key) if !violation.what.contains(key) => {
                        format!("{} (request {key})", violation.what)
                    }
                    _ => violation.what.clone(),
                })
                .collect(),
        })
        .collect()
}
