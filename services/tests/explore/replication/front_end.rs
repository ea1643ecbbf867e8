//! The configuration's owner, as far as the order service can tell.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use services::front_end::configuration::{self, ConfigurationManager};
use services::front_end::fence::{self, Answers};
use services::front_end::start_check::{self, Past};
use services::order::replica::Replica;
use services::planted::{Bug, Bugs};
use wire::configuration::{Cause, Configuration, Fence, MembershipRequest};
use wire::ids::{BazaarId, ConfigVersion, Incarnation, ReplicaId};
use wire::internal::{CatalogStatus, Obstacle, PingReply};

use super::node::REPLICAS;
use super::world::World;

/// The front-end.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct FrontEnd {
    pub(crate) up: bool,
    /// Whether it has begun an epoch since it was started.
    pub(crate) begun: bool,
    /// Why it has ended, if it must not serve.
    pub(crate) refuses: Option<String>,
    pub(crate) ballot: Option<Ballot>,
    /// Every configuration that was ever on disk: it may yet be heard of.
    pub(crate) stored: Vec<Configuration>,
    /// The one that is there now.
    pub(crate) file: Option<Configuration>,
}

/// An election between the questions and the decision.
#[derive(Clone, Debug)]
pub(crate) struct Ballot {
    based_on: ConfigVersion,
    /// Who was asked, and what they said.
    pub(crate) asked: Answers,
    catalog: Option<CatalogStatus>,
    cause: Cause,
    /// Before the longest of all logs is looked for, they are fenced.
    fencing: Option<Fencing>,
}

/// What all are fenced with, and what they said after that.
#[derive(Clone, Debug)]
struct Fencing {
    fence: Fence,
    fenced: Answers,
}

impl Hash for Ballot {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { based_on, asked, catalog, cause, fencing } = self;
        (based_on, cause, catalog).hash(hasher);
        hash_answers(asked, hasher);
        fencing.is_some().hash(hasher);
        if let Some(Fencing { fence, fenced }) = fencing {
            fence.hash(hasher);
            hash_answers(fenced, hasher);
        }
    }
}

fn hash_answers<H: Hasher>(answers: &Answers, hasher: &mut H) {
    answers.len().hash(hasher);
    for (id, reply) in answers {
        let PingReply { incarnation, identity, bazaar, heard, last, committed, .. } = reply;
        (id, incarnation, identity, bazaar, heard, last, committed).hash(hasher);
    }
}

impl FrontEnd {
    /// The configuration on disk.
    pub(crate) fn current(&self) -> Option<&Configuration> {
        self.file.as_ref()
    }

    fn manager(&self, bugs: Bugs) -> ConfigurationManager {
        ConfigurationManager::restored(self.file.clone()).with_bugs(bugs)
    }

    /// Stores a configuration.
    pub(crate) fn store(&mut self, configuration: Configuration) {
        self.begun = true;
        self.file = Some(configuration.clone());
        self.stored.push(configuration);
    }

    /// What a leader's request comes to; a front-end without a configuration does not answer.
    pub(crate) fn change(
        &mut self,
        request: &MembershipRequest,
        bugs: Bugs,
    ) -> Option<Configuration> {
        if let Ok(changed) = self.manager(bugs).change_membership(request) {
            self.file = Some(changed.clone());
            self.stored.push(changed);
        }
        self.file.clone()
    }
}

impl World {
    /// The first configuration, for empty replicas that answer.
    pub(crate) fn begin(&mut self) {
        self.front_end.change(|front_end| front_end.up = true);
        self.ask_around(None);
        if self.front_end.file.is_none() {
            self.elect();
        }
    }

    /// L3: by its pings, and then to its disk, the front-end comes to know what is committed.
    pub(crate) fn note_committed(&mut self) {
        let mut manager = self.front_end.manager(self.make.bugs);
        for reply in REPLICAS.into_iter().filter_map(|id| self.node(id).ping()) {
            manager.note_committed(&reply);
        }
        let noted = manager.with_floor();
        self.front_end.change(|front_end| front_end.file = noted.or(front_end.file.take()));
    }

    /// The process of the front-end dies.
    pub(crate) fn crash_front_end(&mut self) {
        self.front_end.change(|front_end| {
            (front_end.up, front_end.begun, front_end.ballot) = (false, false, None);
        });
    }

    /// It is back; it begins a new epoch before it does anything else.
    pub(crate) fn restart_front_end(&mut self) {
        self.front_end.change(|front_end| (front_end.up, front_end.refuses) = (true, None));
    }

