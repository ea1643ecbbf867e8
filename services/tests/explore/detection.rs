//! The model of failure detection: who is replaced as the leader, and for what reason.
//!
//! Real are what follows from a failed call and from a ping ([`services::front_end::suspicion`]), whom
//! an election waits for ([`services::front_end::election`]), and whom it chooses
//! ([`services::front_end::configuration`]). Modelled are the shells around them (`detector/`,
//! `pinger.rs`): one ping of the leader at a time, a round that is over in one step, and a new leader
//! that is told at once. Two replicas, both in sync.
//!
//! Without a fault: connections break because idle ones are closed, pings are sent and end, a process that is
//! down is started again, one that hangs wakes up. Faults, each of which counts: a replica dies, or hangs.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use services::front_end::configuration::{Ballot, ConfigurationManager};
use services::front_end::detector::step::{self, Election, Situation, Step};
use services::front_end::election::Round;
use services::front_end::suspicion::{Judge, Leadership, Observation, Outcome, Reaction};
use services::planted::Bugs;
use wire::configuration::{Cause, Configuration};
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, ReplicaId};
use wire::internal::PingReply;

use crate::ledger::hash_printed;
use crate::search::Model;

const REPLICAS: [ReplicaId; 2] = [ReplicaId(2), ReplicaId(3)];
/// The ping timeout, as far as anybody counts time here.
const TIMEOUT_US: u64 = 1;
/// Connections that break without a fault.
const MAX_BROKEN: u8 = 2;
/// Moments that the judge tells apart: a search ends there, if it has not before.
const MAX_MOMENTS: u64 = 12;
/// Pings after which there must be a leader, if nothing goes wrong.
const MAX_PINGS: usize = 6;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detection {
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    judge: Judge,
    current: Configuration,
    is_leaderless: bool,
    replicas: BTreeMap<ReplicaId, Replica>,
    /// When the ping under way was sent.
    ping: Option<u64>,
    /// Time, as far as anybody can tell moments apart.
    now_us: u64,
    broken_calls: u8,
    /// The leader has died or hung since it was chosen.
    leader_was_unwell: bool,
    broken: Option<String>,
}

/// A replica's process.
#[derive(Clone, Copy, Debug)]
struct Replica {
    health: Health,
    /// How often it was started.
    incarnation: u8,
    accepted: Epoch,
    leads: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Hung,
    Dead,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    CallBreaks,
    SendPing,
    PingEnds,
    Recover(ReplicaId),
    Die(ReplicaId),
    Hang(ReplicaId),
}

impl Hash for Watch {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // Ordered throughout: equal ones, and only those, print the same.
        hash_printed(self, hasher);
    }
}

impl Model for Detection {
    type State = Watch;
    type Action = Action;

    fn start(&self) -> Watch {
        let everybody = REPLICAS.into_iter().map(|id| (id, new(id, 1))).collect();
        let bazaar = BazaarId::new("bazaar").expect("a name");
        let first = ConfigurationManager::restored(None).first(&everybody, None, &bazaar);
        let first = first.expect("there are replicas");
        let replica =
            Replica { health: Health::Well, incarnation: 1, accepted: Epoch(0), leads: false };
        let mut watch = Watch {
            judge: Judge::new(TIMEOUT_US).with_bugs(self.bugs),
            current: first,
            is_leaderless: false,
            replicas: REPLICAS.map(|id| (id, replica)).into(),
            ping: None,
            now_us: 0,
            broken_calls: 0,
            leader_was_unwell: false,
            broken: None,
        };
        watch.begin();
        watch
    }

    fn actions(&self, watch: &Watch) -> Vec<(Action, u8)> {
        if watch.now_us >= MAX_MOMENTS {
            return Vec::new();
        }
        let mut actions = Vec::new();
        actions.push((if watch.ping.is_some() { Action::PingEnds } else { Action::SendPing }, 0));
        if watch.broken_calls < MAX_BROKEN {
            actions.push((Action::CallBreaks, 0));
        }
        for (id, replica) in &watch.replicas {
            match replica.health {
                Health::Well => actions.extend([(Action::Die(*id), 1), (Action::Hang(*id), 1)]),
                Health::Hung | Health::Dead => actions.push((Action::Recover(*id), 0)),
            }
        }
        actions
    }

    fn after(&self, watch: &Watch, action: Action) -> Watch {
        let mut watch = watch.clone();
        watch.happen(action, self.bugs);
        watch
    }

    fn broken(&self, watch: &Watch, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        watch.broken.clone().or_else(|| self.leaderless_for_ever(watch))
    }

    fn describe(&self, watch: &Watch, action: Action) -> String {
        let leader = watch.current.leader;
        match action {
            Action::CallBreaks => format!("an idle connection to leader {leader} is closed"),
            Action::SendPing => format!("leader {leader} is pinged"),
            Action::PingEnds => format!("the ping ends: {:?}", watch.outcome(leader)),
            Action::Recover(id) => format!("replica {id} is back"),
            Action::Die(id) => format!("replica {id} dies"),
            Action::Hang(id) => format!("replica {id} hangs"),
        }
    }

    fn epilogue(&self, _watch: &Watch) -> Vec<String> {
        Vec::new()
    }
}

impl Detection {
    /// Whether, with everybody well again and pinged, nobody leads.
    fn leaderless_for_ever(&self, watch: &Watch) -> Option<String> {
        let mut watch = watch.clone();
        for id in REPLICAS {
            if watch.replicas[&id].health != Health::Well {
                watch.happen(Action::Recover(id), self.bugs);
            }
        }
        for _ in 0..MAX_PINGS {
            if watch.ping.is_none() {
                watch.happen(Action::SendPing, self.bugs);
            }
            watch.happen(Action::PingEnds, self.bugs);
        }
        let leader = watch.replicas[&watch.current.leader];
        let leads = leader.leads && leader.accepted == watch.current.epoch && !watch.is_leaderless;
        (!leads).then(|| format!("with all well again, nobody leads epoch {}", watch.current.epoch))
    }
}

