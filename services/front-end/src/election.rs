//! One round of asking the replicas who may lead.
//!
//! Its art is in whom not to wait for. The suspect is waited for only if nobody else answers: a
//! paused leader costs one ping timeout, to find out, not two. Everybody else is: the longest log leads
//! (rule L3), and only its owner can tell how long it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::planted::Bugs;
use base::process::{StateOwner, monotonic_us};
use base::tasks::Tasks;
use wire::ids::ReplicaId;
use wire::internal::PingReply;

use super::contest::Contest;
use super::gray_failure::{self, Evidence};
use super::pinger::{PINGING, Pinger};
use super::suspicion::{Observation, Outcome};

/// Who has answered, and who still may.
#[derive(Clone, Debug)]
pub struct Round {
    suspect: Option<ReplicaId>,
    timeout_us: u64,
    pending: BTreeSet<ReplicaId>,
    answered: BTreeMap<ReplicaId, PingReply>,
    /// They answered too, but say that they cannot work (rule G1).
    unable: BTreeMap<ReplicaId, PingReply>,
    bugs: Bugs,
}

impl Round {
    /// A round among `members`. Anybody who says that its writer has been stuck for longer than a ping may
    /// take counts only if nobody else answers.
    pub fn among(members: impl IntoIterator<Item = ReplicaId>, timeout_us: u64) -> Self {
        Self {
            suspect: None,
            timeout_us,
            pending: members.into_iter().collect(),
            answered: BTreeMap::new(),
            unable: BTreeMap::new(),
            bugs: Bugs::default(),
        }
    }

    /// The same with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
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
        self.take(reply.id, Some(reply));
        self
    }

    /// Takes a ping's outcome.
    pub fn note(&mut self, observation: Observation) {
        let reply = match observation.outcome {
            Outcome::Answered(reply) => Some(reply),
            Outcome::Refused | Outcome::Silent | Outcome::Broken(_) => None,
        };
        self.take(observation.replica, reply);
    }

    fn take(&mut self, replica: ReplicaId, reply: Option<PingReply>) {
        if !self.pending.remove(&replica) {
            return;
        }
        let Some(reply) = reply else { return };
        if gray_failure::looks_able(&reply, self.timeout_us, self.bugs) {
            self.answered.insert(replica, reply);
        } else {
            self.unable.insert(replica, reply);
        }
    }

    /// Whether there is nobody left to wait for.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_suspect = |id: &ReplicaId| Some(*id) == self.suspect;
        self.pending.is_empty()
            || (!self.answered.is_empty() && self.pending.iter().all(is_suspect))
    }

    /// Who has answered, and how.
    #[must_use]
    pub fn into_answered(self) -> BTreeMap<ReplicaId, PingReply> {
        if self.answered.is_empty() { self.unable } else { self.answered }
    }
}

