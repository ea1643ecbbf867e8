//! What the stages of a load change while it runs: each one's beginning is told, and the clients of a closed
//! loop are let in.

use driver::control::Control;
use faults::events::EventSink;
use results::records::{EventKind, Stage};
use tokio::time::sleep_until;

/// Something that a stage changes.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    /// When, in seconds after the load's beginning.
    at_s: f64,
    /// The stage that begins, in words, if one does.
    begins: Option<String>,
    /// How many clients take part from then on, if that changes.
    clients: Option<u32>,
}

/// Makes the changes at their times, of a load that begins at `began_us`. Returns after the last.
pub(super) async fn follow(
    stages: Vec<Stage>,
    began_us: u64,
    control: &Control,
    events: &EventSink,
) {
    for change in changes(&stages) {
        let at_us = began_us + (change.at_s * 1e6).round() as u64;
        sleep_until(control.origin().instant_at(at_us).into()).await;
        if let Some(clients) = change.clients {
            control.admit(clients);
        }
        if change.begins.is_some() {
            events.emit_at(at_us, EventKind::StageBegan, |event| event.detail = change.begins);
        }
    }
}

/// All changes, in order of time. On a ramp a client comes, or goes, whenever the line crosses the middle between
/// two numbers.
fn changes(stages: &[Stage]) -> Vec<Change> {
    let (mut changes, mut begins_s, mut before) = (Vec::new(), 0.0, None);
    for stage in stages {
        let held = stage.clients.filter(|_| !stage.ramp);
        changes.push(Change { at_s: begins_s, begins: Some(stage.to_string()), clients: held });
        if let (Some(from), Some(to), true) = (before, stage.clients, stage.ramp) {
            let steps = to.abs_diff(from);
            changes.extend((1..=steps).map(|step| Change {
                at_s: begins_s + stage.duration_s * (f64::from(step) - 0.5) / f64::from(steps),
                begins: None,
                clients: Some(if to > from { from + step } else { from - step }),
            }));
        }
        begins_s += stage.duration_s;
        before = stage.clients;
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(duration_s: f64, clients: u32, ramp: bool) -> Stage {
        Stage { duration_s, rate: None, clients: Some(clients), ramp }
    }

    #[test]
    fn clients_come_and_go_one_by_one_on_a_ramp_and_at_once_otherwise() {
        let stages = [
            clients(2.0, 5, false),
            clients(2.0, 7, true),
            clients(1.0, 6, true),
            clients(1.0, 20, false),
        ];
        let found: Vec<_> =
            changes(&stages).into_iter().filter_map(|it| Some((it.at_s, it.clients?))).collect();
        assert_eq!(found, [(0.0, 5), (2.5, 6), (3.5, 7), (4.5, 6), (5.0, 20)]);
    }

    #[test]
    fn every_stage_is_told_when_it_begins() {
        let rate =
            |duration_s, rate| Stage { duration_s, rate: Some(rate), clients: None, ramp: false };
        let told: Vec<_> = changes(&[rate(2.5, 100.0), rate(1.0, 300.0)])
            .into_iter()
            .map(|change| (change.at_s, change.begins.unwrap(), change.clients))
            .collect();
        let expected =
            [(0.0, "2.5 s at 100/s".to_owned(), None), (2.5, "1 s at 300/s".to_owned(), None)];
        assert_eq!(told, expected);
    }
}
