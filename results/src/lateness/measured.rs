//! What the generator of an open loop offered in each cell, how punctual it was, and how far the service
//! followed.

use std::collections::{BTreeMap, HashMap};

use super::clients::Clients;
use crate::records::{Cell, Manifest, Observation, Op, Phase};
use crate::run::Run;
use crate::stats::Latencies;
use crate::timeline::{ArrivalsEnded, Timeline};

/// What the generator offered in a time, how punctual it was, and how much of it was answered.
#[derive(Clone, Debug, Default)]
pub struct Lateness {
    /// How late operations were sent through no fault of the service.
    pub own: Latencies,
    /// The same by kind of operation.
    pub own_by_op: BTreeMap<Op, Latencies>,
    /// How long operations waited for a client that was free.
    pub waited: Latencies,
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
        for (op, own) in &other.own_by_op {
            self.own_by_op.entry(*op).or_default().merge(own);
        }
        self.waited.merge(&other.waited);
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
pub fn by_trial(run: &Run) -> Vec<TrialLateness> {
    let open = run.trials().iter().filter(|trial| trial.cell.is_open_loop());
    open.filter_map(|trial| {
        let rows: Vec<&Observation> = trial.observations().collect();
        let lateness = of_trial(&rows, &trial.timeline)?;
        Some(TrialLateness { cell: trial.cell.id.clone(), trial: trial.number, lateness })
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

/// The cells of an open loop in the manifest's order, each with its lateness.
#[must_use]
pub fn cells_in_order(
    manifest: &Manifest,
    cells: &HashMap<&str, Lateness>,
) -> Vec<(String, Lateness)> {
    let measured = |cell: &Cell| Some((cell.id.clone(), cells.get(cell.id.as_str())?.clone()));
    manifest.cells.iter().filter_map(measured).collect()
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
    let mut lateness = Lateness::default();
    for row in rows {
        let Some(late) = clients.lateness(row) else { continue };
        if row.phase == Phase::Load {
            lateness.own.record(late.own_us);
            lateness.own_by_op.entry(row.op).or_default().record(late.own_us);
            lateness.waited.record(late.waited_us);
        }
    }
    Some(Lateness {
        seconds: ended_us.saturating_sub(began_us) as f64 / 1e6,
        offered: count(&|iteration| iteration.is_measured) + unsent,
        sent: count(&|iteration| within(Some(iteration.sent_us))),
        answered: count(&|iteration| within(iteration.answered_us)),
        accepted: count(&|iteration| iteration.is_accepted && within(iteration.answered_us)),
        unsent,
        ..lateness
    })
}

/// So many times the generator's own lateness a figure must be to be told.
pub const WORTH_TIMES: f64 = 5.0;

/// Whether a figure of latencies says too much about the generator: `own_us` is the generator's own
/// lateness at the same percentile, or in the mean.
#[must_use]
pub fn is_withheld(figure_us: f64, own_us: Option<f64>) -> bool {
    own_us.is_some_and(|own_us| figure_us < WORTH_TIMES * own_us)
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

/// The iterations that were sent. Each has one query, and perhaps a trade that follows it; of a register or a log each is one operation.
fn iterations(rows: &[&Observation]) -> Vec<Iteration> {
    let mut iterations: Vec<Iteration> = Vec::new();
    let mut current: HashMap<u32, usize> = HashMap::new();
    for row in rows.iter().filter(|row| row.planned_us.is_some()) {
        let answered_us = row.outcome.is_answer().then_some(row.end_us);
        match row.op {
            Op::Query | Op::Read | Op::Write | Op::CompareAndSet | Op::Append => {
                current.insert(row.client, iterations.len());
                let is_measured = row.phase == Phase::Load;
                let sent_us = row.start_us;
                let is_accepted = row.outcome.is_accepted();
                iterations.push(Iteration { is_measured, sent_us, answered_us, is_accepted });
            }
            Op::Trade => {
                if let Some(index) = current.get(&row.client) {
                    let iteration = &mut iterations[*index];
                    iteration.answered_us = iteration.answered_us.and(answered_us);
                    iteration.is_accepted &= row.outcome.is_accepted();
                }
            }
            // An iteration that begins with a look at somebody's order goes on with its query.
            Op::Lookup => {}
        }
    }
    iterations
}
