//! `availability.csv`: what each injected fault cost.
//!
//! One row per fault that was injected, to a process or to a link. A fault's *window* runs from its
//! injection to the next fault of the same trial, or to the trial's end; only what happens in it is
//! put down to the fault. Restarts, resumes and heals are no faults: they belong to the fault whose
//! number they carry.
//!
//! All durations are milliseconds since the injection, except where the column says otherwise.
//! What was not seen stays empty.

mod kind;
mod text;
mod window;

use std::collections::{HashMap, HashSet};
use std::io;

use serde::{Deserialize, Serialize};

use crate::records::{Event, EventKind, FinalKind, FinalRow, Manifest, Observation, Op, Outcome};

pub use kind::{FaultKind, Role};
pub use text::{headline, table};
use window::{Effects, Window};

/// One injected fault. Empty means not seen, or not applicable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AvailabilityRow {
    /// The cell's id.
    pub cell: String,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
    /// Which of the plan's faults, from 1.
    pub fault: u32,
    /// What was done.
    pub action: FaultKind,
    /// What the plan said, for example `leader`.
    pub target: String,
    /// The process that it turned out to be.
    pub process: String,
    /// What that process was at the moment.
    pub role: Role,
    /// Its id.
    pub pid: Option<u32>,
    /// When the fault was injected, in microseconds since the run's origin.
    pub at_us: u64,
    /// Until the process was seen to be dead or stopped; at once for a link.
    pub confirmed_ms: Option<f64>,
    /// Until the fault was undone: its restart, resume or heal.
    pub ended_ms: Option<f64>,
    /// Until the front-end began to doubt the leader: how long detection took.
    pub detected_ms: Option<f64>,
    /// Until the next leadership was on the front-end's disk.
    pub new_leader_ms: Option<f64>,
    /// How long the election took: `new_leader_ms - detected_ms`.
    pub election_ms: Option<f64>,
    /// Until the new leader said that it serves.
    pub serving_ms: Option<f64>,
    /// How long the new leader took to take over: `serving_ms - new_leader_ms`.
    pub takeover_ms: Option<f64>,
    /// Who leads then.
    pub new_leader: Option<u8>,
    /// Until the first acknowledged trade that is certain to have needed the service after the
    /// fault. For a fault that changed the leader: the earliest answer to a trade whose log entry
    /// is of the new epoch or a later one. Otherwise: the earliest answer to a trade that was sent
    /// after the fault.
    pub first_ack_ms: Option<f64>,
    /// Until the last operation that was due before `first_ack_ms` had been answered or given up.
    pub backlog_drained_ms: Option<f64>,
    /// The 99th percentile of latencies before the fault, in milliseconds.
    pub p99_before_ms: Option<f64>,
    /// How steady it was: of a hundred spells before the fault, so many had a 99th percentile
    /// within 10 % of `p99_before_ms` themselves.
    pub p99_steady_percent: Option<f64>,
    /// Until the 99th percentile was within 10 % of `p99_before_ms` again.
    pub p99_back_ms: Option<f64>,
    /// Answered operations per second before the fault.
    pub goodput_before_per_s: Option<f64>,
    /// Answers that were missing after the fault.
    pub goodput_lost: Option<u64>,
    /// The same as milliseconds of the service before the fault.
    pub goodput_lost_ms: Option<f64>,
    /// The longest time in the window, up to the end of the load, without an answer to a trade
    /// (ok or rejected).
    pub longest_gap_ms: Option<f64>,
    /// Operations that ended in the window as failed.
    pub failed: u64,
    /// Operations that ended in the window as unknown.
    pub unknown: u64,
    /// Operations that ended in the window and were sent more than once.
    pub retried: u64,
    /// Acknowledged orders that were gone or changed at the end; empty if that was not checked.
    pub lost: Option<u64>,
    /// Trades that had more effects than they were told of; empty if that was not checked.
    pub doubled: Option<u64>,
    /// Reads older than an acknowledged trade; empty if that was not checked.
    pub stale: Option<u64>,
    /// From the restart or resume until a configuration had the replica in sync again.
    pub back_in_sync_ms: Option<f64>,
}

