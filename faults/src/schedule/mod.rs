//! What a plan's faults mean, as a pure function: checked, numbered, and every restart, resume
//! and heal paired with the fault that it ends.
//!
//! A leader's process is known only when the fault fires. So whatever ends the fault must belong
//! to it and not name a process of its own: "restart order-3" after "kill the leader" would
//! start a process that runs, if the leader had been order-2.

mod absent;
mod action;
mod expansion;
mod group;
mod target;

use std::collections::BTreeSet;
use std::fmt;

pub use records::Action;
use records::{FaultName, Processes};
use serde::{Deserialize, Serialize};

use crate::disk::DiskFaults;
use crate::process::ProcessName;

pub use self::action::{
    CutMode, DiskFault, FaultAction, FilesFault, Flood, FloodKind, LinkFault, Percent,
};
use self::expansion::Expansion;
pub use self::group::Group;
pub use self::target::{Link, LinkEnd, Target, UnknownLink};

/// A fault as an element of a plan's `faults` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When, in milliseconds after the load began.
    pub at_ms: u64,
    /// What.
    pub action: Action,
    /// To whom: everything that is done to a process or its disk. A resume, restart or recovery names
    /// the target of the fault that it ends. Of a run, and the undo that ends it, the name of the target's own fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Instead of `target`: several processes, each with a fault of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Group>,
    /// For `targets`: how much later than the one before each is hit. Default: 0, all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart_ms: Option<u64>,
    /// For `targets`: the last one first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backwards: bool,
    /// Where: cut, delay, throttle, lost and duplicate packets, and heal. A heal names the link of the fault that it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// For a cut: what becomes of connections. Default: silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CutMode>,
    /// For a delay: how much later everything passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// For a throttle: how much may pass in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_s: Option<u64>,
    /// For a slow disk: how much longer each flush takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_ms: Option<u64>,
    /// For a slow process: how much of the time it runs, in percent. Default: 10. For lost and duplicate packets: how many of
    /// a hundred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// For a flood: what its connections do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FloodKind>,
    /// For a flood: how many connections. Default: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// For old files: when the copy is made that is put back, in milliseconds after the load began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_at_ms: Option<u64>,
    /// For lost and old files: change them also where nobody says which replicas are in sync. What is lost then is held
    /// against what the target promises.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unguarded: bool,
    /// Restart, resume, recover or heal it that much later. Without it, and without a later restart,
    /// resume, recovery or heal, everything stays as it is until the trial's end, when everything is healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Leave it out if there is nobody to do it to when its time comes: no leader, a process that
    /// is down already. Random faults meet such moments; a story that was written by hand is not
    /// the one that was meant without all of its faults.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_possible: bool,
}

impl PlannedFault {
    /// The fault of the target's own that is begun or ended, if it is one.
    #[must_use]
    pub fn own(&self) -> Option<FaultName> {
        let name = self.target.filter(|_| self.action.is_of_the_targets_own())?.process()?;
        name.as_str().parse().ok()
    }

    /// Something that is done to a process.
    #[must_use]
    pub fn of_process(at_ms: u64, action: Action, target: Target) -> Self {
        Self { target: Some(target), ..Self::blank(at_ms, action) }
    }

    /// Something that is done to a link.
    #[must_use]
    pub fn of_link(at_ms: u64, kind: LinkFault, link: Link) -> Self {
        let mut fault = Self { link: Some(link), ..Self::blank(at_ms, kind.begin()) };
        match kind {
            LinkFault::Cut(mode) => fault.mode = Some(mode),
            LinkFault::Delay(delay) => {
                fault.delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            }
            LinkFault::Throttle(bytes_per_s) => fault.bytes_per_s = Some(bytes_per_s.get()),
            LinkFault::Lose(percent) | LinkFault::Duplicate(percent) => {
                fault.percent = Some(percent.get());
            }
        }
        fault
    }

    /// Something that is done to a process's disk.
    #[must_use]
    pub fn of_disk(at_ms: u64, kind: DiskFault, target: Target) -> Self {
        let by_ms = match kind {
            DiskFault::Slow(by) => Some(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)),
            DiskFault::Stall | DiskFault::Full => None,
        };
        Self { by_ms, ..Self::of_process(at_ms, kind.begin(), target) }
    }

    /// Something that is done to the files of a process that is dead.
    #[must_use]
    pub fn of_files(at_ms: u64, kind: FilesFault, target: Target) -> Self {
        let copied_at_ms = match kind {
            FilesFault::Lose => None,
            FilesFault::Old { copied_at_ms } => Some(copied_at_ms),
        };
        Self { copied_at_ms, ..Self::of_process(at_ms, kind.begin(), target) }
    }

    /// A process that gets a part of its time.
    #[must_use]
    pub fn of_slowness(at_ms: u64, percent: Percent, target: Target) -> Self {
        let percent = Some(percent.get());
        Self { percent, ..Self::of_process(at_ms, Action::Slow, target) }
    }

    /// A process that is flooded.
    #[must_use]
    pub fn of_flood(at_ms: u64, flood: Flood, target: Target) -> Self {
        Self {
            kind: Some(flood.kind),
            connections: Some(flood.connections.get()),
            ..Self::of_process(at_ms, Action::Flood, target)
        }
    }

    /// When the last of what it stands for comes, in milliseconds after the load began: later than `at_ms` if it is
    /// for several processes, one after another.
    #[must_use]
    pub fn last_at_ms(&self, processes: &Processes) -> u64 {
        let all = group::spell_out(self, processes);
        all.iter().map(|one| one.at_ms).max().unwrap_or(self.at_ms)
    }

    fn blank(at_ms: u64, action: Action) -> Self {
        Self {
            at_ms,
            action,
            target: None,
            targets: None,
            apart_ms: None,
            backwards: false,
            link: None,
            mode: None,
            delay_ms: None,
            bytes_per_s: None,
            by_ms: None,
            percent: None,
            kind: None,
            connections: None,
            copied_at_ms: None,
            unguarded: false,
            for_ms: None,
            if_possible: false,
        }
    }
}

