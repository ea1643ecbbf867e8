//! The model of gray failures: leaders that answer pings and cannot work.
//!
//! Real are what a ping says about the leader ([`services::front_end::suspicion`]), when candidates are
//! asked and which of them are better ([`services::front_end::gray_failure`]), and whom an election chooses
//! ([`services::front_end::configuration`]). Modelled are the shells around them: one ping at a time, and
//! candidates that prove what they can do at the end of a contest.
//!
//! Three replicas, all in sync. A replica is well, or its disk hangs or is slow, or it is cut off from the
//! catalog, or the leader does not reach it, or it is weak: it can write once, and not lead. The catalog is
//! there or not. Without a fault: time passes, contests end, and whatever is broken is put right. Faults are
//! that something breaks.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use services::front_end::configuration::{Ballot, ConfigurationManager};
use services::front_end::gray_failure::{Evidence, Patience};
use services::front_end::suspicion::{Judge, Leadership, Observation, Outcome, Verdict};
use services::planted::Bugs;
use wire::configuration::{Cause, Configuration};
use wire::ids::{BazaarId, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{Part, PingReply, Unreachable, WriterHealth};

use crate::ledger::hash_printed;
use crate::search::{Before, Model};

const REPLICAS: [ReplicaId; 3] = [ReplicaId(1), ReplicaId(2), ReplicaId(3)];
/// Between two pings.
const STEP_US: u64 = 1_000;
/// The ping timeout.
const TIMEOUT_US: u64 = 2 * STEP_US;
/// Pings after which a search ends: what takes longer is looked at by what follows of itself.
const MAX_PINGS: u64 = 13;
/// Elections that may happen within those pings, whatever goes wrong: with pauses of 2 and 4 timeouts
/// there is no time for more.
const MAX_ELECTIONS: u32 = 2;
/// Pings, with nothing more going wrong, after which somebody leads who can: more than the longest pauses
/// of a few elections.
const MAX_SETTLING: usize = 400;
/// Pings until a leader is doubted, somebody else is asked in vain, and asked again.
const PINGS_TO_ACT: u32 = 8;
/// Pings in a pause of two timeouts, after the first election.
const FIRST_PAUSE: u32 = 4;
/// Elections that were held before a search begins over what there was.
const ELECTIONS_BEFORE: usize = 6;
/// Pings after those, with everything well: so long that nothing is left of the longest pause.
const PINGS_OF_HEALTH: usize = 300;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrayFailures {
    /// What there was before the search.
    pub(crate) before: Before,
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    judge: Judge,
    patience: Patience,
    current: Configuration,
    replicas: BTreeMap<ReplicaId, Replica>,
    catalog_is_up: bool,
    now_us: u64,
    /// When the search began.
    began_us: u64,
    /// Candidates are being asked.
    is_contested: bool,
    elections: u32,
    broken: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    condition: Condition,
    /// Since when its writer has been stuck.
    stuck_since_us: Option<u64>,
    /// Since when it has led without reaching the catalog.
    cut_off_since_us: Option<u64>,
    /// Since when the leader has not reached it.
    gone_since_us: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Well,
    /// Its disk hangs.
    Stuck,
    /// Every write takes longer than a ping may, and ends between two pings.
    Slow,
    /// It does not reach the catalog.
    CutOff,
    /// The others do not reach it.
    Gone,
    /// Its disk hangs under the load of a leader only.
    Weak,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Ping,
    ContestEnds,
    Become(ReplicaId, Condition),
    /// All that are well become weak: the machine is overloaded.
    Overload,
    Catalog(bool),
}

impl Hash for Watch {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // Ordered throughout: equal ones, and only those, print the same.
        hash_printed(self, hasher);
    }
}

impl Model for GrayFailures {
    type State = Watch;
    type Action = Action;

