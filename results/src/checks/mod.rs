//! The consistency report: what a run's files say about loss, duplication, order and staleness.
//!
//! One property per file, each a pure function from one trial's history to what it found.
//! This module hands every trial to every check, and adds up. Five rules hold
//! for all of them:
//!
//! * Never pass what could not have been found: a trial that was cut short, a fault that was not
//!   confirmed, a dump that is missing make a check inconclusive (see `inconclusive`).
//! * What shows after a host was lost, its data with it, is no violation: nobody knows whose fault it is.
//! * A violation is a violation, however little of the trial was recorded; but the absence of a
//!   row proves something only if the recorder wrote its `finished` marker.
//! * What a target neither gives nor promises is not judged: a check that needs it is *not applicable*,
//!   which is counted and told, and is no pass.
//! * Nothing but the [`Run`] is looked at, so a report can be made again, anywhere, later.
//!
//! What each check needs, and the stories that it catches, stand at the top of its file.

mod agreement;
mod anomalies;
mod answers;
mod availability_demand;
mod check;
mod client_reads;
mod conservation;
mod consistency_report;
mod deadlock;
mod deaths;
mod due;
mod dumps;
mod ends;
mod evidence;
mod exactly_once;
mod fresh_reads;
pub(crate) mod frontier;
mod gates;
mod history;
mod inconclusive;
mod index;
mod key_agreement;
#[cfg(test)]
mod key_trial;
mod keys;
mod linearizability;
mod list;
mod log_appends;
mod log_entries;
mod log_order;
mod log_reads;
mod lost_writes;
mod malformed;
#[cfg(test)]
mod mutants;
mod needs;
mod numbering;
mod part;
mod progress;
mod promised;
mod read_order;
mod read_states;
mod real_time;
mod register_orders;
mod replica_sets;
mod replicas;
mod reproduce;
mod requirements;
mod rows;
mod run_file;
mod share;
mod shown_orders;
mod stale_values;
mod state_agreement;
mod stock_agreement;
mod stock_histories;
mod stock_orders;
mod survival;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod trial_name;
mod words;
mod written_values;

pub(crate) use text::{beside, keyed, named, why};
pub(crate) use words::milliseconds;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

pub use anomalies::{AnomalyTotals, FaultAnomalies};
pub use check::MAX_EVIDENCE;
pub(crate) use consistency_report::grouped_doubts;
pub use consistency_report::{
    CheckResult, CheckStatus, ConsistencyReport, Count, DoubtReport, PartLeftOut, REPORT_FORMAT,
    RunSummary,
};
pub use evidence::{HeldRow, NearestFault, OperationRow, Violation};
pub use gates::{
    APART_US, Gate, MAX_KEPT_BACK_PERCENT, MIN_AROUND_A_FAULT, MIN_CHANCES, MIN_DURING_A_FAULT,
    ShutGate,
};
pub use replicas::LogDigest;
pub use requirements::{Requirement, requirements, requirements_of, requirements_table};
pub use run_file::RunFile;
pub use trial_name::TrialName;

use self::anomalies::Anomalies;
use self::check::{Check, Finding};
use self::consistency_report::Tally;
use self::gates::Gates;
use self::history::History;
use self::inconclusive::{InconclusiveReason, Need};
use self::malformed::MalformedRow;
use crate::parallel;
use crate::records::FolderError;
use crate::run::{Run, Trial};

/// The names of the checks that every run is asked, in the order of the report.
pub fn names() -> impl Iterator<Item = &'static str> {
    list::ALL.iter().map(|check| check.name)
}

/// Runs every check over a run.
///
/// Nothing is written: [`ConsistencyReport::write`] does that.
///
/// # Errors
/// A row lacks what its kind promises.
pub fn check_run(run: &Run) -> Result<ConsistencyReport, FolderError> {
    let mut report = judge(&list::asked(run.manifest()), run)?;
    let (reproduce, plan) = reproduce::reproduce(run.manifest(), run.folder());
    report.reproduce = reproduce;
    report.files.extend(plan);
    Ok(report)
}

/// Writes the history of every stock in every trial of a run to `to`, in the format that
/// [`linear::export`](crate::linear::export) describes. Returns how many operations there were.
///
/// # Errors
/// A row lacks what its kind promises, or `to` cannot be written.
pub fn export_histories(run: &Run, to: &Path) -> Result<u64, FolderError> {
    let unwritable = |source| FolderError::Write { path: to.to_owned(), source };
    let mut file = BufWriter::new(File::create(to).map_err(unwritable)?);
    let mut written = 0;
    for trial in run.trials() {
        let history = history(run, trial)?;
        for stock in stock_histories::Stocks::new(&history).histories() {
            written += stock.export(&history, &mut file).map_err(unwritable)?;
        }
    }
    file.flush().map_err(unwritable)?;
    Ok(written)
}

