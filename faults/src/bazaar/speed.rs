//! Processes that are slow, and processes that are flooded: made so, seen to be so, and put right.

use std::sync::Arc;

use supervisor::locked::locked;
use supervisor::system::Incarnation;
use supervisor::tree::SignalError;

use super::{ActError, Bazaar};
use crate::clock::monotonic_us;
use crate::flood::{self, Flooding, Tally};
use crate::process::{ProcessName, ProcessState};
use crate::schedule::{Action, Flood, Percent};
use crate::slowing::Slowing;

/// Something that has begun at a process, and has not yet been seen to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Which of the plan's faults.
    pub fault: u32,
    /// At which process.
    pub name: ProcessName,
    /// Its pid then.
    pub pid: u32,
    /// Just before it began, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
}

#[derive(Debug)]
pub(super) struct Slowed {
    begun: Begun,
    process: Arc<Incarnation>,
    slowing: Slowing,
}

#[derive(Debug)]
pub(super) struct Flooded {
    begun: Begun,
    flooding: Flooding,
}

impl Bazaar {
    /// Lets a running process run for a part of the time only. `fault` is the number by which [`speed_up`](Self::speed_up)
    /// knows it. It lasts until then, or until the process ends; a pause on top of it stays one.
    pub fn slow(&self, fault: u32, name: ProcessName, percent: Percent) -> Result<Begun, ActError> {
        let action = Action::Slow;
        self.must_be_here(name, action)?;
        let process = self.incarnation(name)?;
        let is = process.state();
        if is != ProcessState::Running {
            return Err(ActError::State { name, action, is });
        }
        let mut slowed = locked(&self.slowed);
        // Of a process that has ended nothing is left to be ended.
        slowed.retain(|slowed| slowed.process.end().is_none());
        if slowed.iter().any(|slowed| slowed.begun.name == name) {
            return Err(ActError::SlowAlready(name));
        }
        let begun = Begun { fault, name, pid: process.pid(), at_monotonic_us: monotonic_us() };
        let slowing = Slowing::start(name, Arc::clone(&process), percent);
        let slowing = slowing.map_err(|source| ActError::Thread { name, action, source })?;
        slowed.push(Slowed { begun, process, slowing });
        Ok(begun)
    }

    /// Waits, without a bound, until a process was seen stopped and running in turns. Returns when that was, on
    /// `CLOCK_MONOTONIC`; an error if it was ended or paused before, or is slow no more.
    pub async fn slow_seen(&self, begun: &Begun) -> Result<u64, ActError> {
        let name = begun.name;
        let seen = {
            let slowed = locked(&self.slowed);
            let found = slowed.iter().find(|slowed| slowed.begun == *begun);
            found.map(|slowed| (slowed.slowing.seen(), Arc::clone(&slowed.process)))
        };
        let (seen, process) = seen.ok_or(ActError::NotSeenSlow { name, is: ProcessState::Down })?;
        if seen.await {
            return Ok(monotonic_us());
        }
        Err(ActError::NotSeenSlow { name, is: process.state() })
    }

    /// Gives a process all of its time again, unless it is paused. Returns whose that was and when, on
    /// `CLOCK_MONOTONIC`; `None` if it had been before, or the process has ended.
    pub fn speed_up(&self, fault: u32) -> Option<(Begun, u64)> {
        let of_fault = |slowed: &mut Slowed| slowed.begun.fault == fault;
        let slowed = locked(&self.slowed).extract_if(.., of_fault).next()?;
        let Slowed { begun, process, slowing } = slowed;
        let at_monotonic_us = monotonic_us();
        drop(slowing);
        process.end().is_none().then_some((begun, at_monotonic_us))
    }

    /// Waits, within a bound, until a process that was slow is seen running, unless it is paused or has ended meanwhile.
    /// Returns when that was, on `CLOCK_MONOTONIC`.
    pub async fn sped_up(&self, name: ProcessName) -> Result<u64, ActError> {
        match self.incarnation(name)?.go().await {
            Ok(done) => Ok(done.confirmed_monotonic_us),
            Err(SignalError::Paused | SignalError::Ended) => Ok(monotonic_us()),
            Err(error @ (SignalError::NotDone(_) | SignalError::Unanswered)) => {
                let why = Some(error.to_string());
                Err(ActError::Unconfirmed { name, action: Action::Recover, why })
            }
        }
    }

    /// Who is slow now: each with the fault's number.
    #[must_use]
    pub fn slowed(&self) -> Vec<Begun> {
        let slowed = locked(&self.slowed);
        let living = slowed.iter().filter(|slowed| slowed.process.end().is_none());
        living.map(|slowed| slowed.begun).collect()
    }

    /// Floods a process that is up, at its own address; an error if this process may not open as many connections. `fault` is the number by which [`end_flood`](Self::end_flood)
    /// knows it. It lasts until then, whatever becomes of the process.
    pub fn flood(&self, fault: u32, name: ProcessName, flood: Flood) -> Result<Begun, ActError> {
        let action = Action::Flood;
        let process = self.incarnation(name)?;
        let address = self.listening.get(&name).ok_or(ActError::NoAddress(name))?;
        let is = process.state();
        if is == ProcessState::Down {
            return Err(ActError::State { name, action, is });
        }
        let mut floods = locked(&self.floods);
        let others = floods.iter().map(|flooded| flooded.flooding.connections());
        flood::make_room(others.fold(flood.connections.get(), u32::saturating_add))?;
        let begun = Begun { fault, name, pid: process.pid(), at_monotonic_us: monotonic_us() };
        let path = self.body_paths.get(&name).map_or("/", String::as_str);
        let flooding = Flooding::start(name, *address, path, flood);
        let flooding = flooding.map_err(|source| ActError::Thread { name, action, source })?;
        floods.push(Flooded { begun, flooding });
        Ok(begun)
    }

    /// Waits, without a bound, until every connection of a flood has done what it is for. Returns when that was seen,
    /// on `CLOCK_MONOTONIC`, and what had become of its connections; `None` if it is over.
    pub async fn flood_seen(&self, begun: &Begun) -> Option<(u64, Tally)> {
        let seen = {
            let floods = locked(&self.floods);
            floods.iter().find(|flooded| flooded.begun == *begun)?.flooding.seen()
        };
        let tally = seen.await;
        Some((monotonic_us(), tally))
    }

    /// Closes a flood's connections. Returns whom it had flooded, when that was, on `CLOCK_MONOTONIC`, and what had become
    /// of the connections; `None` if it had been ended before.
    pub fn end_flood(&self, fault: u32) -> Option<(Begun, u64, Tally)> {
        let of_fault = |flooded: &mut Flooded| flooded.begun.fault == fault;
        let flooded = locked(&self.floods).extract_if(.., of_fault).next()?;
        let at_monotonic_us = monotonic_us();
        Some((flooded.begun, at_monotonic_us, flooded.flooding.end()))
    }

    /// Who is flooded now: each with the fault's number.
    #[must_use]
    pub fn floods(&self) -> Vec<Begun> {
        locked(&self.floods).iter().map(|flooded| flooded.begun).collect()
    }

    /// Ends all of it, for the end: a process that is to drain needs its time.
    pub(super) fn leave_in_peace(&self) {
        locked(&self.slowed).clear();
        locked(&self.floods).clear();
    }
}
