//! One trial: its faults in the order of time, and what each of them cost.

use super::baseline::{Baseline, Missing};
use super::gaps;
use super::operations::{Kind, OperationIndex};
use super::row::AvailabilityRow;
use super::window::Window;
use crate::records::{Action, DumpRow, Fact, Observation, Target};
use crate::timeline::{self, Configuration, Role, Span, Term, Timeline};

/// Everything about one repetition of one cell.
pub(super) struct Trial<'a> {
    cell: &'a str,
    number: u32,
    target: &'a Target,
    timeline: &'a Timeline,
    load: OperationIndex<'a>,
}

/// A fault that was injected, and the time that is put down to it.
#[derive(Clone, Copy)]
struct Fault<'a> {
    it: &'a timeline::Fault,
    /// Those of its moment, itself among them: together they are what was broken.
    together: &'a [timeline::Fault],
    window: Window,
}

impl Fault<'_> {
    /// The whole moment's window: from the first of its faults on.
    fn outage(&self) -> Window {
        let first = self.together.first().unwrap_or(self.it);
        Window { at_us: first.injected.at_us, ..self.window }
    }

    /// Since when all that was to be broken was seen to be.
    fn broken_us(&self) -> u64 {
        let broken =
            |fault: &timeline::Fault| fault.injected.confirmed_us.unwrap_or(fault.injected.at_us);
        self.together.iter().map(broken).max().unwrap_or(self.window.at_us)
    }
}

impl<'a> Trial<'a> {
    /// `log` says in which epoch each trade was numbered.
    pub(super) fn new(
        cell: &'a str,
        number: u32,
        target: &'a Target,
        timeline: &'a Timeline,
        observations: &[&'a Observation],
        log: &'a [DumpRow],
    ) -> Self {
        Self {
            cell,
            number,
            target,
            timeline,
            load: OperationIndex::new(observations, log, timeline),
        }
    }

    pub(super) fn rows(&self) -> Vec<AvailabilityRow> {
        let mut rows: Vec<AvailabilityRow> = Vec::new();
        let mut baseline: Option<Baseline<'_>> = None;
        let mut recovered_us = self.load.began_us().unwrap_or(0);
        for fault in self.faults() {
            // A fault that hits a bazaar which is not whole is held to the last baseline before.
            if let Some(since_us) = self.timeline.whole_since(fault.window.at_us) {
                let from_us = since_us.max(recovered_us);
                baseline = Baseline::new(&self.load, from_us, fault.window.at_us);
            }
            let row = self.row(&fault, baseline.as_ref());
            let seen_ms = [row.first_ack_ms, row.backlog_drained_ms, row.p99_back_ms];
            let last_ms = seen_ms.into_iter().flatten().fold(0.0, f64::max);
            recovered_us = recovered_us.max(row.at_us + (last_ms * 1000.0) as u64);
            rows.push(row);
        }
        rows
    }

    fn faults(&self) -> Vec<Fault<'a>> {
        let faults = self.timeline.faults();
        let moments = || faults.chunk_by(|one, next| self.are_of_one_moment(one, next));
        let begins = |moment: &[timeline::Fault]| moment.first().map(|first| first.injected.at_us);
        let next = moments().skip(1).map(begins).chain([None]);
        let of_moment = |(together, until_us): (&'a [timeline::Fault], Option<u64>)| {
            together.iter().map(move |it| Fault {
                it,
                together,
                window: Window { at_us: it.injected.at_us, until_us },
            })
        };
        moments().zip(next).flat_map(of_moment).collect()
    }

    /// Whether two faults, one after the other, were planned for one moment. A blow that was meant for the
    /// leader's successor waits until there is one: that ends the first one's time as any later fault does.
    fn are_of_one_moment(&self, one: &timeline::Fault, next: &timeline::Fault) -> bool {
        let between = one.injected.at_us..=next.injected.at_us;
        one.injected.planned_us.is_some()
            && one.injected.planned_us == next.injected.planned_us
            && !self.timeline.terms().iter().any(|term| between.contains(&term.from_us))
    }

