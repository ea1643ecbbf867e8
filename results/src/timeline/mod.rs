//! What happened to the services of a trial: the one reading of its events.
//!
//! Checks, figures, charts and page ask here when a fault was over, who led, who was in sync and when
//! nothing was broken; none of them looks at events. So all of them mean the same by it:
//!
//! * A fault lasts from its injection until it is *over*. What ended it is said by the injector
//!   ([`Event::ends`]): its own restart, resume or heal, or another fault's restart of the same process.
//!   A process that was started anew is whole once it is ready; what was resumed or healed is, once
//!   that was confirmed. What has no such end is over when everything was healed.
//! * A process that died though nobody had killed it is broken in the same way, from then on. One that was lost with its host is
//!   broken until the end.
//! * What was seen on another host has a time that may be off by a bound; what it broke was broken from as early to as late as that.
//! * *Fault-free* is a time in which nothing of that lasted. *In sync* is one in which the newest
//!   configuration had all replicas as members.
//!
//! * What a fault of the target's own breaks nobody knows: while it lasts nothing is whole.
//!
//! Runs of format 1 do not say what an act ended. There it is taken to have ended the fault whose
//! number it carries, and whatever else it ends of what lasted at the same process. Of links nothing
//! else ends: several faults of one link end one by one.

mod act;
mod client_trouble;
mod configuration;
mod disturbance;
mod fault;
mod files;
mod host;
mod kind;
mod leader;
mod placed;
mod senders;
mod span;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::records::{Event, EventKind, ProcessName, Processes, Route};

pub use act::{Act, NotConfirmed};
pub use client_trouble::ClientTrouble;
pub use configuration::{Configuration, Term};
pub use disturbance::Disturbance;
pub use fault::{Death, Fault};
pub use host::{Host, HostClients};
pub use kind::{FaultKind, Role};
pub use leader::Leader;
pub use span::Span;

/// What a process is doing, as far as signals and its own word go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It is dead, or was not started yet.
    Down,
    /// It was stopped by a signal.
    Paused,
    /// It was started and is not ready.
    Starting,
    /// It is ready.
    Ready,
}

/// Whether all replicas became equal after the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// They did, at this time.
    Converged(u64),
    /// They did not within the bound: when that was clear, and what was wrong.
    NotConverged(u64, Option<String>),
}

/// The end of an open loop's schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrivalsEnded {
    /// When.
    pub at_us: u64,
    /// How many arrivals were due before and never sent.
    pub unsent: u64,
}

/// That a load was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadCutShort {
    /// When.
    pub at_us: u64,
    /// Which threshold the last seconds broke, as the plan says it.
    pub threshold: String,
    /// With which value.
    pub value: String,
}

/// A stage of the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageBegan {
    /// When.
    pub at_us: u64,
    /// What it is, in words.
    pub what: String,
}

/// That a trial was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// When the harness gave the trial up. It stopped its clients and the services after that.
    pub at_us: u64,
    /// Why.
    pub why: Option<String>,
}