    fn start(&self) -> Watch {
        let everybody = REPLICAS.into_iter().map(|id| (id, new(id))).collect();
        let bazaar = BazaarId::new("bazaar").expect("a name");
        let first = ConfigurationManager::restored(None).first(&everybody, None, &bazaar);
        let first = first.expect("there are replicas");
        let replica = Replica {
            condition: Condition::Well,
            stuck_since_us: None,
            cut_off_since_us: None,
            gone_since_us: None,
        };
        let mut watch = Watch {
            judge: Judge::new(TIMEOUT_US).with_bugs(self.bugs),
            patience: Patience::new(TIMEOUT_US).with_bugs(self.bugs),
            current: first,
            replicas: REPLICAS.map(|id| (id, replica)).into(),
            catalog_is_up: true,
            now_us: 0,
            began_us: 0,
            is_contested: false,
            elections: 0,
            broken: None,
        };
        watch.begin();
        if self.before == Before::Trouble {
            watch.has_been_through_trouble(self.bugs);
        }
        watch
    }

    fn actions(&self, watch: &Watch) -> Vec<(Action, u8)> {
        if watch.now_us - watch.began_us >= MAX_PINGS * STEP_US {
            return Vec::new();
        }
        let mut actions = vec![(Action::Ping, 0)];
        if watch.is_contested {
            actions.push((Action::ContestEnds, 0));
        }
        let catalog = (Action::Catalog(!watch.catalog_is_up), u8::from(watch.catalog_is_up));
        actions.push(catalog);
        if watch.replicas.values().any(|replica| replica.condition == Condition::Well) {
            actions.push((Action::Overload, 1));
        }
        for (id, replica) in &watch.replicas {
            if replica.condition == Condition::Well {
                let worse = [Condition::Stuck, Condition::Slow, Condition::CutOff, Condition::Weak];
                actions.extend(worse.map(|worse| (Action::Become(*id, worse), 1)));
                // That a leader which nobody reaches is replaced is another model's affair.
                let may_go = *id != watch.current.leader;
                actions.extend(may_go.then_some((Action::Become(*id, Condition::Gone), 1)));
            } else {
                actions.push((Action::Become(*id, Condition::Well), 0));
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
        watch.broken.clone().or_else(|| self.led_by_who_cannot_for_ever(watch))
    }

    fn describe(&self, watch: &Watch, action: Action) -> String {
        let leader = watch.current.leader;
        match action {
            Action::Ping => format!("leader {leader} is pinged"),
            Action::ContestEnds => format!("everybody has had the time to do better than {leader}"),
            Action::Become(id, Condition::Well) => format!("replica {id} is well again"),
            Action::Become(id, Condition::Stuck) => format!("the disk of replica {id} hangs"),
            Action::Become(id, Condition::Slow) => {
                format!("the disk of replica {id} becomes slower than a ping may be")
            }
            Action::Become(id, Condition::Gone) => format!("nobody reaches replica {id} any more"),
            Action::Become(id, Condition::CutOff) => {
                format!("replica {id} is cut off from the catalog")
            }
            Action::Become(id, Condition::Weak) => {
                format!("the disk of replica {id} hangs whenever there is something to do")
            }
            Action::Overload => "the machine is overloaded, and every disk is weak".to_owned(),
            Action::Catalog(true) => "the catalog is back".to_owned(),
            Action::Catalog(false) => "the catalog goes down".to_owned(),
        }
    }

    fn epilogue(&self, _watch: &Watch) -> Vec<String> {
        Vec::new()
    }
}

impl GrayFailures {
    /// Whether, with nothing more happening, somebody who cannot work leads, and another could; or has to
    /// wait for longer than the elections since the search began are reason for.
    fn led_by_who_cannot_for_ever(&self, watch: &Watch) -> Option<String> {
        let well = REPLICAS.into_iter().find(|id| watch.works(*id))?;
        let mut watch = watch.clone();
        let mut waited = 0;
        for _ in 0..MAX_SETTLING {
            if watch.works(watch.current.leader) {
                return None;
            }
            let elections = watch.elections;
            if watch.is_contested {
                watch.happen(Action::ContestEnds, self.bugs);
            }
            watch.happen(Action::Ping, self.bugs);
            waited = if watch.elections == elections { waited + 1 } else { 0 };
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(watch.elections)) / 2;
            if waited > PINGS_TO_ACT + pause {
                let leader = watch.current.leader;
                return Some(format!(
                    "replica {leader} cannot work, and after {} elections replica {well}, which could, has \
                     to wait for more than {waited} pings",
                    watch.elections
                ));
            }
        }
        let leader = watch.current.leader;
        Some(format!("replica {leader} cannot work and leads, and {well}, which could, waits"))
    }
}

impl Watch {
    /// Whether it works as a leader.
    fn works(&self, id: ReplicaId) -> bool {
        self.catalog_is_up && self.replicas[&id].condition == Condition::Well
    }

