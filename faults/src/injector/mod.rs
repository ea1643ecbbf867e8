//! Does what the schedule says: looks up the target when its time has come, acts, confirms, and
//! tells what it did to whom, or to which link.
//!
//! * `targets`: who a target is now.
//! * `files`, `guard`: what becomes of files, and whose may be changed.
//! * `disks`, `links`, `speed`: what is done to disks and to links, and who is slow or flooded. `own`: by the target's own commands.
//!
//! Each fault is a task of its own, from its beginning to its end, so that a restart which waits
//! for its process to be ready holds up no other fault, and so that what ends a fault meets the
//! process that it broke. A fault that cannot be injected is told as not confirmed (or as skipped,
//! if the plan allows that) and never stops the run: the checks decide what the run is still good
//! for.

mod disks;
mod files;
mod guard;
mod links;
mod own;
mod speed;
mod targets;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use records::{Event, EventKind, FaultSet};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bazaar::{Act, ActError, Bazaar};
use crate::events::EventSink;
use crate::lasting::Lasting;
use crate::process::ProcessName;
use crate::schedule::{Action, Fault, FaultAction, FaultTarget, Schedule, Target};
use supervisor::locked::locked;

pub use self::files::{FilesStay, why_files_stay};

/// Something that was done to a process or a link, or was to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The fault's number.
    pub fault: u32,
    /// What was done: the fault itself, or what ended it.
    pub action: Action,
    /// To whom; `None` if the target could not be found, or it was done to a link.
    pub process: Option<ProcessName>,
    /// When, in microseconds since the run's origin.
    pub at_us: u64,
    /// Whether it was done at all.
    pub done: bool,
    /// Whether it was seen to have worked.
    pub confirmed: bool,
}

/// Announces every act as `Planned`, injects every fault at its time after `load_began_us`
/// (microseconds since the run's origin), and returns when all are done, or soon after `stop`
/// completes. What was broken and not yet mended by then is left to [`heal`](crate::heal::heal).
pub async fn run(
    bazaar: Arc<Bazaar>,
    schedule: Schedule,
    load_began_us: u64,
    events: EventSink,
    stop: impl Future<Output = ()> + Send,
) -> Vec<Injection> {
    let (stopper, stopped) = watch::channel(false);
    let shared = Arc::<Shared>::default();
    let mut faults = JoinSet::new();
    for fault in schedule.faults() {
        let one = OneFault {
            bazaar: Arc::clone(&bazaar),
            fault: fault.clone(),
            load_began_us,
            events: events.clone(),
            stopped: stopped.clone(),
            shared: Arc::clone(&shared),
            done: Vec::new(),
        };
        one.announce();
        faults.spawn(one.run());
    }
    let all_done = faults.join_all();
    tokio::pin!(all_done, stop);
    let done = tokio::select! {
        done = &mut all_done => done,
        () = &mut stop => {
            stopper.send_replace(true);
            all_done.await
        }
    };
    let mut injections: Vec<_> = done.into_iter().flatten().collect();
    injections.sort_by_key(|injection| (injection.at_us, injection.fault));
    injections
}

struct OneFault {
    bazaar: Arc<Bazaar>,
    fault: Fault,
    load_began_us: u64,
    events: EventSink,
    stopped: watch::Receiver<bool>,
    shared: Arc<Shared>,
    done: Vec<Injection>,
}

/// Shared by all faults of a schedule.
#[derive(Debug, Default)]
struct Shared {
    lasting: Mutex<Lasting>,
    /// What came of each fault's beginning, by its number.
    outcomes: watch::Sender<BTreeMap<u32, Result<ProcessName, NotDone>>>,
    /// Held while files are changed.
    changing_files: tokio::sync::Mutex<()>,
}

/// Why a fault was not done.
#[derive(Clone, Debug)]
struct NotDone {
    /// Nothing is wrong with the trial for that.
    may_be: bool,
    reason: String,
}

impl OneFault {
    fn announce(&self) {
        let Fault { action, at_ms, ends_at_ms, .. } = self.fault;
        let end = ends_at_ms.map(|at_ms| (action.end(), at_ms));
        for (action, at_ms) in std::iter::once((action.begin(), at_ms)).chain(end) {
            self.events.emit(EventKind::Planned, |event| self.describe(event, action, at_ms));
        }
    }

