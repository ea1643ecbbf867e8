//! Which of a trial's events are told, and in which words. Pure.

use results::records::{Event, EventKind};

use super::progress_event::ProgressEvent;

/// What people and programs want to know of an event; nothing of most.
pub(super) fn progress_event_of(run: &str, event: &Event) -> Option<ProgressEvent> {
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
        EventKind::LeaderChanged | EventKind::LeaderServes | EventKind::InSyncChanged => {
            ProgressEvent::Leader {
                run,
                cell,
                trial,
                at_us,
                leader: event.leader?,
                epoch: event.epoch?,
                in_sync: event.in_sync.iter().flat_map(|members| members.ids()).collect(),
                serves: event.event != EventKind::LeaderChanged,
            }
        }
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
        assert!(progress_event_of("failover", &event).is_none());
        event.event = EventKind::Confirmed;
        let json = serde_json::to_value(progress_event_of("failover", &event).unwrap()).unwrap();
        let expected = serde_json::json!({
            "event": "fault", "run": "failover", "cell": "p0.8-cache-on", "trial": 2,
            "at_us": 1_500_000, "fault": 1, "action": "kill", "target": null,
            "process": "order-3", "pid": null, "outcome": "confirmed", "detail": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_leader_is_news_when_it_is_chosen_and_when_it_serves() {
        let mut event = Event::new("c", 1, 5, EventKind::LeaderChanged);
        (event.leader, event.epoch) = (Some(2), Some(4));
        event.in_sync = "1 2".parse().ok();
        let json =
            |event: &Event| serde_json::to_value(progress_event_of("r", event).unwrap()).unwrap();
        let chosen = json(&event);
        assert_eq!(chosen["in_sync"], serde_json::json!([1, 2]));
        assert_eq!((&chosen["leader"], &chosen["serves"]), (&2.into(), &false.into()));
        event.event = EventKind::LeaderServes;
        assert_eq!(json(&event)["serves"], true);
    }
}
