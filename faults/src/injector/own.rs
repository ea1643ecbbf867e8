//! What the target's own commands break.

use records::{EventKind, FaultName};

use super::{Injection, OneFault, is_stopped};
use crate::bazaar::{ActError, OwnUndone};
use crate::schedule::Action;

impl OneFault {
    /// Runs the command that breaks something, and, at the fault's end, the one that takes it back. What was not seen to have
    /// worked is taken back as well.
    pub(super) async fn run_own(&mut self, name: FaultName) {
        let (number, at_ms, action) = (self.fault.number, self.fault.at_ms, Action::Run);
        let at_monotonic_us = match self.bazaar.arm_own_fault(number, name).await {
            Ok(at_monotonic_us) => at_monotonic_us,
            Err(error) => return self.not_done(action, at_ms, None, &error.to_string()),
        };
        let at_us = self.events.origin().since_origin(at_monotonic_us);
        self.events
            .emit_at(at_us, EventKind::Injected, |event| self.describe(event, action, at_ms));
        let bazaar = std::sync::Arc::clone(&self.bazaar);
        let seen = tokio::select! {
            seen = bazaar.apply_own_fault(name) => seen,
            () = is_stopped(&mut self.stopped) => {
                let reason = "the trial was over before it was seen to be there".to_owned();
                Err(ActError::Own { name, reason })
            }
        };
        self.tell_own(action, at_ms, at_us, seen);
        if let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
            && let Some(OwnUndone { at_monotonic_us, seen, .. }) =
                self.bazaar.undo_own_fault(number).await
        {
            let (action, at_us) =
                (Action::Undo, self.events.origin().since_origin(at_monotonic_us));
            self.events.emit_at(at_us, EventKind::Injected, |event| {
                self.describe(event, action, ends_at_ms);
                event.ends = std::iter::once(number).collect();
            });
            self.tell_own(action, ends_at_ms, at_us, seen);
        }
    }

    fn tell_own(&mut self, action: Action, at_ms: u64, at_us: u64, seen: Result<u64, ActError>) {
        let (fault, confirmed) = (self.fault.number, seen.is_ok());
        match seen {
            Ok(at_monotonic_us) => {
                let at_us = self.events.origin().since_origin(at_monotonic_us);
                self.events.emit_at(at_us, EventKind::Confirmed, |event| {
                    self.describe(event, action, at_ms);
                    event.ends = action.is_end().then_some(fault).into_iter().collect();
                });
            }
            Err(error) => self.events.emit(EventKind::NotConfirmed, |event| {
                self.describe(event, action, at_ms);
                event.detail = Some(error.to_string());
            }),
        }
        self.done.push(Injection { fault, action, process: None, at_us, done: true, confirmed });
    }
}
