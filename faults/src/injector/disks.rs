//! What is done to disks.
//!
//! A disk that hangs, is slow or is full is told of once it has hit a call of its process, with the time at which it
//! began: until then it has hit nobody. If that never happens nothing was done, and that is what is
//! told. Its end belongs to it alone, whatever becomes of the process meanwhile.

use std::sync::Arc;

use crate::bazaar::{FaultyDisk, PowerCut};
use crate::process::ProcessName;
use crate::schedule::{Action, DiskFault, Target};

use super::{Done, OneFault};

impl OneFault {
    pub(super) async fn cut_power(&mut self, target: Target) {
        let (action, at_ms) = (Action::PowerCut, self.fault.at_ms);
        let Some(name) = self.find(target).await else { return };
        let PowerCut { act, confirmed } = match self.bazaar.cut_power(name).await {
            Ok(cut) => cut,
            Err(error) => return self.not_done(action, at_ms, Some(name), &error.to_string()),
        };
        let at_us = self.events.origin().since_origin(act.at_monotonic_us);
        let ends = self.acted(action, name, at_us);
        let done = Done { action, at_ms, at_us, name, pid: act.pid, ends };
        self.tell_done(&done, None);
        self.tell_confirmed(done, confirmed.map(|(at, undone)| (at, Some(undone.to_string()))));
        if let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
        {
            self.restart(name, ends_at_ms).await;
        }
    }

    pub(super) async fn inject_disk_fault(&mut self, target: Target, kind: DiskFault) {
        let (action, at_ms) = (kind.begin(), self.fault.at_ms);
        let Some(name) = self.find(target).await else { return };
        let disk = match self.bazaar.inject_disk_fault(self.fault.number, name, kind) {
            Ok(disk) => disk,
            Err(error) => return self.not_done(action, at_ms, Some(name), &error.to_string()),
        };
        let bazaar = Arc::clone(&self.bazaar);
        let Some(hit) = self.before_its_end(bazaar.disk_hit(&disk)).await else {
            return self.take_back(name, action, at_ms);
        };
        let at_us = self.events.origin().since_origin(disk.at_monotonic_us);
        let ends = self.acted(action, name, at_us);
        let done = Done { action, at_ms, at_us, name, pid: disk.pid, ends };
        self.tell_done(&done, Some(kind.to_string()));
        self.tell_confirmed(done, hit.map(|at_monotonic_us| (at_monotonic_us, None)));
        if let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
        {
            self.recover(&disk, ends_at_ms).await;
        }
    }

    /// Ends a fault that has hit nobody.
    fn take_back(&mut self, name: ProcessName, action: Action, at_ms: u64) {
        let reason = match self.bazaar.heal_disk(self.fault.number) {
            Ok(_) => format!("{name} called nothing that it would have hit while it lasted"),
            Err(error) => error.to_string(),
        };
        self.not_done(action, at_ms, Some(name), &reason);
    }

    /// Puts the disk right, and starts its process again if that has ended because of it.
    async fn recover(&mut self, disk: &FaultyDisk, at_ms: u64) {
        let (action, name) = (Action::Recover, disk.name);
        let at_monotonic_us = match self.bazaar.heal_disk(self.fault.number) {
            Ok(Some((_, at_monotonic_us))) => at_monotonic_us,
            // The healing was first, and has told of it.
            Ok(None) => return,
            Err(error) => return self.not_done(action, at_ms, Some(name), &error.to_string()),
        };
        let at_us = self.events.origin().since_origin(at_monotonic_us);
        let ends = std::iter::once(self.fault.number).collect();
        let done = Done { action, at_ms, at_us, name, pid: disk.pid, ends };
        self.tell_done(&done, None);
        let seen = self.bazaar.disk_recovered(name).await;
        self.tell_confirmed(done, seen.map(|at_monotonic_us| (at_monotonic_us, None)));
        if self.bazaar.ended_by_itself(name) {
            self.restart(name, at_ms).await;
        }
    }
}
