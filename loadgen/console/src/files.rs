//! A press that has the files of a process lost, or old: a plan of two faults, the process's death and what becomes
//! of its files meanwhile. Pure.
//!
//! The bazaar promises that nothing is lost while one file is lost or old and everything else is whole (the L rules of
//! ARCHITECTURE.md). A press is not to ask for more than that.

use faults::process::{ProcessInfo, ProcessState};
use faults::schedule::{Action, FilesFault, PlannedFault, Target};
use serde::Deserialize;

/// What `POST /fault` takes for files that are lost or old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilesPress {
    action: Action,
    pub(super) target: Target,
    /// How long the process is dead.
    pub(super) for_ms: u64,
    /// For old files: how much older they are than the death, which comes that much later.
    back_ms: Option<u64>,
}

impl FilesPress {
    /// The plan: at its beginning the copy is made, if one is wanted.
    ///
    /// # Errors
    /// The field that is missing, does not belong here or is longer than `most_ms`.
    pub(super) fn plan(self, most_ms: u64) -> Result<[PlannedFault; 2], String> {
        let (killed_at_ms, kind) = match (self.action, self.back_ms) {
            (Action::OldFiles, Some(back_ms)) if (1..=most_ms).contains(&back_ms) => {
                (back_ms, FilesFault::Old { copied_at_ms: 0 })
            }
            (Action::OldFiles, Some(_)) => {
                return Err(format!("back_ms: must be from 1 to {most_ms}"));
            }
            (Action::OldFiles, None) => {
                return Err("back_ms: is missing: say how old the files are to be".to_owned());
            }
            (_, Some(_)) => return Err("back_ms: belongs to old-files".to_owned()),
            (_, None) => (0, FilesFault::Lose),
        };
        // Meanwhile somebody else may have pressed something.
        let kill = PlannedFault::of_process(killed_at_ms, Action::Kill, self.target);
        let kill = PlannedFault { for_ms: Some(self.for_ms), if_possible: true, ..kill };
        // Whether everything is whole was asked at the press: after the death it is not.
        Ok([kill, PlannedFault::of_files(killed_at_ms, kind, self.target)])
    }

    /// In words.
    pub(super) fn describe(self) -> String {
        let Self { action, target, for_ms, back_ms } = self;
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let older = back_ms.map(|ms| format!(", {:.1} s older", seconds(ms)));
        format!("{action} {target} for {:.1} s{}", seconds(for_ms), older.unwrap_or_default())
    }
}

/// What must not be while a file is damaged: a process that does not run, or something else (`lasting`, in words)
/// that is still broken.
pub(super) fn not_whole(processes: &[ProcessInfo], lasting: Option<String>) -> Option<String> {
    let down = processes.iter().find(|process| process.state != ProcessState::Running);
    let down = down.map(|process| {
        let is = if process.state == ProcessState::Down { "dead" } else { "paused" };
        format!("{} is {is}", process.name)
    });
    let reason = down.or_else(|| lasting.map(|fault| format!("{fault} is not over")))?;
    Some(format!("{reason}; files are changed only while everything is up and in sync"))
}

#[cfg(test)]
mod tests {
    use faults::schedule::Schedule;
    use results::records::built_in;
    use serde_json::{Value, json};

    use super::*;

    const MOST_MS: u64 = 1000;

    fn fault(fields: Value) -> FilesPress {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn lost_files_go_while_the_process_is_dead() {
        let lose = fault(json!({"action": "lose-files", "target": "leader", "for_ms": 500}));
        let [kill, files] = lose.plan(MOST_MS).unwrap();
        assert_eq!((kill.action, kill.at_ms, kill.for_ms), (Action::Kill, 0, Some(500)));
        assert_eq!((files.action, files.at_ms, files.copied_at_ms), (Action::LoseFiles, 0, None));
        assert!(kill.if_possible && !files.if_possible);
        Schedule::expand(&[kill, files], &built_in::processes(3)).unwrap();
        assert_eq!(lose.describe(), "lose-files leader for 0.5 s");
    }

    #[test]
    fn old_files_are_copied_at_the_press_and_put_back_after_a_later_death() {
        let fields =
            json!({"action": "old-files", "target": "catalog", "for_ms": 500, "back_ms": 1000});
        let old = fault(fields);
        let [kill, files] = old.plan(MOST_MS).unwrap();
        assert_eq!((kill.at_ms, files.at_ms, files.copied_at_ms), (1000, 1000, Some(0)));
        Schedule::expand(&[kill, files], &built_in::processes(3)).unwrap();
        assert_eq!(old.describe(), "old-files catalog for 0.5 s, 1.0 s older");
    }

    #[test]
    fn how_old_files_are_is_said_of_old_files_alone_and_within_bounds() {
        for (action, back_ms, hint) in [
            ("old-files", json!(null), "back_ms: is missing"),
            ("old-files", json!(0), "back_ms: must be"),
            ("old-files", json!(1001), "back_ms: must be"),
            ("lose-files", json!(5), "back_ms: belongs to old-files"),
        ] {
            let fields =
                json!({"action": action, "target": "order-1", "for_ms": 9, "back_ms": back_ms});
            let error = fault(fields).plan(MOST_MS).unwrap_err();
            assert!(error.starts_with(hint), "{error}");
        }
    }
}
