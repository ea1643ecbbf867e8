//! Faults and deaths, from when to when.

use super::configuration::{self, Configuration};
use super::{Act, FaultKind, Role, Span};
use crate::records::{Action, Event, EventKind, ProcessName, Processes, Route};

/// How long a process may take to end after a write that failed: it drains nothing then.
const ENDS_WITHIN_US: u64 = 1_000_000;

/// A fault, from its injection until it was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was done.
    pub kind: FaultKind,
    /// What the process was at that moment.
    pub role: Role,
    /// The act that began it.
    pub injected: Act,
    /// The act that ended it: its own restart, resume or heal, or another fault's restart of the process.
    pub undone: Option<Act>,
    /// Since when what it had broken was whole again; `None` if it never was.
    pub over_us: Option<u64>,
}

impl Fault {
    /// Which of the plan's, if it was one of the plan's.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.injected.fault
    }

    /// The process that it hit, if it hit one.
    #[must_use]
    pub fn process(&self) -> Option<ProcessName> {
        self.injected.subject.and_then(|subject| subject.process())
    }

    /// The link that it hit, if it hit one.
    #[must_use]
    pub fn link(&self) -> Option<Route> {
        self.injected.subject.and_then(|subject| subject.link())
    }

    /// From its injection until it was over: as early and as late as that may have been, where it was seen by the clock of another
    /// host. What lies between is not judged, for it cannot be ordered.
    #[must_use]
    pub fn span(&self) -> Span {
        let from_us = self.injected.at_us.saturating_sub(self.injected.bound_us);
        let bound_us = self.undone.as_ref().map_or(0, |act| act.bound_us);
        Span { from_us, to_us: self.over_us.map(|us| us.saturating_add(bound_us)) }
    }

    /// Whether it was injected and not undone at `at_us`.
    #[must_use]
    pub fn holds_at(&self, at_us: u64) -> bool {
        let to_us = self.undone.as_ref().map(|act| act.at_us).or(self.over_us);
        Span { from_us: self.injected.at_us, to_us }.contains(at_us)
    }

    /// From when its process was started again until that was ready.
    pub(super) fn mending(&self) -> Span {
        let restart = self.undone.as_ref().filter(|act| act.action == Action::Restart);
        mending(restart.map(|act| act.at_us), self.over_us)
    }

    /// Whether it is why this process of it ended.
    pub(super) fn explains(&self, death: &Death) -> bool {
        let explains = self.kind.is_deadly()
            || self.kind.is_of_the_targets_own()
            || death.detail.as_deref().is_some_and(|detail| self.kind.explains(detail));
        let Span { from_us, to_us } = self.span();
        // The write that failed was a moment before the end.
        let to_us =
            to_us.map(|to_us| if self.kind.is_deadly() { to_us } else { to_us + ENDS_WITHIN_US });
        explains && Span { from_us, to_us }.contains(death.at_us)
    }

    /// What was done to whom: `kill of order-3`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.injected.subject {
            Some(subject) => format!("{} of {subject}", self.kind),
            None => format!("{} of an unknown process", self.kind),
        }
    }
}

/// A process that ended though nobody had killed it, or that was lost with its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Which process.
    pub process: ProcessName,
    /// Its id.
    pub pid: Option<u32>,
    /// When.
    pub at_us: u64,
    /// How far that may be off, if it is of another host's clock.
    pub bound_us: u64,
    /// How it ended.
    pub detail: Option<String>,
    /// The host that was lost with it: then nobody knows whether it ended, and it counts as down for the rest of the trial.
    pub lost_host: Option<String>,
    /// When it was started again.
    pub restarted_us: Option<u64>,
    /// Since when it was ready again; `None` if it never was.
    pub over_us: Option<u64>,
}

impl Death {
    /// From its end until it was ready again; of another host's clock as early as that may have been.
    #[must_use]
    pub fn span(&self) -> Span {
        Span { from_us: self.at_us.saturating_sub(self.bound_us), to_us: self.over_us }
    }

    /// Whether it was dead at `at_us`.
    pub(super) fn holds_at(&self, at_us: u64) -> bool {
        Span { from_us: self.at_us, to_us: self.restarted_us.or(self.over_us) }.contains(at_us)
    }

    /// From when it was started again until it was ready.
    pub(super) fn mending(&self) -> Span {
        mending(self.restarted_us, self.over_us)
    }
}

/// An empty span if nothing was done to mend it.
fn mending(undone_us: Option<u64>, over_us: Option<u64>) -> Span {
    match undone_us {
        Some(from_us) => Span { from_us, to_us: over_us },
        None => Span { from_us: u64::MAX, to_us: Some(u64::MAX) },
    }
}

