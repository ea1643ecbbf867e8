//! What a fault does to a process, to its disk or to a link, and what begins and ends it.

use std::fmt;
use std::num::{NonZeroU8, NonZeroU32, NonZeroU64};
use std::time::Duration;

use records::Action;
use serde::{Deserialize, Serialize};

/// What a cut link does with what comes to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutMode {
    /// It holds it back, as a network does that loses packets: connections stay open, nobody is
    /// told anything, and what was sent meanwhile arrives once the link is healed.
    #[default]
    Silent,
    /// It resets the connection, to both ends.
    Reset,
}

/// How a link is worse than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkFault {
    /// Nothing passes.
    Cut(CutMode),
    /// Everything passes that much later.
    Delay(Duration),
    /// No more than so many bytes pass per second, on all connections together.
    Throttle(NonZeroU64),
    /// So many of a hundred packets are lost.
    Lose(Percent),
    /// So many of a hundred packets come twice.
    Duplicate(Percent),
}

impl LinkFault {
    /// What begins it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Cut(_) => Action::Cut,
            Self::Delay(_) => Action::Delay,
            Self::Throttle(_) => Action::Throttle,
            Self::Lose(_) => Action::LosePackets,
            Self::Duplicate(_) => Action::DuplicatePackets,
        }
    }
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(CutMode::Silent) => f.write_str("silent"),
            Self::Cut(CutMode::Reset) => f.write_str("reset"),
            Self::Delay(delay) => write!(f, "{} ms", delay.as_millis()),
            Self::Throttle(bytes_per_s) => write!(f, "{bytes_per_s} bytes/s"),
            Self::Lose(percent) => write!(f, "{} % of packets are lost", percent.get()),
            Self::Duplicate(percent) => write!(f, "{} % of packets come twice", percent.get()),
        }
    }
}

/// How a process's disk is worse than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskFault {
    /// Flushes hang.
    Stall,
    /// Each flush takes that much longer.
    Slow(Duration),
    /// Writes are answered "no space left".
    Full,
}

impl DiskFault {
    /// What begins it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Stall => Action::StallDisk,
            Self::Slow(_) => Action::SlowDisk,
            Self::Full => Action::FullDisk,
        }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stall => f.write_str("flushes hang"),
            Self::Slow(by) => write!(f, "flushes take {} ms longer", by.as_millis()),
            Self::Full => f.write_str("writes are answered \"no space left\""),
        }
    }
}

/// What the connections of a flood do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FloodKind {
    /// They send nothing.
    Idle,
    /// They send a request's header, and its body byte by byte, one a second.
    SlowBodies,
    /// They send requests, and never read an answer.
    StuckReaders,
}

impl fmt::Display for FloodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::SlowBodies => "slow bodies",
            Self::StuckReaders => "stuck readers",
        })
    }
}

/// Connections that waste what a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flood {
    /// What they do.
    pub kind: FloodKind,
    /// How many there are at a time.
    pub connections: NonZeroU32,
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections, {}", self.connections, self.kind)
    }
}

/// How much of the time a slow process runs, or how many of a hundred packets a fault meets: from 1 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Percent(NonZeroU8);

impl Percent {
    /// A tenth of the time.
    pub const DEFAULT: Self = Self(NonZeroU8::new(10).expect("10 is not 0"));

    /// `None` unless it is from 1 to 99.
    #[must_use]
    pub fn new(percent: u8) -> Option<Self> {
        NonZeroU8::new(percent).filter(|percent| percent.get() < 100).map(Self)
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "runs {} % of the time", self.0)
    }
}

/// What becomes of the files of a process that is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilesFault {
    /// All are removed.
    Lose,
    /// They become what they were so many milliseconds after the load began.
    Old {
        /// When they are copied.
        copied_at_ms: u64,
    },
}

impl FilesFault {
    /// What does it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Lose => Action::LoseFiles,
            Self::Old { .. } => Action::OldFiles,
        }
    }
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultAction {
    /// A process is killed, and a restart ends it.
    Kill,
    /// A process is paused, and a resume ends it.
    Pause,
    /// A process is killed and loses what it had not flushed, and a restart ends it.
    PowerCut,
    /// The files of a process that another fault has killed are changed, and the restart of the process ends it.
    Files {
        /// The number of the fault that kills the process.
        of: u32,
        /// What becomes of them.
        kind: FilesFault,
    },
    /// A process's disk is made worse, and a recovery ends it.
    Disk(DiskFault),
    /// A process gets a part of its time, and a recovery ends it, or a restart.
    Slow(Percent),
    /// A process is flooded, and a recovery ends it.
    Flood(Flood),
    /// A link is made worse, and a heal ends it.
    Link(LinkFault),
    /// A command of the target's own breaks something, and an undo ends it.
    Own,
}