    /// Whether a write and, if it has to reach it, a call to the catalog that begin now come to an end.
    fn can_prove(&self, id: ReplicaId, reach: bool) -> bool {
        let Replica { condition, stuck_since_us, .. } = self.replicas[&id];
        let writes = match condition {
            Condition::Well | Condition::Weak | Condition::CutOff => stuck_since_us.is_none(),
            Condition::Stuck | Condition::Slow | Condition::Gone => false,
        };
        let reaches = self.catalog_is_up && condition != Condition::CutOff;
        writes && (reaches || !reach)
    }

    /// One leader after the other hangs, until pauses are longest; and then all has been well for long.
    fn has_been_through_trouble(&mut self, bugs: Bugs) {
        for _ in 0..ELECTIONS_BEFORE {
            let leader = self.current.leader;
            self.happen(Action::Become(leader, Condition::Stuck), bugs);
            while self.current.leader == leader {
                if self.is_contested {
                    self.happen(Action::ContestEnds, bugs);
                }
                self.happen(Action::Ping, bugs);
            }
            self.happen(Action::Become(leader, Condition::Well), bugs);
        }
        (0..PINGS_OF_HEALTH).for_each(|_| self.happen(Action::Ping, bugs));
        (self.began_us, self.elections, self.broken) = (self.now_us, 0, None);
    }

    fn happen(&mut self, action: Action, bugs: Bugs) {
        match action {
            Action::Ping => {
                self.now_us += STEP_US;
                self.ping();
            }
            Action::ContestEnds => self.contest_ends(bugs),
            Action::Become(id, condition) => {
                let replica = self.replicas.get_mut(&id).expect("there are three");
                replica.condition = condition;
                self.note_trouble();
            }
            Action::Overload => {
                let replicas = self.replicas.values_mut();
                let well = replicas.filter(|replica| replica.condition == Condition::Well);
                well.for_each(|replica| replica.condition = Condition::Weak);
                self.note_trouble();
            }
            Action::Catalog(is_up) => {
                self.catalog_is_up = is_up;
                self.note_trouble();
            }
        }
    }

    fn could_prove(&self, id: ReplicaId, bugs: Bugs) -> bool {
        match Evidence::wanted(bugs) {
            Evidence::Ping => self.replicas[&id].condition != Condition::Gone,
            Evidence::Write { reach } => self.can_prove(id, reach),
        }
    }

    /// Since when writers are stuck, and the leader is cut off.
    fn note_trouble(&mut self) {
        let (now_us, leader) = (self.now_us, self.current.leader);
        let catalog_is_up = self.catalog_is_up;
        for (id, replica) in &mut self.replicas {
            let leads = *id == leader;
            let is_stuck = match replica.condition {
                Condition::Stuck => true,
                Condition::Weak => leads && catalog_is_up,
                Condition::Well | Condition::Slow | Condition::CutOff | Condition::Gone => false,
            };
            let is_cut_off = leads && (replica.condition == Condition::CutOff || !catalog_is_up);
            let since = |since: Option<u64>, is| if is { since.or(Some(now_us)) } else { None };
            replica.stuck_since_us = since(replica.stuck_since_us, is_stuck);
            replica.cut_off_since_us = since(replica.cut_off_since_us, is_cut_off);
            let is_gone = replica.condition == Condition::Gone;
            replica.gone_since_us = since(replica.gone_since_us, is_gone);
        }
    }

