//! Everything up again, whatever the schedule says: what is compared at the end of a trial must
//! be able to answer, and a replica that stays down proves nothing about the protocols.

use std::sync::Mutex;

use records::{Event, EventKind, FaultSet, Route, Subject};

use crate::bazaar::{Act, ActError, Bazaar, Begun, LinkHealed};
use crate::events::EventSink;
use crate::injector::Injection;
use crate::lasting::Lasting;
use crate::process::{ProcessName, ProcessState};
use crate::schedule::Action;
use supervisor::locked::locked;

/// How often a process is restarted that ends again before it is ready: it may have met a
/// neighbour that was itself just coming back.
const MAX_RESTARTS: u32 = 3;

/// A process could not be brought back: the trial is inconclusive.
#[derive(Debug, thiserror::Error)]
#[error("{subject} could not be brought back: {source}")]
pub struct NotHealed {
    /// Which, or the fault of the target's own that could not be taken back.
    pub subject: Subject,
    /// Why.
    pub source: ActError,
}

/// Heals links and disks, ends floods and what makes processes slow, lets paused processes go on, restarts those that are down, waits until all are ready, and
/// emits `Healed`. `injected` says which fault each act belongs to.
pub async fn heal(
    bazaar: &Bazaar,
    injected: &[Injection],
    events: &EventSink,
) -> Result<(), NotHealed> {
    let lasting = Mutex::new(Lasting::after(injected));
    let healing = Healing { bazaar, injected, lasting, events };
    let names = bazaar.processes().into_iter().map(|process| process.name);
    // What is on a host that is lost cannot be brought back, and is no reason to give the others up.
    let names: Vec<_> = names.filter(|name| !bazaar.is_lost(*name)).collect();
    healing.heal_links().await?;
    healing.undo_own().await?;
    healing.heal_disks().await.map_err(|(name, error)| healing.give_up(name, error))?;
    healing.heal_speed().await.map_err(|(name, error)| healing.give_up(name, error))?;
    // First all acts, then all waits: a service may need the others to become ready.
    for name in names.iter().copied() {
        healing.unless_lost(name, healing.revive(name).await)?;
    }
    for name in names {
        healing.unless_lost(name, healing.await_ready(name).await)?;
    }
    events.emit(EventKind::Healed, |_| {});
    Ok(())
}

struct Healing<'a> {
    bazaar: &'a Bazaar,
    injected: &'a [Injection],
    lasting: Mutex<Lasting>,
    events: &'a EventSink,
}

