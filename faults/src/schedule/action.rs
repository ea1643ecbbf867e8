//! What can be done to a process or to a link, and what undoes it.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What to do.
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
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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
pub enum LinkHarm {
    /// Nothing passes.
    Cut(CutMode),
    /// Everything passes that much later.
    Delay(Duration),
    /// No more than so many bytes pass per second, on all connections together.
    Throttle(NonZeroU64),
}

impl LinkHarm {
    /// What begins it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Cut(_) => Action::Cut,
            Self::Delay(_) => Action::Delay,
            Self::Throttle(_) => Action::Throttle,
        }
    }
}

impl fmt::Display for LinkHarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(CutMode::Silent) => f.write_str("silent"),
            Self::Cut(CutMode::Reset) => f.write_str("reset"),
            Self::Delay(delay) => write!(f, "{} ms", delay.as_millis()),
            Self::Throttle(bytes_per_s) => write!(f, "{bytes_per_s} bytes/s"),
        }
    }
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Harm {
    /// A process is killed, and a restart ends it.
    Kill,
    /// A process is paused, and a resume ends it.
    Pause,
    /// A link is made worse, and a heal ends it.
    Link(LinkHarm),
}

impl Harm {
    /// What begins it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Kill => Action::Kill,
            Self::Pause => Action::Pause,
            Self::Link(harm) => harm.begin(),
        }
    }

    /// What ends it.
    #[must_use]
    pub fn end(self) -> Action {
        match self {
            Self::Kill => Action::Restart,
            Self::Pause => Action::Resume,
            Self::Link(_) => Action::Heal,
        }
    }
}
