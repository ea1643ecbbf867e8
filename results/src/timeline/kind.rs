//! What was done to whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Act;
use crate::records::{Action, Processes, RoleName};

/// A fault. What undoes one (restart, resume, recover, heal) is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// SIGKILL, to a process.
    Kill,
    /// SIGSTOP, to a process.
    Pause,
    /// SIGKILL, to a process, whose files lost what was not flushed.
    PowerCut,
    /// The files of a process that was dead were removed.
    LoseFiles,
    /// The files of a process that was dead became what they had been earlier in the run.
    OldFiles,
    /// Flushes of a process's files hang.
    StallDisk,
    /// Flushes of a process's files take longer.
    SlowDisk,
    /// Writes to a process's files are refused.
    FullDisk,
    /// A process gets a part of its time.
    Slow,
    /// Connections to a process waste what it has.
    Flood,
    /// Nothing passes a link any more.
    Cut,
    /// Everything passes a link later.
    Delay,
    /// Everything passes a link slowly.
    Throttle,
    /// A part of what passes a link is lost.
    LosePackets,
    /// A part of what passes a link comes twice.
    DuplicatePackets,
    /// A command of the target's own broke something.
    Run,
}

impl FaultKind {
    /// What the action begins, if it begins a fault.
    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        match action {
            Action::Kill => Some(Self::Kill),
            Action::Pause => Some(Self::Pause),
            Action::PowerCut => Some(Self::PowerCut),
            Action::LoseFiles => Some(Self::LoseFiles),
            Action::OldFiles => Some(Self::OldFiles),
            Action::StallDisk => Some(Self::StallDisk),
            Action::SlowDisk => Some(Self::SlowDisk),
            Action::FullDisk => Some(Self::FullDisk),
            Action::Slow => Some(Self::Slow),
            Action::Flood => Some(Self::Flood),
            Action::Cut => Some(Self::Cut),
            Action::Delay => Some(Self::Delay),
            Action::Throttle => Some(Self::Throttle),
            Action::LosePackets => Some(Self::LosePackets),
            Action::DuplicatePackets => Some(Self::DuplicatePackets),
            Action::Run => Some(Self::Run),
            Action::Restart | Action::Resume | Action::Recover | Action::Heal | Action::Undo => {
                None
            }
        }
    }

    /// Whether its process is dead from then on.
    #[must_use]
    pub fn is_deadly(self) -> bool {
        matches!(self, Self::Kill | Self::PowerCut)
    }

    /// Whether its process has lost what it had on disk, all or the newest of it.
    #[must_use]
    pub fn is_of_files(self) -> bool {
        matches!(self, Self::LoseFiles | Self::OldFiles)
    }

    /// Whether the services promise to go on as if it were not there (rule S4 of ARCHITECTURE.md), so that it
    /// excuses nothing.
    #[must_use]
    pub fn is_borne(self) -> bool {
        self == Self::Flood
    }

    /// Whether everything goes on, only slower, and anybody who needs what was hit is as slow. (Of a process that is slow
    /// another can do the work.) What is lost of a connection is sent again, so it is late.
    #[must_use]
    pub fn is_slowness(self) -> bool {
        self == Self::SlowDisk || self.is_of_links() && self != Self::Cut
    }

    /// Whether a process of such a disk may end by itself in this way, as `events.csv` says it: one whose commit fails
    /// ends with exit code 4, one that cannot open its file with 3.
    #[must_use]
    pub fn explains(self, death: &str) -> bool {
        self == Self::FullDisk && ["exit status: 3", "exit status: 4"].contains(&death)
    }

    /// Whether only the target knows what it breaks: it may be anything, and excuses whatever a fault can.
    #[must_use]
    pub fn is_of_the_targets_own(self) -> bool {
        self == Self::Run
    }

    /// Whether it is done to a link.
    #[must_use]
    pub fn is_of_links(self) -> bool {
        matches!(
            self,
            Self::Cut | Self::Delay | Self::Throttle | Self::LosePackets | Self::DuplicatePackets
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::PowerCut => "power-cut",
            Self::LoseFiles => "lose-files",
            Self::OldFiles => "old-files",
            Self::StallDisk => "stall-disk",
            Self::SlowDisk => "slow-disk",
            Self::FullDisk => "full-disk",
            Self::Slow => "slow",
            Self::Flood => "flood",
            Self::Cut => "cut",
            Self::Delay => "delay",
            Self::Throttle => "throttle",
            Self::LosePackets => "lose-packets",
            Self::DuplicatePackets => "duplicate-packets",
            Self::Run => "run",
        })
    }
}

/// What the process was when the fault hit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Role {
    /// The leading replica.
    Leader,
    /// Another replica.
    Follower,
    /// A process that neither leads nor follows, of this role.
    Of(RoleName),
    /// No process, but the link between two.
    Link,
    /// Whatever a fault of the target's own breaks.
    Own,
    /// A process that the run does not list.
    Other,
}

impl Role {
    /// The role of what was hit. The plan's `leader` was looked up when the fault fired, so it is
    /// believed; otherwise `leader`, who led just before, decides.
    pub(super) fn of(
        kind: FaultKind,
        injected: &Act,
        leader: Option<u8>,
        processes: &Processes,
    ) -> Self {
        if kind.is_of_links() {
            return Self::Link;
        }
        if kind.is_of_the_targets_own() {
            return Self::Own;
        }
        match injected.subject.and_then(|subject| subject.process()) {
            Some(name) if processes.is_replica(name) => {
                let led = leader.is_some() && leader == processes.number_of(name);
                let meant = injected.target.as_deref() == Some("leader");
                if led || meant { Self::Leader } else { Self::Follower }
            }
            Some(name) => processes.role_of(name).map_or(Self::Other, Self::Of),
            None => Self::Other,
        }
    }

    /// Its word, as tables have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Of(role) => role.as_str(),
            Self::Link => "link",
            Self::Own => "own",
            Self::Other => "other",
        }
    }
}

impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let own = [Self::Leader, Self::Follower, Self::Link, Self::Own, Self::Other];
        match own.into_iter().find(|role| role.as_str() == text) {
            Some(role) => Ok(role),
            None => RoleName::try_from(text).map(Self::Of),
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.as_str().to_owned()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
