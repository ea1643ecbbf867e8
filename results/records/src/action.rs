//! What can be done to a process, to its disk or to a link, or by a target's own commands, and what undoes it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// SIGKILL, to a process.
    Kill,
    /// SIGSTOP, to a process.
    Pause,
    /// SIGCONT, which ends a pause.
    Resume,
    /// A new process, which ends a kill or a power cut.
    Restart,
    /// SIGKILL, to a process, whose files then lose what was written and not flushed.
    PowerCut,
    /// All files of a process that is dead are removed.
    LoseFiles,
    /// A copy that was made earlier in the run takes the place of the files of a process that is dead.
    OldFiles,
    /// Flushes of a process's files hang.
    StallDisk,
    /// Flushes of a process's files take longer.
    SlowDisk,
    /// Writes to a process's files are answered "no space left".
    FullDisk,
    /// A process is stopped and continued in turns, so that it gets a part of its time.
    Slow,
    /// Connections are opened to a process that waste what it has.
    Flood,
    /// The disk is as it was, which ends a stalled, a slow or a full one; a process has all of its time again, or the
    /// flood's connections are closed.
    Recover,
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
    /// The link is as it was, which ends whatever was wrong with it.
    Heal,
    /// A command of the target's own breaks something.
    Run,
    /// Another takes that back.
    Undo,
}

impl Action {
    /// The word that plans and events use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Restart => "restart",
            Self::PowerCut => "power-cut",
            Self::LoseFiles => "lose-files",
            Self::OldFiles => "old-files",
            Self::StallDisk => "stall-disk",
            Self::SlowDisk => "slow-disk",
            Self::FullDisk => "full-disk",
            Self::Slow => "slow",
            Self::Flood => "flood",
            Self::Recover => "recover",
            Self::Cut => "cut",
            Self::Delay => "delay",
            Self::Throttle => "throttle",
            Self::LosePackets => "lose-packets",
            Self::DuplicatePackets => "duplicate-packets",
            Self::Heal => "heal",
            Self::Run => "run",
            Self::Undo => "undo",
        }
    }

    /// Whether it is done to a link.
    #[must_use]
    pub fn is_of_links(self) -> bool {
        self.is_of_broken_links() || self == Self::Heal
    }

    /// Whether it makes a link worse.
    fn is_of_broken_links(self) -> bool {
        matches!(
            self,
            Self::Cut | Self::Delay | Self::Throttle | Self::LosePackets | Self::DuplicatePackets
        )
    }

    /// Whether it is a fault of the target's own, or the end of one.
    #[must_use]
    pub fn is_of_the_targets_own(self) -> bool {
        matches!(self, Self::Run | Self::Undo)
    }

    /// Whether it is done to a process's disk, which outlasts the process.
    #[must_use]
    pub fn is_of_disks(self) -> bool {
        matches!(self, Self::StallDisk | Self::SlowDisk | Self::FullDisk | Self::Recover)
    }

    /// Whether it is done to the files of a process that is dead.
    #[must_use]
    pub fn is_of_files(self) -> bool {
        matches!(self, Self::LoseFiles | Self::OldFiles)
    }

    /// Whether it ends a fault; otherwise it begins one.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Resume | Self::Restart | Self::Heal | Self::Recover | Self::Undo)
    }

    /// Whether this ends a fault that `begun` began, if both were done to the same process or link. A
    /// process that is started anew is neither dead nor paused nor slow any more; of a process that was paused
    /// and then killed a resume ends the pause alone. A disk is none the better for a new process, and
    /// a flood of it connects to the new one.
    #[must_use]
    pub fn ends(self, begun: Self) -> bool {
        match self {
            Self::Restart => {
                let is_of_process =
                    matches!(begun, Self::Kill | Self::Pause | Self::PowerCut | Self::Slow);
                is_of_process || begun.is_of_files()
            }
            Self::Resume => begun == Self::Pause,
            Self::Heal => begun.is_of_broken_links(),
            Self::Recover => matches!(
                begun,
                Self::StallDisk | Self::SlowDisk | Self::FullDisk | Self::Slow | Self::Flood
            ),
            Self::Undo => begun == Self::Run,
            Self::Run
            | Self::Kill
            | Self::PowerCut
            | Self::Pause
            | Self::LoseFiles
            | Self::OldFiles
            | Self::StallDisk
            | Self::SlowDisk
            | Self::FullDisk
            | Self::Slow
            | Self::Flood
            | Self::Cut
            | Self::Delay
            | Self::Throttle
            | Self::LosePackets
            | Self::DuplicatePackets => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