/// Measures every fault that was injected, cells in the manifest's order, faults by time.
#[must_use]
pub fn measure(
    manifest: &Manifest,
    observations: &[Observation],
    events: &[Event],
    final_rows: &[FinalRow],
) -> Vec<AvailabilityRow> {
    let trials: HashSet<(&str, u32)> =
        events.iter().map(|event| (event.cell.as_str(), event.trial)).collect();
    let mut rows = Vec::new();
    for cell in &manifest.cells {
        let mut of_cell: Vec<u32> =
            trials.iter().filter(|(id, _)| *id == cell.id).map(|&(_, trial)| trial).collect();
        of_cell.sort_unstable();
        for number in of_cell {
            let trial = Trial::new(&cell.id, number, observations, events, final_rows);
            rows.extend(trial.rows());
        }
    }
    rows
}

/// Writes the rows as CSV with a header.
///
/// # Errors
/// Whatever the writer reports.
pub fn write_csv(rows: &[AvailabilityRow], writer: impl io::Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(writer);
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    Ok(())
}

/// Everything about one repetition of one cell.
struct Trial<'a> {
    /// By time: the probes write configuration changes when they learn of them.
    events: Vec<&'a Event>,
    observations: Vec<&'a Observation>,
    /// The epoch in which each trade was numbered, by request id.
    epochs: HashMap<&'a str, u64>,
}

impl<'a> Trial<'a> {
    fn new(
        cell: &str,
        trial: u32,
        observations: &'a [Observation],
        events: &'a [Event],
        final_rows: &'a [FinalRow],
    ) -> Self {
        let mut events: Vec<&Event> =
            events.iter().filter(|event| event.cell == cell && event.trial == trial).collect();
        events.sort_by_key(|event| event.at_us);
        let observations =
            observations.iter().filter(|row| row.cell == cell && row.trial == trial).collect();
        let epochs = final_rows
            .iter()
            .filter(|row| row.cell == cell && row.trial == trial && row.kind == FinalKind::Order)
            .filter_map(|row| Some((row.request_id.as_deref()?, row.epoch?)))
            .collect();
        Self { events, observations, epochs }
    }

    fn rows(&self) -> Vec<AvailabilityRow> {
        let faults: Vec<(&Event, FaultKind)> = self
            .events
            .iter()
            .filter(|event| event.event == EventKind::Injected)
            .filter_map(|&event| Some((event, FaultKind::of(event)?)))
            .collect();
        let next = faults.iter().skip(1).map(|(event, _)| Some(event.at_us)).chain([None]);
        faults
            .iter()
            .zip(next)
            .map(|(&(event, kind), until_us)| {
                self.row(event, kind, Window { at_us: event.at_us, until_us })
            })
            .collect()
    }

    fn row(&self, injected: &Event, action: FaultKind, window: Window) -> AvailabilityRow {
        let process = injected.process.clone().unwrap_or_default();
        let role = Role::of(injected, self.leader_before(window.at_us));
        let change = self.in_window(window).find(|event| event.event == EventKind::LeaderChanged);
        let serving = change.and_then(|change| {
            self.after(change.at_us)
                .find(|event| event.event == EventKind::LeaderServes && event.epoch == change.epoch)
        });
        let effects = Effects::of(&self.observations, window);
        let first_ack_us = self.first_ack_us(action, role, change, window);
        let detected_ms =
            change.and_then(|change| change.suspected_us).and_then(|us| window.ms_until(us));
        let new_leader_ms = change.and_then(|change| window.ms_until(change.at_us));
        let serving_ms = serving.and_then(|event| window.ms_until(event.at_us));
        AvailabilityRow {
            cell: injected.cell.clone(),
            trial: injected.trial,
            fault: injected.fault.unwrap_or_default(),
            action,
            target: injected.target.clone().unwrap_or_default(),
            role,
            pid: injected.pid,
            at_us: window.at_us,
            confirmed_ms: self.confirmed_us(injected).and_then(|us| window.ms_until(us)),
            ended_ms: self.comeback(injected).and_then(|event| window.ms_until(event.at_us)),
            detected_ms,
            new_leader_ms,
            election_ms: between(detected_ms, new_leader_ms),
            serving_ms,
            takeover_ms: between(new_leader_ms, serving_ms),
            new_leader: change.and_then(|change| change.leader),
            first_ack_ms: first_ack_us.and_then(|us| window.ms_until(us)),
            backlog_drained_ms: None,
            p99_before_ms: None,
            p99_steady_percent: None,
            p99_back_ms: None,
            goodput_before_per_s: None,
            goodput_lost: None,
            goodput_lost_ms: None,
            longest_gap_ms: effects.longest_gap_ms,
            failed: effects.failed,
            unknown: effects.unknown,
            retried: effects.retried,
            lost: None,
            doubled: None,
            stale: None,
            back_in_sync_ms: self.back_in_sync_ms(injected, action, &process),
            process,
        }
    }