impl Healing<'_> {
    /// Before anything else: anybody who comes back may need the others to become ready.
    async fn heal_links(&self) -> Result<(), NotHealed> {
        for (fault, route) in self.bazaar.faulty_links() {
            let Some(LinkHealed { at_us, seen }) = self.bazaar.heal_link(fault).await else {
                continue;
            };
            let tell = |kind, at_monotonic_us, met: Option<String>| {
                let at_us = self.events.origin().since_origin(at_monotonic_us);
                self.events.emit_at(at_us, kind, |event| {
                    event.fault = Some(fault);
                    event.action = Some(Action::Heal);
                    event.process = Some(route.into());
                    event.ends = std::iter::once(fault).collect();
                    let met = met.map_or_else(String::new, |met| format!(": {met}"));
                    event.detail = Some(format!("healing{met}"));
                });
            };
            tell(EventKind::Injected, at_us, None);
            match seen {
                Ok((seen_us, met)) => tell(EventKind::Confirmed, seen_us, met),
                // Its holder takes it back when the connection ends; nobody is left who could say when.
                Err(source) if self.is_lost(route) => {
                    self.give_up(route, source);
                }
                Err(source) => return Err(self.give_up(route, source)),
            }
        }
        Ok(())
    }

    fn is_lost(&self, route: Route) -> bool {
        Subject::from(route).names().any(|name| self.bazaar.is_lost(name))
    }

    /// Whatever they have broken may be what others need.
    async fn undo_own(&self) -> Result<(), NotHealed> {
        for fault in self.bazaar.own_faults_lasting() {
            let Some(undone) = self.bazaar.undo_own_fault(fault).await else { continue };
            let subject = Subject::Own(undone.name);
            let tell = |kind, at_monotonic_us| {
                let at_us = self.events.origin().since_origin(at_monotonic_us);
                self.events.emit_at(at_us, kind, |event| {
                    event.fault = Some(fault);
                    event.action = Some(Action::Undo);
                    event.process = Some(subject);
                    event.ends = std::iter::once(fault).collect();
                    event.detail = Some("healing".to_owned());
                });
            };
            tell(EventKind::Injected, undone.at_monotonic_us);
            match undone.seen {
                Ok(at_monotonic_us) => tell(EventKind::Confirmed, at_monotonic_us),
                Err(source) => return Err(self.give_up(subject, source)),
            }
        }
        Ok(())
    }

    /// Before anybody is started: a process may not come up on a disk that is full.
    async fn heal_disks(&self) -> Result<(), (ProcessName, ActError)> {
        for (fault, name) in self.bazaar.faulty_disks() {
            let healed = self.bazaar.heal_disk(fault);
            let healed = healed.map_err(|source| (name, ActError::Disk { name, source }))?;
            let Some((_, at_monotonic_us)) = healed else { continue };
            self.tell_recovered(EventKind::Injected, fault, name, at_monotonic_us);
            let seen = self.bazaar.disk_recovered(name).await.map_err(|error| (name, error))?;
            self.tell_recovered(EventKind::Confirmed, fault, name, seen);
        }
        Ok(())
    }

    async fn heal_speed(&self) -> Result<(), (ProcessName, ActError)> {
        for Begun { fault, name, .. } in self.bazaar.slowed() {
            let Some((_, at_monotonic_us)) = self.bazaar.speed_up(fault) else { continue };
            self.tell_recovered(EventKind::Injected, fault, name, at_monotonic_us);
            let seen = self.bazaar.sped_up(name).await.map_err(|error| (name, error))?;
            self.tell_recovered(EventKind::Confirmed, fault, name, seen);
        }
        for Begun { fault, name, .. } in self.bazaar.floods() {
            let Some((_, at_monotonic_us, _)) = self.bazaar.end_flood(fault) else { continue };
            for kind in [EventKind::Injected, EventKind::Confirmed] {
                self.tell_recovered(kind, fault, name, at_monotonic_us);
            }
        }
        Ok(())
    }

    /// Tells of the end of one fault that recoveries end.
    fn tell_recovered(&self, kind: EventKind, fault: u32, name: ProcessName, at_monotonic_us: u64) {
        let at_us = self.events.origin().since_origin(at_monotonic_us);
        self.events.emit_at(at_us, kind, |event| {
            event.fault = Some(fault);
            event.action = Some(Action::Recover);
            event.process = Some(name.into());
            event.ends = std::iter::once(fault).collect();
            event.detail = Some("healing".to_owned());
        });
    }

    async fn revive(&self, name: ProcessName) -> Result<(), ActError> {
        match self.bazaar.process(name).map(|process| process.state) {
            Some(ProcessState::Paused) => self.follow(self.bazaar.resume(name).await?).await,
            Some(ProcessState::Down) => self.follow(self.bazaar.restart(name).await?).await,
            Some(ProcessState::Running) | None => Ok(()),
        }
    }

    async fn follow(&self, act: Act) -> Result<(), ActError> {
        let at_us = self.events.origin().since_origin(act.at_monotonic_us);
        let ends = self.ended(act.action, act.name, at_us);
        let fill = |event: &mut Event| {
            self.describe(event, act.name, act.action, act.pid);
            event.ends = ends.clone();
        };
        self.events.emit_at(at_us, EventKind::Injected, fill);
        let at_us = self.events.origin().since_origin(act.confirm().await?);
        self.events.emit_at(at_us, EventKind::Confirmed, fill);
        Ok(())
    }

    async fn await_ready(&self, name: ProcessName) -> Result<(), ActError> {
        // The part that started it told of it then, unless it was stopped before it was ready.
        let told = self.bazaar.was_ready(name);
        let mut restarts = 0;
        let at_monotonic_us = loop {
            let error = match self.bazaar.wait_ready(name).await {
                Ok(at_monotonic_us) => break at_monotonic_us,
                Err(error) => error,
            };
            let down = self.bazaar.process(name).is_some_and(|p| p.state == ProcessState::Down);
            if !down || restarts == MAX_RESTARTS {
                return Err(error);
            }
            tracing::warn!(%error, "restarting once more");
            restarts += 1;
            self.revive(name).await?;
        };
        if !told || restarts > 0 {
            let at_us = self.events.origin().since_origin(at_monotonic_us);
            self.events.emit_at(at_us, EventKind::Ready, |event| {
                let pid = self.bazaar.process(name).map_or(0, |process| process.pid);
                self.describe(event, name, Action::Restart, pid);
            });
        }
        Ok(())
    }

    /// Which faults that was the end of.
    fn ended(&self, action: Action, name: ProcessName, at_us: u64) -> FaultSet {
        locked(&self.lasting).ended(action, name, at_us)
    }

    /// A host may be lost meanwhile.
    fn unless_lost(&self, name: ProcessName, done: Result<(), ActError>) -> Result<(), NotHealed> {
        match done {
            Err(error) if !self.bazaar.is_lost(name) => Err(self.give_up(name, error)),
            _ => Ok(()),
        }
    }

    fn give_up(&self, subject: impl Into<Subject>, source: ActError) -> NotHealed {
        let subject = subject.into();
        self.events.emit(EventKind::NotConfirmed, |event| {
            event.process = Some(subject);
            event.detail = Some(format!("healing: {source}"));
        });
        NotHealed { subject, source }
    }

    fn describe(&self, event: &mut Event, name: ProcessName, action: Action, pid: u32) {
        // The last fault that hit the process is the one that this ends.
        let hit = |injection: &&Injection| {
            injection.process == Some(name)
                && matches!(injection.action, Action::Kill | Action::Pause | Action::PowerCut)
        };
        event.fault = self.injected.iter().rfind(hit).map(|injection| injection.fault);
        event.action = Some(action);
        event.process = Some(name.into());
        event.pid = Some(pid);
        event.detail = Some("healing".to_owned());
    }
}

#[cfg(test)]
mod tests;