/// Pings everybody in the round at once, until it is settled.
pub async fn ask(pinger: &Arc<Pinger>, mut round: Round) -> BTreeMap<ReplicaId, PingReply> {
    let mut pings = Tasks::new();
    for replica in round.pending.iter().copied() {
        let pinger = Arc::clone(pinger);
        pings.spawn(async move {
            let _owner = StateOwner::new(PINGING);
            pinger.ping(replica).await
        });
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

/// Has everybody in `members` show that it could lead; those who did, by the time that nobody else is waited for. Asks
/// once more if the first answers do not say who is better.
pub async fn prove(
    pinger: &Arc<Pinger>,
    members: Vec<ReplicaId>,
    leader: ReplicaId,
    evidence: Evidence,
) -> BTreeMap<ReplicaId, PingReply> {
    let first = prove_once(pinger, &members, leader, evidence).await;
    let last = match first.is_conclusive(pinger.timeout_us()) {
        true => first,
        false => prove_once(pinger, &members, leader, evidence).await,
    };
    last.into_proofs()
}

async fn prove_once(
    pinger: &Arc<Pinger>,
    members: &[ReplicaId],
    leader: ReplicaId,
    evidence: Evidence,
) -> Contest {
    let asked_us = monotonic_us();
    let passed_us = || monotonic_us().saturating_sub(asked_us);
    let mut contest = Contest::among(members.iter().copied(), leader);
    let mut asked = Tasks::new();
    for replica in members.iter().copied() {
        let pinger = Arc::clone(pinger);
        asked.spawn(async move {
            let proof = match evidence {
                Evidence::Write { reach } => pinger.prove(replica, reach).await,
                Evidence::Ping => match pinger.ping(replica).await.outcome {
                    Outcome::Answered(reply) => Some(reply),
                    Outcome::Refused | Outcome::Silent | Outcome::Broken(_) => None,
                },
            };
            (replica, proof)
        });
    }
    loop {
        let left_us = contest.waits_until_us().saturating_sub(passed_us());
        if left_us == 0 {
            return contest;
        }
        tokio::select! {
            biased;
            answered = asked.join_next() => match answered {
                Some(Ok((replica, proof))) => contest.take(replica, proof, passed_us()),
                Some(Err(error)) => tracing::error!(%error, "a question ended abnormally"),
                None => return contest,
            },
            () = tokio::time::sleep(Duration::from_micros(left_us)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ids::{Identity, Incarnation};
    use wire::internal::WriterHealth;

    const TIMEOUT_US: u64 = 300_000;

    fn ids(ids: &[u8]) -> impl Iterator<Item = ReplicaId> {
        ids.iter().copied().map(ReplicaId)
    }

    fn reply(id: u8) -> PingReply {
        let (incarnation, disk) = (Incarnation::new("x"), Identity::new("d"));
        PingReply::of_new(ReplicaId(id), incarnation.unwrap(), disk.unwrap())
    }

    fn seen(id: u8, outcome: Outcome) -> Observation {
        Observation { replica: ReplicaId(id), sent_us: 0, ended_us: 0, doubted_us: None, outcome }
    }

    fn answers(round: &mut Round, id: u8) {
        round.note(seen(id, Outcome::Answered(reply(id))));
    }

    fn among(members: &[u8]) -> Round {
        Round::among(ids(members), TIMEOUT_US)
    }

    #[test]
    fn the_suspect_is_not_waited_for_once_another_has_answered() {
        let mut round = among(&[2, 3]).suspecting(ReplicaId(3));
        assert!(!round.is_settled());
        answers(&mut round, 2);
        assert!(round.is_settled());
    }

    #[test]
    fn everybody_else_is_waited_for_since_any_log_may_be_the_longest() {
        let mut round = among(&[1, 2, 3]).suspecting(ReplicaId(2));
        answers(&mut round, 3);
        assert!(!round.is_settled());
        round.note(seen(1, Outcome::Silent));
        assert!(round.is_settled());
    }

    #[test]
    fn the_suspect_is_waited_for_when_nobody_else_answers() {
        let mut round = among(&[1, 3]).suspecting(ReplicaId(3));
        round.note(seen(1, Outcome::Refused));
        assert!(!round.is_settled());
        round.note(seen(3, Outcome::Silent));
        assert!(round.is_settled());
        assert!(round.into_answered().is_empty());
    }

    #[test]
    fn who_says_that_it_cannot_work_counts_only_if_nobody_else_answers() {
        let health = WriterHealth { unfinished_us: TIMEOUT_US + 1, last_took_us: 0 };
        let stuck = PingReply { health, ..reply(2) };
        let mut round = among(&[1, 2, 3]).suspecting(ReplicaId(3));
        round.note(seen(2, Outcome::Answered(stuck)));
        let mut alone = round.clone();
        answers(&mut round, 1);
        assert!(round.is_settled());
        assert_eq!(round.into_answered().into_keys().collect::<Vec<_>>(), [ReplicaId(1)]);
        alone.note(seen(1, Outcome::Refused));
        assert!(!alone.is_settled(), "even the suspect may be better");
        alone.note(seen(3, Outcome::Silent));
        assert_eq!(alone.into_answered().into_keys().collect::<Vec<_>>(), [ReplicaId(2)]);
    }

    #[test]
    fn who_has_been_heard_is_not_asked_again() {
        let round = among(&[3]).having_heard(reply(3));
        assert!(round.is_settled());
        assert!(round.pending.is_empty());
        assert_eq!(round.into_answered().len(), 1);
    }
}