impl FaultAction {
    /// What begins it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Kill => Action::Kill,
            Self::Pause => Action::Pause,
            Self::PowerCut => Action::PowerCut,
            Self::Files { kind, .. } => kind.begin(),
            Self::Disk(kind) => kind.begin(),
            Self::Slow(_) => Action::Slow,
            Self::Flood(_) => Action::Flood,
            Self::Link(kind) => kind.begin(),
            Self::Own => Action::Run,
        }
    }

    /// What ends it.
    #[must_use]
    pub fn end(self) -> Action {
        match self {
            Self::Kill | Self::PowerCut | Self::Files { .. } => Action::Restart,
            Self::Pause => Action::Resume,
            Self::Disk(_) | Self::Slow(_) | Self::Flood(_) => Action::Recover,
            Self::Link(_) => Action::Heal,
            Self::Own => Action::Undo,
        }
    }
}

#[cfg(test)]
mod tests {
    use records::built_in;

    use super::super::{PlannedFault, Schedule};
    use super::*;

    fn plan(json: &str) -> Vec<PlannedFault> {
        serde_json::from_str(json).unwrap()
    }

    fn refused(json: &str) -> Vec<String> {
        let errors = Schedule::expand(&plan(json), &built_in::processes(3)).unwrap_err();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_fault_of_the_targets_own_is_begun_and_ended_by_name_beside_whatever_else_lasts() {
        let plan: Vec<PlannedFault> = plan(
            r#"[{"at_ms":10,"action":"run","target":"partition-n1"},
                {"at_ms":20,"action":"run","target":"order-2","for_ms":5},
                {"at_ms":21,"action":"kill","target":"order-2","for_ms":50},
                {"at_ms":30,"action":"undo","target":"partition-n1"}]"#,
        );
        let schedule = Schedule::expand(&plan, &built_in::processes(3)).unwrap();
        let told = schedule.faults().iter();
        let told: Vec<_> = told
            .map(|fault| (fault.action.begin(), fault.target.to_string(), fault.ends_at_ms))
            .collect();
        let own = |name: &str, end| (Action::Run, name.to_owned(), Some(end));
        let kill = (Action::Kill, "order-2".to_owned(), Some(71));
        assert_eq!(told, [own("partition-n1", 30), own("order-2", 25), kill]);
        assert_eq!(FaultAction::Own.end(), Action::Undo);
        assert!(!schedule.breaks_links());
        assert_eq!(
            refused(
                r#"[{"at_ms":1,"action":"run"},
                    {"at_ms":2,"action":"run","target":"leader"},
                    {"at_ms":3,"action":"run","targets":"replicas"},
                    {"at_ms":4,"action":"undo","target":"x"},
                    {"at_ms":5,"action":"run","link":"order-1 -> catalog"}]"#
            )
            .len(),
            6,
        );
    }

    #[test]
    fn a_leaders_links_with_replicas_or_clients_and_lost_packets_are_planned_by_their_words() {
        let planned = plan(
            r#"[{"at_ms":1,"action":"cut","link":"leader <-> replicas","for_ms":10},
                {"at_ms":2,"action":"lose-packets","link":"clients -> leader","percent":5},
                {"at_ms":3,"action":"duplicate-packets","link":"any -> leader","percent":7,"for_ms":4},
                {"at_ms":9,"action":"heal","link":"clients -> leader"}]"#,
        );
        let schedule = Schedule::expand(&planned, &built_in::processes(3)).unwrap();
        let faults = schedule.faults().iter();
        let told: Vec<_> =
            faults.map(|fault| (fault.target.to_string(), fault.ends_at_ms)).collect();
        let expected =
            [("leader <-> replicas", 11), ("clients -> leader", 9), ("any -> leader", 7)];
        assert_eq!(told, expected.map(|(link, end)| (link.to_owned(), Some(end))));
        let kinds: Vec<_> = schedule.link_faults().iter().map(ToString::to_string).collect();
        assert_eq!(kinds, ["silent", "5 % of packets are lost", "7 % of packets come twice"]);
        let errors = refused(
            r#"[{"at_ms":1,"action":"cut","link":"replicas <-> clients"},
                {"at_ms":2,"action":"lose-packets","link":"any -> leader"},
                {"at_ms":3,"action":"cut","link":"order-1 -> order-2","percent":5}]"#,
        );
        let expected = [
            "faults[0].link: replicas <-> clients names nobody; name one end",
            "faults[1].percent: say how many of a hundred packets, from 1 to 99",
            "faults[2].percent: belongs to slow, lose-packets and duplicate-packets, not to cut",
        ];
        assert_eq!(errors, expected);
    }
}
