//! What a violation shows for itself: the operations, the rows, the nearest fault.

use serde::{Deserialize, Serialize};

use crate::records::{Action, AtLine as _, DumpRow, FinalRow, Observation, Subject};

use super::history::{History, Read};
use super::index::Request;
use super::rows::Operation;

/// A row of `observations.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRow {
    /// The line in `observations.csv`; the header is line 1.
    pub line: u64,
    /// The row itself.
    #[serde(flatten)]
    pub observation: Observation,
}

/// A row of `final.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldRow {
    /// The line in `final.csv`; the header is line 1.
    pub line: u64,
    /// The row itself.
    #[serde(flatten)]
    pub held: FinalRow,
}

/// The fault that was injected closest in time to a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearestFault {
    /// Which of the plan's, if it was one of the plan's.
    pub fault: Option<u32>,
    /// What was done, be it what ended a fault.
    pub action: Action,
    /// To whom.
    pub process: Option<Subject>,
    /// When, in microseconds since the run's origin.
    pub at_us: u64,
    /// The violation's time minus the fault's, in microseconds: negative if the violation came
    /// first.
    pub distance_us: i64,
}

/// One violation and its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The cell of the manifest.
    pub cell: String,
    /// Which repetition of the cell.
    pub trial: u32,
    /// What is wrong, in a sentence.
    pub what: String,
    /// When it showed, in microseconds since the run's origin, if it has a time.
    pub at_us: Option<u64>,
    /// The trades that are involved.
    pub request_ids: Vec<String>,
    /// What the clients did and saw.
    pub operations: Vec<OperationRow>,
    /// What replicas and catalog held at the end.
    pub held: Vec<HeldRow>,
    /// Empty if no fault was injected, or the violation has no time.
    pub nearest_fault: Option<NearestFault>,
    /// The file in the run's folder that shows it, if one does.
    #[serde(default)]
    pub picture: Option<String>,
}

impl Violation {
    /// A violation that has no evidence yet.
    pub(crate) fn new(history: &History<'_>, what: String) -> Self {
        Self {
            cell: history.cell.id.clone(),
            trial: history.trial,
            what,
            at_us: None,
            request_ids: Vec::new(),
            operations: Vec::new(),
            held: Vec::new(),
            nearest_fault: None,
            picture: None,
        }
    }

    /// It showed at this time.
    pub(crate) fn at(mut self, history: &History<'_>, at_us: u64) -> Self {
        self.at_us = Some(at_us);
        self.nearest_fault = nearest_fault(history, at_us);
        self
    }

    /// It is about this trade.
    pub(crate) fn request(mut self, request_id: &str) -> Self {
        if !self.request_ids.iter().any(|known| known == request_id) {
            self.request_ids.push(request_id.to_owned());
        }
        self
    }

    /// An operation that shows it.
    pub(crate) fn operation(mut self, operation: &Operation) -> Self {
        if !self.operations.iter().any(|known| known.line == operation.line) {
            let observation = operation.row.clone();
            self.operations.push(OperationRow { line: operation.line, observation });
        }
        match operation.row.request_id.as_deref() {
            Some(request_id) => self.request(request_id),
            None => self,
        }
    }

    /// A row of `final.csv` that shows it.
    pub(crate) fn held(mut self, row: &DumpRow) -> Self {
        if !self.held.iter().any(|known| known.line == row.line()) {
            let held = row.row(&self.cell, self.trial);
            self.held.push(HeldRow { line: row.line(), held });
        }
        match row.request_id.as_deref() {
            Some(request_id) => self.request(request_id),
            None => self,
        }
    }

    /// This file of the run's folder shows it.
    pub(crate) fn picture(mut self, name: &str) -> Self {
        self.picture = Some(name.to_owned());
        self
    }

    /// It is about what a stock was at this volume: the story of the trade that the catalog says
    /// has made it so.
    pub(crate) fn state(self, history: &History<'_>, stock_name: &str, volume: u64) -> Self {
        let catalog = history.catalog.iter();
        let made_it = catalog.flat_map(|catalog| catalog.of_volume(stock_name, volume));
        made_it.fold(self, |violation, applied| {
            violation.held(applied.row).story(history, applied.request)
        })
    }

    /// The same of the state that a read shows, if it tells the volume.
    pub(crate) fn state_of(self, history: &History<'_>, read: &Read<'_>) -> Self {
        match read.operation.row.seen_volume {
            Some(volume) => self.state(history, read.stock_name(), volume),
            None => self,
        }
    }

    /// The story of the trade that this operation sent or asked for, if it was one.
    pub(crate) fn story_of(self, history: &History<'_>, operation: &Operation) -> Self {
        let request_id = operation.row.request_id.as_deref();
        match request_id.and_then(|request_id| history.requests.find(request_id)) {
            Some(request) => self.story(history, request),
            None => self,
        }
    }

    /// Everything that is known about a trade: what its clients saw, and every row that replicas
    /// and catalog hold of it. It is dated by its first operation. Of a trade that nobody knows by its id
    /// there is nothing to tell.
    pub(crate) fn story(
        mut self,
        history: &History<'_>,
        request: impl Into<Option<Request>>,
    ) -> Self {
        let Some(request) = request.into() else { return self };
        self = self.request(history.requests.id(request));
        for operation in history.sent(request) {
            self = self.operation(operation);
            if self.at_us.is_none() {
                self = self.at(history, operation.row.end_us);
            }
        }
        for log in &history.logs {
            for entry in log.of_request(request) {
                self = self.held(entry.row);
            }
        }
        for applied in history.catalog.iter().flat_map(|catalog| catalog.of_request(request)) {
            self = self.held(applied.row);
        }
        self
    }
}

pub(super) fn nearest_fault(history: &History<'_>, at_us: u64) -> Option<NearestFault> {
    let act = history.timeline.acts().iter().min_by_key(|act| act.at_us.abs_diff(at_us))?;
    Some(NearestFault {
        fault: act.fault,
        action: act.action,
        process: act.subject,
        at_us: act.at_us,
        distance_us: signed_difference(at_us, act.at_us),
    })
}

fn signed_difference(left: u64, right: u64) -> i64 {
    let distance = i64::try_from(left.abs_diff(right)).unwrap_or(i64::MAX);
    if left < right { -distance } else { distance }
}
