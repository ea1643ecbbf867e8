//! One run after the other, each into a folder of its own.
//!
//! The invariant: whatever one system does, the others have their turns. A system that cannot be started the first time is
//! absent, and is not tried again: it is most likely not installed. One that cannot be started later is a doubt on its page.

use std::fs;
use std::path::Path;

use anyhow::Context;
use campaign::engines::{ComparisonRecord, RunOutcome, RunRecord};
use driver::stop::Stop;
use results::records::RunFolder;
use results::verdict::Verdict;

use super::order::Turn;
use super::steps::{NoPlan, Step};
use super::systems::System;
use crate::exit::one_line;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run::{Builds, Kind, NotStarted, judge_run, news_of_checks, record, remove_data};

/// All runs of a comparison.
pub(super) struct Runs<'a> {
    pub(super) systems: &'a [System],
    pub(super) steps: &'a [Step],
    /// Where their folders are made.
    pub(super) folder: &'a RunFolder,
    /// Where the services' binaries and the client programs are.
    pub(super) bin_dir: &'a Path,
    /// The first round's seed.
    pub(super) seed: u64,
    /// Whether the databases of runs that passed are kept.
    pub(super) keep_data: bool,
    /// Ctrl-C.
    pub(super) stop: &'a Stop,
    /// Who is told.
    pub(super) progress: &'a Progress,
}

impl Runs<'_> {
    /// Does everything in this order, and writes down in `into` what became of it.
    ///
    /// # Errors
    /// A folder cannot be made, or a run's files cannot be written or judged.
    pub(super) async fn run_all(
        &self,
        order: &[Turn],
        into: &mut ComparisonRecord,
    ) -> anyhow::Result<()> {
        for turn in order {
            if self.stop.is_requested() {
                break;
            }
            if into.systems[turn.system].absent.is_some() {
                continue;
            }
            let (system, step) = (&self.systems[turn.system], &self.steps[turn.step]);
            let seed = self.seed + u64::from(turn.round - 1);
            let folder = format!("round-{}/{}/{}", turn.round, system.folder, step.folder);
            self.progress.step(format!("{}: {}, round {}", system.name, step.record(), turn.round));
            let outcome = match step.plan(system, seed) {
                Ok(plan) => self.run_one(step.kind(), &plan, &folder).await?,
                Err(NoPlan::NotApplicable(why)) => RunOutcome::NotApplicable(why),
                Err(NoPlan::Unusable(error)) => RunOutcome::NotRun(error.to_string()),
            };
            self.progress.step_ended();
            let is_new = !into
                .runs
                .iter()
                .any(|run| run.system == turn.system && run.outcome == RunOutcome::Recorded);
            if let (true, RunOutcome::NotRun(why)) = (is_new, &outcome) {
                self.progress.print(format!("{}: not run: {why}", system.name));
                into.systems[turn.system].absent = Some(why.clone());
            }
            into.runs.push(RunRecord {
                system: turn.system,
                step: turn.step,
                round: turn.round,
                folder,
                command: step.command(system, seed),
                outcome,
            });
            // Whatever happens later, what was run is known.
            into.write(self.folder.root())?;
        }
        Ok(())
    }

    async fn run_one(&self, kind: Kind, plan: &Plan, name: &str) -> anyhow::Result<RunOutcome> {
        let folder = RunFolder::new(self.folder.path(name));
        fs::create_dir_all(folder.root())
            .with_context(|| format!("cannot make {}", folder.root().display()))?;
        let builds = Builds::one(self.bin_dir);
        let recorded = record(kind, plan, name, builds, &folder, self.stop, self.progress).await;
        if let Err(error) = recorded {
            let why = reason(&one_line(&error));
            // Nothing of it could be compared; why it did not start is in the record.
            fs::remove_dir_all(folder.root())
                .with_context(|| format!("cannot remove {}", folder.root().display()))?;
            // Of a system that has other runs its folder stays.
            let _ = folder.root().parent().map(fs::remove_dir);
            return match error.is::<NotStarted>() {
                true => Ok(RunOutcome::NotRun(why)),
                false => Err(error),
            };
        }
        let judged = folder.clone();
        let checked =
            tokio::task::spawn_blocking(move || judge_run(&judged, |_, checked| checked)).await??;
        self.progress.tell(news_of_checks(name, &checked));
        self.progress.print(format!("{name}: {}", checked.verdict));
        if checked.verdict == Verdict::Pass && !self.keep_data {
            remove_data(&folder)?;
        }
        Ok(RunOutcome::Recorded)
    }
}

/// Why it did not start, in a line: what its command wrote last, if it is about a command, for that says what installs it. The log
/// that the error names goes with the folder.
fn reason(error: &str) -> String {
    let written = error.lines().filter_map(|line| line.trim_start().strip_prefix("| "));
    let written: Vec<&str> = written.collect();
    match written.as_slice() {
        [] => error.replace('\n', "; "),
        written => written.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_wrote_last_is_why_a_system_did_not_start() {
        let error = "setup.commands: `sh` failed (its log is x); it wrote last:\n  | etcd is missing: apt-get install etcd-server";
        assert_eq!(reason(error), "etcd is missing: apt-get install etcd-server");
        assert_eq!(reason("shop is not ready\nafter 10 s"), "shop is not ready; after 10 s");
    }
}
