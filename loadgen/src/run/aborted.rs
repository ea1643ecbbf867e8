//! Why a trial was cut short.

use driver::recorder::RecorderError;
use faults::bazaar::StartError;
use faults::converge::NotKept;
use faults::heal::NotHealed;
use supervisor::tree::Limit;

use super::catalog_queries::QueriesError;
use crate::target::ports::PortsError;
use crate::target::running::OverTime;

/// Why a trial was cut short. What it recorded until then stays; it has no `finished` event.
#[derive(Debug, thiserror::Error)]
pub(super) enum Aborted {
    /// Ctrl-C or a signal.
    #[error("it was interrupted by a signal")]
    Signal,
    /// The system could not be prepared, or did not start.
    #[error("it did not start: {0:#}")]
    NotStarted(anyhow::Error),
    /// The target's processes lived longer than its file allows.
    #[error(transparent)]
    OverTime(#[from] OverTime),
    /// Something broken could not be put right.
    #[error(transparent)]
    NotHealed(#[from] NotHealed),
    /// What everybody held at the end could not be written down.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// The clients did not do their part.
    #[error("the load generator failed: {0}")]
    Generator(String),
    /// The rows cannot be written.
    #[error(transparent)]
    NotRecorded(#[from] RecorderError),
    /// The catalog's request counts cannot be written.
    #[error(transparent)]
    Queries(#[from] QueriesError),
}

/// The system could not be prepared, or did not start, in a run's first trial.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(crate) struct NotStarted(pub(super) anyhow::Error);

impl NotStarted {
    /// What one of its processes was killed for taking too much of.
    pub(crate) fn over_limit(&self) -> Option<Limit> {
        self.0.chain().find_map(|error| error.downcast_ref::<StartError>()?.over_limit())
    }

    /// Whether something on this machine was in the way, and nothing of the target was tried.
    pub(crate) fn is_the_machines_fault(&self) -> bool {
        self.0.chain().any(|error| error.is::<PortsError>())
    }
}

/// The end of a trial that was cut short.
pub(super) struct Interruption {
    /// When that was decided, in microseconds since the run's origin: before the clients were told to end,
    /// and before any service was stopped.
    pub(super) at_us: u64,
    pub(super) cut: Aborted,
}
