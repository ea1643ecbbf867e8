//! Whether a ping's outcome is reason to doubt the leader.
//!
//! What must not be forgotten here: a leadership is given to a process, not to an address. A
//! leader that was killed and is back between two pings answers them, but no longer knows what it
//! had sent and not flushed; it leads again under a new epoch only (rule R4). On the other hand a
//! leader that was just elected needs a moment to take notice.
//!
//! Pure: times come with the observations.

use std::collections::BTreeMap;

use base::planted::{Bug, Bugs};
use wire::ids::{Epoch, Incarnation, ReplicaId};
use wire::internal::PingReply;

use super::gray_failure::{self, Doubt};

/// How many ping timeouts a new leader may take to accept its epoch, before it is doubted for
/// not leading. Accepting is a disk flush; a machine that stalls for longer than one timeout
/// would otherwise see election after election, each with another flush to wait for.
const MAX_TIMEOUTS_TO_ACCEPT: u64 = 5;

/// How a ping ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answered(PingReply),
    /// Nobody listens there.
    Refused,
    /// No answer in time: the process hangs, or is paused.
    Silent,
    /// Something else, repeatedly.
    Broken(String),
}

/// A ping and how it ended; times are those of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Who was pinged.
    pub replica: ReplicaId,
    /// When it was sent.
    pub sent_us: u64,
    /// When it ended.
    pub ended_us: u64,
    /// When a call to the replica first failed since it last answered a ping, if any has.
    pub doubted_us: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Observation {
    /// When there was first reason to doubt the replica, if this is one.
    #[must_use]
    pub fn suspected_us(&self) -> u64 {
        self.doubted_us.unwrap_or(self.ended_us)
    }
}

/// What follows from a call to a replica that failed, other than a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Ping it at once.
    Ping,
    /// Take this for the outcome of a ping.
    Report(Outcome),
}

impl Reaction {
    /// Rule R9: a failed call is looked into, and concludes nothing. *Otherwise: an idle connection
    /// that was closed for good reasons deposes a healthy leader.*
    #[must_use]
    pub fn to_failed_call(bugs: Bugs) -> Self {
        if bugs.has(Bug::ElectOnBrokenConnection) {
            return Self::Report(Outcome::Broken("a call to it failed".to_owned()));
        }
        Self::Ping
    }
}

/// To whom the leadership was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The leader.
    pub leader: ReplicaId,
    /// Its epoch.
    pub epoch: Epoch,
    /// The process that it was when it was chosen.
    pub incarnation: Incarnation,
    /// When the configuration was published.
    pub began_us: u64,
}

/// What an observation says about the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is about somebody else, or from before.
    Unrelated,
    /// It is the process that was chosen, and it is alive.
    Trusted,
    /// It is, and it cannot work, as far as it knows itself (rule G1).
    Doubted(Doubt, PingReply),
    /// It did not answer.
    Absent,
    /// It answered, but as another process, or as one that does not lead.
    Deposed(PingReply),
}

/// Judges observations of the current leader.
#[derive(Clone, Debug)]
pub struct Judge {
    ping_timeout_us: u64,
    leadership: Option<Leadership>,
    ignore_before_us: u64,
    bugs: Bugs,
}

impl Judge {
    /// A judge that knows of no leader yet.
    #[must_use]
    pub fn new(ping_timeout_us: u64) -> Self {
        Self { ping_timeout_us, leadership: None, ignore_before_us: 0, bugs: Bugs::default() }
    }

    /// The same judge with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// A new leadership has begun. Pings sent before say nothing about it.
    pub fn begin(&mut self, leadership: Leadership) {
        self.ignore_before_us = leadership.began_us;
        self.leadership = Some(leadership);
    }

    /// Everybody has just been asked: what was sent before is old news.
    pub fn ignore_before(&mut self, now_us: u64) {
        self.ignore_before_us = now_us;
    }

    /// What `observation` says about the leader.
    #[must_use]
    pub fn judge(&self, observation: &Observation) -> Verdict {
        let Some(leadership) = &self.leadership else { return Verdict::Unrelated };
        let old = observation.sent_us < self.ignore_before_us;
        if observation.replica != leadership.leader || old {
            return Verdict::Unrelated;
        }
        let Outcome::Answered(reply) = &observation.outcome else { return Verdict::Absent };
        if self.bugs.has(Bug::LeadOldEpoch) && reply.epoch == leadership.epoch {
            return Verdict::Trusted;
        }
        let same_process = reply.incarnation == leadership.incarnation;
        let leads = reply.leading && reply.epoch == leadership.epoch;
        let grace_us = self.ping_timeout_us.saturating_mul(MAX_TIMEOUTS_TO_ACCEPT);
        let fresh = observation.sent_us.saturating_sub(leadership.began_us) < grace_us;
        if same_process && (leads || fresh) {
            let led_for_us = observation.ended_us.saturating_sub(leadership.began_us);
            match gray_failure::doubt(reply, led_for_us, self.ping_timeout_us, self.bugs) {
                None => Verdict::Trusted,
                Some(doubt) => Verdict::Doubted(doubt, reply.clone()),
            }
        } else {
            Verdict::Deposed(reply.clone())
        }
    }

    /// Whether the leader stays, everybody having been asked because it did not answer: it was slow,
    /// and turns out to lead all the same.
    #[must_use]
    pub fn keeps(&self, answered: &BTreeMap<ReplicaId, PingReply>) -> bool {
        let reply = self.leadership.as_ref().and_then(|leads| answered.get(&leads.leader));
        let is_believed = !self.bugs.has(Bug::ElectOnBrokenConnection);
        reply.is_some_and(|reply| self.is_leading(reply)) && is_believed
    }

