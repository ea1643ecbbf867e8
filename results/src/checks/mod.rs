//! The consistency report: what a run's files say about loss, duplication, order and staleness.
//!
//! One property per file, each a pure function from one trial's history to what it found.
//! This module reads the files, hands every trial to every check, and adds up. Three rules hold
//! for all of them:
//!
//! * Never pass what could not have been found: a trial that was cut short, a fault that was not
//!   confirmed, a dump that is missing make a check inconclusive (see `doubt`).
//! * A violation is a violation, however little of the trial was recorded; but the absence of a
//!   row proves something only if the recorder wrote its `finished` marker.
//! * Nothing but the run's files is looked at, so a report can be made again, anywhere, later.
//!
//! What each check needs, and the stories that it catches, stand at the top of its file.

mod agreement;
mod availability_demand;
mod check;
mod client_reads;
mod conservation;
mod doubt;
mod evidence;
mod exactly_once;
mod fresh_reads;
pub(crate) mod frontier;
mod gates;
mod harm;
mod history;
mod index;
mod linearizability;
mod numbering;
mod progress;
mod read_order;
mod read_states;
mod real_time;
mod replicas;
mod report;
mod reproduce;
mod shown_orders;
mod stock_histories;
mod survival;
#[cfg(test)]
mod testing;
mod text;

pub(crate) use text::{beside, named};

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

pub use check::MAX_EVIDENCE;
pub use evidence::{HeldRow, NearestFault, OperationRow, Violation};
pub use gates::{
    APART_US, Gate, MAX_LATE_PERCENT, MAX_OWN_LATENESS_US, MIN_AROUND_A_FAULT, MIN_CHANCES,
    MIN_DURING_A_FAULT, ShutGate,
};
pub use harm::{FaultHarm, Harmed};
pub use replicas::LogDigest;
pub(crate) use report::grouped_doubts;
pub use report::{
    CheckResult, ConsistencyReport, Count, DoubtReport, REPORT_FORMAT, RunFile, RunSummary,
    TrialName,
};

use self::check::{Check, Finding};
use self::doubt::{Doubt, Need};
use self::gates::Gates;
use self::harm::Harms;
use self::history::{FinalLine, History, MalformedRow, Operation, TrialRows};
use self::report::Tally;
use crate::records::{Cell, Event, FolderError, Manifest, RunFolder};

const OBSERVATIONS: &str = "observations.csv";
const EVENTS: &str = "events.csv";
const FINAL: &str = "final.csv";

/// Every check, in the order of the report.
const ALL: &[&Check] = &[
    &survival::CHECK,
    &shown_orders::CHECK,
    &numbering::CHECK,
    &exactly_once::CHECK,
    &replicas::CHECK,
    &agreement::CHECK,
    &conservation::CHECK,
    &fresh_reads::CHECK,
    &client_reads::CHECK,
    &read_order::CHECK,
    &read_states::CHECK,
    &real_time::CHECK,
    &linearizability::CHECK,
    &progress::CHECK,
    &availability_demand::CHECK,
];

/// The names of all checks, in the order of the report.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|check| check.name)
}

/// Runs every check over the files of a run.
///
/// A run that was interrupted before its first dump has no `final.csv`; that is no error but a
/// reason to be inconclusive. Every other file must be there.
///
/// Nothing is written: [`ConsistencyReport::write`] does that.
pub fn check_run(folder: &RunFolder) -> Result<ConsistencyReport, FolderError> {
    let rows = Rows::read(folder)?;
    let Rows { manifest, operations, events, finals } = &rows;
    let mut report = judge(ALL, manifest, operations, events, finals)
        .map_err(|misfit| misfit.in_folder(folder))?;
    let (reproduce, plan) = reproduce::reproduce(manifest, folder);
    report.reproduce = reproduce;
    report.files.extend(plan);
    Ok(report)
}

/// Writes the history of every stock in every trial of a run to `to`, in the format that
/// [`linear::export`](crate::linear::export) describes. Returns how many operations there were.
///
/// # Errors
/// The run's files cannot be read, or `to` cannot be written.
pub fn export_histories(folder: &RunFolder, to: &Path) -> Result<u64, FolderError> {
    let rows = Rows::read(folder)?;
    let Rows { manifest, operations, events, finals } = &rows;
    let trials = Trials::sorted(manifest, operations, events, finals)
        .map_err(|misfit| misfit.in_folder(folder))?;
    let unwritable = |source| FolderError::Write { path: to.to_owned(), source };
    let mut file = BufWriter::new(File::create(to).map_err(unwritable)?);
    let mut written = 0;
    for (cell, trial, rows) in trials.in_order() {
        let history = History::new(manifest, cell, trial, rows)
            .map_err(|row| Misfit { file: FINAL, row }.in_folder(folder))?;
        for stock in stock_histories::stock_histories(&history) {
            written += stock.export(&history, &mut file).map_err(unwritable)?;
        }
    }
    file.flush().map_err(unwritable)?;
    Ok(written)
}

/// The files of a run.
struct Rows {
    manifest: Manifest,
    operations: Vec<Operation>,
    events: Vec<Event>,
    finals: Vec<FinalLine>,
}

impl Rows {
    fn read(folder: &RunFolder) -> Result<Self, FolderError> {
        Ok(Self {
            manifest: folder.manifest()?,
            operations: folder.numbered(OBSERVATIONS)?,
            events: folder.events()?,
            finals: match folder.numbered(FINAL) {
                Err(FolderError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    Vec::new()
                }
                finals => finals?,
            },
        })
    }
}

