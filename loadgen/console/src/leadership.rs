//! Who leads, who led, and how long nobody did, from the events of probes and buttons. Pure.

use std::collections::VecDeque;

use results::records::{Event, EventKind, ProcessName, Processes};
use results::timeline::Leader;
use serde::Serialize;

/// Reigns that are kept: more than fit into a minute's strip.
const MAX_REIGNS: usize = 40;

/// A time during which a replica led.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LeaderTerm {
    pub(super) id: u8,
    pub(super) from_us: u64,
    /// When it was lost; nothing while it lasts.
    pub(super) until_us: Option<u64>,
}

/// The leadership and its history.
#[derive(Debug, Default)]
pub(super) struct Leadership {
    processes: Processes,
    leader: Option<Leader>,
    reigns: VecDeque<LeaderTerm>,
    /// What was done to the leader, and when.
    lost: Option<(String, u64)>,
}

impl Leadership {
    /// Of a system with these processes, of which nobody is known to lead.
    pub(super) fn new(processes: Processes) -> Self {
        Self { processes, ..Self::default() }
    }

    /// The process that leads, as far as is known.
    pub(super) fn leading(&self) -> Option<ProcessName> {
        self.processes.replica(self.leader.as_ref()?.id)
    }

    /// The number of a replica; `None` of other processes.
    pub(super) fn number_of(&self, name: ProcessName) -> Option<u8> {
        self.processes.number_of(name)
    }

    pub(super) fn leader(&self) -> Option<&Leader> {
        self.leader.as_ref()
    }

    pub(super) fn reigns(&self) -> impl Iterator<Item = &LeaderTerm> {
        self.reigns.iter()
    }

    /// Something was done that keeps `process` from answering: `what` says what, and to whom.
    pub(super) fn broken(&mut self, process: &str, what: String, at_us: u64) {
        let leads = self.leading().is_some_and(|leading| leading.as_str() == process);
        if leads && self.lost.is_none() {
            self.lost = Some((what, at_us));
            self.end_reign(at_us);
        }
    }

    /// What broke the leader was undone before anybody took over.
    pub(super) fn mended(&mut self, process: &str, at_us: u64) {
        if self.leading().is_none_or(|leading| leading.as_str() != process) {
            return;
        }
        let Some(leader) = &self.leader else { return };
        if leader.serves && self.lost.take().is_some() {
            let id = leader.id;
            self.begin_reign(id, at_us);
        }
    }

    /// Takes in a change of configuration. Returns what there is to say, if a leader began to serve.
    pub(super) fn hear(&mut self, event: &Event) -> Option<String> {
        let leader = Leader::after(self.leader.as_ref(), event)?;
        let (id, epoch, serves) = (leader.id, leader.epoch, leader.serves);
        let begins = event.event == EventKind::LeaderChanged;
        let known = self.leader.replace(leader);
        let served = !begins
            && known.is_some_and(|known| (known.id, known.epoch) == (id, epoch) && known.serves);
        if begins {
            self.end_reign(event.at_us);
        }
        if served || !serves {
            return None;
        }
        self.begin_reign(id, event.at_us);
        let name = self.processes.replica(id)?;
        let mut said = format!("{name} leads");
        if let Some(epoch) = epoch {
            said.push_str(&format!(" in epoch {epoch}"));
        }
        if let Some((what, lost_us)) = self.lost.take() {
            let ms = event.at_us.saturating_sub(lost_us) as f64 / 1000.0;
            said.push_str(&format!(", {ms:.1} ms after {what}"));
        }
        Some(said)
    }

    fn end_reign(&mut self, at_us: u64) {
        if let Some(reign) = self.reigns.back_mut()
            && reign.until_us.is_none()
        {
            reign.until_us = Some(at_us);
        }
    }