    /// Whether `reply` comes from the very process that leads, and knows that it does.
    #[must_use]
    pub fn is_leading(&self, reply: &PingReply) -> bool {
        self.leadership.as_ref().is_some_and(|leadership| {
            reply.id == leadership.leader
                && reply.incarnation == leadership.incarnation
                && reply.leading
                && reply.epoch == leadership.epoch
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ids::Identity;
    use wire::internal::WriterHealth;

    const TIMEOUT_US: u64 = 300;
    const BEGAN_US: u64 = 10_000;

    fn judge() -> Judge {
        let mut judge = Judge::new(TIMEOUT_US);
        let incarnation = Incarnation::new("first").unwrap();
        let (leader, epoch) = (ReplicaId(3), Epoch(5));
        judge.begin(Leadership { leader, epoch, incarnation, began_us: BEGAN_US });
        judge
    }

    fn reply(incarnation: &str, epoch: u64, leading: bool) -> PingReply {
        let incarnation = Incarnation::new(incarnation).unwrap();
        let reply = PingReply::of_new(ReplicaId(3), incarnation, Identity::new("d3").unwrap());
        PingReply { epoch: Epoch(epoch), leading, serving: leading, ..reply }
    }

    fn seen(replica: u8, sent_us: u64, outcome: Outcome) -> Observation {
        let (ended_us, doubted_us) = (sent_us + 1, None);
        Observation { replica: ReplicaId(replica), sent_us, ended_us, doubted_us, outcome }
    }

    fn answered(sent_us: u64, reply: PingReply) -> Observation {
        seen(3, sent_us, Outcome::Answered(reply))
    }

    #[test]
    fn a_leader_that_does_not_answer_is_doubted() {
        let broken = Outcome::Broken("reset".to_owned());
        for outcome in [Outcome::Refused, Outcome::Silent, broken] {
            assert_eq!(judge().judge(&seen(3, BEGAN_US, outcome)), Verdict::Absent);
        }
    }

    #[test]
    fn a_leader_that_was_restarted_between_two_pings_is_deposed_at_once() {
        for reply in [reply("second", 5, false), reply("second", 4, false)] {
            let verdict = judge().judge(&answered(BEGAN_US + 1, reply.clone()));
            assert_eq!(verdict, Verdict::Deposed(reply));
        }
    }

    #[test]
    fn a_new_leader_gets_time_to_accept_its_epoch() {
        let judge = judge();
        let early = BEGAN_US + TIMEOUT_US;
        assert_eq!(judge.judge(&answered(early, reply("first", 4, false))), Verdict::Trusted);
        assert_eq!(judge.judge(&answered(early, reply("first", 4, true))), Verdict::Trusted);
        let late = BEGAN_US + MAX_TIMEOUTS_TO_ACCEPT * TIMEOUT_US;
        let not_leading = reply("first", 5, false);
        let verdict = judge.judge(&answered(late, not_leading.clone()));
        assert_eq!(verdict, Verdict::Deposed(not_leading));
        assert_eq!(judge.judge(&answered(late, reply("first", 5, true))), Verdict::Trusted);
    }

    #[test]
    fn a_leader_that_answers_and_cannot_write_is_doubted_also_before_it_has_accepted_its_epoch() {
        for (epoch, leading) in [(4, false), (5, true)] {
            let health = WriterHealth { unfinished_us: TIMEOUT_US + 1, last_took_us: 0 };
            let reply = PingReply { health, ..reply("first", epoch, leading) };
            let doubt = Doubt::Unfinished { for_us: TIMEOUT_US + 1 };
            let verdict = judge().judge(&answered(BEGAN_US + 1, reply.clone()));
            assert_eq!(verdict, Verdict::Doubted(doubt, reply));
        }
    }

    #[test]
    fn pings_from_before_the_leadership_say_nothing_about_it() {
        let mut judge = judge();
        let old = seen(3, BEGAN_US - 1, Outcome::Silent);
        assert_eq!(judge.judge(&old), Verdict::Unrelated);
        judge.ignore_before(BEGAN_US + 50);
        assert_eq!(judge.judge(&seen(3, BEGAN_US + 49, Outcome::Refused)), Verdict::Unrelated);
        assert_eq!(judge.judge(&seen(3, BEGAN_US + 50, Outcome::Refused)), Verdict::Absent);
    }

    #[test]
    fn followers_are_not_judged() {
        assert_eq!(judge().judge(&seen(2, BEGAN_US, Outcome::Refused)), Verdict::Unrelated);
        assert_eq!(Judge::new(1).judge(&seen(3, 0, Outcome::Refused)), Verdict::Unrelated);
    }

    #[test]
    fn a_failed_call_concludes_nothing() {
        assert_eq!(Reaction::to_failed_call(Bugs::default()), Reaction::Ping);
    }

    #[test]
    fn a_leader_that_was_only_slow_stays() {
        let keeps = |reply| judge().keeps(&BTreeMap::from([(ReplicaId(3), reply)]));
        assert!(keeps(reply("first", 5, true)));
        assert!(!keeps(reply("second", 5, true)));
        assert!(!judge().keeps(&BTreeMap::new()));
    }

    #[test]
    fn only_the_chosen_process_in_its_epoch_counts_as_leading() {
        let judge = judge();
        assert!(judge.is_leading(&reply("first", 5, true)));
        assert!(!judge.is_leading(&reply("first", 5, false)));
        assert!(!judge.is_leading(&reply("first", 4, true)));
        assert!(!judge.is_leading(&reply("second", 5, true)));
    }
}
