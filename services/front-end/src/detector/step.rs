//! What follows from what a ping says about the leader. Pure; the detector does it.

use base::planted::{Bug, Bugs};
use wire::configuration::{Cause, Configuration};
use wire::ids::ReplicaId;
use wire::internal::PingReply;

use crate::election::Round;
use crate::gray_failure::Doubt;
use crate::suspicion::{Observation, Outcome, Verdict};

/// What is known at that moment.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The current configuration.
    pub configuration: &'a Configuration,
    /// Who may lead (rule R3).
    pub candidates: &'a [ReplicaId],
    /// Whether nobody leads.
    pub is_leaderless: bool,
    /// How long a ping may take.
    pub timeout_us: u64,
    /// What is planted.
    pub bugs: Bugs,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// The leader leads.
    Trust,
    /// It leads, and may not be able to work (rule G1): candidates are asked for proof that they can, if it is time for that.
    Contest(Doubt, PingReply),
    /// Those who may lead are asked, and the best of them is chosen.
    Elect(Election),
}

/// Who is asked, and what for.
#[derive(Clone, Debug)]
pub struct Election {
    /// The round of questions.
    pub round: Round,
    /// Why.
    pub cause: Cause,
    /// Whether nobody is chosen if the leader answers in this round, and leads.
    pub leader_may_stay: bool,
    /// When there was first reason to doubt the leader, if that is why.
    pub suspected_us: Option<u64>,
}

/// Who may lead: members, and nobody else (rule R3).
pub fn candidates(
    configuration: &Configuration,
    everybody: impl Iterator<Item = ReplicaId>,
    bugs: Bugs,
) -> Vec<ReplicaId> {
    if bugs.has(Bug::ElectOutOfSync) {
        everybody.collect()
    } else {
        configuration.member_ids().collect()
    }
}

impl Situation<'_> {
    /// What follows from an observation, of which the judge has said this.
    #[must_use]
    pub fn step(&self, observation: &Observation, verdict: Verdict) -> Step {
        let suspected_us = Some(observation.suspected_us());
        match verdict {
            Verdict::Trusted => Step::Trust,
            Verdict::Doubted(doubt, reply) => Step::Contest(doubt, reply),
            Verdict::Absent => self.replace_leader(suspected_us),
            Verdict::Deposed(reply) => Step::Elect(Election {
                round: self.round().having_heard(reply),
                cause: Cause::LeaderRestart,
                leader_may_stay: false,
                suspected_us,
            }),
            Verdict::Unrelated if self.is_leaderless && self.may_lead_instead(observation) => {
                self.replace_leader(None)
            }
            Verdict::Unrelated => Step::Nothing,
        }
    }

    /// Whether somebody else has answered who may lead.
    fn may_lead_instead(&self, observation: &Observation) -> bool {
        let answered = matches!(observation.outcome, Outcome::Answered(_));
        let is_other = observation.replica != self.configuration.leader;
        answered && is_other && self.candidates.contains(&observation.replica)
    }

    fn replace_leader(&self, suspected_us: Option<u64>) -> Step {
        Step::Elect(Election {
            round: self.round().suspecting(self.configuration.leader),
            cause: Cause::Election,
            leader_may_stay: true,
            suspected_us,
        })
    }

    fn round(&self) -> Round {
        Round::among(self.candidates.iter().copied(), self.timeout_us).with_bugs(self.bugs)
    }
}
