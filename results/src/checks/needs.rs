//! What each kind of operation needs to be answered, and when it had that.
//!
//! Read from the timeline, and with care, so that nothing is demanded that the protocols do not promise.
//!
//! A trade needs:
//! * The processes that neither lead nor follow are up, in the bazaar the front-end and the catalog, and nothing is wrong
//!   between them, nor between one of them and clients.
//! * A replica that was in sync all the time could lead: it is up, and can speak with each of those; and if its files were lost or old, it has been added again since, or has caught up.
//! * No link is delayed or throttled, and no disk slow: how slow is too slow is not for a check to say.
//!   A process that gets a part of its time only counts as one that is down: nothing is demanded
//!   of trades if it is the front-end or the catalog, and of the replicas one that is not slow could lead.
//!
//! * No fault of the target's own lasts: nobody knows what that breaks.
//!
//! A flood excuses nothing: anybody who behaves is served as if it were not there (rule S4 of ARCHITECTURE.md), at once
//! and all the time.
//!
//! Who leads makes no difference. A leader that is dead, paused, slow, cannot write (its disk hangs or is full), or is cut off from the front-end or the
//! catalog in either direction is to be replaced by one that could lead (rule G1 of ARCHITECTURE.md). Links
//! between replicas may be cut, and followers dead, paused or out of reach: the leader is to get such a
//! member out of the in-sync set and go on.
//!
//! A front-end or a catalog whose files were lost or old is up once it is ready: it has been taken over, or filled, by
//! then, for which every replica may have to answer (L4, L7).
//!
//! A lookup needs the same, since only a leader knows what is committed.
//!
//! A read needs the front-end, the catalog and the link between them, with the cache as well as without:
//! which reads are hits is not known before. Who leads makes no difference to it, but for one thing: a
//! catalog that was started anew shows nothing before a leader has listed it (L7). So once front-end or
//! catalog were broken a read needs what a trade needs, for a moment.
//!
//! All of that is known of a system that tells its in-sync sets. Of any other nothing is known but that it has to
//! work while nothing at all is broken, whatever the operation.
//!
//! Nothing is demanded from the moment at which a trial was cut short: the harness stops the services then,
//! under operations that have begun.

use std::collections::BTreeSet;

use crate::records::{Fact, ProcessName, Route};
use crate::timeline::{Span, Timeline};

use super::history::History;

/// How long the bazaar may take to go on after the last change, and the longest that trades may then pause,
/// on top of the ping timeout after which a part that does not answer is given up: for an election, a
/// takeover, and the request that was under way.
const SETTLED_US: u64 = 1_000_000;
/// The same, all in all, for runs whose manifest does not name their ping timeout. They were made
/// with services that promised no more.
const SETTLED_ONCE_US: u64 = 5_000_000;

/// After how many microseconds without a change of what is broken the bazaar has noticed everything, and
/// works again if it can.
pub(super) fn bound_us(history: &History<'_>) -> u64 {
    history.ping_timeout_ms.map_or(SETTLED_ONCE_US, |ping_timeout_ms| {
        ping_timeout_ms.saturating_mul(1_000).saturating_add(SETTLED_US)
    })
}

/// A time in which everything that an operation needs was up, and nothing changed that could matter to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Possible {
    pub(super) from_us: u64,
    pub(super) to_us: u64,
}

impl Possible {
    /// From when on its operations are to be answered: at once if nothing had been broken before, or else
    /// once the bazaar has had the time to notice that nothing is broken any more.
    pub(super) fn settled_us(self, history: &History<'_>) -> u64 {
        let changed = history.timeline.changes().range(..=self.from_us).next().is_some();
        if changed { self.from_us.saturating_add(bound_us(history)) } else { self.from_us }
    }

    fn clipped(self, begin_us: u64, end_us: u64) -> Option<Self> {
        let (from_us, to_us) = (self.from_us.max(begin_us), self.to_us.min(end_us));
        (from_us < to_us).then_some(Self { from_us, to_us })
    }
}

/// When trades and lookups were possible, as far as that lies between `begin_us` and `end_us`.
pub(super) fn of_trades(history: &History<'_>, begin_us: u64, end_us: u64) -> Vec<Possible> {
    let possible = possible_trades(history).into_iter();
    possible.filter_map(|one| one.clipped(begin_us, end_us)).collect()
}

/// When reads were possible. Ends where something breaks that a read needs, and nowhere else.
pub(super) fn of_reads(history: &History<'_>) -> Vec<Possible> {
    if !history.has(Fact::InSyncSets) {
        return while_fault_free(history);
    }
    let needed: Vec<_> = history.processes.others().collect();
    let pairs = || pairs(&needed);
    let processes = history.timeline.processes();
    let between = |link: Route| {
        pairs().any(|(one, other)| link.is_between(one, other, processes))
            || link.with_clients().is_some_and(|name| needed.contains(&name))
    };
    let whole = history.timeline.whole(&needed, between);
    let trades = possible_trades(history);
    let reads = whole.into_iter().filter_map(|span| {
        let to_us = span.to_us.unwrap_or(u64::MAX).min(serves_until_us(history.timeline));
        let from_us = if span.from_us == 0 {
            0
        } else {
            let back = trades.iter().find(|one| one.to_us > span.from_us)?;
            back.from_us.max(span.from_us)
        };
        (from_us < to_us).then_some(Possible { from_us, to_us })
    });
    reads.collect()
}

