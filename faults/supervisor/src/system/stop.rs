//! The end of a system: at once, or politely and in reverse order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::{Incarnation, Slot, System};
use crate::tree::{Done, SignalError};

impl System {
    /// Kills everything at once. Afterwards nothing can be restarted.
    pub async fn kill_all(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let mut kills = JoinSet::new();
        for (name, slot) in &self.slots {
            if let Some(incarnation) = slot.incarnation() {
                let name = name.clone();
                kills.spawn(async move { note(&name, incarnation.tree.kill().await) });
            }
        }
        kills.join_all().await;
    }

    /// Stops everything: who depends on others before them, each by the signal of its shutdown, and by SIGKILL if it does
    /// not end in its time. Afterwards nothing can be restarted.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let stages: BTreeSet<_> = self.slots.values().map(|slot| slot.stage).collect();
        for stage in stages.into_iter().rev() {
            let mut stops = JoinSet::new();
            for slot in self.slots.values().filter(|slot| slot.stage == stage) {
                // An act that was under way has come to its end once the lock is free.
                let _acting = slot.acting.lock().await;
                if let Some(incarnation) = slot.incarnation() {
                    stops.spawn(stop_one(slot, incarnation));
                }
            }
            stops.join_all().await;
        }
    }
}

fn stop_one(slot: &Slot, incarnation: Arc<Incarnation>) -> impl Future<Output = ()> + use<> {
    let (name, shutdown) = (slot.program.name.clone(), slot.program.shutdown);
    async move {
        let ended = incarnation.tree.terminate(shutdown.signal, shutdown.timeout).await;
        if ended.as_ref().is_ok_and(|done| done.forced) {
            tracing::warn!(process = %name, pid = incarnation.tree.pid(), "did not stop when told; killed");
        }
        note(&name, ended);
    }
}

/// That it had ended before is what is wanted.
fn note(name: &str, ended: Result<Done, SignalError>) {
    match ended {
        Ok(_) | Err(SignalError::Ended) => {}
        Err(error) => tracing::warn!(process = %name, %error, "not seen to have ended"),
    }
}
