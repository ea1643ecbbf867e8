//! What a proof came to: bug, check that caught it, runs needed, evidence; and the correct build.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use results::verdict::Verdict;
use serde::Serialize;

use super::attempt::Attempt;
use super::case::{CASES, Case};
use super::explored::LEFT_TO_THE_EXPLORER;
use super::story::Story;
use crate::progress::ProgressEvent;

/// The version of the format of `prove.json`.
const FORMAT: u32 = 1;

/// A bug, and who caught it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PlantedRow {
    bug: &'static str,
    what: &'static str,
    /// What was planted besides.
    beside: &'static [&'static str],
    story: &'static str,
    /// The check that must catch it.
    check: &'static str,
    /// Whether that check did, and not without the bug.
    caught: bool,
    /// What that check found in the control, with nothing but `beside` planted: then what was caught
    /// may have been that.
    control: Option<String>,
    /// Every check that found something in the last run, and how much.
    caught_by: Vec<(String, u64)>,
    /// How many runs it took, or were made in vain.
    runs: u32,
    /// The first violation that the check, or failing that another, found.
    evidence: Option<String>,
    /// Why the last run says less than it could.
    doubts: Vec<String>,
    folder: PathBuf,
    seconds: f64,
}

impl PlantedRow {
    /// Of a case that has not been tried yet.
    pub(super) fn new(case: &Case) -> Self {
        let Case { bug, what, beside, story, check } = *case;
        Self {
            bug,
            what,
            beside,
            story: story.name(),
            check,
            caught: false,
            control: None,
            caught_by: Vec::new(),
            runs: 0,
            evidence: None,
            doubts: Vec::new(),
            folder: PathBuf::new(),
            seconds: 0.0,
        }
    }

    /// Adds a run. Says whether the bug was caught in it by the check that must.
    pub(super) fn add(&mut self, attempt: &Attempt) -> bool {
        let own = attempt.caught.iter().find(|caught| caught.check == self.check);
        self.caught = own.is_some();
        self.evidence = own.or(attempt.caught.first()).map(|caught| caught.evidence.clone());
        let others = attempt.caught.iter();
        self.caught_by = others.map(|caught| (caught.check.clone(), caught.violations)).collect();
        self.runs += 1;
        self.doubts.clone_from(&attempt.doubts);
        self.folder.clone_from(&attempt.folder);
        self.seconds += attempt.seconds;
        self.caught
    }

    /// Adds the control of the last run: the same without the bug itself.
    pub(super) fn add_control(&mut self, attempt: &Attempt) {
        let own = attempt.caught.iter().find(|caught| caught.check == self.check);
        self.control = own.map(|caught| caught.evidence.clone());
        self.caught &= own.is_none();
        self.seconds += attempt.seconds;
    }

    /// For a person who watches.
    pub(super) fn line(&self) -> String {
        let Self { bug, story, check, runs, seconds, .. } = self;
        let said = if self.caught { "caught" } else { "NOT CAUGHT" };
        format!("{said}: {bug} in {story} by {check}, runs: {runs}, {seconds:.1} s")
    }

    /// For programs.
    pub(super) fn progress_event(&self) -> ProgressEvent {
        let Self { bug, story, caught, runs, .. } = *self;
        ProgressEvent::RowEnded { bug: Some(bug), story, proved: caught, runs }
    }
}

/// A story, and how the correct build came through it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CorrectRow {
    story: &'static str,
    /// The worst verdict.
    verdict: Verdict,
    runs: u32,
    acknowledged_trades: u64,
    /// What was found, or left open, in the last run.
    problems: Vec<String>,
    folder: PathBuf,
    seconds: f64,
}

impl CorrectRow {
    /// Of a story that has not been gone through yet.
    pub(super) fn new(story: Story) -> Self {
        Self {
            story: story.name(),
            verdict: Verdict::Pass,
            runs: 0,
            acknowledged_trades: 0,
            problems: Vec::new(),
            folder: PathBuf::new(),
            seconds: 0.0,
        }
    }

    /// Adds a run. Says whether it was clean.
    pub(super) fn add(&mut self, attempt: &Attempt) -> bool {
        self.verdict = self.verdict.combine(attempt.verdict);
        self.runs += 1;
        self.acknowledged_trades += attempt.acknowledged;
        let found = attempt.caught.iter();
        let found = found.map(|caught| format!("{}: {}", caught.check, caught.evidence));
        self.problems = found.chain(attempt.doubts.iter().cloned()).collect();
        self.folder.clone_from(&attempt.folder);
        self.seconds += attempt.seconds;
        self.is_clean()
    }