/// When nothing was broken.
fn while_fault_free(history: &History<'_>) -> Vec<Possible> {
    let spans = history.timeline.fault_free().iter();
    let whole =
        spans.map(|span| Possible { from_us: span.from_us, to_us: span.to_us.unwrap_or(u64::MAX) });
    whole.filter_map(|one| one.clipped(0, serves_until_us(history.timeline))).collect()
}

fn possible_trades(history: &History<'_>) -> Vec<Possible> {
    if !history.has(Fact::InSyncSets) {
        return while_fault_free(history);
    }
    let timeline = &history.timeline;
    let changes = timeline.changes();
    let configured = timeline.configurations().iter().map(|one| one.at_us);
    let moments: BTreeSet<u64> = changes.iter().copied().chain(configured).collect();
    let until_us = serves_until_us(timeline);
    let rows = history.acknowledged.iter().map(|trade| &trade.operation.row);
    let acknowledged = rows.map(|row| (row.start_us, row.end_us));
    let incomplete: Vec<(u8, Span)> = timeline.incomplete(acknowledged).collect();
    let mut possible = Vec::new();
    // While trades are possible: since when, and thanks to which replicas.
    let mut window: Option<(u64, BTreeSet<u8>)> = None;
    for at_us in moments {
        let mut trading = trading(timeline, at_us);
        trading.retain(|id| !incomplete.iter().any(|(of, span)| of == id && span.contains(at_us)));
        let remaining = window.as_ref().map(|(_, before)| before & &trading);
        // A change of configuration is no excuse, as long as one replica stays all the time.
        if changes.contains(&at_us) || remaining.as_ref().is_none_or(BTreeSet::is_empty) {
            possible.extend(window.take().map(|(from_us, _)| Possible { from_us, to_us: at_us }));
            window = (!trading.is_empty()).then_some((at_us, trading));
        } else if let (Some((_, replicas)), Some(remaining)) = (window.as_mut(), remaining) {
            *replicas = remaining;
        }
    }
    possible.extend(window.map(|(from_us, _)| Possible { from_us, to_us: u64::MAX }));
    possible.into_iter().filter_map(|one| one.clipped(0, until_us)).collect()
}

/// Until when the harness let the services work.
pub(super) fn serves_until_us(timeline: &Timeline) -> u64 {
    timeline.interrupted.as_ref().map_or(u64::MAX, |interruption| interruption.at_us)
}

/// When the machine did not let the harness run, or a client program or a host of clients was not there, and for as long after that as the bazaar may take to notice
/// that nothing is broken: anybody who was not answered then has seen the machine, and not the services.
pub(super) fn stalls(history: &History<'_>) -> impl Iterator<Item = (u64, u64)> {
    let bound_us = bound_us(history);
    let timeline = history.timeline;
    let unreachable = timeline.clients.outages().chain(&timeline.lost_senders);
    timeline.stalls.iter().chain(unreachable).map(move |stall| {
        (stall.from_us, stall.to_us.map_or(u64::MAX, |to_us| to_us.saturating_add(bound_us)))
    })
}

/// Every two of them.
fn pairs(names: &[ProcessName]) -> impl Iterator<Item = (ProcessName, ProcessName)> + '_ {
    let later = |place: usize| names[place + 1..].iter();
    names.iter().enumerate().flat_map(move |(place, one)| later(place).map(|other| (*one, *other)))
}

/// The in-sync replicas, by their numbers, of which any could lead at `at_us`; none if trades need not be possible.
fn trading(timeline: &Timeline, at_us: u64) -> BTreeSet<u8> {
    let processes = timeline.processes();
    let needed: Vec<_> = processes.others().collect();
    let links = || timeline.broken_links(at_us).filter_map(|fault| fault.link());
    // Whom clients cannot reach is as good as down for them.
    let is_cut_off = |process| links().any(|link| link.with_clients() == Some(process));
    let is_up = |process| timeline.is_up(process, at_us) && !is_cut_off(process);
    // Whether either direction between the two is cut.
    let is_cut = |one, other| links().any(|link| link.is_between(one, other, processes));
    let mut lasting = timeline.faults().iter().filter(|fault| fault.span().contains(at_us));
    let slow = lasting.any(|fault| fault.kind.is_slowness() || fault.kind.is_of_the_targets_own());
    let are_up = needed.iter().all(|name| is_up(*name));
    if slow || !are_up || pairs(&needed).any(|(one, other)| is_cut(one, other)) {
        return BTreeSet::new();
    }
    let could_lead = |number: &u8| {
        let reaches_all = |name| needed.iter().all(|end| !is_cut(*end, name));
        processes.replica(*number).is_some_and(|name| is_up(name) && reaches_all(name))
    };
    let members = timeline.membership_at(at_us).and_then(|one| one.members.as_ref());
    let in_sync = |number: &u8| members.is_some_and(|members| members.contains(*number));
    processes.numbers().filter(in_sync).filter(could_lead).collect()
}
