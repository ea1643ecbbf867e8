//! Whether the generator of an open loop did what its plan said, and how far the service followed.
//!
//! An operation may be sent after it was due for two reasons, and only one of them is the generator's
//! fault. A service that is slow keeps the clients waiting, so that arrivals queue until one of them
//! is free: that wait belongs to the latency, and the corrected figures hold it. What remains is the
//! generator's *own lateness*: from the moment at which the operation was due and its client was
//! free, to the moment at which it was sent. A figure is as exact as that is small.
//!
//! Rates are of iterations, as the plan has them, from the beginning of the measured load to the end
//! of the schedule: so many were due in that time, so many were sent in it and so many answered,
//! whenever those were due. An iteration is sent when its query is, and answered when its last
//! operation is: ok, or refused by a well-formed no, since the service kept up with either. Throughput is
//! what was *accepted*: iterations of which every operation was ok.
//! What was due and never sent is in no row; the event [`ArrivalsEnded`](crate::records::EventKind::ArrivalsEnded) says how
//! much it was. A trial that was cut short has no such event, and is left out.

mod table;

use std::collections::HashMap;

pub use table::table;

use crate::records::{Event, Manifest, Observation, Op, Phase};
use crate::stats::Latencies;
use crate::summary::{is_accepted, is_answered};
use crate::timeline::{self, ArrivalsEnded, Timeline};

/// What the generator offered in a time, how punctual it was, and how much of it was answered.
#[derive(Clone, Debug, Default)]
pub struct Lateness {
    /// How late operations were sent through no fault of the service.
    pub own: Latencies,
    /// For how long iterations were due, in seconds.
    pub seconds: f64,
    /// How many iterations were due in that time.
    pub offered: u64,
    /// How many were sent in that time.
    pub sent: u64,
    /// How many were answered (ok or rejected), to the last operation, in that time: the service kept up
    /// with them.
    pub answered: u64,
    /// How many were accepted (ok), to the last operation, in that time: the throughput.
    pub accepted: u64,
    /// How many of those that were due were never sent, not even in the time that is left for it afterwards.
    pub unsent: u64,
}

impl Lateness {
    /// Iterations due per second, as they came; that is near the plan's rate, and at it on average.
    #[must_use]
    pub fn offered_per_s(&self) -> Option<f64> {
        self.per_s(self.offered)
    }

    /// Iterations sent per second.
    #[must_use]
    pub fn sent_per_s(&self) -> Option<f64> {
        self.per_s(self.sent)
    }

    /// Iterations answered per second.
    #[must_use]
    pub fn answered_per_s(&self) -> Option<f64> {
        self.per_s(self.answered)
    }

    /// Iterations accepted per second.
    #[must_use]
    pub fn accepted_per_s(&self) -> Option<f64> {
        self.per_s(self.accepted)
    }

    fn per_s(&self, number: u64) -> Option<f64> {
        (self.seconds > 0.0).then(|| number as f64 / self.seconds)
    }

    fn merge(&mut self, other: &Self) {
        self.own.merge(&other.own);
        self.seconds += other.seconds;
        self.offered += other.offered;
        self.sent += other.sent;
        self.answered += other.answered;
        self.accepted += other.accepted;
        self.unsent += other.unsent;
    }
}

/// The lateness of one trial.
#[derive(Clone, Debug)]
pub struct TrialLateness {
    /// The cell's id.
    pub cell: String,
    /// Which repetition of it.
    pub trial: u32,
    /// What was offered, sent and answered in it.
    pub lateness: Lateness,
}

/// Every trial of an open loop that ran to its end, cells in the manifest's order.
#[must_use]
pub fn by_trial(
    manifest: &Manifest,
    observations: &[Observation],
    events: &[Event],
) -> Vec<TrialLateness> {
    let mut rows: HashMap<(&str, u32), Vec<&Observation>> = HashMap::new();
    for row in observations {
        rows.entry((&row.cell, row.trial)).or_default().push(row);
    }
    let timelines = timeline::by_trial(events, manifest.replicas);
    let open = manifest.cells.iter().filter(|cell| cell.rate_per_s.is_some());
    let trials = open.flat_map(|cell| (1..=cell.trials).map(move |trial| (cell, trial)));
    trials
        .filter_map(|(cell, trial)| {
            let place = (cell.id.as_str(), trial);
            let rows = rows.get(&place).map_or(&[][..], Vec::as_slice);
            let lateness = of_trial(rows, timelines.get(&place)?)?;
            Some(TrialLateness { cell: cell.id.clone(), trial, lateness })
        })
        .collect()
}

