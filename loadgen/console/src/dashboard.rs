//! Everything the page shows, in one place, and its form in JSON.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faults::bazaar::Bazaar;
use faults::clock::Origin;
use faults::process::{ProcessInfo, ProcessName, ProcessState};
use faults::schedule::Action;
use results::records::{Event, EventKind, Observation, RoleName, Subject};
use results::timeline::Leader;
use serde::Serialize;

use super::Offers;
use super::lasting::{ForLeader, Lasting};
use super::leadership::{LeaderTerm, Leadership};
use super::settings::Load;
use super::system_words::SystemWords;
use super::window::{BUCKET_MS, Bucket, Figures, Totals, Window};

/// Marks that are kept: the page lists them, and draws those of the last minute.
const MAX_MARKS: usize = 60;

/// What a mark stands for; decides its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MarkKind {
    /// Something was broken.
    Fault,
    /// Something was put right.
    Mended,
    /// A leader began to serve.
    Leader,
    /// The load or the cache was changed.
    Setting,
}

/// Something that happened, for the timeline and the list below it.
#[derive(Clone, Debug, Serialize)]
struct Mark {
    /// Its number, from 1.
    number: u64,
    at_ms: f64,
    kind: MarkKind,
    /// As short as a flag.
    label: String,
    text: String,
}

/// A process as the page shows it.
#[derive(Debug, Serialize)]
struct Process {
    name: String,
    /// What it is there for.
    role: String,
    pid: u32,
    /// Where it listens; empty if that is not known.
    address: String,
    /// `up`, `paused` or `dead`.
    state: &'static str,
    /// Whether it leads; of replicas only.
    leads: Option<bool>,
    /// Whether it is in sync; of replicas only, and of a target that says so.
    in_sync: Option<bool>,
    /// What else is wrong with it for a time, as `stall-disk` or `flood`.
    faults: Vec<String>,
}

/// What the page shows.
#[derive(Debug, Serialize)]
pub(super) struct State {
    /// What is shown, and in which words.
    system: SystemWords,
    now_ms: f64,
    bucket_ms: u64,
    processes: Vec<Process>,
    /// The replicas' processes, by their numbers from 1.
    replicas: Vec<ProcessName>,
    leader: Option<Leader>,
    reigns: Vec<LeaderTerm>,
    load: Load,
    /// Whether queries are answered from a cache, where that can be switched.
    cache: Option<bool>,
    /// The role of those whose answers tell who leads, if there is such.
    tells: Option<RoleName>,
    /// What can be broken besides processes.
    offers: Offers,
    /// What is wrong with links for a time, as `cut order-3 -> catalog`.
    links: Vec<String>,
    /// The last second.
    figures: Figures,
    totals: Totals,
    /// Those that the page does not have yet.
    buckets: Vec<Bucket>,
    marks: VecDeque<Mark>,
}

impl State {
    /// The number of the bucket that comes after those in here.
    pub(super) fn next_bucket(&self, before: u64) -> u64 {
        self.buckets.last().map_or(before, |bucket| bucket.number + 1)
    }
}

#[derive(Debug, Default)]
struct Inner {
    window: Window,
    leadership: Leadership,
    marks: VecDeque<Mark>,
    marks_made: u64,
    load: Load,
    cache: Option<bool>,
    lasting: Lasting,
}

/// Everything the page shows.
#[derive(Debug)]
pub(super) struct Dashboard {
    bazaar: Arc<Bazaar>,
    origin: Origin,
    offers: Offers,
    words: SystemWords,
    inner: Mutex<Inner>,
}