    fn begin_reign(&mut self, id: u8, from_us: u64) {
        self.end_reign(from_us);
        self.reigns.push_back(LeaderTerm { id, from_us, until_us: None });
        if self.reigns.len() > MAX_REIGNS {
            self.reigns.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use results::records::built_in;

    use super::*;

    fn event(kind: EventKind, at_us: u64, leader: u8, epoch: u64) -> Event {
        let mut event = Event::new("serve", 1, at_us, kind);
        (event.leader, event.epoch, event.version) = (Some(leader), Some(epoch), Some(epoch));
        event.in_sync = "1 2 3".parse().ok();
        event
    }

    fn led_by_3() -> Leadership {
        let mut leadership = Leadership::new(built_in::processes(3));
        assert_eq!(leadership.hear(&event(EventKind::LeaderChanged, 100, 3, 1)), None);
        assert!(!leadership.leader().unwrap().serves);
        let said = leadership.hear(&event(EventKind::LeaderServes, 200, 3, 1)).unwrap();
        assert_eq!(said, "order-3 leads in epoch 1");
        leadership
    }

    #[test]
    fn a_takeover_is_told_with_its_cause_and_its_time() {
        let mut leadership = led_by_3();
        leadership.broken("order-1", "kill order-1".to_owned(), 5_000);
        leadership.broken("order-3", "kill order-3".to_owned(), 10_000);
        assert_eq!(leadership.hear(&event(EventKind::LeaderChanged, 12_000, 2, 2)), None);
        assert!(!leadership.leader().unwrap().serves);
        let said = leadership.hear(&event(EventKind::LeaderServes, 16_200, 2, 2)).unwrap();
        assert_eq!(said, "order-2 leads in epoch 2, 6.2 ms after kill order-3");
        let reigns: Vec<_> = leadership.reigns().cloned().collect();
        let expected = [
            LeaderTerm { id: 3, from_us: 200, until_us: Some(10_000) },
            LeaderTerm { id: 2, from_us: 16_200, until_us: None },
        ];
        assert_eq!(reigns, expected);
    }

    #[test]
    fn who_is_in_sync_changes_without_a_word_about_the_leader() {
        let mut leadership = led_by_3();
        let mut change = event(EventKind::InSyncChanged, 300, 3, 1);
        change.in_sync = "1 3".parse().ok();
        assert_eq!(leadership.hear(&change), None);
        let leader = leadership.leader().unwrap();
        assert_eq!((&leader.in_sync, leader.serves), (&Some(vec![1, 3]), true));
    }

    #[test]
    fn who_was_removed_before_a_leader_was_seen_to_serve_stays_out() {
        let mut leadership = Leadership::new(built_in::processes(3));
        leadership.hear(&event(EventKind::LeaderChanged, 100, 3, 1));
        let mut change = event(EventKind::InSyncChanged, 300, 3, 1);
        change.in_sync = "1 3".parse().ok();
        leadership.hear(&change);
        leadership.hear(&event(EventKind::LeaderServes, 200, 3, 1));
        let leader = leadership.leader().unwrap();
        assert_eq!((&leader.in_sync, leader.serves), (&Some(vec![1, 3]), true));
    }

    #[test]
    fn a_leader_that_was_polled_leads_at_once_and_needs_no_epoch() {
        let polled = |at_us, leader| {
            let mut event = Event::new("serve", 1, at_us, EventKind::LeaderChanged);
            event.leader = Some(leader);
            event
        };
        let mut leadership = Leadership::new(built_in::processes(3));
        assert_eq!(leadership.hear(&polled(100, 3)).as_deref(), Some("order-3 leads"));
        leadership.broken("order-3", "kill order-3".to_owned(), 10_000);
        let said = leadership.hear(&polled(16_200, 3)).unwrap();
        assert_eq!(said, "order-3 leads, 6.2 ms after kill order-3");
        let leader = leadership.leader().unwrap();
        assert_eq!((leader.epoch, &leader.in_sync, leader.serves), (None, &None, true));
        assert_eq!(leadership.reigns().count(), 2);
    }

    #[test]
    fn a_leader_that_is_resumed_in_time_goes_on() {
        let mut leadership = led_by_3();
        leadership.broken("order-3", "pause order-3".to_owned(), 10_000);
        leadership.mended("order-3", 20_000);
        let reigns: Vec<_> = leadership.reigns().cloned().collect();
        assert_eq!(reigns.len(), 2);
        assert_eq!((reigns[0].until_us, reigns[1].until_us), (Some(10_000), None));
        // What comes later is no consequence of that pause.
        let said = leadership.hear(&event(EventKind::LeaderServes, 90_000, 2, 2)).unwrap();
        assert_eq!(said, "order-2 leads in epoch 2");
    }
}