    /// Who led just before.
    fn leader_before(&self, at_us: u64) -> Option<u8> {
        let before = self.events.iter().rev().filter(|event| event.at_us < at_us);
        before.filter(|event| is_configuration(event)).find_map(|event| event.leader)
    }

    fn after(&self, at_us: u64) -> impl Iterator<Item = &'a Event> + '_ {
        self.events.iter().copied().filter(move |event| event.at_us >= at_us)
    }

    fn in_window(&self, window: Window) -> impl Iterator<Item = &'a Event> + '_ {
        self.after(window.at_us).filter(move |event| window.contains(event.at_us))
    }

    fn confirmed_us(&self, injected: &Event) -> Option<u64> {
        let confirmed = |event: &&Event| {
            event.event == EventKind::Confirmed
                && event.fault == injected.fault
                && (event.action.is_none() || event.action == injected.action)
        };
        self.after(injected.at_us).find(confirmed).map(|event| event.at_us)
    }

    /// See [`AvailabilityRow::first_ack_ms`].
    ///
    /// A killed leader without a successor in its window has no first acknowledgement: a trade that
    /// was sent after the injection may still have been answered by the process that was about to
    /// die.
    fn first_ack_us(
        &self,
        action: FaultKind,
        role: Role,
        change: Option<&Event>,
        window: Window,
    ) -> Option<u64> {
        let acknowledged = self
            .observations
            .iter()
            .filter(|row| row.op == Op::Trade && row.outcome == Outcome::Ok)
            .filter(|row| row.end_us >= window.at_us);
        if let Some(new_epoch) = change.map(|change| change.epoch) {
            let new_epoch = new_epoch?;
            let numbered_since = |row: &&&Observation| {
                let epoch = row.request_id.as_deref().and_then(|id| self.epochs.get(id));
                epoch.is_some_and(|&epoch| epoch >= new_epoch)
            };
            return acknowledged.filter(numbered_since).map(|row| row.end_us).min();
        }
        if role == Role::Leader && action == FaultKind::Kill {
            return None;
        }
        acknowledged.filter(|row| row.start_us >= window.at_us).map(|row| row.end_us).min()
    }

    /// From the comeback that carries the fault's number until a configuration contains the
    /// replica. A replica that was paused so briefly that it never left the set did not come back.
    fn back_in_sync_ms(&self, injected: &Event, action: FaultKind, process: &str) -> Option<f64> {
        let replica: u8 = process.strip_prefix("order-")?.parse().ok()?;
        let comeback = self.comeback(injected)?;
        if action == FaultKind::Pause && self.is_in_sync_before(comeback.at_us, replica) {
            return None;
        }
        let back = self
            .after(comeback.at_us)
            .filter(|event| is_configuration(event))
            .find(|event| in_sync(event).any(|member| member == replica))?;
        Window { at_us: comeback.at_us, until_us: None }.ms_until(back.at_us)
    }

    /// What undid the fault: it carries the fault's number.
    fn comeback(&self, injected: &Event) -> Option<&'a Event> {
        self.after(injected.at_us).find(|event| {
            event.event == EventKind::Injected
                && event.fault == injected.fault
                && matches!(event.action.as_deref(), Some("restart" | "resume" | "heal"))
        })
    }

    fn is_in_sync_before(&self, at_us: u64, replica: u8) -> bool {
        let before = self.events.iter().rev().filter(|event| event.at_us < at_us);
        let mut known = before.filter(|event| is_configuration(event) && event.in_sync.is_some());
        known.next().is_some_and(|event| in_sync(event).any(|member| member == replica))
    }
}

fn between(from_ms: Option<f64>, to_ms: Option<f64>) -> Option<f64> {
    from_ms.zip(to_ms).map(|(from_ms, to_ms)| to_ms - from_ms)
}

fn is_configuration(event: &Event) -> bool {
    matches!(event.event, EventKind::LeaderChanged | EventKind::InSyncChanged)
}

fn in_sync(event: &Event) -> impl Iterator<Item = u8> + '_ {
    event.in_sync.iter().flat_map(|members| members.split_whitespace()).flat_map(str::parse)
}
