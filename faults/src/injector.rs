//! Does what the schedule says.

use std::sync::Arc;

use crate::bazaar::Bazaar;
use crate::events::EventSink;
use crate::process::ProcessName;
use crate::schedule::{Action, Schedule};

/// Something that was done to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The fault's number.
    pub fault: u32,
    /// What was done: the fault itself, or what ended it.
    pub action: Action,
    /// To whom; `None` if the target could not be found.
    pub process: Option<ProcessName>,
    /// When, in microseconds since the run's origin.
    pub at_us: u64,
    /// Whether it was seen to have worked.
    pub confirmed: bool,
}

/// Announces every act as `Planned`, injects every fault at its time after `load_began_us`
/// (microseconds since the run's origin), and returns when all are done, or soon after `stop` completes. What was broken and not yet
/// mended by then is left to [`heal`](crate::heal::heal).
pub async fn run(
    bazaar: Arc<Bazaar>,
    schedule: Schedule,
    load_began_us: u64,
    events: EventSink,
    stop: impl Future<Output = ()> + Send,
) -> Vec<Injection> {
    let _ = (bazaar, schedule, load_began_us, events);
    stop.await;
    todo!()
}
