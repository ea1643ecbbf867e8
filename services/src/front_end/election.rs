//! One round of asking the replicas who may lead.
//!
//! Its art is in whom not to wait for. The suspect is waited for only if nobody else answers: a
//! paused leader costs one ping timeout, to find out, not two. And nobody is waited for who could
//! not win anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;
use wire::ids::ReplicaId;
use wire::internal::PingReply;

use super::pinger::Pinger;
use super::suspicion::{Observation, Outcome};

/// Who has answered, and who still may.
#[derive(Clone, Debug)]
pub struct Round {
    awaits_all: bool,
    preferred: Option<ReplicaId>,
    suspect: Option<ReplicaId>,
    pending: BTreeSet<ReplicaId>,
    answered: BTreeMap<ReplicaId, PingReply>,
}

impl Round {
    /// A round among `members`.
    pub fn among(members: impl IntoIterator<Item = ReplicaId>) -> Self {
        Self {
            awaits_all: false,
            preferred: None,
            suspect: None,
            pending: members.into_iter().collect(),
            answered: BTreeMap::new(),
        }
    }

    /// Everybody's answer counts, not only the winner's.
    #[must_use]
    pub fn awaiting_all(mut self) -> Self {
        self.awaits_all = true;
        self
    }

    /// Who leads on if it answers, whatever the others' ids.
    #[must_use]
    pub fn preferring(mut self, replica: ReplicaId) -> Self {
        self.preferred = Some(replica);
        self
    }

    /// Who has just failed to answer.
    #[must_use]
    pub fn suspecting(mut self, replica: ReplicaId) -> Self {
        self.suspect = Some(replica);
        self
    }

    /// Who has just answered, and need not be asked.
    #[must_use]
    pub fn having_heard(mut self, reply: PingReply) -> Self {
        if self.pending.remove(&reply.id) {
            self.answered.insert(reply.id, reply);
        }
        self
    }

    /// Takes a ping's outcome.
    pub fn note(&mut self, observation: Observation) {
        if self.pending.remove(&observation.replica)
            && let Outcome::Answered(reply) = observation.outcome
        {
            self.answered.insert(observation.replica, reply);
        }
    }

    /// Whether no further answer would change who wins.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        if self.awaits_all {
            return self.pending.is_empty();
        }
        if let Some(preferred) = &self.preferred {
            if self.answered.contains_key(preferred) {
                return true;
            }
            if self.pending.contains(preferred) {
                return false;
            }
        }
        let Some(best) = self.answered.keys().next_back() else { return self.pending.is_empty() };
        let awaited = self.pending.iter().filter(|id| Some(**id) != self.suspect);
        awaited.max().is_none_or(|highest| highest < best)
    }

    /// Who has answered, and how.
    #[must_use]
    pub fn into_answered(self) -> BTreeMap<ReplicaId, PingReply> {
        self.answered
    }
}

/// Pings everybody in the round at once, until it is settled.
pub async fn ask(pinger: &Arc<Pinger>, mut round: Round) -> BTreeMap<ReplicaId, PingReply> {
    let mut pings = JoinSet::new();
    for replica in round.pending.iter().copied() {
        let pinger = Arc::clone(pinger);
        pings.spawn(async move { pinger.ping(replica).await });
    }
    while !round.is_settled() {
        match pings.join_next().await {
            Some(Ok(observation)) => round.note(observation),
            Some(Err(error)) => tracing::error!(%error, "a ping ended abnormally"),
            None => break,
        }
    }
    round.into_answered()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ids::{Epoch, OrderNo};

    fn ids(ids: &[u8]) -> impl Iterator<Item = ReplicaId> {
        ids.iter().copied().map(ReplicaId)
    }

    fn reply(id: u8) -> PingReply {
        PingReply {
            id: ReplicaId(id),
            port: 0,
            incarnation: "x".to_owned(),
            epoch: Epoch(1),
            leading: false,
            serving: false,
            last_order_no: OrderNo(0),
        }
    }

    fn seen(id: u8, outcome: Outcome) -> Observation {
        Observation { replica: ReplicaId(id), sent_us: 0, ended_us: 0, doubted_us: None, outcome }
    }

    fn answers(round: &mut Round, id: u8) {
        round.note(seen(id, Outcome::Answered(reply(id))));
    }

    #[test]
    fn the_suspect_is_not_waited_for_once_another_has_answered() {
        let mut round = Round::among(ids(&[1, 2, 3])).suspecting(ReplicaId(3));
        assert!(!round.is_settled());
        answers(&mut round, 2);
        assert!(round.is_settled());
    }

    #[test]
    fn a_higher_id_is_waited_for_and_a_lower_one_is_not() {
        let mut round = Round::among(ids(&[1, 2, 3])).suspecting(ReplicaId(2));
        answers(&mut round, 1);
        assert!(!round.is_settled());
        answers(&mut round, 3);
        assert!(round.is_settled());

        let mut round = Round::among(ids(&[1, 2, 3])).suspecting(ReplicaId(2));
        answers(&mut round, 1);
        round.note(seen(3, Outcome::Silent));
        assert!(round.is_settled());
    }

    #[test]
    fn the_suspect_is_waited_for_when_nobody_else_answers() {
        let mut round = Round::among(ids(&[1, 3])).suspecting(ReplicaId(3));
        round.note(seen(1, Outcome::Refused));
        assert!(!round.is_settled());
        round.note(seen(3, Outcome::Silent));
        assert!(round.is_settled());
        assert!(round.into_answered().is_empty());
    }

    #[test]
    fn the_preferred_one_settles_it_alone_and_is_waited_for() {
        let mut round = Round::among(ids(&[1, 2, 3])).preferring(ReplicaId(1));
        answers(&mut round, 3);
        answers(&mut round, 2);
        assert!(!round.is_settled());
        let mut without = round.clone();
        answers(&mut round, 1);
        assert!(round.is_settled());
        without.note(seen(1, Outcome::Refused));
        assert!(without.is_settled());
    }

    #[test]
    fn the_first_start_waits_for_all() {
        let mut round = Round::among(ids(&[1, 2])).awaiting_all();
        answers(&mut round, 2);
        assert!(!round.is_settled());
        round.note(seen(1, Outcome::Refused));
        assert!(round.is_settled());
    }

    #[test]
    fn who_has_been_heard_is_not_asked_again() {
        let round = Round::among(ids(&[1, 3])).having_heard(reply(3));
        assert!(round.is_settled());
        assert!(!round.pending.contains(&ReplicaId(3)));
        assert_eq!(round.into_answered().len(), 1);
    }
}