/// What happened to the services of one trial. Everything in it is in the order of time; times are
/// microseconds since the run's origin.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Whether there is no event at all.
    pub is_empty: bool,
    /// When the load began.
    pub load_began_us: Option<u64>,
    /// The stages of a load that changed while it ran.
    pub stages: Vec<StageBegan>,
    /// When and why the load was ended before its time, if it was.
    pub cut_short: Option<LoadCutShort>,
    /// When nothing more was due, in an open loop.
    pub arrivals_ended: Option<ArrivalsEnded>,
    /// When the load was over.
    pub load_ended_us: Option<u64>,
    /// When everything that was still broken had been put right.
    pub healed_us: Option<u64>,
    /// Whether all became equal, if that is known.
    pub settlement: Option<Settlement>,
    /// When and why the trial was cut short, if it was.
    pub interrupted: Option<Interruption>,
    /// Whether every row of the trial is written.
    pub finished: bool,
    /// The faults, by number, that were to be injected at some time.
    pub planned: BTreeSet<u32>,
    /// The faults, by number, that found nobody to be done to and may be left out then.
    pub skipped: BTreeSet<u32>,
    /// How many acts were left out in all, be it what was to end a fault.
    pub skips: u64,
    /// When the harness itself could not run.
    pub stalls: Vec<Span>,
    /// What client programs of the target's did wrong.
    pub clients: ClientTrouble,
    /// From when a host of clients was heard of last until it was known that it was lost.
    pub lost_senders: Vec<Span>,
    /// What was not seen to have worked, or could not be done.
    pub not_confirmed: Vec<NotConfirmed>,
    /// The hosts that processes or clients were on, by name; none if all were on the harness's.
    pub hosts: BTreeMap<String, Host>,
    processes: Processes,
    acts: Vec<Act>,
    faults: Vec<Fault>,
    deaths: Vec<Death>,
    /// When each process was first started, and when it was first ready.
    starts: BTreeMap<ProcessName, (u64, Option<u64>)>,
    configurations: Vec<Configuration>,
    terms: Vec<Term>,
    in_sync: Vec<Span>,
    fault_free: Vec<Span>,
}

