//! The disks of a bazaar that was started with faults of disks: made worse, healed, and cut off from power.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use supervisor::system::Incarnation;
use tokio::time::{Instant, sleep};

use super::{Act, ActError, Bazaar, StartError};
use crate::act::CONFIRM_WITHIN;
use crate::clock::monotonic_us;
use crate::disk::journal::Undone;
use crate::disk::{ActiveDiskFault, why_out_of_reach};
use crate::process::{ProcessInfo, ProcessName, ProcessState};
use crate::schedule::{Action, DiskFault};

/// Between two looks at what the preloaded library has counted.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A disk that was made worse, and has not yet been seen to be.
#[derive(Clone, Copy, Debug)]
pub struct FaultyDisk {
    /// Whose.
    pub name: ProcessName,
    /// The pid of its process; that of its last incarnation if it is down.
    pub pid: u32,
    /// Just before it was done, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    kind: DiskFault,
    /// How many calls such a fault had hit before.
    hits_before: u64,
}

/// A process whose power was cut.
#[derive(Debug)]
pub struct PowerCut {
    /// Its kill.
    pub act: Act,
    /// When it was gone, on `CLOCK_MONOTONIC`, and what was taken back of its files.
    pub confirmed: Result<(u64, Undone), ActError>,
}

impl Bazaar {
    /// Makes the disk of a process worse. `fault` is the number by which [`heal_disk`](Self::heal_disk) knows it. It
    /// holds for every call that begins from then on, whichever incarnation of the process makes it.
    pub fn inject_disk_fault(
        &self,
        fault: u32,
        name: ProcessName,
        kind: DiskFault,
    ) -> Result<FaultyDisk, ActError> {
        let process = self.incarnation(name)?;
        self.must_be_here(name, kind.begin())?;
        self.check_disk(&process, name)?;
        let at_monotonic_us = monotonic_us();
        let injected = self.disks.inject(ActiveDiskFault { fault, process: name, kind });
        let hits_before = injected.map_err(|source| ActError::Disk { name, source })?;
        Ok(FaultyDisk { name, pid: process.pid(), at_monotonic_us, kind, hits_before })
    }