/// A row that does not belong to the run.
#[derive(Debug)]
struct Misfit {
    file: &'static str,
    row: MalformedRow,
}

impl Misfit {
    fn in_folder(self, folder: &RunFolder) -> FolderError {
        let MalformedRow { line, reason } = self.row;
        FolderError::Row { path: folder.path(self.file), line, reason }
    }
}

fn judge(
    checks: &[&Check],
    manifest: &Manifest,
    operations: &[Operation],
    events: &[Event],
    finals: &[FinalLine],
) -> Result<ConsistencyReport, Misfit> {
    let trials = Trials::sorted(manifest, operations, events, finals)?;
    let mut tallies: Vec<Tally> = checks.iter().map(|check| Tally::new(check)).collect();
    let mut run = RunSummary::new(manifest);
    let mut gates = Gates::new();
    let mut digests = Vec::new();
    let mut harm = Vec::new();
    for (cell, trial, rows) in trials.in_order() {
        let name = TrialName { cell: cell.id.clone(), trial };
        let history =
            History::new(manifest, cell, trial, rows).map_err(|row| Misfit { file: FINAL, row })?;
        run.count(&history);
        gates.count(&history);
        digests.extend(replicas::digests(&history));
        let doubts = doubt::about(&history);
        let mut harms = Harms::default();
        for (check, tally) in checks.iter().zip(&mut tallies) {
            let mut finding = examine(check, &history, &doubts);
            harms.extend(std::mem::take(&mut finding.harms));
            tally.add(&name, finding);
        }
        harm.extend(harms.counts(&name));
    }
    let report = ConsistencyReport::new(run, tallies, gates.finish(), digests);
    Ok(ConsistencyReport { harm, ..report })
}

/// Runs one check over one trial.
fn examine(check: &Check, history: &History<'_>, doubts: &[Doubt]) -> Finding {
    let mut finding = Finding::default();
    for doubt in doubts {
        finding.doubt(doubt.clone());
    }
    if doubts.contains(&Doubt::NeverBegun) {
        return finding;
    }
    for doubt in doubt::about_needs(history, check.needs) {
        finding.doubt(doubt);
    }
    (check.examine)(history, &mut finding);

    let by_plan = check.needs.contains(&Need::Acknowledged) && !history.trades_planned();
    if let (Some(&(what, 0)), true, false) =
        (finding.examined.first(), finding.doubts.is_empty(), by_plan)
    {
        finding.doubt(Doubt::NothingExamined(what));
    }
    finding
}

/// The rows of a run, trial by trial.
struct Trials<'a> {
    cells: Vec<(&'a Cell, u32)>,
    places: HashMap<(&'a str, u32), usize>,
    rows: Vec<TrialRows<'a>>,
}

impl<'a> Trials<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        let cells: Vec<_> = manifest
            .cells
            .iter()
            .flat_map(|cell| (1..=cell.trials).map(move |trial| (cell, trial)))
            .collect();
        let places = cells
            .iter()
            .enumerate()
            .map(|(place, (cell, trial))| ((cell.id.as_str(), *trial), place))
            .collect();
        let rows = cells.iter().map(|_| TrialRows::default()).collect();
        Self { cells, places, rows }
    }

    /// Every row with its trial.
    fn sorted(
        manifest: &'a Manifest,
        operations: &'a [Operation],
        events: &'a [Event],
        finals: &'a [FinalLine],
    ) -> Result<Self, Misfit> {
        let mut trials = Self::new(manifest);
        for operation in operations {
            let (cell, trial) = (&operation.row.cell, operation.row.trial);
            trials.of(cell, trial, OBSERVATIONS, operation.line)?.operations.push(operation);
        }
        for (line, event) in (2..).zip(events) {
            trials.of(&event.cell, event.trial, EVENTS, line)?.events.push(event);
        }
        for line in finals {
            trials.of(&line.row.cell, line.row.trial, FINAL, line.line)?.finals.push(line);
        }
        Ok(trials)
    }

    fn of(
        &mut self,
        cell: &str,
        trial: u32,
        file: &'static str,
        line: u64,
    ) -> Result<&mut TrialRows<'a>, Misfit> {
        let place = self.places.get(&(cell, trial)).copied();
        place.and_then(|place| self.rows.get_mut(place)).ok_or_else(|| {
            let reason = format!("the manifest has no trial {trial} of a cell `{cell}`");
            Misfit { file, row: MalformedRow { line, reason } }
        })
    }

    fn in_order(self) -> impl Iterator<Item = (&'a Cell, u32, TrialRows<'a>)> {
        self.cells.into_iter().zip(self.rows).map(|((cell, trial), rows)| (cell, trial, rows))
    }
}

/// Microseconds as the milliseconds that people read.
fn milliseconds(us: u64) -> f64 {
    // Exact below 2^53 us, which is 285 years.
    us as f64 / 1_000.0
}

impl RunSummary {
    fn count(&mut self, history: &History<'_>) {
        self.trials += 1;
        self.finished_trials += u32::from(history.timeline.finished);
        self.operations += history.operations.len() as u64;
        self.acknowledged_trades += history.acknowledged.len() as u64;
        self.reads += history.reads.len() as u64;
        self.faults += history.timeline.acts().len() as u64;
        self.deaths += history.timeline.deaths().len() as u64;
    }
}
