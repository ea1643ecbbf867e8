//! One trial: its faults in the order of time, and what each of them cost.

use super::calm::{Calm, Loss};
use super::load::Load;
use super::quiet::{comeback, in_sync, is_configuration, whole_since};
use super::window::Window;
use super::{AvailabilityRow, FaultKind, Role};
use crate::records::{Event, EventKind, FinalRow, Observation};

/// Everything about one repetition of one cell.
pub(super) struct Trial<'a> {
    /// By time: the probes write configuration changes when they learn of them.
    events: Vec<&'a Event>,
    load: Load<'a>,
    replicas: usize,
    /// Whether every row was written. Otherwise what was under way at the end is missing.
    finished: bool,
}

/// A fault that was injected, and the time that is put down to it.
#[derive(Clone, Copy)]
struct Fault<'a> {
    injected: &'a Event,
    action: FaultKind,
    role: Role,
    window: Window,
}

impl<'a> Trial<'a> {
    /// `log` says in which epoch each trade was numbered.
    pub(super) fn new(
        mut events: Vec<&'a Event>,
        observations: &[&'a Observation],
        log: &'a [FinalRow],
        replicas: u8,
    ) -> Self {
        events.sort_by_key(|event| event.at_us);
        let finished = events.iter().any(|event| event.event == EventKind::Finished);
        let load = Load::new(observations, log);
        Self { events, load, replicas: usize::from(replicas), finished }
    }

    pub(super) fn rows(&self) -> Vec<AvailabilityRow> {
        let mut rows: Vec<AvailabilityRow> = Vec::new();
        let mut calm: Option<Calm<'_>> = None;
        let mut recovered_us = self.load.began_us().unwrap_or(0);
        for fault in self.faults() {
            // A fault that hits a bazaar which is not whole is held to the last calm time before.
            if let Some(since_us) = whole_since(&self.events, self.replicas, fault.window.at_us) {
                let from_us = since_us.max(recovered_us);
                calm = Calm::new(&self.load, from_us, fault.window.at_us);
            }
            let row = self.row(&fault, calm.as_ref());
            let seen_ms = [row.first_ack_ms, row.backlog_drained_ms, row.p99_back_ms];
            let last_ms = seen_ms.into_iter().flatten().fold(0.0, f64::max);
            recovered_us = recovered_us.max(row.at_us + (last_ms * 1000.0) as u64);
            rows.push(row);
        }
        rows
    }

    fn faults(&self) -> Vec<Fault<'a>> {
        let injected: Vec<(&Event, FaultKind)> = self
            .events
            .iter()
            .filter(|event| event.event == EventKind::Injected)
            .filter_map(|&event| Some((event, FaultKind::of(event)?)))
            .collect();
        let next = injected.iter().skip(1).map(|(event, _)| Some(event.at_us)).chain([None]);
        let windows = injected.iter().zip(next);
        windows
            .map(|(&(injected, action), until_us)| {
                let role = Role::of(injected, self.leader_before(injected.at_us));
                let window = Window { at_us: injected.at_us, until_us };
                Fault { injected, action, role, window }
            })
            .collect()
    }

