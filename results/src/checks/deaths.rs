//! No process ends by itself.
//!
//! A kill that was ordered is a fault, and what it costs is a result. Any other death is one that nobody
//! planned: a panic, an exit, a file that could not be written, and the same would have happened to
//! somebody who uses the bazaar. *Otherwise: a catalog that ends whenever two trades meet is started again by the
//! healing, and every check passes.*

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::part::Part;

pub(super) const CHECK: Check = Check {
    name: "no-unordered-death",
    claim: "no process ends that nobody killed",
    parts: &[Part::whole(&[])],
    needs: &[],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    for death in history.timeline.unexplained_deaths() {
        finding.violation(|| {
            let process = death.process;
            let pid = death.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            let how = death.detail.as_deref().unwrap_or("events.csv does not say how");
            let what = format!("{process}{pid} ended though nobody had killed it: {how}");
            Violation::new(history, what).at(history, death.at_us)
        });
    }
    let processes = history.timeline.processes().count();
    if processes > 0 {
        finding.examined("processes", processes);
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_passes};
    use crate::records::{Action, EventKind};
    use crate::verdict::Verdict;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.event(10, EventKind::Started).process = Some("catalog".parse().unwrap());
        trial.event(20, EventKind::Ready).process = Some("catalog".parse().unwrap());
        trial
    }

    fn die(trial: &mut Trial, at_us: u64) {
        let event = trial.event(at_us, EventKind::Died);
        event.process = Some("catalog".parse().unwrap());
        event.pid = Some(41);
        event.detail = Some("exit code: 5".to_owned());
    }

    #[test]
    fn a_process_that_refuses_to_start_over_the_one_file_that_was_lost_or_old_is_a_finding() {
        let mut trial = trial();
        trial.numbered_fault(1, 100, Action::Kill, "catalog");
        trial.numbered_fault(2, 120, Action::LoseFiles, "catalog");
        trial.numbered_fault(1, 200, Action::Restart, "catalog");
        trial.events.retain(|event| event.event != EventKind::Ready || event.at_us < 100);
        die(&mut trial, 250);
        assert_passes(&trial.check(&CHECK));
        trial.events.last_mut().unwrap().detail = Some("exit status: 3".to_owned());
        assert_fails(&trial.check(&CHECK), "exit status: 3");
        // Of two at once nothing is promised.
        trial.numbered_fault(3, 130, Action::Kill, "front-end");
        trial.numbered_fault(4, 140, Action::OldFiles, "front-end");
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_process_that_was_killed_is_a_fault() {
        let mut trial = trial();
        trial.fault(100, Action::Kill, "catalog");
        trial.fault(200, Action::Restart, "catalog");
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_process_that_ends_by_itself_fails_the_run_and_is_named() {
        let mut trial = trial();
        die(&mut trial, 500);
        assert_fails(&trial.check(&CHECK), "catalog (process 41) ended though nobody");
        let report = trial.report();
        assert_eq!(report.verdict, Verdict::Fail);
        assert!(report.to_text().contains("killed it: exit code: 5"), "{}", report.to_text());
    }

    #[test]
    fn what_ends_again_before_it_was_ready_after_its_kill_was_killed() {
        let mut trial = trial();
        trial.fault(100, Action::Kill, "catalog");
        die(&mut trial, 150);
        trial.numbered_fault(1, 200, Action::Restart, "catalog");
        assert_passes(&trial.check(&CHECK));
        die(&mut trial, 250);
        assert_fails(&trial.check(&CHECK), "ended though nobody had killed it");
    }

    #[test]
    fn the_pause_of_a_process_and_the_kill_of_another_explain_no_death() {
        let mut trial = trial();
        trial.fault(100, Action::Kill, "order-1");
        trial.fault(110, Action::Pause, "catalog");
        die(&mut trial, 150);
        assert_fails(&trial.check(&CHECK), "ended though nobody had killed it");
    }
}