fn history<'a>(run: &'a Run, trial: &'a Trial) -> Result<History<'a>, FolderError> {
    History::new(run.manifest(), run.target(), trial).map_err(
        |MalformedRow { file, line, reason }| {
            let path = run.folder().path(file);
            FolderError::Row { path, line, reason }
        },
    )
}

fn judge(checks: &[&Check], run: &Run) -> Result<ConsistencyReport, FolderError> {
    let target = run.target();
    let keeper = run.manifest().processes().stock_keeper();
    let tally = |check: &&Check| Tally::new(check, target, keeper);
    let mut tallies: Vec<Tally> = checks.iter().map(tally).collect();
    let mut summary = RunSummary::new(run.manifest());
    let mut gates = Gates::new();
    let mut digests = Vec::new();
    let mut all_anomalies = Vec::new();
    for trial in run.trials() {
        let name = TrialName { cell: trial.cell.id.clone(), trial: trial.number };
        let history = history(run, trial)?;
        summary.count(&history);
        gates.count(&history);
        digests.extend(replicas::digests(&history));
        let doubts = inconclusive::about(&history);
        let mut anomalies = Anomalies::default();
        let findings = examine_all(checks, &history, &doubts);
        for (mut finding, tally) in findings.into_iter().zip(&mut tallies) {
            anomalies.extend(std::mem::take(&mut finding.anomalies));
            tally.add(&name, finding);
        }
        all_anomalies.extend(anomalies.counts(&name));
    }
    let report = ConsistencyReport::new(summary, tallies, gates.finish(), digests);
    let report = ConsistencyReport { anomalies: all_anomalies, ..report };
    Ok(report.in_words_of(target.model()))
}

/// Runs every check over one trial. Checks are pure and know nothing of each other, so they run side by side;
/// but for the one that divides its work by stock: that has all processors, and the memory, for itself.
fn examine_all(
    checks: &[&Check],
    history: &History<'_>,
    doubts: &[InconclusiveReason],
) -> Vec<Finding> {
    let divided = [linearizability::CHECK.name, register_orders::CHECK.name];
    let is_divided = |place: &usize| divided.contains(&checks[*place].name);
    let (divided, whole): (Vec<usize>, Vec<usize>) = (0..checks.len()).partition(is_divided);
    let one = |place: usize| (place, examine(checks[place], history, doubts));
    let mut findings = parallel::map(whole.len(), |index| one(whole[index]));
    findings.extend(divided.into_iter().map(one));
    findings.sort_unstable_by_key(|&(place, _)| place);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

/// Runs one check over one trial.
fn examine(check: &Check, history: &History<'_>, doubts: &[InconclusiveReason]) -> Finding {
    let mut finding =
        Finding::excusing(history.timeline.first_loss().map(|loss| loss.1), check.needs);
    if !check.lacks(history.target).is_empty() {
        if let Some(count) = check.count {
            count(history, &mut finding);
        }
        return finding;
    }
    for doubt in doubts {
        finding.inconclusive(doubt.clone());
    }
    if doubts.contains(&InconclusiveReason::NeverBegun) {
        return finding;
    }
    for doubt in inconclusive::about_needs(history, check.needs) {
        finding.inconclusive(doubt);
    }
    (check.examine)(history, &mut finding);
    if finding.excused > 0 {
        finding.inconclusive(InconclusiveReason::AfterTheLoss(finding.excused));
    }

    let by_plan = check.needs.contains(&Need::Acknowledged) && !history.trades_planned();
    if let (Some(&(what, 0)), true, false) =
        (finding.examined.first(), finding.doubts.is_empty(), by_plan)
    {
        finding.inconclusive(InconclusiveReason::NothingExamined(what));
    }
    finding
}

impl RunSummary {
    fn count(&mut self, history: &History<'_>) {
        self.trials += 1;
        self.finished_trials += u32::from(history.timeline.finished);
        self.operations += history.operations.len() as u64;
        self.acknowledged_trades += history.acknowledged_changes().count() as u64;
        self.reads += (history.reads.len() + history.key_reads.len()) as u64;
        self.faults += history.timeline.acts().len() as u64;
        self.deaths += history.timeline.deaths().count() as u64;
        let clients = &history.timeline.clients;
        self.client_breaks += clients.breaks;
        self.late_answers += clients.late;
        if self.first_client_break.is_none() {
            self.first_client_break.clone_from(&clients.first);
        }
        self.lost_senders += history.timeline.lost_senders.len() as u64;
        if self.first_lost_sender.is_none() {
            self.first_lost_sender = history.timeline.first_lost_sender();
        }
    }
}
