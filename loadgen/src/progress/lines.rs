//! ProgressEvent as plain lines on stderr, where there is no terminal that could show bars.

use std::time::Duration;

use super::progress_event::ProgressEvent;
use super::{Reporter, clock};
use crate::output::{note, say};

/// Prints a line per step, and one per fault.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// A proof has two runs at a time, and a line for each of its rows: their faults would be noise.
    is_proof: bool,
    /// The rounds of a soak have been checked by the time that all is recorded.
    is_soak: bool,
    load_began_us: u64,
}

impl Lines {
    /// The line for an event, if it is worth one.
    fn say(&mut self, event: &ProgressEvent) -> Option<String> {
        match event {
            ProgressEvent::RunBegan { kind, name, folder, .. } => {
                self.is_proof = *kind == "prove";
                self.is_soak = *kind == "soak";
                Some(format!("{}: {folder}", title(kind, name)))
            }
            _ if self.is_proof => None,
            ProgressEvent::StepBegan { number, of, name, left_ms } => {
                let left = clock(Duration::from_millis(*left_ms));
                Some(format!("{number}/{of}: {name}, about {left} left"))
            }
            ProgressEvent::LoadBegan { at_us, .. } => {
                self.load_began_us = *at_us;
                None
            }
            ProgressEvent::Fault { .. } | ProgressEvent::Host { .. } => {
                fault_line(event, self.load_began_us)
            }
            ProgressEvent::Recorded { .. } if !self.is_soak => {
                Some("checking, and drawing charts".to_owned())
            }
            _ => None,
        }
    }
}

impl Reporter for Lines {
    fn tell(&mut self, event: &ProgressEvent) {
        if let Some(line) = self.say(event) {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        note!("{line}");
    }

    fn print(&mut self, line: &str) {
        say!("{line}");
    }
}

/// What a command is called: a soak by the words that repeat it.
pub(super) fn title<'a>(kind: &'a str, name: &'a str) -> &'a str {
    if kind == "soak" { name } else { kind }
}

/// A fault, or what became of a host, in words, with its time in the load.
pub(super) fn fault_line(event: &ProgressEvent, load_began_us: u64) -> Option<String> {
    if let ProgressEvent::Host { at_us, host, process, outcome, detail, .. } = event {
        let seconds = at_us.saturating_sub(load_began_us) as f64 / 1e6;
        let host = host.as_deref().unwrap_or_default();
        let process = process.as_deref().map(|name| format!(", with {name}")).unwrap_or_default();
        let detail = detail.as_deref().unwrap_or("no reason given");
        return Some(format!("  {seconds:.1} s: host {host} {outcome}{process} ({detail})"));
    }
    let ProgressEvent::Fault { at_us, action, target, process, outcome, detail, .. } = event else {
        return None;
    };
    let seconds = at_us.saturating_sub(load_began_us) as f64 / 1e6;
    let action = action.as_deref().unwrap_or("a fault");
    let target = target.as_deref().unwrap_or_default();
    let who = match process.as_deref() {
        // What heals everything at the end has no target.
        Some(process) if target.is_empty() => process.to_owned(),
        Some(process) if process != target => format!("{target}, {process}"),
        _ => target.to_owned(),
    };
    let outcome = match *outcome {
        "confirmed" => String::new(),
        other => format!(" ({other}: {})", detail.as_deref().unwrap_or("no reason given")),
    };
    Some(format!("  {seconds:.1} s: {action} {who}{outcome}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(process: &str, outcome: &'static str) -> ProgressEvent {
        ProgressEvent::Fault {
            run: "failover".to_owned(),
            cell: "c".to_owned(),
            trial: 1,
            at_us: 6_500_000,
            fault: Some(1),
            action: Some("kill".to_owned()),
            target: Some("leader".to_owned()),
            process: Some(process.to_owned()),
            pid: None,
            outcome,
            detail: Some("nobody leads".to_owned()),
        }
    }

    #[test]
    fn a_fault_is_said_with_its_time_in_the_load_and_its_victim() {
        let mut lines = Lines::default();
        let (run, cell) = ("failover".to_owned(), "c".to_owned());
        assert_eq!(
            lines.say(&ProgressEvent::LoadBegan { run, cell, trial: 1, at_us: 1_500_000 }),
            None
        );
        let said = lines.say(&fault("order-3", "confirmed")).unwrap();
        assert_eq!(said, "  5.0 s: kill leader, order-3");
        let said = lines.say(&fault("leader", "skipped")).unwrap();
        assert_eq!(said, "  5.0 s: kill leader (skipped: nobody leads)");
    }

    #[test]
    fn the_runs_of_a_proof_are_not_said_one_by_one() {
        let mut lines = Lines::default();
        let event = ProgressEvent::RunBegan {
            schema: 1,
            kind: "prove",
            name: "prove".to_owned(),
            folder: "/runs/1".to_owned(),
            seed: None,
            steps: 20,
        };
        assert_eq!(lines.say(&event).unwrap(), "prove: /runs/1");
        assert_eq!(lines.say(&fault("order-3", "confirmed")), None);
    }
}