    /// From the fault's beginning to its end.
    async fn run(mut self) -> Vec<Injection> {
        if let (FaultTarget::Process(target), FaultAction::Files { of, kind }) =
            (self.fault.target, self.fault.action)
        {
            // A copy is made before its time.
            self.change_files(target, of, kind).await;
        } else if self.wait_until(self.fault.at_ms).await {
            match (self.fault.target, self.fault.action) {
                (FaultTarget::Process(target), FaultAction::Kill) => self.kill(target).await,
                (FaultTarget::Process(target), FaultAction::Pause) => self.pause(target).await,
                (FaultTarget::Process(target), FaultAction::PowerCut) => {
                    self.cut_power(target).await;
                }
                (FaultTarget::Process(target), FaultAction::Disk(kind)) => {
                    self.inject_disk_fault(target, kind).await;
                }
                (FaultTarget::Process(target), FaultAction::Slow(percent)) => {
                    self.slow(target, percent).await;
                }
                (FaultTarget::Process(target), FaultAction::Flood(flood)) => {
                    self.flood(target, flood).await;
                }
                (FaultTarget::Link(link), FaultAction::Link(kind)) => {
                    self.inject_link_fault(link, kind).await;
                }
                (FaultTarget::Own(name), FaultAction::Own) => self.run_own(name).await,
                // A schedule has no such faults; those of files are done above.
                (FaultTarget::Link(_) | FaultTarget::Own(_), _)
                | (_, FaultAction::Link(_) | FaultAction::Files { .. } | FaultAction::Own) => {}
            }
        }
        self.tell_if_cut_short();
        self.done
    }

    /// Of a fault whose time had come when the injector was told to stop: nobody leads, say, so nobody knows yet who is
    /// to be killed. What came of every fault that was due is told.
    fn tell_if_cut_short(&mut self) {
        let (action, at_ms) = (self.fault.action.begin(), self.fault.at_ms);
        let is_due = self.events.origin().elapsed_us() >= self.planned_us(at_ms);
        if is_due && !self.done.iter().any(|done| done.action == action) {
            self.not_done(action, at_ms, None, "the trial was over before it could be done");
        }
    }

    async fn kill(&mut self, target: Target) {
        let at_ms = self.fault.at_ms;
        let Some(name) = self.find(target).await else { return };
        if self.follow(Action::Kill, at_ms, name, self.bazaar.kill(name).await).await
            && let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
        {
            self.restart(name, ends_at_ms).await;
        }
    }

    async fn pause(&mut self, target: Target) {
        let at_ms = self.fault.at_ms;
        let Some(name) = self.find(target).await else { return };
        if self.follow(Action::Pause, at_ms, name, self.bazaar.pause(name).await).await
            && let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
        {
            self.follow(Action::Resume, ends_at_ms, name, self.bazaar.resume(name).await).await;
        }
    }

    /// Who the target is now; if there is nobody, tells that the fault is not done.
    async fn find(&mut self, target: Target) -> Option<ProcessName> {
        let found = tokio::select! {
            found = targets::resolve_living(&self.bazaar, target) => found,
            () = is_stopped(&mut self.stopped) => return None,
        };
        match found {
            Ok(name) => Some(name),
            Err(reason) => {
                self.not_done(self.fault.action.begin(), self.fault.at_ms, None, &reason);
                None
            }
        }
    }

    async fn restart(&mut self, name: ProcessName, at_ms: u64) {
        let action = Action::Restart;
        if !self.follow(action, at_ms, name, self.bazaar.restart(name).await).await {
            return;
        }
        let bazaar = Arc::clone(&self.bazaar);
        let ready = tokio::select! {
            ready = bazaar.wait_ready(name) => ready,
            () = is_stopped(&mut self.stopped) => return,
        };
        match ready {
            Ok(at_monotonic_us) => {
                let at_us = self.events.origin().since_origin(at_monotonic_us);
                self.events.emit_at(at_us, EventKind::Ready, |event| {
                    self.describe(event, action, at_ms);
                    self.name_process(event, name);
                });
            }
            Err(error) => {
                // Another fault has ended it meanwhile, or its disk hangs or is full.
                let is_moot =
                    self.bazaar.was_ended_by_signal(name) || self.bazaar.has_faulty_disk(name);
                self.tell_not_done(is_moot, action, at_ms, Some(name), &error.to_string());
            }
        }
    }

    /// Waits for a time after the load began. `false`: told to stop before.
    async fn wait_until(&mut self, at_ms: u64) -> bool {
        let at = self.events.origin().instant_at(self.planned_us(at_ms));
        tokio::select! {
            biased;
            () = is_stopped(&mut self.stopped) => false,
            () = tokio::time::sleep_until(at.into()) => true,
        }
    }

    /// What `seen` completes with; `None` if the fault was over, or the trial, before.
    async fn before_its_end<T>(&mut self, seen: impl Future<Output = T>) -> Option<T> {
        let ends_at_ms = self.fault.ends_at_ms;
        let over = async {
            match ends_at_ms {
                Some(ends_at_ms) => _ = self.wait_until(ends_at_ms).await,
                None => is_stopped(&mut self.stopped).await,
            }
        };
        tokio::select! {
            biased;
            seen = seen => Some(seen),
            () = over => None,
        }
    }