/// The trials of each cell taken together, by the cell's id.
#[must_use]
pub fn by_cell(trials: &[TrialLateness]) -> HashMap<&str, Lateness> {
    let mut cells: HashMap<&str, Lateness> = HashMap::new();
    for trial in trials {
        cells.entry(&trial.cell).or_default().merge(&trial.lateness);
    }
    cells
}

fn of_trial(rows: &[&Observation], timeline: &Timeline) -> Option<Lateness> {
    let began_us = timeline.load_began_us?;
    let ArrivalsEnded { at_us: ended_us, unsent } = timeline.arrivals_ended?;
    let iterations = iterations(rows);
    let within = |us: Option<u64>| us.is_some_and(|us| (began_us..ended_us).contains(&us));
    let count = |is_in: &dyn Fn(&Iteration) -> bool| {
        iterations.iter().filter(|iteration| is_in(iteration)).count() as u64
    };
    let mut clients = Clients::default();
    let own = rows.iter().filter_map(|row| {
        let own_us = clients.own_lateness_us(row)?;
        (row.phase == Phase::Load).then_some(own_us)
    });
    Some(Lateness {
        own: own.collect(),
        seconds: ended_us.saturating_sub(began_us) as f64 / 1e6,
        offered: count(&|iteration| iteration.is_measured) + unsent,
        sent: count(&|iteration| within(Some(iteration.sent_us))),
        answered: count(&|iteration| within(iteration.answered_us)),
        accepted: count(&|iteration| iteration.is_accepted && within(iteration.answered_us)),
        unsent,
    })
}

/// Until when the clients of a trial were busy.
#[derive(Debug, Default)]
pub struct Clients {
    busy_until_us: HashMap<u32, u64>,
}

impl Clients {
    /// How much later than it could have been a row's operation was sent: after the moment at which it
    /// was due and the operation before it of the same client was over. Nothing for an operation of a
    /// closed loop. To be asked about every row of one trial, in the order of the file.
    pub fn own_lateness_us(&mut self, row: &Observation) -> Option<u64> {
        let busy_until_us = self.busy_until_us.insert(row.client, row.end_us).unwrap_or(0);
        row.planned_us.map(|due_us| row.start_us.saturating_sub(due_us.max(busy_until_us)))
    }
}

/// An iteration that was sent.
struct Iteration {
    /// Whether it was due in the measured load, not in the warm-up.
    is_measured: bool,
    sent_us: u64,
    /// When its last operation was answered; none if one was not.
    answered_us: Option<u64>,
    /// Whether all of its operations were accepted.
    is_accepted: bool,
}

/// The iterations that were sent. Each has one query, and perhaps a trade that follows it.
fn iterations(rows: &[&Observation]) -> Vec<Iteration> {
    let mut iterations: Vec<Iteration> = Vec::new();
    let mut current: HashMap<u32, usize> = HashMap::new();
    for row in rows.iter().filter(|row| row.planned_us.is_some()) {
        let answered_us = is_answered(row).then_some(row.end_us);
        match row.op {
            Op::Query => {
                current.insert(row.client, iterations.len());
                let is_measured = row.phase == Phase::Load;
                let sent_us = row.start_us;
                let is_accepted = is_accepted(row);
                iterations.push(Iteration { is_measured, sent_us, answered_us, is_accepted });
            }
            Op::Trade => {
                if let Some(index) = current.get(&row.client) {
                    let iteration = &mut iterations[*index];
                    iteration.answered_us = iteration.answered_us.and(answered_us);
                    iteration.is_accepted &= is_accepted(row);
                }
            }
            // An iteration that begins with a look at somebody's order goes on with its query.
            Op::Lookup => {}
        }
    }
    iterations
}
