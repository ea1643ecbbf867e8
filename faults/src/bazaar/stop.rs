//! The end of a bazaar: at once, or politely.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::Bazaar;
use crate::child::Child;
use crate::part::Part;
use crate::process::ProcessState;

/// How long a process may take to drain: a little more than the 3 s that the services allow it.
const STOP_WITHIN: Duration = Duration::from_secs(4);
/// How long SIGKILL may take at the end.
const KILL_WITHIN: Duration = Duration::from_secs(5);

impl Bazaar {
    /// Kills everything at once, for somebody who does not wait for [`stop`](Self::stop). Afterwards
    /// nothing can be restarted. The files of the services are as a power failure would leave them,
    /// which they are made for.
    pub fn kill_all(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for slot in self.slots.values() {
            let child = slot.incarnation().child;
            if child.exit().is_none() {
                note_unsent(&child, child.kill());
            }
        }
    }

    /// Stops everything: ends what is wrong with links, disks, speed, and paused processes, then SIGTERM, a bounded wait, and SIGKILL
    /// for what is left, stage by stage. Afterwards nothing can be restarted.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A service drains what it has begun, for which it may need the others.
        for (fault, _) in self.faulty_links() {
            self.heal_link(fault);
        }
        self.heal_disks();
        self.leave_in_peace();
        let mut stages: [Vec<Arc<Child>>; Part::STOP_STAGES] = Default::default();
        for (name, slot) in &self.slots {
            // A restart that was under way has begun its process once the lock is free.
            let _beginning = slot.beginning.lock().await;
            let stage = self.addresses().part(*name).map_or(0, Part::stop_stage);
            let child = slot.incarnation().child;
            if child.state() == ProcessState::Paused {
                note_unsent(&child, child.resume());
            }
            stages[stage].push(child);
        }
        for stage in stages {
            stop_together(&stage).await;
        }
    }
}

pub(super) async fn stop_together(children: &[Arc<Child>]) {
    let deadline = Instant::now() + STOP_WITHIN;
    let living = || children.iter().filter(|child| child.exit().is_none());
    for child in living() {
        note_unsent(child, child.terminate());
    }
    for child in children {
        child.ended(deadline.saturating_duration_since(Instant::now())).await;
    }
    for child in living() {
        tracing::warn!(process = %child.name(), pid = child.pid(), "did not stop when told; killed");
        note_unsent(child, child.kill());
    }
    for child in children {
        if child.ended(KILL_WITHIN).await.is_none() {
            tracing::warn!(process = %child.name(), pid = child.pid(), "killed, but not gone yet");
        }
    }
}

/// A process may end between the look and the signal; that is not worth more than a line.
fn note_unsent(child: &Child, sent: Result<u64, crate::child::Unsent>) {
    if let Err(unsent) = sent {
        tracing::debug!(process = %child.name(), ?unsent, "signal not sent");
    }
}