impl Timeline {
    /// Reads the events of one trial, in whatever order, of a system with these processes.
    #[must_use]
    pub fn new<'a>(events: impl IntoIterator<Item = &'a Event>, processes: &Processes) -> Self {
        let mut events: Vec<&Event> = events.into_iter().collect();
        // The probes write changes of configuration when they learn of them.
        events.sort_by_key(|event| event.at_us);
        let mut timeline = Self { is_empty: events.is_empty(), ..Self::default() };
        for event in &events {
            timeline.note(event);
        }
        let configurations = configuration::configurations(&events);
        let acts = act::acts(&events);
        let faults = fault::faults(&acts, &events, timeline.healed_us, &configurations, processes);
        let deaths = fault::deaths(&acts, &events, timeline.healed_us);
        let broken = faults.iter().map(Fault::span).chain(deaths.iter().map(Death::span));
        timeline.fault_free = span::gaps(broken.collect());
        timeline.in_sync = configuration::in_sync(&configurations, processes.replicas().len());
        timeline.terms = configuration::terms(&events);
        timeline.hosts = host::hosts(&events);
        let processes = processes.clone();
        Self { processes, acts, faults, deaths, configurations, ..timeline }
    }

    /// Takes in an event that stands for itself.
    fn note(&mut self, event: &Event) {
        let at_us = event.at_us;
        match event.event {
            EventKind::LoadBegan => _ = self.load_began_us.get_or_insert(at_us),
            EventKind::LoadEnded => _ = self.load_ended_us.get_or_insert(at_us),
            EventKind::StageBegan => {
                self.stages
                    .push(StageBegan { at_us, what: event.detail.clone().unwrap_or_default() });
            }
            EventKind::LoadCutShort => {
                let threshold = event.target.clone().unwrap_or_default();
                let value = event.detail.clone().unwrap_or_default();
                self.cut_short.get_or_insert(LoadCutShort { at_us, threshold, value });
            }
            EventKind::ArrivalsEnded => {
                let unsent = event.unsent.unwrap_or(0);
                self.arrivals_ended.get_or_insert(ArrivalsEnded { at_us, unsent });
            }
            EventKind::HarnessStalled => {
                let from_us = event.planned_us.unwrap_or(at_us);
                self.stalls.push(Span { from_us, to_us: Some(at_us) });
            }
            EventKind::ClientBroke => self.clients.broke(at_us, event.detail.as_deref()),
            EventKind::ClientReady => self.clients.is_back(at_us, event.detail.as_deref()),
            EventKind::LateAnswer => self.clients.late += 1,
            EventKind::SenderLost => {
                let from_us = event.suspected_us.unwrap_or(at_us).min(at_us);
                self.lost_senders.push(Span { from_us, to_us: Some(at_us) });
            }
            EventKind::Healed => _ = self.healed_us.get_or_insert(at_us),
            EventKind::Converged => {
                self.settlement.get_or_insert(Settlement::Converged(at_us));
            }
            EventKind::NotConverged => {
                if !matches!(self.settlement, Some(Settlement::NotConverged(..))) {
                    self.settlement = Some(Settlement::NotConverged(at_us, event.detail.clone()));
                }
            }
            EventKind::Interrupted => {
                let why = event.detail.clone();
                self.interrupted.get_or_insert(Interruption { at_us, why });
            }
            EventKind::Finished => self.finished = true,
            EventKind::Skipped => {
                self.skips += 1;
                let begins = event.action.is_none_or(|action| !action.is_end());
                self.skipped.extend(event.fault.filter(|_| begins));
            }
            EventKind::NotConfirmed => self.not_confirmed.push(NotConfirmed::new(event)),
            EventKind::Started | EventKind::Ready => {
                if let Some(process) = event.process.and_then(|subject| subject.process()) {
                    self.start(process, event.event, at_us);
                }
            }
            EventKind::Planned => self.planned.extend(event.fault),
            // These are understood together: acts, faults, deaths, configurations.
            EventKind::Injected
            | EventKind::Confirmed
            | EventKind::Died
            | EventKind::HostReached
            | EventKind::HostLost
            | EventKind::HostBack
            | EventKind::SenderReady
            | EventKind::SenderEnded
            | EventKind::LeaderChanged
            | EventKind::LeaderServes
            | EventKind::InSyncChanged
            | EventKind::LeaderHint => {}
        }
    }

    fn start(&mut self, process: ProcessName, kind: EventKind, at_us: u64) {
        if kind == EventKind::Started {
            self.starts.entry(process).or_insert((at_us, None));
        } else if let Some((_, ready_us)) = self.starts.get_mut(&process) {
            ready_us.get_or_insert(at_us);
        }
    }

    /// Everything that was done: what began faults and what ended them.
    #[must_use]
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// Every fault that was injected.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Every death that nobody had ordered. What became of a process on a host that was lost nobody knows.
    pub fn deaths(&self) -> impl Iterator<Item = &Death> {
        self.deaths.iter().filter(|death| death.lost_host.is_none())
    }

    /// The first host with processes that was lost, when and why, if one was. With one that had clients alone nothing of the services is lost.
    #[must_use]
    pub fn first_loss(&self) -> Option<(&str, u64, &str)> {
        let lost = self.hosts.iter().filter_map(|(name, host)| {
            let (at_us, why) = host.lost.as_ref()?;
            Some((name.as_str(), *at_us, why.as_str()))
        });
        lost.min_by_key(|(_, at_us, _)| *at_us)
    }

    /// The faults, by number, of which nobody says what became of them: they were neither injected nor left
    /// out, nor was it noted that that could not be done. A plan counts its faults from 1.
    #[must_use]
    pub fn untold(&self) -> BTreeSet<u32> {
        let injected = self.faults.iter().filter_map(Fault::number);
        let refuted = self.not_confirmed.iter().filter_map(|act| act.fault);
        let skipped = self.skipped.iter().copied();
        let told: BTreeSet<u32> = injected.chain(refuted).chain(skipped).collect();
        let undone = self.acts.iter().filter_map(|act| act.fault);
        let known = self.planned.iter().copied().chain(undone).chain(told.iter().copied());
        let last = known.max().unwrap_or(0);
        (1..=last).filter(|number| !told.contains(number)).collect()
    }

    /// Those deaths that no fault explains either: a process that the injector kills, and one that it
    /// starts anew and that ends before it is ready, end because of that; and a full disk explains the exit
    /// codes of a process that cannot write.
    pub fn unexplained_deaths(&self) -> impl Iterator<Item = &Death> {
        self.deaths().filter(|death| {
            let mut own = self.faults.iter().filter(|fault| {
                fault.process() == Some(death.process) || fault.kind.is_of_the_targets_own()
            });
            !own.any(|fault| fault.explains(death)) || self.is_refusal(death)
        })
    }

    /// Whether a process has refused to start over files that were lost or old, with those of all others whole: it is to
    /// come back then (the L rules of ARCHITECTURE.md). Where two are damaged at once nobody promises that.
    fn is_refusal(&self, death: &Death) -> bool {
        let mut of_files = self
            .faults
            .iter()
            .filter(|fault| fault.kind.is_of_files() && fault.span().contains(death.at_us));
        let own = of_files.next().is_some_and(|one| one.process() == Some(death.process));
        own && of_files.next().is_none() && death.detail.as_deref() == Some("exit status: 3")
    }

    /// The leaderships.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Every configuration that the front-end stored.
    #[must_use]
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }

    /// When nothing was broken.
    #[must_use]
    pub fn fault_free(&self) -> &[Span] {
        &self.fault_free
    }

    /// When none of these processes was broken, and none of these links.
    #[must_use]
    pub fn whole(&self, processes: &[ProcessName], of_links: impl Fn(Route) -> bool) -> Vec<Span> {
        let faults = self.breaking().filter(|fault| {
            fault.process().is_some_and(|process| processes.contains(&process))
                || fault.link().is_some_and(&of_links)
                || fault.kind.is_of_the_targets_own()
        });
        let deaths = self.deaths.iter().filter(|death| processes.contains(&death.process));
        span::gaps(faults.map(Fault::span).chain(deaths.map(Death::span)).collect())
    }

    /// When all replicas were in sync. Before anybody said who was, all count as that.
    #[must_use]
    pub fn in_sync(&self) -> &[Span] {
        &self.in_sync
    }

    /// The times in which something was broken. Those that are less than `apart_us` apart are one.
    #[must_use]
    pub fn disturbances(&self, apart_us: u64) -> Vec<Disturbance<'_>> {
        disturbance::disturbances(&self.faults, apart_us)
    }

    /// Since when nothing had been broken and all replicas had been in sync just before `at_us`; nothing
    /// if that was not so.
    #[must_use]
    pub fn whole_since(&self, at_us: u64) -> Option<u64> {
        let since =
            |spans: &[Span]| spans.iter().find(|span| span.reaches(at_us)).map(|span| span.from_us);
        Some(since(&self.fault_free)?.max(since(&self.in_sync)?))
    }

    /// Since when nothing has been broken any more, at the trial's end; nothing if something still was.
    #[must_use]
    pub fn fault_free_at_last(&self) -> Option<u64> {
        self.fault_free.last().filter(|span| span.to_us.is_none()).map(|span| span.from_us)
    }

    /// When all replicas were known to be in sync, at `at_us` or later: `at_us` itself if they were then.
    #[must_use]
    pub fn in_sync_from(&self, at_us: u64) -> Option<u64> {
        let known_us = self.configurations.iter().find(|one| one.members.is_some())?.at_us;
        let from_us = at_us.max(known_us);
        let reached = self.in_sync.iter().find(|span| span.to_us.is_none_or(|us| us > from_us));
        reached.map(|span| span.from_us.max(from_us))
    }

    /// Every process that the system was to have.
    #[must_use]
    pub fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Every process that was started, in the order of [`Processes::list`]; then those that are not listed.
    pub fn started(&self) -> impl Iterator<Item = ProcessName> + '_ {
        let listed = self.processes.names().filter(|name| self.starts.contains_key(name));
        let others = self.starts.keys().copied().filter(|name| !self.processes.contains(*name));
        listed.chain(others)
    }

    /// What a process was doing at `at_us`.
    #[must_use]
    pub fn state_at(&self, process: ProcessName, at_us: u64) -> ProcessState {
        let started = self.starts.get(&process);
        let Some(&(_, ready_us)) = started.filter(|(us, _)| *us <= at_us) else {
            return ProcessState::Down;
        };
        let of_process = || self.faults.iter().filter(|fault| fault.process() == Some(process));
        let is_kind = |kind| of_process().any(|fault| fault.kind == kind && fault.holds_at(at_us));
        let mut deaths = self.deaths.iter().filter(|death| death.process == process);
        let mut mending =
            of_process().map(Fault::mending).chain(deaths.clone().map(Death::mending));
        let is_killed = is_kind(FaultKind::Kill) || is_kind(FaultKind::PowerCut);
        if is_killed || deaths.any(|death| death.holds_at(at_us)) {
            ProcessState::Down
        } else if is_kind(FaultKind::Pause) {
            ProcessState::Paused
        } else if ready_us.is_none_or(|us| at_us < us) || mending.any(|span| span.contains(at_us)) {
            ProcessState::Starting
        } else {
            ProcessState::Ready
        }
    }

    /// Whether nothing is wrong with a process at `at_us`, as far as faults and deaths go.
    #[must_use]
    pub fn is_up(&self, process: ProcessName, at_us: u64) -> bool {
        let broken = self.breaking().filter(|fault| fault.process() == Some(process));
        let dead = self.deaths.iter().filter(|death| death.process == process);
        !broken.map(Fault::span).chain(dead.map(Death::span)).any(|span| span.contains(at_us))
    }

    /// The faults of links that last at `at_us`.
    pub fn broken_links(&self, at_us: u64) -> impl Iterator<Item = &Fault> {
        let of_links = self.faults.iter().filter(|fault| fault.kind.is_of_links());
        of_links.filter(move |fault| fault.span().contains(at_us))
    }

    /// The moments at which what is broken changed: faults and deaths, and their ends.
    #[must_use]
    pub fn changes(&self) -> BTreeSet<u64> {
        let broken = self.breaking().map(Fault::span).chain(self.deaths.iter().map(Death::span));
        broken.flat_map(|span| std::iter::once(span.from_us).chain(span.to_us)).collect()
    }

    /// The faults that break something, and are not just to be borne.
    fn breaking(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|fault| !fault.kind.is_borne())
    }

    /// The moments at which the state of a process may have changed, or who leads, or who is in sync.
    #[must_use]
    pub fn moments(&self) -> BTreeSet<u64> {
        let started =
            self.starts.values().flat_map(|&(us, ready_us)| std::iter::once(us).chain(ready_us));
        let undone =
            self.faults.iter().flat_map(|fault| fault.undone.as_ref()).map(|act| act.at_us);
        let restarted = self.deaths.iter().filter_map(|death| death.restarted_us);
        let configured = self.configurations.iter().map(|one| one.at_us);
        let moments = self.changes().into_iter().chain(started).chain(undone);
        moments.chain(restarted).chain(configured).collect()
    }

    /// The newest configuration that names members, of those stored before `at_us` or then.
    #[must_use]
    pub fn membership_at(&self, at_us: u64) -> Option<&Configuration> {
        let stored = self.configurations.iter().rev().filter(|one| one.at_us <= at_us);
        stored.into_iter().find(|one| one.members.is_some())
    }

    /// The newest configuration that names members, of those stored before `at_us`.
    #[must_use]
    pub fn membership_before(&self, at_us: u64) -> Option<&Configuration> {
        at_us.checked_sub(1).and_then(|before_us| self.membership_at(before_us))
    }

    /// Who led at `at_us`.
    #[must_use]
    pub fn leader_at(&self, at_us: u64) -> Option<u8> {
        let stored = self.configurations.iter().rev().filter(|one| one.at_us <= at_us);
        stored.into_iter().find_map(|one| one.leader)
    }
}