    fn is_clean(&self) -> bool {
        self.verdict == Verdict::Pass && self.problems.is_empty()
    }

    /// For a person who watches.
    pub(super) fn line(&self) -> String {
        let Self { story, runs, seconds, verdict, .. } = self;
        let said = if self.is_clean() { "clean" } else { "NOT CLEAN" };
        format!("{said}: no bug in {story}, {verdict}, runs: {runs}, {seconds:.1} s")
    }

    /// For programs.
    pub(super) fn progress_event(&self) -> ProgressEvent {
        let (story, runs) = (self.story, self.runs);
        ProgressEvent::RowEnded { bug: None, story, proved: self.is_clean(), runs }
    }
}

/// A bug that is looked for elsewhere.
#[derive(Clone, Debug, Serialize)]
struct LeftToTheExplorer {
    bug: &'static str,
    why: &'static str,
}

/// What a proof came to.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    format: u32,
    verdict: Verdict,
    pub(super) planted: Vec<PlantedRow>,
    pub(super) correct: Vec<CorrectRow>,
    left_to_the_explorer: Vec<LeftToTheExplorer>,
    seconds: f64,
}

impl Default for Matrix {
    fn default() -> Self {
        let left = LEFT_TO_THE_EXPLORER.iter();
        Self {
            format: FORMAT,
            verdict: Verdict::Inconclusive,
            planted: Vec::new(),
            correct: Vec::new(),
            left_to_the_explorer: left.map(|&(bug, why)| LeftToTheExplorer { bug, why }).collect(),
            seconds: 0.0,
        }
    }
}

impl Matrix {
    /// No further row will come.
    pub(super) fn finish(&mut self, took: Duration, was_interrupted: bool) {
        self.seconds = took.as_secs_f64();
        let place = |row: &PlantedRow| {
            CASES.iter().position(|case| (case.bug, case.story.name()) == (row.bug, row.story))
        };
        self.planted.sort_by_key(place);
        self.correct.sort_by_key(|row| row.story);
        let proved = self.planted.iter().all(|row| row.caught)
            && self.correct.iter().all(CorrectRow::is_clean);
        self.verdict = match (proved, was_interrupted) {
            (_, true) => Verdict::Inconclusive,
            (true, false) => Verdict::Pass,
            (false, false) => Verdict::Fail,
        };
    }

    /// Pass if every bug was caught by its check and the correct build was clean.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Writes `prove.json` and `prove.txt`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, content) in [("prove.json", json), ("prove.txt", self.to_text())] {
            let path = folder.join(name);
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// What was tried, and not what is left to the explorer.
    pub(crate) fn tried_text(&self) -> String {
        let mut text = String::new();
        self.planted_text(&mut text);
        self.correct_text(&mut text);
        text
    }