    fn row(&self, fault: &Fault<'_>, baseline: Option<&Baseline<'_>>) -> AvailabilityRow {
        let &Fault { it, window, .. } = fault;
        let timeline::Fault { kind: action, role, ref injected, ref undone, .. } = *it;
        let since_fault = |us: Option<u64>| us.and_then(|us| window.ms_until(us));
        let change =
            self.timeline.terms().iter().find(|term| fault.outage().contains(term.from_us));
        let new_leader = change.and_then(|change| change.leader);
        let detected_ms = since_fault(change.and_then(|change| change.suspected_us));
        let new_leader_ms = since_fault(change.map(|change| change.from_us));
        let first_ack_us = self.first_ack_us(fault, change);
        // Probes learn of it some milliseconds late; who acknowledges a trade serves.
        let serves_us = change.and_then(|change| change.serves_us);
        let serves_us = serves_us.map(|us| first_ack_us.map_or(us, |ack_us| us.min(ack_us)));
        let serving_ms = since_fault(serves_us);
        let drained_us = self
            .served_again_us(fault, first_ack_us)
            .and_then(|served_us| self.backlog_drained_us(window, served_us));
        // Nothing waits for a replica if nobody trades.
        let is_needed = fault.together.iter().any(|one| self.needs(one.role));
        let quiet_us = if is_needed { drained_us } else { Some(window.at_us) };
        let p99_back_us = baseline
            .zip(quiet_us)
            .and_then(|(baseline, quiet_us)| baseline.p99_back_us(quiet_us, window));
        let failures = self.load.failures(window);
        let outage = Span { from_us: window.at_us, to_us: drained_us.or(window.until_us) };
        let answers = self.load.trade_answers();
        let longest_gap_us =
            answers.and_then(|answers| answers.longest_us(outage, window.until_us));
        let stalled_us = gaps::stalled_us(self.timeline, outage);
        let missing = |kind| self.missing(baseline, kind, fault, drained_us);
        let (trades, reads) = (missing(Kind::Trades), missing(Kind::Reads));
        AvailabilityRow {
            cell: self.cell.to_owned(),
            trial: self.number,
            fault: injected.fault.unwrap_or_default(),
            action,
            target: injected.target.clone().unwrap_or_default(),
            role,
            pid: injected.pid,
            at_us: window.at_us,
            outage_us: fault.outage().at_us,
            confirmed_ms: since_fault(injected.confirmed_us),
            ended_ms: since_fault(undone.as_ref().map(|act| act.at_us)),
            detected_ms,
            new_leader_ms,
            election_ms: between(detected_ms, new_leader_ms),
            serving_ms,
            takeover_ms: between(new_leader_ms, serving_ms),
            new_leader,
            new_leader_name: new_leader
                .and_then(|leader| self.timeline.processes().replica(leader)),
            first_ack_ms: since_fault(first_ack_us),
            backlog_drained_ms: since_fault(drained_us),
            p99_before_ms: baseline.and_then(Baseline::p99_ms),
            p99_steady_percent: baseline.and_then(Baseline::steady_percent),
            p99_back_ms: since_fault(p99_back_us),
            trades_before_per_s: baseline.and_then(|baseline| baseline.per_s(Kind::Trades)),
            trades_missing: trades.map(|missing| missing.operations),
            trades_missing_noise: trades.and_then(|missing| missing.noise),
            trades_missing_ms: trades.and_then(|missing| missing.ms),
            reads_before_per_s: baseline.and_then(|baseline| baseline.per_s(Kind::Reads)),
            reads_missing: reads.map(|missing| missing.operations),
            reads_missing_noise: reads.and_then(|missing| missing.noise),
            reads_missing_ms: reads.and_then(|missing| missing.ms),
            longest_gap_ms: longest_gap_us.map(|us| us as f64 / 1000.0),
            harness_stalled_ms: stalled_us.map(|us| us as f64 / 1000.0),
            failed: failures.failed,
            unknown: failures.unknown,
            retried: self.target.has(Fact::AttemptsHeader).then_some(failures.retried),
            lost: None,
            doubled: None,
            stale: None,
            back_in_sync_ms: self.back_in_sync_ms(it),
            process: injected.subject.map_or_else(String::new, |subject| subject.to_string()),
            place: injected
                .subject
                .map_or_else(String::new, |subject| self.timeline.placed(subject)),
        }
    }