/// Something in a plan's faults makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ScheduleError {
    /// The field, for example `faults[2].target`, where `faults[0]` is the plan's first.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

/// What a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultTarget {
    /// A process.
    Process(Target),
    /// A link.
    Link(Link),
    /// Whatever a fault of the target's own does. Whether there is one, the target's file says.
    Own(FaultName),
}

impl fmt::Display for FaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(target) => target.fmt(f),
            Self::Link(link) => link.fmt(f),
            Self::Own(name) => name.fmt(f),
        }
    }
}

/// One fault, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number: faults are counted from 1 in the order of their times, and of the plan. The restart, resume or
    /// heal that ends it carries the same number.
    pub number: u32,
    /// What it does.
    pub action: FaultAction,
    /// To whom, or where.
    pub target: FaultTarget,
    /// When it begins, in milliseconds after the load began.
    pub at_ms: u64,
    /// When it ends; `None` if the plan leaves that to the healing at the trial's end.
    pub ends_at_ms: Option<u64>,
    /// Whether it is left out if there is nobody to do it to.
    pub if_possible: bool,
    /// Whether files are changed where nobody says which replicas are in sync.
    pub unguarded: bool,
}

/// The faults of one trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    faults: Vec<Fault>,
}

impl Schedule {
    /// Checks a plan's faults for a system with these processes, and pairs every
    /// restart, resume and heal with the fault that it ends. All problems at once.
    pub fn expand(
        plan: &[PlannedFault],
        processes: &Processes,
    ) -> Result<Self, Vec<ScheduleError>> {
        let mut expansion = Expansion::new(processes);
        for planned in plan {
            expansion.add(planned);
        }
        expansion.finish().map(|faults| Self { faults })
    }

    /// The same with other numbers, from `first` on: for a bazaar that sees several schedules.
    #[must_use]
    pub fn numbered_from(mut self, first: u32) -> Self {
        for (fault, number) in self.faults.iter_mut().zip(first..) {
            fault.number = number;
            if let FaultAction::Files { of, .. } = &mut fault.action {
                *of += first - 1;
            }
        }
        self
    }

    /// Every fault, in the order of their times, and of the plan.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many faults a trial must see; the others may find nobody to be done to.
    #[must_use]
    pub fn certain(&self) -> usize {
        self.faults.iter().filter(|fault| !fault.if_possible).count()
    }

    /// Whether anything is done to a link, so that a bazaar needs relays.
    #[must_use]
    pub fn breaks_links(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault.target, FaultTarget::Link(_)))
    }

    /// What is done to links, a kind as often as it is planned.
    #[must_use]
    pub fn link_faults(&self) -> Vec<LinkFault> {
        let kinds = self.faults.iter().filter_map(|fault| match fault.action {
            FaultAction::Link(kind) => Some(kind),
            _ => None,
        });
        kinds.collect()
    }

    /// Which disks of a system with these processes are broken, or may be: of a leader and a follower
    /// only the moment tells who that is.
    #[must_use]
    pub fn disk_faults(&self, processes: &Processes) -> DiskFaults {
        let of_disks = self.faults.iter().filter_map(|fault| match (fault.action, fault.target) {
            (FaultAction::Disk(_) | FaultAction::PowerCut, FaultTarget::Process(target)) => {
                Some(target)
            }
            _ => None,
        });
        let hit: BTreeSet<ProcessName> = of_disks
            .flat_map(|target| match target.process() {
                Some(process) => vec![process],
                None => processes.replicas().to_vec(),
            })
            .collect();
        let power_cuts = self.faults.iter().any(|fault| fault.action == FaultAction::PowerCut);
        DiskFaults { processes: hit, power_cuts }
    }

    /// How many connections all floods have at most at a time: of all that overlap together.
    #[must_use]
    pub fn flood_connections(&self) -> u32 {
        let floods = || {
            self.faults.iter().filter_map(|fault| match fault.action {
                FaultAction::Flood(flood) => Some((fault, flood.connections.get())),
                _ => None,
            })
        };
        // They are at their most when one begins.
        let at = |at_ms: u64| {
            let lasting = floods().filter(|(fault, _)| {
                fault.at_ms <= at_ms && fault.ends_at_ms.is_none_or(|end| at_ms <= end)
            });
            lasting.map(|(_, connections)| connections).sum()
        };
        floods().map(|(fault, _)| at(fault.at_ms)).max().unwrap_or(0)
    }

    /// When the last act is due, in milliseconds after the load began; 0 without faults.
    #[must_use]
    pub fn ends_at_ms(&self) -> u64 {
        self.faults.iter().map(|fault| fault.ends_at_ms.unwrap_or(fault.at_ms)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
