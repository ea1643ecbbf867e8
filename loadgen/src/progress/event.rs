//! Which of a trial's events are told, and in which words. Pure.

use results::records::{Event, EventKind};
use results::timeline::Leader;

use super::progress_event::ProgressEvent;

/// What is told of a run's events. It knows who leads in the trial that events came from last, since not every event says all of that.
#[derive(Debug)]
pub(super) struct Teller {
    run: String,
    /// The trial's cell and number, and who leads there.
    leader: Option<(String, u32, Leader)>,
}

impl Teller {
    /// Of a run that has not begun.
    pub(super) fn new(run: String) -> Self {
        Self { run, leader: None }
    }

    /// What people and programs want to know of an event; nothing of most.
    pub(super) fn told_of(&mut self, event: &Event) -> Option<ProgressEvent> {
        if let Some(leader) = self.leader_after(event) {
            return Some(ProgressEvent::Leader {
                run: self.run.clone(),
                cell: event.cell.clone(),
                trial: event.trial,
                at_us: event.at_us,
                leader: leader.id,
                epoch: leader.epoch?,
                in_sync: leader.in_sync.unwrap_or_default(),
                serves: leader.serves,
            });
        }
        without_leader(&self.run, event)
    }

    fn leader_after(&mut self, event: &Event) -> Option<Leader> {
        let known = self.leader.as_ref();
        let known = known.filter(|(cell, trial, _)| (cell, *trial) == (&event.cell, event.trial));
        let leader = Leader::after(known.map(|(_, _, leader)| leader), event)?;
        self.leader = Some((event.cell.clone(), event.trial, leader.clone()));
        Some(leader)
    }
}

/// What is told of events that say nothing of who leads.
fn without_leader(run: &str, event: &Event) -> Option<ProgressEvent> {
    let (run, cell, trial, at_us) = (run.to_owned(), event.cell.clone(), event.trial, event.at_us);
    Some(match event.event {
        EventKind::LoadBegan => ProgressEvent::LoadBegan { run, cell, trial, at_us },
        EventKind::LoadEnded => ProgressEvent::LoadEnded { run, cell, trial, at_us },
        EventKind::Healed => ProgressEvent::Healed { run, cell, trial, at_us },
        EventKind::Confirmed => fault(run, event, "confirmed"),
        EventKind::NotConfirmed => fault(run, event, "not-confirmed"),
        EventKind::Skipped => fault(run, event, "skipped"),
        EventKind::Died => {
            let (process, pid) = (event.process.map(|subject| subject.to_string()), event.pid);
            ProgressEvent::Died { run, cell, trial, at_us, process, pid }
        }
        EventKind::HostLost | EventKind::HostBack | EventKind::SenderLost => ProgressEvent::Host {
            run,
            cell,
            trial,
            at_us,
            host: event.target.clone(),
            process: event.process.map(|subject| subject.to_string()),
            outcome: if event.event == EventKind::HostBack { "back" } else { "lost" },
            detail: event.detail.clone(),
        },
        EventKind::Converged | EventKind::NotConverged => {
            let converged = event.event == EventKind::Converged;
            ProgressEvent::Converged { run, cell, trial, at_us, converged }
        }
        _ => return None,
    })
}

fn fault(run: String, event: &Event, outcome: &'static str) -> ProgressEvent {
    ProgressEvent::Fault {
        run,
        cell: event.cell.clone(),
        trial: event.trial,
        at_us: event.at_us,
        fault: event.fault,
        action: event.action.map(|action| action.to_string()),
        target: event.target.clone(),
        process: event.process.map(|subject| subject.to_string()),
        pid: event.pid,
        outcome,
        detail: event.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use results::records::Action;

    use super::*;

    #[test]
    fn a_fault_is_news_once_it_is_confirmed() {
        let mut event = Event::new("p0.8-cache-on", 2, 1_500_000, EventKind::Injected);
        (event.fault, event.action) = (Some(1), Some(Action::Kill));
        event.process = "order-3".parse().ok();
        let mut teller = Teller::new("failover".to_owned());
        assert!(teller.told_of(&event).is_none());
        event.event = EventKind::Confirmed;
        let json = serde_json::to_value(teller.told_of(&event).unwrap()).unwrap();
        let expected = serde_json::json!({
            "event": "fault", "run": "failover", "cell": "p0.8-cache-on", "trial": 2,
            "at_us": 1_500_000, "fault": 1, "action": "kill", "target": null,
            "process": "order-3", "pid": null, "outcome": "confirmed", "detail": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_leader_is_news_when_it_is_chosen_and_when_it_serves_and_who_was_removed_stays_out() {
        let mut teller = Teller::new("r".to_owned());
        let mut told = |trial, kind, in_sync: &str| {
            let mut event = Event::new("c", trial, 5, kind);
            (event.leader, event.epoch, event.version) = (Some(2), Some(4), Some(7));
            event.in_sync = in_sync.parse().ok();
            let event = serde_json::to_value(teller.told_of(&event).unwrap()).unwrap();
            assert_eq!((&event["event"], &event["leader"]), (&"leader".into(), &2.into()));
            (event["in_sync"].clone(), event["serves"].as_bool().unwrap())
        };
        let (all, two) = (serde_json::json!([1, 2, 3]), serde_json::json!([1, 2]));
        assert_eq!(told(1, EventKind::LeaderChanged, "1 2 3"), (all.clone(), false));
        assert_eq!(told(1, EventKind::InSyncChanged, "1 2"), (two.clone(), false));
        assert_eq!(told(1, EventKind::LeaderServes, "1 2 3"), (two, true));
        assert_eq!(told(1, EventKind::InSyncChanged, "1 2 3"), (all.clone(), true));
        assert_eq!(told(2, EventKind::InSyncChanged, "1 2 3"), (all, false), "another bazaar's");
    }
}