    fn row(&self, fault: &Fault<'_>, calm: Option<&Calm<'_>>) -> AvailabilityRow {
        let &Fault { injected, action, role, window } = fault;
        let process = injected.process.clone().unwrap_or_default();
        let since_fault = |us: Option<u64>| us.and_then(|us| window.ms_until(us));
        let change = self.in_window(window).find(|event| event.event == EventKind::LeaderChanged);
        let detected_ms = since_fault(change.and_then(|change| change.suspected_us));
        let new_leader_ms = since_fault(change.map(|change| change.at_us));
        let serving_ms = since_fault(change.and_then(|change| self.serving_us(change)));
        let first_ack_us = self.first_ack_us(fault, change);
        let drained_us = self
            .served_again_us(fault, first_ack_us)
            .and_then(|served_us| self.backlog_drained_us(window, served_us));
        // Nothing waits for a replica if nobody trades.
        let quiet_us = if self.needs(role) { drained_us } else { Some(window.at_us) };
        let p99_back_us =
            calm.zip(quiet_us).and_then(|(calm, quiet_us)| calm.p99_back_us(quiet_us, window));
        let troubles = self.load.troubles(window);
        let loss = calm.and_then(|calm| self.loss(calm, fault, drained_us));
        AvailabilityRow {
            cell: injected.cell.clone(),
            trial: injected.trial,
            fault: injected.fault.unwrap_or_default(),
            action,
            target: injected.target.clone().unwrap_or_default(),
            role,
            pid: injected.pid,
            at_us: window.at_us,
            confirmed_ms: since_fault(self.confirmed_us(injected)),
            ended_ms: since_fault(comeback(&self.events, injected).map(|event| event.at_us)),
            detected_ms,
            new_leader_ms,
            election_ms: between(detected_ms, new_leader_ms),
            serving_ms,
            takeover_ms: between(new_leader_ms, serving_ms),
            new_leader: change.and_then(|change| change.leader),
            first_ack_ms: since_fault(first_ack_us),
            backlog_drained_ms: since_fault(drained_us),
            p99_before_ms: calm.and_then(Calm::p99_ms),
            p99_steady_percent: calm.and_then(Calm::steady_percent),
            p99_back_ms: since_fault(p99_back_us),
            goodput_before_per_s: calm.map(Calm::per_s),
            goodput_lost: loss.map(|loss| loss.operations),
            goodput_lost_ms: loss.map(|loss| loss.ms),
            longest_gap_ms: self.load.longest_gap_us(window).map(|us| us as f64 / 1000.0),
            failed: troubles.failed,
            unknown: troubles.unknown,
            retried: troubles.retried,
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
        let from = self.events.partition_point(|event| event.at_us < at_us);
        self.events[from..].iter().copied()
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

    fn serving_us(&self, change: &Event) -> Option<u64> {
        let serves =
            |event: &&Event| event.event == EventKind::LeaderServes && event.epoch == change.epoch;
        self.after(change.at_us).find(serves).map(|event| event.at_us)
    }

    /// See [`AvailabilityRow::first_ack_ms`].
    ///
    /// A killed leader without a successor in its window has no first acknowledgement: a trade that
    /// was sent after the injection may still have been answered by the process that was about to
    /// die. What else is broken is broken once that was seen, so only what was sent later counts.
    fn first_ack_us(&self, fault: &Fault<'_>, change: Option<&Event>) -> Option<u64> {
        let at_us = fault.window.at_us;
        match change {
            Some(change) => self.load.first_ack_of(change.epoch?, at_us),
            None if fault.role == Role::Leader && fault.action == FaultKind::Kill => None,
            None => self.load.first_ack_sent(self.confirmed_us(fault.injected).unwrap_or(at_us)),
        }
    }

    /// Until when the fault kept operations waiting: until the first acknowledged trade. A load
    /// that does not trade needs no order service; the front-end it needs for every read, and
    /// whatever lies behind that for those that were not in the cache.
    fn served_again_us(&self, fault: &Fault<'_>, first_ack_us: Option<u64>) -> Option<u64> {
        if self.load.has_trades() {
            return first_ack_us;
        }
        if !self.needs(fault.role) {
            return None;
        }
        let through_cache = fault.role == Role::FrontEnd;
        let broken_us = self.confirmed_us(fault.injected).unwrap_or(fault.window.at_us);
        let sent = self.load.due(broken_us, fault.window.until_us).iter();
        let needed = sent.filter(|sent| sent.answered && (through_cache || !sent.hit));
        needed.map(|sent| sent.end_us).min()
    }

    /// Whether the load needs such a process at all.
    fn needs(&self, role: Role) -> bool {
        self.load.has_trades() || !matches!(role, Role::Leader | Role::Follower)
    }

    /// When the last of the operations had ended that were under way at the fault, or due after it
    /// and before `served_us`. Nothing if that was not seen before the next fault, or if the end of
    /// the trial is missing, and with it whatever was under way then.
    fn backlog_drained_us(&self, window: Window, served_us: u64) -> Option<u64> {
        if window.until_us.is_none() && !self.finished {
            return None;
        }
        let due = self.load.due(0, Some(served_us)).iter();
        let waited = due.filter(|operation| operation.end_us >= window.at_us);
        let last_us = waited.map(|operation| operation.end_us).max()?;
        window.contains(last_us).then_some(last_us)
    }

    /// See the header of [`calm`](super::calm).
    fn loss(&self, calm: &Calm<'_>, fault: &Fault<'_>, drained_us: Option<u64>) -> Option<Loss> {
        if self.load.is_open {
            let unanswered = self.load.troubles(fault.window).unanswered_load;
            return Some(calm.as_loss(unanswered as f64));
        }
        drained_us.map(|drained_us| calm.loss(fault.window.at_us, drained_us))
    }

    /// From the comeback that carries the fault's number until a configuration contains the
    /// replica. A replica that was paused so briefly that it never left the set did not come back.
    fn back_in_sync_ms(&self, injected: &Event, action: FaultKind, process: &str) -> Option<f64> {
        let replica: u8 = process.strip_prefix("order-")?.parse().ok()?;
        let comeback = comeback(&self.events, injected)?;
        if action == FaultKind::Pause && self.is_in_sync_before(comeback.at_us, replica) {
            return None;
        }
        let back = self
            .after(comeback.at_us)
            .filter(|event| is_configuration(event))
            .find(|event| in_sync(event).any(|member| member == replica))?;
        Window { at_us: comeback.at_us, until_us: None }.ms_until(back.at_us)
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
