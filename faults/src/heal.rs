//! Everything up again, whatever the schedule says.

use crate::bazaar::Bazaar;
use crate::events::EventSink;
use crate::injector::Injection;
use crate::process::ProcessName;

/// A process could not be brought back: the trial is inconclusive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{process} could not be brought back: {reason}")]
pub struct NotHealed {
    /// Which.
    pub process: ProcessName,
    /// Why.
    pub reason: String,
}

/// Lets paused processes go on, restarts those that are down, waits until all are ready, and
/// emits `Healed`. `injected` says which fault each act belongs to.
pub async fn heal(
    bazaar: &Bazaar,
    injected: &[Injection],
    events: &EventSink,
) -> Result<(), NotHealed> {
    let _ = (bazaar, injected, events);
    todo!()
}

pub use crate::converge::{Dumps, NotConverged, converge};
