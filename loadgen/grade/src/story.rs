//! The stories that a submission is sent through.

use std::fmt;

/// A story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Load, and nothing is broken.
    Bench,
    /// Leaders die under load.
    Failover,
    /// Every replica in turn dies, comes back, and is alone then.
    RestartThenLead,
    /// All replicas die at once.
    AllDown,
    /// Every process stands still for a while.
    Hang,
    /// Many clients at once, and the leader dies among them.
    Crowd,
}

impl Story {
    /// All of them, in the order in which they are run: what needs least of a submission first.
    pub const ALL: [Self; 6] = [
        Self::Bench,
        Self::Failover,
        Self::RestartThenLead,
        Self::AllDown,
        Self::Hang,
        Self::Crowd,
    ];

    /// Its name, in rubrics, and of its run's folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Failover => "failover",
            Self::RestartThenLead => "restart-then-lead",
            Self::AllDown => "all-down",
            Self::Hang => "hang",
            Self::Crowd => "crowd",
        }
    }

    /// What is done to the submission, to go on after "when".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Bench => "it is under load and nothing is broken",
            Self::Failover => "its leader dies under load, again and again",
            Self::RestartThenLead => "each replica in turn dies, comes back and is alone then",
            Self::AllDown => "all replicas die at once and are started again",
            Self::Hang => "each process in turn stands still for a while",
            Self::Crowd => "many clients come at once and the leader dies",
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