impl Dashboard {
    pub(super) fn new(
        bazaar: Arc<Bazaar>,
        origin: Origin,
        cache: Option<bool>,
        offers: Offers,
        words: SystemWords,
    ) -> Self {
        let leadership = Leadership::new(bazaar.system().clone());
        let lasting = Lasting::new(bazaar.system().clone());
        let inner = Inner { cache, leadership, lasting, ..Inner::default() };
        Self { bazaar, origin, offers, words, inner: Mutex::new(inner) }
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// A client has done something.
    pub(super) fn observe(&self, row: &Observation) {
        self.inner().window.add(row);
    }

    /// Time has gone by.
    pub(super) fn tick(&self) {
        let number = self.origin.elapsed_us() / (BUCKET_MS * 1000);
        self.inner().window.close_until(number);
    }

    /// The probes have seen something.
    pub(super) fn hear(&self, event: &Event) {
        let mut inner = self.inner();
        match event.event {
            EventKind::Died | EventKind::HostLost => {
                let named = event.process.map(|subject| subject.to_string());
                let process = named.as_deref().unwrap_or("a process");
                let (fate, label, text) = if event.event == EventKind::Died {
                    let text = format!("{process} has died by itself");
                    ("death", format!("{process} died"), text)
                } else {
                    let host = event.target.as_deref().unwrap_or("its host");
                    let text = format!("{process} was lost with {host}");
                    ("loss", format!("{host} lost"), text)
                };
                inner.leadership.broken(process, format!("the {fate} of {process}"), event.at_us);
                if let Some(name) = event.process.and_then(Subject::process) {
                    inner.lasting.process_ended(name);
                }
                inner.mark(event.at_us, MarkKind::Fault, label, text);
            }
            EventKind::LeaderChanged | EventKind::LeaderServes | EventKind::InSyncChanged => {
                if let Some(said) = inner.leadership.hear(event) {
                    let label = said.split(" leads").next().unwrap_or_default();
                    let label = format!("{label} leads");
                    inner.mark(event.at_us, MarkKind::Leader, label, said);
                }
            }
            EventKind::Injected => inner.injected(event),
            EventKind::NotConfirmed | EventKind::Skipped => {
                let text = format!(
                    "{}: {}",
                    describe(event),
                    event.detail.as_deref().unwrap_or("not done")
                );
                inner.mark(event.at_us, MarkKind::Setting, "not done".to_owned(), text);
            }
            _ => {}
        }
    }

    /// A button has broken something.
    pub(super) fn broken(&self, name: ProcessName, pid: u32, action: Action, at_monotonic_us: u64) {
        let at_us = self.origin.since_origin(at_monotonic_us);
        let mut inner = self.inner();
        let label = format!("{action} {name}");
        inner.leadership.broken(&name.to_string(), label.clone(), at_us);
        if action == Action::Kill {
            inner.lasting.process_ended(name);
        }
        let text = format!("{label} (pid {pid})");
        inner.mark(at_us, MarkKind::Fault, label, text);
    }

    /// A button has put something right.
    pub(super) fn mended(&self, name: ProcessName, pid: u32, action: Action, at_monotonic_us: u64) {
        let at_us = self.origin.since_origin(at_monotonic_us);
        let mut inner = self.inner();
        // A process that was restarted must first be chosen again.
        if action == Action::Resume {
            inner.leadership.mended(&name.to_string(), at_us);
        } else {
            inner.lasting.process_ended(name);
        }
        let label = format!("{action} {name}");
        let text = format!("{label} (pid {pid})");
        inner.mark(at_us, MarkKind::Mended, label, text);
    }

    /// The load was changed.
    pub(super) fn loaded(&self, load: &Load) {
        let at_us = self.origin.elapsed_us();
        let mut inner = self.inner();
        inner.load = load.clone();
        let label = if load.on { "load" } else { "load off" };
        inner.mark(at_us, MarkKind::Setting, label.to_owned(), load.describe());
    }

    /// The cache was switched.
    pub(super) fn cached(&self, on: bool, how: &str) {
        let at_us = self.origin.elapsed_us();
        let mut inner = self.inner();
        inner.cache = Some(on);
        let label = if on { "cache on" } else { "cache off" };
        inner.mark(at_us, MarkKind::Setting, label.to_owned(), format!("{label}: {how}"));
    }

    /// The open loop's schedule was so far behind that it was begun anew.
    pub(super) fn began_anew(&self, behind_us: u64) {
        let at_us = self.origin.elapsed_us();
        let mut inner = self.inner();
        inner.window.forget_behind();
        let text = format!(
            "the load was {:.0} s behind its schedule, which was begun anew: this rate is too high",
            behind_us as f64 / 1e6
        );
        inner.mark(at_us, MarkKind::Setting, "schedule anew".to_owned(), text);
    }

    /// How far the load is behind its schedule.
    pub(super) fn behind_us(&self) -> u64 {
        self.inner().window.behind_us()
    }

    /// A new schedule begins, which is behind nothing.
    pub(super) fn forget_behind(&self) {
        self.inner().window.forget_behind();
    }

    /// What is still broken besides processes that are dead or paused, if anything is: `stall-disk order-3`.
    pub(super) fn lasting(&self) -> Option<String> {
        self.inner().lasting.any()
    }

    /// What the page shows, with the buckets from number `from` on.
    pub(super) fn state(&self, from: u64) -> State {
        let processes = self.bazaar.processes();
        let inner = self.inner();
        State {
            system: self.words.clone(),
            now_ms: milliseconds(self.origin.elapsed_us()),
            bucket_ms: BUCKET_MS,
            processes: processes.iter().map(|process| self.shown(process, &inner)).collect(),
            replicas: self.bazaar.system().replicas().to_vec(),
            leader: inner.leadership.leader().cloned(),
            reigns: inner.leadership.reigns().cloned().collect(),
            load: inner.load.clone(),
            cache: inner.cache,
            // The processes that answer from a cache are those that clients ask, and that choose who leads.
            tells: self.bazaar.system().roles().cache,
            offers: self.offers,
            links: inner.lasting.of_links(),
            figures: inner.window.figures(),
            totals: inner.window.totals(),
            buckets: inner.window.since(from),
            marks: inner.marks.clone(),
        }
    }

    fn shown(&self, process: &ProcessInfo, inner: &Inner) -> Process {
        let leader = inner.leadership.leader();
        let replica = inner.leadership.number_of(process.name);
        Process {
            name: process.name.to_string(),
            role: self
                .bazaar
                .system()
                .role_of(process.name)
                .map(|role| role.to_string())
                .unwrap_or_default(),
            pid: process.pid,
            address: process.address.map(|address| address.to_string()).unwrap_or_default(),
            state: match process.state {
                ProcessState::Running => "up",
                ProcessState::Paused => "paused",
                ProcessState::Down => "dead",
            },
            leads: replica.map(|id| leader.is_some_and(|leader| leader.id == id)),
            in_sync: replica.and_then(|id| Some(leader?.in_sync.as_ref()?.contains(&id))),
            faults: inner.lasting.at(process.name),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The injector has begun or ended something.
    fn injected(&mut self, event: &Event) {
        let Some(action) = event.action else { return };
        let label = describe(event);
        let leader = self.leadership.leading();
        let for_leader = self.lasting.injected(event, leader);
        match (for_leader, leader.map(|leader| leader.to_string())) {
            (ForLeader::Broken, Some(leader)) => {
                self.leadership.broken(&leader, label.clone(), event.at_us);
            }
            (ForLeader::Mended, Some(leader)) => self.leadership.mended(&leader, event.at_us),
            _ => {}
        }
        let kind = if action.is_end() { MarkKind::Mended } else { MarkKind::Fault };
        let text = match &event.detail {
            Some(detail) => format!("{label} ({detail})"),
            None => label.clone(),
        };
        self.mark(event.at_us, kind, label, text);
    }

    fn mark(&mut self, at_us: u64, kind: MarkKind, label: String, text: String) {
        self.marks_made += 1;
        let (number, at_ms) = (self.marks_made, milliseconds(at_us));
        self.marks.push_back(Mark { number, at_ms, kind, label, text });
        if self.marks.len() > MAX_MARKS {
            self.marks.pop_front();
        }
    }
}

/// What was done to what: `stall-disk order-3`.
fn describe(event: &Event) -> String {
    let action = event.action.map_or("act", Action::as_str);
    let subject = event.process.map(|subject| subject.to_string());
    let subject = subject.as_deref().or(event.target.as_deref()).unwrap_or_default();
    format!("{action} {subject}")
}

fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}