/// Every fault, from acts in the order of time.
pub(super) fn faults(
    acts: &[Act],
    events: &[&Event],
    healed_us: Option<u64>,
    configurations: &[Configuration],
    processes: &Processes,
) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for act in acts {
        if let Some(kind) = FaultKind::of(act.action) {
            let leader = configuration::leader_before(configurations, act.at_us);
            let role = Role::of(kind, act, leader, processes);
            let injected = act.clone();
            faults.push(Fault { kind, role, injected, undone: None, over_us: None });
            continue;
        }
        let lasting = faults.iter_mut().filter(|fault| fault.undone.is_none());
        for fault in lasting.filter(|fault| ends(act, &fault.injected)) {
            fault.undone = Some(act.clone());
        }
    }
    for fault in &mut faults {
        let mended_us = fault.undone.as_ref().and_then(|act| mended_us(act, events));
        let healed_us = healed_us.filter(|&us| us >= fault.injected.at_us);
        fault.over_us = mended_us.into_iter().chain(healed_us).min();
    }
    faults
}

/// Whether `act` ended what `injected` began.
fn ends(act: &Act, injected: &Act) -> bool {
    if !act.ends.is_empty() {
        return injected.fault.is_some_and(|number| act.ends.contains(number));
    }
    let is_own = act.fault.is_some() && act.fault == injected.fault;
    let is_of_process = act.subject.is_some_and(|subject| subject.process().is_some());
    let is_at_same = is_of_process && act.subject == injected.subject;
    act.action.ends(injected.action) && (is_own || is_at_same)
}

/// Since when what the act was to mend was whole.
fn mended_us(act: &Act, events: &[&Event]) -> Option<u64> {
    match act.action {
        Action::Restart => ready_us(act.subject?.process()?, act.at_us, events),
        _ => act.confirmed_us,
    }
}

/// When a process was ready, at `from_us` or later.
fn ready_us(process: ProcessName, from_us: u64, events: &[&Event]) -> Option<u64> {
    let of_process = |event: &&&Event| {
        event.event == EventKind::Ready
            && event.at_us >= from_us
            && event.process.and_then(|subject| subject.process()) == Some(process)
    };
    events.iter().find(of_process).map(|event| event.at_us)
}

/// Every death that nobody had ordered, and every process that was lost with its host.
pub(super) fn deaths(acts: &[Act], events: &[&Event], healed_us: Option<u64>) -> Vec<Death> {
    let died =
        events.iter().filter(|event| matches!(event.event, EventKind::Died | EventKind::HostLost));
    let died = died.filter_map(|event| Some((event, event.process?.process()?)));
    died.map(|(event, process)| {
        if event.event == EventKind::HostLost {
            return Death {
                process,
                pid: event.pid,
                at_us: event.at_us,
                bound_us: 0,
                detail: event.detail.clone(),
                lost_host: Some(event.target.clone().unwrap_or_default()),
                restarted_us: None,
                over_us: None,
            };
        }
        let lost_host = lost_soon_after(event.at_us, process, events);
        let restart = acts.iter().find(|act| {
            act.action == Action::Restart
                && act.at_us >= event.at_us
                && act.subject == Some(process.into())
        });
        let ready_us = ready_us(process, event.at_us, events);
        let healed_us = healed_us.filter(|&us| us >= event.at_us);
        Death {
            process,
            pid: event.pid,
            at_us: event.at_us,
            bound_us: event.bound_us.unwrap_or(0),
            detail: event.detail.clone(),
            restarted_us: restart.map(|act| act.at_us),
            // What is lost stays down.
            over_us: ready_us.into_iter().chain(healed_us).min().filter(|_| lost_host.is_none()),
            lost_host,
        }
    })
    .collect()
}

/// How long before its host counts as lost a process may end because of the same: a machine that goes down ends its processes first, and
/// is then silent for five seconds before anybody calls it lost.
const GOES_DOWN_WITHIN_US: u64 = 10_000_000;

/// The host with which a process was lost that had ended at `died_us`, if that was a moment later: then nobody knows why it ended.
fn lost_soon_after(died_us: u64, process: ProcessName, events: &[&Event]) -> Option<String> {
    let is_loss = |event: &&&Event| {
        event.event == EventKind::HostLost
            && event.process.and_then(|subject| subject.process()) == Some(process)
            && (died_us..=died_us.saturating_add(GOES_DOWN_WITHIN_US)).contains(&event.at_us)
    };
    events.iter().find(is_loss).map(|event| event.target.clone().unwrap_or_default())
}