    /// See [`AvailabilityRow::first_ack_ms`].
    ///
    /// A killed leader without a successor in its window has no first acknowledgement: a trade that
    /// was sent after the injection may still have been answered by the process that was about to
    /// die. What else is broken is broken once that was seen, so only what was sent later counts; so it is
    /// with a new leader if nobody tells which leader numbered a trade.
    fn first_ack_us(&self, fault: &Fault<'_>, change: Option<&Term>) -> Option<u64> {
        let sent_later = || self.load.first_ack_sent(fault.broken_us());
        let is_leaders_death =
            |one: &timeline::Fault| one.role == Role::Leader && one.kind.is_deadly();
        match change {
            Some(_) if !self.target.has(Fact::OrderEpochs) => sent_later(),
            Some(change) => self.load.first_ack_of(change.epoch?, fault.outage().at_us),
            None if fault.together.iter().any(is_leaders_death) => None,
            None => sent_later(),
        }
    }

    /// Until when the fault kept operations waiting: until the first acknowledged trade. A load
    /// that does not trade needs no replica; whoever has the cache it needs for every read, and
    /// whatever lies behind that for those that were not in the cache.
    fn served_again_us(&self, fault: &Fault<'_>, first_ack_us: Option<u64>) -> Option<u64> {
        if self.load.has_trades() {
            return first_ack_us;
        }
        let mut needed = fault.together.iter().filter(|one| self.needs(one.role)).peekable();
        needed.peek()?;
        // Where no process is known to have a cache, what is answered has come all the way.
        let through_cache = match self.timeline.processes().roles().cache {
            Some(role) => needed.all(|one| one.role == Role::Of(role)),
            None => true,
        };
        // Where nobody tells what came from a cache, no read shows that what lies behind it works.
        if !through_cache && !self.target.has(Fact::CacheHeader) {
            return None;
        }
        let sent = self.load.due(fault.broken_us(), fault.window.until_us).iter();
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
        if window.until_us.is_none() && !self.timeline.finished {
            return None;
        }
        let due = self.load.due(0, Some(served_us)).iter();
        let waited = due.filter(|operation| operation.end_us >= window.at_us);
        let last_us = waited.map(|operation| operation.end_us).max()?;
        window.contains(last_us).then_some(last_us)
    }

    /// See the header of [`baseline`](super::baseline).
    fn missing(
        &self,
        baseline: Option<&Baseline<'_>>,
        kind: Kind,
        fault: &Fault<'_>,
        drained_us: Option<u64>,
    ) -> Option<Missing> {
        if self.load.is_open {
            let unanswered = self.load.failures(fault.window).unanswered(kind);
            return self.load.asks_for(kind).then(|| Missing::counted(unanswered, kind, baseline));
        }
        baseline?.missing(kind, fault.window.at_us, drained_us?)
    }

    /// From what undid the fault until a configuration contains the replica. A replica that was resumed
    /// so soon that it never left the set did not come back.
    fn back_in_sync_ms(&self, fault: &timeline::Fault) -> Option<f64> {
        let replica = self.timeline.processes().number_of(fault.process()?)?;
        let undone = fault.undone.as_ref()?;
        let at_us = undone.at_us;
        let is_member = |one: &Configuration| {
            one.members.as_ref().is_some_and(|members| members.contains(replica))
        };
        if undone.action == Action::Resume
            && self.timeline.membership_before(at_us).is_some_and(is_member)
        {
            return None;
        }
        let mut later = self.timeline.configurations().iter().filter(|one| one.at_us >= at_us);
        let back = later.find(|one| is_member(one))?;
        Window { at_us, until_us: None }.ms_until(back.at_us)
    }
}

fn between(from_ms: Option<f64>, to_ms: Option<f64>) -> Option<f64> {
    from_ms.zip(to_ms).map(|(from_ms, to_ms)| to_ms - from_ms)
}
