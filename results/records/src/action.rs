//! What can be done to a process or to a link, and what undoes it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// SIGKILL, to a process.
    Kill,
    /// SIGSTOP, to a process.
    Pause,
    /// SIGCONT, which ends a pause.
    Resume,
    /// A new process, which ends a kill.
    Restart,
    /// Nothing passes a link any more.
    Cut,
    /// Everything passes a link later.
    Delay,
    /// Everything passes a link slowly.
    Throttle,
    /// The link is as it was, which ends a cut, a delay or a throttle.
    Heal,
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
            Self::Cut => "cut",
            Self::Delay => "delay",
            Self::Throttle => "throttle",
            Self::Heal => "heal",
        }
    }

    /// Whether it is done to a link; otherwise it is done to a process.
    #[must_use]
    pub fn is_of_links(self) -> bool {
        matches!(self, Self::Cut | Self::Delay | Self::Throttle | Self::Heal)
    }

    /// Whether it ends a fault; otherwise it begins one.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Resume | Self::Restart | Self::Heal)
    }

    /// Whether this ends a fault that `begun` began, if both were done to the same process or link. A
    /// process that is started anew is neither dead nor paused any more; of a process that was paused
    /// and then killed a resume ends the pause alone.
    #[must_use]
    pub fn ends(self, begun: Self) -> bool {
        match self {
            Self::Restart => matches!(begun, Self::Kill | Self::Pause),
            Self::Resume => begun == Self::Pause,
            Self::Heal => matches!(begun, Self::Cut | Self::Delay | Self::Throttle),
            Self::Kill | Self::Pause | Self::Cut | Self::Delay | Self::Throttle => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
