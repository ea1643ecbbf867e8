//! Who gets a part of its time, and who is flooded.
//!
//! Both are told of once they were seen to work, with the time at which they began, as faults of disks are: it takes a
//! few turns, or until every connection is open. What never worked, because its process was killed or paused before,
//! or because it was over, was not done.

use std::sync::Arc;

use super::{Done, OneFault};
use crate::act::ActError;
use crate::bazaar::Begun;
use crate::process::ProcessName;
use crate::schedule::{Action, Flood, Percent, Target};

/// When something was seen to work, on `CLOCK_MONOTONIC`, and what else was; or why it was not done.
type Seen = Result<(u64, Option<String>), String>;

impl OneFault {
    pub(super) async fn slow(&mut self, target: Target, percent: Percent) {
        let Some(name) = self.find(target).await else { return };
        let begun = match self.bazaar.slow(self.fault.number, name, percent) {
            Ok(begun) => begun,
            Err(error) => return self.not_begun(Action::Slow, name, &error),
        };
        let bazaar = Arc::clone(&self.bazaar);
        let seen = match self.before_its_end(bazaar.slow_seen(&begun)).await {
            Some(Ok(at_monotonic_us)) => Ok((at_monotonic_us, None)),
            Some(Err(error)) => Err(error.to_string()),
            None => {
                Err(format!("{name} was not seen stopped and running in turns while it lasted"))
            }
        };
        if !self.tell_begun(Action::Slow, &begun, &percent.to_string(), seen) {
            _ = self.bazaar.speed_up(begun.fault);
            return;
        }
        let Some(at_ms) = self.its_end().await else { return };
        match self.bazaar.speed_up(begun.fault) {
            Some((_, at_monotonic_us)) => {
                let done = self.done(Action::Recover, at_ms, &begun, at_monotonic_us);
                self.tell_done(&done, None);
                let seen = self.bazaar.sped_up(name).await;
                self.tell_confirmed(done, seen.map(|at_monotonic_us| (at_monotonic_us, None)));
            }
            None => {
                let reason = format!("{name} has ended since, and with it that it is slow");
                self.tell_not_done(true, Action::Recover, at_ms, Some(name), &reason);
            }
        }
    }

    pub(super) async fn flood(&mut self, target: Target, flood: Flood) {
        let Some(name) = self.find(target).await else { return };
        let begun = match self.bazaar.flood(self.fault.number, name, flood) {
            Ok(begun) => begun,
            Err(error) => return self.not_begun(Action::Flood, name, &error),
        };
        let bazaar = Arc::clone(&self.bazaar);
        let seen = self.before_its_end(bazaar.flood_seen(&begun)).await.flatten();
        let seen = seen.map(|(at_monotonic_us, tally)| (at_monotonic_us, Some(tally.to_string())));
        let seen =
            seen.ok_or_else(|| format!("not every connection to {name} was open and of use"));
        if !self.tell_begun(Action::Flood, &begun, &flood.to_string(), seen) {
            _ = self.bazaar.end_flood(begun.fault);
            return;
        }
        let Some(at_ms) = self.its_end().await else { return };
        // Otherwise the healing was first, and has told of it.
        if let Some((_, at_monotonic_us, tally)) = self.bazaar.end_flood(begun.fault) {
            let done = self.done(Action::Recover, at_ms, &begun, at_monotonic_us);
            self.tell_done(&done, Some(tally.to_string()));
            // Its connections were closed before that returned.
            self.tell_confirmed(done, Ok((crate::clock::monotonic_us(), None)));
        }
    }

    fn not_begun(&mut self, action: Action, name: ProcessName, error: &ActError) {
        self.not_done(action, self.fault.at_ms, Some(name), &error.to_string());
    }

    /// Tells that it began and works, or that it was not done. `false`: it was not.
    fn tell_begun(&mut self, action: Action, begun: &Begun, what: &str, seen: Seen) -> bool {
        let at_ms = self.fault.at_ms;
        match seen {
            Ok(seen) => {
                let done = self.done(action, at_ms, begun, begun.at_monotonic_us);
                self.tell_done(&done, Some(what.to_owned()));
                self.tell_confirmed(done, Ok(seen));
                true
            }
            Err(reason) => {
                self.not_done(action, at_ms, Some(begun.name), &reason);
                false
            }
        }
    }

    fn done(&self, action: Action, at_ms: u64, begun: &Begun, at_monotonic_us: u64) -> Done {
        let at_us = self.events.origin().since_origin(at_monotonic_us);
        let ends = self.acted(action, begun.name, at_us);
        Done { action, at_ms, at_us, name: begun.name, pid: begun.pid, ends }
    }

    /// Waits for the end that the plan names. `None`: it names none, or the trial is over before.
    async fn its_end(&mut self) -> Option<u64> {
        let ends_at_ms = self.fault.ends_at_ms?;
        self.wait_until(ends_at_ms).await.then_some(ends_at_ms)
    }
}
