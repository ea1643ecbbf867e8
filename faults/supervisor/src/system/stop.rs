//! The end of a system: at once, or politely and in reverse order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::{ActError, Incarnation, Slot, System};
use crate::tree::{Done, SignalError};

impl System {
    /// Kills everything at once, and hands back what is adopted. Afterwards nothing can be restarted.
    pub async fn kill_all(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let mut kills = JoinSet::new();
        for (name, slot) in &self.slots {
            if let Some(incarnation) = slot.incarnation() {
                let (name, is_adopted) = (name.clone(), slot.is_adopted());
                kills.spawn(async move {
                    match is_adopted {
                        true => hand_back(&name, &incarnation).await,
                        false => note(&name, incarnation.tree.kill().await),
                    }
                });
            }
        }
        kills.join_all().await;
    }

    /// Orders the same, and does not wait for it.
    pub fn order_kills(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for slot in self.slots.values() {
            let Some(incarnation) = slot.incarnation() else { continue };
            match slot.is_adopted() {
                true => incarnation.tree.begin_release(),
                // Its end shows in its state.
                false => _ = incarnation.tree.send_kill(),
            }
        }
    }

    /// Stops one process as [`stop`](Self::stop) does. It can be restarted. That it was down before is fine. One that is adopted
    /// is handed back, and goes on.
    ///
    /// # Errors
    /// If there is no such process.
    pub async fn shut_down(&self, name: &str) -> Result<(), ActError> {
        let slot = self.slot(name)?;
        stop_one(slot, self.incarnation(name)?).await;
        Ok(())
    }

    /// Stops everything: who depends on others before them, each by the signal of its shutdown, and by SIGKILL if it does
    /// not end in its time. What is adopted is handed back, and was started before if it had been killed here. Afterwards
    /// nothing can be restarted.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.bring_back().await;
        let stages: BTreeSet<_> = self.slots.values().map(|slot| slot.stage).collect();
        for stage in stages.into_iter().rev() {
            let mut stops = JoinSet::new();
            for slot in self.slots.values().filter(|slot| slot.stage == stage) {
                // A start that was under way has come to its end once the lock is free.
                let _beginning = slot.beginning.lock().await;
                if let Some(incarnation) = slot.incarnation() {
                    stops.spawn(stop_one(slot, incarnation));
                }
            }
            stops.join_all().await;
        }
    }

    /// Starts again what was killed here and ran when the harness came: who has handed it over wants it back.
    async fn bring_back(&self) {
        for slot in self.slots.values().filter(|slot| slot.is_adopted()) {
            let _beginning = slot.beginning.lock().await;
            let killed = slot.incarnation().and_then(|incarnation| incarnation.end());
            if slot.was_down.get() == Some(&false)
                && killed.is_some_and(|end| end.asked)
                && let Err(error) = self.begin_anew(slot, true).await
            {
                tracing::warn!(process = %slot.program.name, %error, "was killed, and not started again");
            }
        }
    }
}

fn stop_one(slot: &Slot, incarnation: Arc<Incarnation>) -> impl Future<Output = ()> + use<> {
    let (name, shutdown) = (slot.program.name.clone(), slot.program.shutdown);
    let is_adopted = slot.is_adopted();
    async move {
        if is_adopted {
            return hand_back(&name, &incarnation).await;
        }
        let ended = incarnation.tree.terminate(shutdown.signal, shutdown.timeout).await;
        if ended.as_ref().is_ok_and(|done| done.forced) {
            tracing::warn!(process = %name, pid = incarnation.tree.pid(), "did not stop when told; killed");
        }
        note(&name, ended);
    }
}

/// Leaves a process as it was found.
async fn hand_back(name: &str, incarnation: &Incarnation) {
    if !incarnation.tree.release().await {
        tracing::warn!(process = %name, "not seen to have been handed back");
    }
}

/// That it had ended before is what is wanted.
fn note(name: &str, ended: Result<Done, SignalError>) {
    match ended {
        Ok(_) | Err(SignalError::Ended) => {}
        Err(error) => tracing::warn!(process = %name, %error, "not seen to have ended"),
    }
}