    /// Whether there is reason to look for another leader.
    pub(crate) fn wants_election(&self) -> bool {
        let Some(current) = self.front_end.current() else { return true };
        let process = self.node(current.leader).process.as_ref();
        let is_chosen = |incarnation: &Incarnation| *incarnation == current.leader_incarnation;
        // One that was fenced does not lead any more.
        let leads = |replica: &Replica| replica.accepted() <= current.epoch;
        let is_well = process
            .is_some_and(|process| is_chosen(&process.incarnation) && leads(&process.replica));
        !self.front_end.begun || !is_well
    }

    /// What the leader of the current epoch says that it cannot do.
    pub(crate) fn obstacle(&self) -> Option<&Obstacle> {
        self.leader()?.replica()?.obstacle()
    }

    /// Whether the leader's obstacle is one that another election may help against.
    pub(crate) fn may_be_helped(&self) -> bool {
        let Some(current) = self.front_end.current() else { return false };
        if !self.front_end.begun {
            return false;
        }
        let pings = || REPLICAS.into_iter().filter_map(|id| self.node(id).ping());
        match self.obstacle() {
            Some(Obstacle::CatalogBehind { .. }) => {
                self.catalog.is_up() && pings().count() == REPLICAS.len()
            }
            Some(Obstacle::ShortOfCommitted { .. } | Obstacle::Refused { .. }) => {
                let leader = self.node(current.leader).ping().map(|reply| reply.last.length());
                pings().any(|reply| {
                    current.is_in_sync(reply.id, &reply.identity)
                        && Some(reply.last.length()) > leader
                })
            }
            _ => false,
        }
    }

    /// The front-end reads its version, then asks who is there; `slow` does not answer in time.
    pub(crate) fn ask_around(&mut self, slow: Option<ReplicaId>) {
        let bugs = self.make.bugs;
        let pings = REPLICAS.into_iter().filter(|id| Some(*id) != slow);
        let pings = pings.filter_map(|id| Some((id, self.node(id).ping()?)));
        let mut asked: Answers = pings.collect();
        let catalog = self.catalog.status();
        let Some(current) = self.front_end.current() else {
            return self.look(asked, catalog);
        };
        let is_behind = matches!(self.obstacle(), Some(Obstacle::CatalogBehind { .. }));
        let cause = if !self.front_end.begun {
            Cause::FrontEndRestart
        } else if !self.wants_election() && slow.is_none() && is_behind {
            Cause::ByEverybody
        } else if asked.contains_key(&current.leader) {
            Cause::LeaderRestart
        } else {
            Cause::Election
        };
        if !matches!(cause, Cause::FrontEndRestart | Cause::ByEverybody) {
            let everybody = bugs.has(Bug::ElectOutOfSync);
            asked.retain(|id, _| current.has_member(*id) || everybody);
        }
        let based_on = current.version;
        // L7: for a catalog that lost something all are fenced, and say then what they hold.
        let catalogs = catalog.as_ref().filter(|_| cause == Cause::ByEverybody);
        let fencing = catalogs.map(|catalog| {
            let fence = fence::above(current.epoch, &asked, catalog, &current.bazaar, bugs);
            Fencing { fence, fenced: Answers::new() }
        });
        let ballot = Ballot { based_on, asked, catalog, cause, fencing };
        self.front_end.change(|front_end| front_end.ballot = Some(ballot));
    }

    /// What a replica says once it is fenced; `None` if it refuses, or is not there.
    fn fenced(&mut self, id: ReplicaId, fence: &Fence) -> Option<PingReply> {
        let fenced = self.run(id, |node, wishes| {
            let mut fenced = false;
            node.take(wishes, |replica| match replica.fence(fence) {
                Ok(effects) => {
                    fenced = true;
                    effects
                }
                Err(_) => Vec::new(),
            });
            fenced
        });
        self.node(id).ping().filter(|_| fenced)
    }