    /// The matrix, for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = self.tried_text();
        if !self.left_to_the_explorer.is_empty() {
            text.push_str("\nLeft to the explorer (make explore):\n");
        }
        for LeftToTheExplorer { bug, why } in &self.left_to_the_explorer {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {bug:<31} {why}");
        }
        let _ = writeln!(text, "\nProof: {} ({:.0} s)", self.verdict, self.seconds);
        text
    }

    fn planted_text(&self, text: &mut String) {
        let caught = self.planted.iter().filter(|row| row.caught).count();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            text,
            "Planted bugs: {caught} of {} caught by the check that is meant to catch them\n",
            self.planted.len()
        );
        let _ = writeln!(
            text,
            "  {:<31} {:<25} {:<28} {:>7} {:>4} {:>7}",
            "bug", "story", "check", "caught", "runs", "seconds"
        );
        for row in &self.planted {
            let said = if row.caught { "yes" } else { "NO" };
            let _ = writeln!(
                text,
                "  {:<31} {:<25} {:<28} {said:>7} {:>4} {:>7.1}",
                row.bug, row.story, row.check, row.runs, row.seconds
            );
            let evidence = row.evidence.as_deref().unwrap_or("nothing was found");
            let _ = writeln!(text, "      {evidence}");
            if !row.beside.is_empty() {
                let alone = row.control.as_deref().unwrap_or("nothing");
                let _ = writeln!(
                    text,
                    "      together with {}; that alone makes this check find: {alone}",
                    row.beside.join(", ")
                );
            }
            let others = row.caught_by.iter().filter(|(check, _)| check != row.check);
            let others: Vec<_> =
                others.map(|(check, violations)| format!("{check} ({violations})")).collect();
            if !others.is_empty() {
                let _ = writeln!(text, "      also: {}", others.join(", "));
            }
            if !row.caught {
                let _ = writeln!(text, "      see {}", row.folder.display());
            }
        }
    }

    fn correct_text(&self, text: &mut String) {
        let clean = self.correct.iter().filter(|row| row.is_clean()).count();
        let _ = writeln!(
            text,
            "\nNo bug planted, same services, same stories: {clean} of {} clean\n",
            self.correct.len()
        );
        let _ = writeln!(
            text,
            "  {:<25} {:<13} {:>4} {:>7} {:>7}",
            "story", "verdict", "runs", "trades", "seconds"
        );
        for row in &self.correct {
            let _ = writeln!(
                text,
                "  {:<25} {:<13} {:>4} {:>7} {:>7.1}",
                row.story, row.verdict, row.runs, row.acknowledged_trades, row.seconds
            );
            for problem in &row.problems {
                let _ = writeln!(text, "      {problem}");
            }
            if !row.is_clean() {
                let _ = writeln!(text, "      see {}", row.folder.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::Caught;
    use super::*;

    fn attempt(verdict: Verdict, checks: &[&str]) -> Attempt {
        let caught = |check: &&str| Caught {
            check: (*check).to_owned(),
            violations: 2,
            evidence: format!("{check} is broken"),
        };
        Attempt {
            folder: PathBuf::from("run"),
            verdict,
            caught: checks.iter().map(caught).collect(),
            doubts: Vec::new(),
            acknowledged: 7,
            seconds: 1.0,
        }
    }

    fn matrix(planted: &[&[&str]], correct: Verdict) -> Matrix {
        let mut row = PlantedRow::new(&CASES[0]);
        for checks in planted {
            row.add(&attempt(Verdict::Fail, checks));
        }
        let mut clean = CorrectRow::new(Story::LeaderDies);
        clean.add(&attempt(correct, &[]));
        let mut matrix = Matrix { planted: vec![row], correct: vec![clean], ..Matrix::default() };
        matrix.finish(Duration::from_secs(3), false);
        matrix
    }

    #[test]
    fn a_bug_counts_as_caught_by_its_own_check_only() {
        let own = CASES[0].check;
        let proved = matrix(&[&[], &["exactly-once", own]], Verdict::Pass);
        assert_eq!((proved.verdict(), proved.planted[0].runs), (Verdict::Pass, 2));
        let text = proved.to_text();
        assert!(text.contains(&format!("{own} is broken")), "{text}");
        assert!(text.contains("also: exactly-once (2)"), "{text}");

        let by_others = matrix(&[&["exactly-once"]], Verdict::Pass);
        assert_eq!(by_others.verdict(), Verdict::Fail);
        assert!(by_others.to_text().contains("0 of 1 caught"));
    }

    #[test]
    fn what_the_control_sets_off_as_well_proves_nothing_about_the_bug() {
        let own = CASES[0].check;
        assert!(!CASES[0].beside.is_empty());
        let mut row = PlantedRow::new(&CASES[0]);
        assert!(row.add(&attempt(Verdict::Fail, &[own])));
        row.add_control(&attempt(Verdict::Fail, &["progress-after-healing"]));
        assert!(row.caught, "another check's business");
        row.add_control(&attempt(Verdict::Fail, &[own]));
        assert!(!row.caught);
    }

    #[test]
    fn the_correct_build_must_be_clean_and_conclusive() {
        for verdict in [Verdict::Fail, Verdict::Inconclusive] {
            let matrix = matrix(&[&[CASES[0].check]], verdict);
            assert_eq!(matrix.verdict(), Verdict::Fail);
            assert!(matrix.to_text().contains("0 of 1 clean"));
        }
    }

    #[test]
    fn an_interrupted_proof_proves_nothing() {
        let mut matrix = matrix(&[&[CASES[0].check]], Verdict::Pass);
        matrix.finish(Duration::from_secs(3), true);
        assert_eq!(matrix.verdict(), Verdict::Inconclusive);
    }
}
