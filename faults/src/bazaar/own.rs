//! Faults of the target's own: commands that break something, see that it is broken, and take it back.
//!
//! The invariant: once something may have been broken, what takes it back is run, whatever becomes of the fault, the trial and
//! the harness ([`supervisor::tree::Undo`]).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use records::FaultName;
use supervisor::command::{self, Task, TaskError};
use supervisor::locked::locked;
use supervisor::tree::{SignalError, Surroundings, Undo};

use super::{ActError, Bazaar};
use crate::clock::monotonic_us;

/// How long after a look that saw nothing the fault is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A fault that only the target's own commands can make.
#[derive(Clone, Debug)]
pub struct OwnFault {
    /// Makes it.
    pub apply: Vec<String>,
    /// Takes it back.
    pub undo: Vec<String>,
    /// Succeeds while it is there.
    pub confirm: Vec<String>,
    /// How long each may take.
    pub within: Duration,
    /// Where they run.
    pub working_dir: PathBuf,
}

/// One that may have broken something.
#[derive(Debug)]
pub(super) struct Lasting {
    fault: u32,
    name: FaultName,
    /// Who stands by; nobody once that has failed.
    undo: Option<Undo>,
}

impl Bazaar {
    /// Sees to it that a fault will be taken back, before anything is done. `fault` is the number by which
    /// [`undo_own_fault`](Self::undo_own_fault) knows it. Returns the time, on `CLOCK_MONOTONIC`.
    pub(crate) async fn arm_own_fault(&self, fault: u32, name: FaultName) -> Result<u64, ActError> {
        let own = self.own_fault(name)?;
        let command = own.undo.iter().map(Into::into).collect();
        let surroundings = Surroundings::new(&own.working_dir, self.log_of(name), self.log_bytes);
        let undo = Undo::arm(&self.guard, command, surroundings, own.within).await;
        let undo = undo.map_err(|error| ActError::Own { name, reason: error.to_string() })?;
        locked(&self.own_lasting).push(Lasting { fault, name, undo: Some(undo) });
        Ok(monotonic_us())
    }

    /// Makes a fault that was armed, and waits until it is seen to be there. Returns when that was, on `CLOCK_MONOTONIC`.
    pub(crate) async fn apply_own_fault(&self, name: FaultName) -> Result<u64, ActError> {
        let own = self.own_fault(name)?;
        let failed = |error: TaskError| ActError::Own { name, reason: error.to_string() };
        self.run_own(name, &own.apply, own.within).await.map_err(failed)?;
        let began = Instant::now();
        loop {
            let left = own.within.saturating_sub(began.elapsed());
            match self.run_own(name, &own.confirm, left).await {
                Ok(()) => return Ok(monotonic_us()),
                Err(TaskError::Failed { .. }) if began.elapsed() < own.within => {}
                Err(error) => return Err(failed(error)),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Takes a fault back. Returns whose that was, when it was begun and when it had worked, on `CLOCK_MONOTONIC`; `None` if it had
    /// been taken back before. What has failed can be tried again.
    pub(crate) async fn undo_own_fault(&self, fault: u32) -> Option<OwnUndone> {
        let of_fault = |lasting: &mut Lasting| lasting.fault == fault;
        let lasting = locked(&self.own_lasting).extract_if(.., of_fault).next()?;
        let Lasting { name, undo, .. } = lasting;
        let at_monotonic_us = monotonic_us();
        let undone = match undo {
            Some(undo) => undo.undo().await,
            None => Err(SignalError::Ended),
        };
        let seen = match undone {
            // Who stood by was killed, or has tried before.
            Err(SignalError::Ended) => self.undo_here(name).await,
            undone => undone.map_err(|error| ActError::Own { name, reason: error.to_string() }),
        };
        if seen.is_err() {
            locked(&self.own_lasting).push(Lasting { fault, name, undo: None });
        }
        Some(OwnUndone { name, at_monotonic_us, seen })
    }

    async fn undo_here(&self, name: FaultName) -> Result<u64, ActError> {
        let own = self.own_fault(name)?;
        let ran = self.run_own(name, &own.undo, own.within).await;
        ran.map_err(|error| ActError::Own { name, reason: error.to_string() })?;
        Ok(monotonic_us())
    }

    /// The faults of the target's own that last: each with its number.
    pub(crate) fn own_faults_lasting(&self) -> Vec<u32> {
        locked(&self.own_lasting).iter().map(|lasting| lasting.fault).collect()
    }

    /// Takes all of them back, for the end.
    pub(super) async fn undo_own_faults(&self) {
        for fault in self.own_faults_lasting() {
            let Some(OwnUndone { name, seen: Err(error), .. }) = self.undo_own_fault(fault).await
            else {
                continue;
            };
            tracing::warn!(fault = %name, %error, "was not taken back");
        }
    }

    fn own_fault(&self, name: FaultName) -> Result<&OwnFault, ActError> {
        let reason = || "the target has no such fault".to_owned();
        self.own_faults.get(&name).ok_or_else(|| ActError::Own { name, reason: reason() })
    }

    fn log_of(&self, name: FaultName) -> PathBuf {
        self.logs.join(format!("fault-{name}.log"))
    }

    async fn run_own(
        &self,
        name: FaultName,
        command: &[String],
        within: Duration,
    ) -> Result<(), TaskError> {
        let working_dir =
            self.own_faults.get(&name).map(|own| own.working_dir.clone()).unwrap_or_default();
        let (command, environment) = (command.to_vec(), BTreeMap::new());
        let task = Task { command, environment, working_dir, user: None };
        command::run(&self.guard, &task, &self.log_of(name), within).await
    }
}

/// A fault that was taken back, or was to be.
pub(crate) struct OwnUndone {
    pub(crate) name: FaultName,
    /// When that was begun.
    pub(crate) at_monotonic_us: u64,
    /// When it had worked, or why it has not.
    pub(crate) seen: Result<u64, ActError>,
}