impl Watch {
    fn happen(&mut self, action: Action, bugs: Bugs) {
        match action {
            Action::SendPing => self.ping = Some(self.now_us),
            Action::PingEnds => {
                let Some(sent_us) = self.ping.take() else { return };
                let outcome = self.outcome(self.current.leader);
                self.consider(sent_us, outcome, bugs);
            }
            Action::CallBreaks => {
                self.broken_calls += 1;
                match Reaction::to_failed_call(bugs) {
                    Reaction::Ping => _ = self.ping.get_or_insert(self.now_us),
                    Reaction::Report(outcome) => self.consider(self.now_us, outcome, bugs),
                }
            }
            Action::Die(id) | Action::Hang(id) => {
                self.leader_was_unwell |= id == self.current.leader;
                let dies = matches!(action, Action::Die(_));
                self.replica(id).health = if dies { Health::Dead } else { Health::Hung };
            }
            Action::Recover(id) => {
                let replica = self.replica(id);
                if replica.health == Health::Dead {
                    // R4: it never leads the epoch that it finds on its disk.
                    (replica.incarnation, replica.leads) = (replica.incarnation + 1, false);
                }
                replica.health = Health::Well;
            }
        }
    }

    fn replica(&mut self, id: ReplicaId) -> &mut Replica {
        self.replicas.get_mut(&id).expect("there are two")
    }

    /// How a ping that arrives now ends.
    fn outcome(&self, id: ReplicaId) -> Outcome {
        let Replica { health, incarnation, accepted, leads } = self.replicas[&id];
        match health {
            Health::Dead => Outcome::Refused,
            Health::Hung => Outcome::Silent,
            Health::Well => Outcome::Answered(PingReply {
                bazaar: Some(self.current.bazaar.clone()),
                epoch: accepted,
                leading: leads,
                serving: leads,
                ..new(id, incarnation)
            }),
        }
    }

    /// The detector's step, taken at once.
    fn consider(&mut self, sent_us: u64, outcome: Outcome, bugs: Bugs) {
        let seen = observation(self.current.leader, sent_us, outcome);
        let verdict = self.judge.judge(&seen);
        let candidates = step::candidates(&self.current, REPLICAS.into_iter(), bugs);
        let situation = Situation {
            configuration: &self.current,
            candidates: &candidates,
            is_leaderless: self.is_leaderless,
            timeout_us: TIMEOUT_US,
            bugs,
        };
        match situation.step(&seen, verdict) {
            Step::Nothing => {}
            Step::Trust | Step::Contest(..) => self.is_leaderless = false,
            Step::Elect(Election { round, cause, leader_may_stay, .. }) => {
                let answered = self.ask(round);
                if leader_may_stay && self.judge.keeps(&answered) {
                    self.is_leaderless = false;
                    return self.new_moment();
                }
                self.conclude(answered, cause, bugs);
            }
        }
    }

    /// A round in which everybody answers at once who answers at all, the suspect last.
    fn ask(&self, mut round: Round) -> BTreeMap<ReplicaId, PingReply> {
        for id in REPLICAS {
            if !round.is_settled() {
                round.note(observation(id, self.now_us, self.outcome(id)));
            }
        }
        round.into_answered()
    }

    fn conclude(&mut self, answered: BTreeMap<ReplicaId, PingReply>, cause: Cause, bugs: Bugs) {
        let manager = ConfigurationManager::restored(Some(self.current.clone())).with_bugs(bugs);
        let ballot = Ballot {
            based_on: self.current.version,
            answered,
            everybody: false,
            fenced: false,
            catalog: None,
            cause,
            suspected_us: None,
        };
        let Ok(elected) = manager.elect(&ballot) else {
            self.is_leaderless = true;
            return self.new_moment();
        };
        if !self.leader_was_unwell {
            let (leader, epoch) = (self.current.leader, self.current.epoch);
            self.broken = Some(format!("replica {leader} was well, and its epoch {epoch} is over"));
        }
        self.current = elected;
        self.begin();
    }

    /// `Detector::led_by`: the leader is told by a ping.
    fn begin(&mut self) {
        self.new_moment();
        let Configuration { leader, epoch, .. } = self.current;
        for (id, replica) in &mut self.replicas {
            replica.leads = *id == leader && replica.health == Health::Well;
            if replica.health == Health::Well {
                replica.accepted = epoch;
            }
        }
        (self.is_leaderless, self.leader_was_unwell) = (false, false);
        let (incarnation, began_us) = (self.current.leader_incarnation.clone(), self.now_us);
        self.judge.begin(Leadership { leader, epoch, incarnation, began_us });
    }

    /// What was sent before is old news from now on.
    fn new_moment(&mut self) {
        self.now_us += 1;
        self.judge.ignore_before(self.now_us);
    }
}

fn observation(replica: ReplicaId, sent_us: u64, outcome: Outcome) -> Observation {
    Observation { replica, sent_us, ended_us: sent_us, doubted_us: None, outcome }
}

/// What a process of `id` says that has heard of nothing, in its incarnation of this number.
fn new(id: ReplicaId, incarnation: u8) -> PingReply {
    let (incarnation, disk) =
        (Incarnation::new(&incarnation.to_string()), Identity::new(&id.to_string()));
    PingReply::of_new(id, incarnation.expect("a name"), disk.expect("a name"))
}