    /// Tells of an act, waits for its effect, and tells of that. `false`: it was not done at all.
    async fn follow(
        &mut self,
        action: Action,
        at_ms: u64,
        name: ProcessName,
        act: Result<Act, ActError>,
    ) -> bool {
        let act = match act {
            Ok(act) => act,
            Err(error) => {
                // Another fault was there first, and the process is as this one would leave it,
                // or that fault's own end is yet to come.
                let is_moot = action.is_end() && matches!(error, ActError::State { .. });
                self.tell_not_done(is_moot, action, at_ms, Some(name), &error.to_string());
                return false;
            }
        };
        let at_us = self.events.origin().since_origin(act.at_monotonic_us);
        let ends = self.acted(action, name, at_us);
        let done = Done { action, at_ms, at_us, name, pid: act.pid, ends };
        self.tell_done(&done, None);
        let seen = self.bazaar.confirmed(&act).await;
        let confirmed = seen.map(|at_monotonic_us| (at_monotonic_us, None));
        self.tell_confirmed(done, confirmed);
        true
    }

    /// Tells of something that was done to a process or its disk.
    fn tell_done(&self, done: &Done, detail: Option<String>) {
        self.events.emit_at(done.at_us, EventKind::Injected, |event| {
            self.fill(event, done);
            event.detail = detail;
        });
    }

    /// Tells whether it was seen to have worked: when, on `CLOCK_MONOTONIC`, and what was seen; or why not.
    fn tell_confirmed(&mut self, done: Done, seen: Result<(u64, Option<String>), ActError>) {
        let confirmed = seen.is_ok();
        if done.action == self.fault.action.begin() {
            let reason = seen.as_ref().err().map(ToString::to_string);
            let may_be = self.fault.if_possible;
            self.tell_outcome(
                reason.map_or(Ok(done.name), |reason| Err(NotDone { may_be, reason })),
            );
        }
        match seen {
            Ok((at_monotonic_us, detail)) => {
                let at_us = self.events.origin().since_origin(at_monotonic_us);
                self.events.emit_at(at_us, EventKind::Confirmed, |event| {
                    self.fill(event, &done);
                    event.detail = detail;
                });
            }
            Err(error) => self.events.emit(EventKind::NotConfirmed, |event| {
                self.fill(event, &done);
                event.detail = Some(error.to_string());
            }),
        }
        let Done { action, at_us, name, .. } = done;
        let (fault, process) = (self.fault.number, Some(name));
        self.done.push(Injection { fault, action, process, at_us, done: true, confirmed });
    }

    fn fill(&self, event: &mut Event, done: &Done) {
        self.describe(event, done.action, done.at_ms);
        event.ends = done.ends.clone();
        event.process = Some(done.name.into());
        event.pid = Some(done.pid);
    }

    /// Which faults that was the end of.
    fn acted(&self, action: Action, name: ProcessName, at_us: u64) -> FaultSet {
        locked(&self.shared.lasting).acted(self.fault.number, action, name, at_us)
    }

    fn not_done(&mut self, action: Action, at_ms: u64, name: Option<ProcessName>, reason: &str) {
        self.tell_not_done(false, action, at_ms, name, reason);
    }

    /// `may_be`: nothing is wrong with the trial for that.
    fn tell_not_done(
        &mut self,
        may_be: bool,
        action: Action,
        at_ms: u64,
        name: Option<ProcessName>,
        reason: &str,
    ) {
        let at_us = self.events.origin().elapsed_us();
        let may_be = may_be || self.fault.if_possible;
        let kind = if may_be { EventKind::Skipped } else { EventKind::NotConfirmed };
        if action == self.fault.action.begin() {
            self.tell_outcome(Err(NotDone { may_be, reason: reason.to_owned() }));
        }
        self.events.emit_at(at_us, kind, |event| {
            self.describe(event, action, at_ms);
            if let Some(name) = name {
                self.name_process(event, name);
            }
            event.detail = Some(reason.to_owned());
        });
        let fault = self.fault.number;
        self.done.push(Injection {
            fault,
            action,
            process: name,
            at_us,
            done: false,
            confirmed: false,
        });
    }

    fn describe(&self, event: &mut Event, action: Action, at_ms: u64) {
        event.fault = Some(self.fault.number);
        event.planned_us = Some(self.planned_us(at_ms));
        event.action = Some(action);
        event.target = Some(self.fault.target.to_string());
        if let FaultTarget::Own(name) = self.fault.target {
            event.process = Some(name.into());
        }
    }

    fn name_process(&self, event: &mut Event, name: ProcessName) {
        event.process = Some(name.into());
        event.pid = self.bazaar.process(name).map(|process| process.pid);
    }

    fn planned_us(&self, at_ms: u64) -> u64 {
        self.load_began_us.saturating_add(at_ms.saturating_mul(1000))
    }
}

/// Something that was done to a process or its disk.
struct Done {
    action: Action,
    /// When it was planned, after the load began.
    at_ms: u64,
    at_us: u64,
    name: ProcessName,
    pid: u32,
    /// Which faults that was the end of.
    ends: FaultSet,
}

async fn is_stopped(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        // The side that could say stop has gone without saying it.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
