//! What becomes of the files of a process that another fault has killed.
//!
//! The process is the one that the other fault has hit, so its outcome is waited for; without it nothing is
//! done, for the same reason. A copy that is to be put back is made of every process that the target may
//! mean.

use std::collections::BTreeMap;

use super::guard::{self, Changed};
use super::{Done, NotDone, OneFault};
use crate::bazaar::{ActError, Bazaar, FilesCopy};
use crate::events::EventSink;
use crate::leadership;
use crate::process::{ProcessName, ProcessState};
use crate::schedule::{FilesFault, Target};

/// The copies that were made, or why not.
type Copies = BTreeMap<ProcessName, Result<FilesCopy, ActError>>;

impl OneFault {
    pub(super) async fn change_files(&mut self, target: Target, of: u32, kind: FilesFault) {
        let mut copies = Copies::new();
        if let FilesFault::Old { copied_at_ms } = kind {
            if !self.wait_until(copied_at_ms).await {
                return;
            }
            copies = self.copy_files(target).await;
        }
        if !self.wait_until(self.fault.at_ms).await {
            return;
        }
        let (action, at_ms) = (kind.begin(), self.fault.at_ms);
        let Some(killed) = self.outcome(of).await else { return };
        let name = match killed {
            Ok(name) => name,
            Err(NotDone { may_be, reason }) => {
                let reason = format!("nobody was killed: {reason}");
                return self.tell_not_done(may_be, action, at_ms, None, &reason);
            }
        };
        let copy = match (kind, copies.remove(&name)) {
            (FilesFault::Lose, _) => None,
            (FilesFault::Old { .. }, Some(Ok(copy))) => Some(copy),
            (FilesFault::Old { .. }, failed) => {
                let why = failed.and_then(Result::err).map(|error| format!(": {error}"));
                let reason = format!("no copy was made{}", why.unwrap_or_default());
                return self.not_done(action, at_ms, Some(name), &reason);
            }
        };
        // One after the other: of two the second must see what the first has done.
        let changing = std::sync::Arc::clone(&self.shared);
        let _changing = changing.changing_files.lock().await;
        if let Some(reason) = self.why_not(name, copy.as_ref()).await {
            return self.tell_not_done(true, action, at_ms, Some(name), &reason);
        }
        let (changed, what) = match &copy {
            None => (self.bazaar.lose_files(name).await, "removed".to_owned()),
            Some(copy) => {
                let copied_us = self.events.origin().since_origin(copy.at_monotonic_us);
                let said = format!(
                    "put back as they were at {:.3} s, when the process was stopped for {:.1} ms, ",
                    copied_us as f64 / 1e6,
                    copy.stopped_for.as_secs_f64() * 1e3
                );
                (self.bazaar.put_back(copy).await, said)
            }
        };
        let changed = match changed {
            Ok(changed) => changed,
            Err(error) => return self.not_done(action, at_ms, Some(name), &error.to_string()),
        };
        let at_us = self.events.origin().since_origin(changed.at_monotonic_us);
        let ends = self.acted(action, name, at_us);
        let done = Done { action, at_ms, at_us, name, pid: changed.pid, ends };
        self.tell_done(&done, None);
        let detail = format!("{} {} files", what.trim_end_matches(", "), changed.files);
        self.tell_confirmed(done, Ok((crate::clock::monotonic_us(), Some(detail))));
    }

    async fn copy_files(&self, target: Target) -> Copies {
        let folder = self.bazaar.copies_of(self.fault.number);
        let replicas = || self.bazaar.system().replicas().to_vec();
        let names = target.process().map_or_else(replicas, |name| vec![name]);
        let mut copies = Copies::new();
        for name in names {
            let copied = self.bazaar.copy_files(name, &folder.join(name.to_string())).await;
            copies.insert(name, copied);
        }
        copies
    }

    /// What came of another fault's beginning; `None` if told to stop before.
    async fn outcome(&mut self, fault: u32) -> Option<Result<ProcessName, NotDone>> {
        let mut outcomes = self.shared.outcomes.subscribe();
        let known = outcomes.wait_for(|outcomes| outcomes.contains_key(&fault));
        tokio::select! {
            biased;
            () = super::is_stopped(&mut self.stopped) => None,
            known = known => known.ok()?.get(&fault).cloned(),
        }
    }

    /// Why the files are left as they are.
    async fn why_not(&self, name: ProcessName, copy: Option<&FilesCopy>) -> Option<String> {
        let copied_us = copy.map(|copy| self.events.origin().since_origin(copy.at_monotonic_us));
        let unguarded = self.fault.unguarded;
        let reasons = standing_of(&self.bazaar, &self.events, name, copied_us, unguarded).await;
        reasons.last_member.or_else(|| self.fault.if_possible.then_some(reasons.second).flatten())
    }

    /// Lets those who wait for this fault's beginning know.
    pub(super) fn tell_outcome(&self, outcome: Result<ProcessName, NotDone>) {
        let number = self.fault.number;
        self.shared.outcomes.send_modify(|outcomes| _ = outcomes.entry(number).or_insert(outcome));
    }
}

/// Why the files of a process had better be left as they are, in words; `None` if nothing speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesStay {
    /// It is the last in-sync replica that holds its log: they are left whatever a plan says.
    pub last_member: Option<String>,
    /// Others were changed and not everything is whole again, nobody says who is in sync, or they are the catalog's and
    /// no leader is up: they are left if the fault may be left out.
    pub second: Option<String>,
}

/// Asks whether the files of `name` may be changed now, after whatever was done to others of this bazaar. `copied_us`:
/// the copy that would be put back is of that time, in microseconds since the origin of `events`, which must have
/// heard of every configuration.
pub async fn why_files_stay(
    bazaar: &Bazaar,
    events: &EventSink,
    name: ProcessName,
    copied_us: Option<u64>,
) -> FilesStay {
    standing_of(bazaar, events, name, copied_us, false).await
}

async fn standing_of(
    bazaar: &Bazaar,
    events: &EventSink,
    name: ProcessName,
    copied_us: Option<u64>,
    unguarded: bool,
) -> FilesStay {
    let answered = leadership::ask(bazaar).await.ok();
    let leader = answered.as_ref().map(|leadership| leadership.leader);
    let answered = answered.and_then(|known| known.in_sync_numbers(bazaar.system()));
    let changed: Vec<_> = bazaar
        .changes_of_files()
        .iter()
        .map(|change| Changed {
            process: change.name,
            at_us: events.origin().since_origin(change.at_monotonic_us),
            is_old: change.is_old,
        })
        .collect();
    let memberships = events.memberships();
    let runs = |name| {
        let state = bazaar.process(name).map(|process| process.state);
        state == Some(ProcessState::Running)
    };
    let ready_for_us = |name| bazaar.ready_for_us(name).filter(|_| runs(name));
    let standing = guard::Standing {
        processes: bazaar.system(),
        answered,
        leader,
        memberships: &memberships,
        changed: &changed,
        unguarded,
        ready_for_us: &ready_for_us,
    };
    FilesStay {
        last_member: standing.forbids_last_member(name),
        second: standing.forbids_second(name, copied_us),
    }
}
