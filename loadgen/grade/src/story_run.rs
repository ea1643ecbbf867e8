//! What came of sending a submission through a story.

use results::availability::AvailabilityRow;
use results::checks::ConsistencyReport;
use results::measurements::Measurements;
use results::records::Target;
use results::summary::SummaryRow;

use crate::story::Story;

/// A story that a submission was sent through, or was to be.
#[derive(Clone, Debug)]
pub struct StoryRun {
    /// Which.
    pub story: Story,
    /// The command that repeats it.
    pub command: String,
    /// Where the run's own page is, seen from the submission's; none if there is none.
    pub page: Option<String>,
    /// What its files showed, or why there are none.
    pub outcome: Result<Shown, NoRun>,
}

/// What a run's files showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What the checks found.
    pub consistency: ConsistencyReport,
    /// Whose run it is: what it gives and promises.
    pub target: Target,
    /// What operations cost.
    pub summary: Vec<SummaryRow>,
    /// What faults cost.
    pub faults: Vec<AvailabilityRow>,
}

impl Shown {
    /// Of a run that was measured and checked.
    #[must_use]
    pub fn new(measured: &Measurements<'_>, consistency: ConsistencyReport) -> Self {
        Self {
            consistency,
            target: measured.run().target().clone(),
            summary: measured.summary().to_vec(),
            faults: measured.faults().to_vec(),
        }
    }
}

/// Why there is no run to judge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRun {
    /// The submission did not start. With the reason.
    #[error("it did not start: {0}")]
    DidNotStart(String),
    /// It was not over in the time that it was given, and was ended.
    #[error("it was not over within {seconds} s, and was ended")]
    TimedOut {
        /// How long it was given.
        seconds: u64,
    },
    /// It used more than it was given, and was ended. Says what, and how much.
    #[error("it used more than it may, and was ended: {0}")]
    OverLimit(String),
    /// The story is about what the submission does not have. With the reason.
    #[error("{0}")]
    NotApplicable(String),
    /// Nothing of it was tried, since the machine lacks what it needs, a port that somebody else has. With the reason.
    #[error("it was not run, since this machine was in the way: {0}")]
    MachineInTheWay(String),
    /// It was not run, or not to its end, and that is not the submission's fault. With the reason.
    #[error("it was not run: {0}")]
    NotDone(String),
}