    /// Waits, without a bound, until the library says that it has hit a call. Returns when that was seen, on
    /// `CLOCK_MONOTONIC`.
    pub async fn disk_hit(&self, disk: &FaultyDisk) -> Result<u64, ActError> {
        let &FaultyDisk { name, kind, hits_before, .. } = disk;
        loop {
            let hits = self.disks.hits(name, kind);
            if hits.map_err(|source| ActError::Disk { name, source })? > hits_before {
                return Ok(monotonic_us());
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends a fault of a disk. Returns whose it was and when that was, on `CLOCK_MONOTONIC`; `None` if it had
    /// been ended before.
    pub fn heal_disk(&self, fault: u32) -> Result<Option<(ProcessName, u64)>, io::Error> {
        let at_monotonic_us = monotonic_us();
        let healed = self.disks.heal(fault)?;
        Ok(healed.map(|healed| (healed.process, at_monotonic_us)))
    }

    /// Waits, within a bound, until no flush of a process is held any more, or another fault holds them, or the process is
    /// gone. Returns when that was seen, on `CLOCK_MONOTONIC`.
    pub async fn disk_recovered(&self, name: ProcessName) -> Result<u64, ActError> {
        let process = self.incarnation(name)?;
        let deadline = Instant::now() + CONFIRM_WITHIN;
        loop {
            let held = self.disks.held(name).map_err(|source| ActError::Disk { name, source })?;
            let is_worse = self.disks.all_active().iter().any(|active| active.process == name);
            // A process that is stopped goes on with its flush once it is resumed.
            if held == 0 || is_worse || process.state() != ProcessState::Running {
                return Ok(monotonic_us());
            }
            if Instant::now() >= deadline {
                return Err(ActError::Unconfirmed { name, action: Action::Recover, why: None });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// What is wrong with disks now: the fault's number, and whose.
    #[must_use]
    pub fn faulty_disks(&self) -> Vec<(u32, ProcessName)> {
        let active = self.disks.all_active().into_iter();
        active.map(|active| (active.fault, active.process)).collect()
    }

    /// Kills a process and takes back what it, and its incarnations before, had not flushed. Nobody can start it
    /// meanwhile.
    pub async fn cut_power(&self, name: ProcessName) -> Result<PowerCut, ActError> {
        self.must_be_here(name, Action::PowerCut)?;
        let _beginning = self.beginning(name).await?;
        let process = self.incarnation(name)?;
        if process.state() != ProcessState::Down {
            self.check_disk(&process, name)?;
        }
        let begun = self.system.begin_kill(name.as_str()).await;
        let act = self.act(Action::PowerCut, name, begun)?;
        let confirmed = match self.confirmed(&act).await {
            Ok(at_monotonic_us) => {
                let undone = self.disks.undo(name);
                let undone = undone.map_err(|source| ActError::Disk { name, source });
                undone.map(|undone| (at_monotonic_us, undone))
            }
            Err(error) => Err(error),
        };
        Ok(PowerCut { act, confirmed })
    }

    /// When an act was seen to have worked, on `CLOCK_MONOTONIC`. A process whose disk is full may end a moment before
    /// it is killed or paused: it is as it was to be then, and its end is told of and explained by its disk.
    pub(crate) async fn confirmed(&self, act: &Act) -> Result<u64, ActError> {
        match act.confirm().await {
            Err(ActError::EndedItself { at_monotonic_us, name, .. })
                if !act.action.is_end() && self.has_full_disk(name) =>
            {
                Ok(at_monotonic_us)
            }
            seen => seen,
        }
    }

    /// Whether a process ended by itself, as one does whose disk is full.
    pub(crate) fn ended_by_itself(&self, name: ProcessName) -> bool {
        let end = self.incarnation(name).ok().and_then(|process| process.end());
        end.is_some_and(|end| !end.asked)
    }

    /// Whether a fault of its disk lasts: it may not become ready then.
    pub(crate) fn has_faulty_disk(&self, name: ProcessName) -> bool {
        self.faulty_disks().iter().any(|(_, process)| *process == name)
    }

    /// Whether its disk is full: no other fault of a disk has a process end by itself.
    fn has_full_disk(&self, name: ProcessName) -> bool {
        let is_full =
            |active: &ActiveDiskFault| active.process == name && active.kind == DiskFault::Full;
        self.disks.all_active().iter().any(is_full)
    }

    /// Puts every disk right, for the end.
    pub(super) fn heal_disks(&self) {
        for (fault, name) in self.faulty_disks() {
            if let Err(error) = self.heal_disk(fault) {
                tracing::warn!(process = %name, %error, "its disk was not put right");
            }
        }
    }

    /// Refuses processes that no fault of a disk can reach, before anything is measured.
    pub(super) fn check_reach(&self) -> Result<(), StartError> {
        for ProcessInfo { name, pid, .. } in self.processes() {
            if !self.disks.is_reached(name, pid) {
                let program = self.binary(name);
                let reason = why_out_of_reach(&program);
                return Err(StartError::OutOfReach { name, program, reason });
            }
        }
        Ok(())
    }

    fn check_disk(&self, process: &Incarnation, name: ProcessName) -> Result<(), ActError> {
        if !self.disks.has(name) {
            return Err(ActError::NoDiskFaults(name));
        }
        // Of a process that is down the next incarnation is hit; one that has just been started has not said anything yet.
        let says = process.end().is_none() && process.ready_monotonic_us().is_some();
        if says && !self.disks.is_reached(name, process.pid()) {
            let reason = why_out_of_reach(&self.binary(name));
            return Err(ActError::OutOfReach { name, reason });
        }
        Ok(())
    }

    fn binary(&self, name: ProcessName) -> PathBuf {
        self.binaries.get(&name).cloned().unwrap_or_default()
    }
}