    fn reply(&self, id: ReplicaId) -> PingReply {
        let replica = &self.replicas[&id];
        let leads = id == self.current.leader;
        let for_us = |since_us: Option<u64>| since_us.map(|since_us| self.now_us - since_us);
        let gone = self.replicas.iter().filter(|_| leads);
        let gone = gone.map(|(id, replica)| (Part::Replica(*id), replica.gone_since_us));
        let unreachable = gone.chain([(Part::Catalog, replica.cut_off_since_us)]);
        let unreachable = unreachable.filter_map(|(peer, since_us)| {
            Some(Unreachable { peer, since_ms: for_us(since_us)? / 1000 })
        });
        let is_slow = leads && self.catalog_is_up && replica.condition == Condition::Slow;
        PingReply {
            bazaar: Some(self.current.bazaar.clone()),
            epoch: self.current.epoch,
            leading: leads,
            serving: leads,
            health: WriterHealth {
                unfinished_us: for_us(replica.stuck_since_us).unwrap_or(0),
                last_took_us: if is_slow { TIMEOUT_US + STEP_US } else { 0 },
            },
            unreachable: unreachable.collect(),
            ..new(id)
        }
    }

    /// `Detector::consider`, of a ping that is over in no time.
    fn ping(&mut self) {
        let (replica, now_us) = (self.current.leader, self.now_us);
        let outcome = Outcome::Answered(self.reply(replica));
        let seen =
            Observation { replica, sent_us: now_us, ended_us: now_us, doubted_us: None, outcome };
        match self.judge.judge(&seen) {
            Verdict::Trusted => self.patience.trusted(now_us),
            Verdict::Doubted(..) => {
                if self.works(replica) {
                    self.broken = Some(format!(
                        "replica {replica} works, and everybody has to prove something"
                    ));
                }
                if self.patience.doubted(now_us) {
                    self.is_contested = true;
                }
            }
            Verdict::Unrelated => {}
            Verdict::Absent | Verdict::Deposed(_) => {
                self.broken = Some(format!("replica {replica}, which answers, counts as gone"));
            }
        }
    }

    /// `Detector::decide`.
    fn contest_ends(&mut self, bugs: Bugs) {
        self.is_contested = false;
        let leader = self.current.leader;
        let proved = REPLICAS.into_iter().filter(|id| self.could_prove(*id, bugs));
        let proofs = proved.map(|id| (id, self.reply(id))).collect();
        let better = self.patience.better(leader, OrderNo(0), proofs);
        let elected = better.map(|better| self.elect(better, bugs));
        self.patience.concluded(elected.as_ref().map(|_| leader), self.now_us);
        let Some(elected) = elected else { return };
        self.elections += 1;
        let chosen = elected.leader;
        if !self.can_prove(chosen, true) {
            self.broken = Some(format!("replica {chosen} is elected, and can work no better"));
        }
        if self.works(leader) {
            self.broken = Some(format!("replica {leader} is deposed, and could work"));
        }
        if self.elections > MAX_ELECTIONS {
            let timeouts = self.now_us / TIMEOUT_US;
            let elections = self.elections;
            self.broken = Some(format!("{elections} elections within {timeouts} timeouts"));
        }
        self.current = elected;
        self.begin();
    }

    fn elect(&self, better: BTreeMap<ReplicaId, PingReply>, bugs: Bugs) -> Configuration {
        let manager = ConfigurationManager::restored(Some(self.current.clone())).with_bugs(bugs);
        let ballot = Ballot {
            based_on: self.current.version,
            answered: better,
            everybody: false,
            fenced: false,
            catalog: None,
            cause: Cause::GrayFailure,
            suspected_us: None,
        };
        manager.elect(&ballot).expect("somebody is better, and nobody else changes anything")
    }

    fn begin(&mut self) {
        let Configuration { leader, epoch, .. } = self.current;
        let (incarnation, began_us) = (self.current.leader_incarnation.clone(), self.now_us);
        self.judge.begin(Leadership { leader, epoch, incarnation, began_us });
        self.note_trouble();
    }
}

fn new(id: ReplicaId) -> PingReply {
    let (incarnation, disk) = (Incarnation::new(&id.to_string()), Identity::new(&id.to_string()));
    PingReply::of_new(id, incarnation.expect("a name"), disk.expect("a name"))
}
