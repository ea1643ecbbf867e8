//! What is known of a host of clients that was lost, and of the operations that were under way from there.

use super::Timeline;
use crate::records::Observation;

impl Timeline {
    /// The first host from which nothing was sent any more before the load was over, when and why, if there was one: `n6 at 3.200 s (its
    /// host was lost)`.
    #[must_use]
    pub fn first_lost_sender(&self) -> Option<String> {
        let lost = self.hosts.iter().filter_map(|(name, host)| {
            Some((name, host.clients.as_ref().and_then(|clients| clients.lost.as_ref())?))
        });
        let (name, (at_us, why)) = lost.min_by_key(|(_, (at_us, _))| *at_us)?;
        // Exact below 2^53 us.
        Some(format!("{name} at {:.3} s ({why})", *at_us as f64 / 1_000_000.0))
    }

    /// Whether an operation that was not answered was under way when a host of clients was lost: then nobody knows whether it would have been.
    #[must_use]
    pub fn was_owed(&self, row: &Observation) -> bool {
        let lost = self.lost_senders.iter().filter_map(|span| span.to_us);
        let mut under_way = lost.filter(|us| (row.start_us..=row.end_us).contains(us));
        !row.outcome.is_answer() && under_way.next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use crate::records::{Event, EventKind, Observation, Op, Outcome, built_in};
    use crate::timeline::Timeline;

    #[test]
    fn what_was_under_way_when_a_host_of_clients_was_lost_was_owed_unless_it_was_answered() {
        let mut lost = Event::new("cell", 1, 3_200_000, EventKind::SenderLost);
        lost.target = Some("n6".to_owned());
        lost.suspected_us = Some(1_000_000);
        lost.detail = Some("its host was lost".to_owned());
        let timeline = Timeline::new(&[lost], &built_in::processes(3));
        assert_eq!(timeline.first_lost_sender().unwrap(), "n6 at 3.200 s (its host was lost)");
        let row = |outcome, end_us| Observation {
            outcome,
            ..Observation::new("cell", 1, Op::Query, 2_000_000, end_us)
        };
        assert!(timeline.was_owed(&row(Outcome::Failed, 3_200_050)));
        assert!(!timeline.was_owed(&row(Outcome::Ok, 3_200_050)));
        assert!(!timeline.was_owed(&row(Outcome::Failed, 3_100_000)));
        let nobody = Timeline::new(&[], &built_in::processes(3));
        assert_eq!(nobody.first_lost_sender(), None);
    }
}