    /// L4: a front-end without a configuration.
    fn look(&mut self, asked: Answers, catalog: Option<CatalogStatus>) {
        let bugs = self.make.bugs;
        let missing = start_check::missing(&everybody(), &asked, catalog.as_ref(), bugs);
        let Some(catalog) = catalog.filter(|_| missing.is_empty()) else { return };
        let begun = start_check::look(&asked, &catalog, bugs);
        self.front_end.change(|front_end| match begun {
            Ok(Past::Nothing) => {
                let name = format!("bazaar-{}", front_end.stored.len());
                let bazaar = BazaarId::new(&name).expect("short and visible");
                let first = front_end.manager(bugs).first(&asked, Some(&catalog), &bazaar);
                front_end.store(first.expect("there are replicas"));
            }
            Ok(Past::Of(fence)) => {
                front_end.ballot = Some(Ballot {
                    based_on: ConfigVersion(0),
                    asked,
                    catalog: Some(catalog),
                    cause: Cause::Adopted,
                    fencing: Some(Fencing { fence, fenced: Answers::new() }),
                });
            }
            Err(refused) => {
                (front_end.up, front_end.begun) = (false, false);
                front_end.refuses = Some(refused.to_string());
            }
        });
    }

    fn fencing(&self) -> Option<&Fencing> {
        self.front_end.ballot.as_ref()?.fencing.as_ref()
    }

    /// L4, L7: a replica is fenced, and says what it holds.
    pub(crate) fn fence(&mut self, id: ReplicaId) {
        let Some(fence) = self.fencing().map(|fencing| fencing.fence.clone()) else { return };
        let vouches = self.make.bugs.has(Bug::NewFileVouches);
        let fenced = self.fenced(id, &fence);
        let said = fenced.or_else(|| self.node(id).ping().filter(|_| vouches));
        let Some(reply) = said else { return };
        self.front_end.change(|front_end| {
            let ballot = front_end.ballot.as_mut();
            if let Some(fencing) = ballot.and_then(|ballot| ballot.fencing.as_mut()) {
                fencing.fenced.insert(id, reply);
            }
        });
    }

    /// Whether a replica has yet to be fenced.
    pub(crate) fn is_to_be_fenced(&self, id: ReplicaId) -> bool {
        self.fencing().is_some_and(|fencing| !fencing.fenced.contains_key(&id))
    }

    /// Whether the ballot can be decided, or is given up: a catalog is filled later if somebody cannot be
    /// fenced now.
    pub(crate) fn is_decided(&self) -> bool {
        let Some(ballot) = &self.front_end.ballot else { return false };
        let Some(Fencing { fenced, .. }) = &ballot.fencing else { return true };
        let cannot = |id: ReplicaId| {
            let node = self.node(id);
            node.process.is_none() || node.disk.bazaar.is_none()
        };
        match ballot.cause {
            Cause::ByEverybody => {
                REPLICAS.into_iter().all(|id| fenced.contains_key(&id) || cannot(id))
            }
            _ => {
                let (catalog, bugs) = (ballot.catalog.as_ref(), self.make.bugs);
                start_check::missing(&everybody(), fenced, catalog, bugs).is_empty()
            }
        }
    }

    /// Whether the front-end looks for the longest of all logs.
    pub(crate) fn is_fencing(&self) -> bool {
        self.fencing().is_some()
    }

    /// It stores who leads, unless its configuration has changed since.
    pub(crate) fn elect(&mut self) {
        let bugs = self.make.bugs;
        self.front_end.change(|front_end| {
            let Some(ballot) = front_end.ballot.take() else { return };
            if let Some(decided) = front_end.decide(ballot, bugs) {
                front_end.store(decided);
            }
        });
    }
}

impl FrontEnd {
    fn decide(&self, ballot: Ballot, bugs: Bugs) -> Option<Configuration> {
        let Ballot { based_on, asked, catalog, cause, fencing } = ballot;
        let answered = match fencing {
            None => asked,
            Some(Fencing { fence, fenced }) if cause == Cause::Adopted => {
                let counted = fence::counted(asked, fenced, bugs);
                let adopted =
                    start_check::adopted(&fence, &counted, catalog.as_ref()?, bugs).ok()?;
                return self.manager(bugs).adopt(adopted).ok();
            }
            Some(Fencing { fenced, .. }) => {
                fence::by_everybody(&everybody(), asked, fenced, bugs).ok()?
            }
        };
        let ballot = configuration::Ballot {
            based_on,
            everybody: REPLICAS.into_iter().all(|id| answered.contains_key(&id)),
            answered,
            fenced: cause == Cause::ByEverybody,
            catalog,
            cause,
            suspected_us: None,
        };
        self.manager(bugs).elect(&ballot).ok()
    }
}

fn everybody() -> BTreeSet<ReplicaId> {
    REPLICAS.into_iter().collect()
}
