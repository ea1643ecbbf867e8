//! The configuration's owner, as far as the order service can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use services::front_end::beginning::{self, Past};
use services::front_end::configuration::{self, Manager};
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

/// An election between the questions and the decision, or the fence before a bazaar is adopted.
#[derive(Clone, Debug)]
pub(crate) struct Ballot {
    pub(crate) based_on: ConfigVersion,
    pub(crate) answered: BTreeMap<ReplicaId, PingReply>,
    pub(crate) catalog: Option<CatalogStatus>,
    pub(crate) cause: Cause,
    /// Without a configuration: what to fence with.
    pub(crate) fence: Option<Fence>,
}

impl Hash for Ballot {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.based_on, self.cause, &self.fence, &self.catalog).hash(hasher);
        for (id, reply) in &self.answered {
            let PingReply { incarnation, identity, bazaar, heard, last, committed, .. } = reply;
            (id, incarnation, identity, bazaar, heard, last, committed).hash(hasher);
        }
    }
}

impl FrontEnd {
    /// The configuration on disk.
    pub(crate) fn current(&self) -> Option<&Configuration> {
        self.file.as_ref()
    }

    fn manager(&self, bugs: Bugs) -> Manager {
        Manager::restored(self.file.clone()).with_bugs(bugs)
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
        let mut answered: BTreeMap<_, _> = pings.collect();
        let catalog = self.catalog.status();
        let Some(current) = self.front_end.current() else {
            return self.look(answered, catalog);
        };
        let is_behind = matches!(self.obstacle(), Some(Obstacle::CatalogBehind { .. }));
        let cause = if !self.front_end.begun {
            Cause::FrontEndRestart
        } else if !self.wants_election() && slow.is_none() && is_behind {
            Cause::ByEverybody
        } else if answered.contains_key(&current.leader) {
            Cause::LeaderRestart
        } else {
            Cause::Election
        };
        if !matches!(cause, Cause::FrontEndRestart | Cause::ByEverybody) {
            let everybody = bugs.has(Bug::ElectOutOfSync);
            answered.retain(|id, _| current.has_member(*id) || everybody);
        }
        let based_on = current.version;
        if cause == Cause::ByEverybody {
            let Some(fenced) = self.fence_all(&answered, catalog.as_ref()) else { return };
            answered = fenced;
        }
        let ballot = Ballot { based_on, answered, catalog, cause, fence: None };
        self.front_end.change(|front_end| front_end.ballot = Some(ballot));
    }

    /// L7: for a catalog that lost something all are fenced, and say then what they hold.
    fn fence_all(
        &mut self,
        answered: &BTreeMap<ReplicaId, PingReply>,
        catalog: Option<&CatalogStatus>,
    ) -> Option<BTreeMap<ReplicaId, PingReply>> {
        let current = self.front_end.current()?.clone();
        let fence = beginning::fence_above(current.epoch, answered, catalog?, &current.bazaar);
        REPLICAS.into_iter().map(|id| Some((id, self.fenced(id, &fence)?))).collect()
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
    fn look(&mut self, answered: BTreeMap<ReplicaId, PingReply>, catalog: Option<CatalogStatus>) {
        let bugs = self.make.bugs;
        let everybody: BTreeSet<_> = REPLICAS.into_iter().collect();
        let missing = beginning::missing(&everybody, &answered, catalog.as_ref(), bugs);
        let Some(catalog) = catalog.filter(|_| missing.is_empty()) else { return };
        let begun = beginning::look(&answered, &catalog, bugs);
        self.front_end.change(|front_end| match begun {
            Ok(Past::Nothing) => {
                let name = format!("bazaar-{}", front_end.stored.len());
                let bazaar = BazaarId::new(&name).expect("short and visible");
                let first = front_end.manager(bugs).first(&answered, Some(&catalog), &bazaar);
                front_end.store(first.expect("there are replicas"));
            }
            Ok(Past::Of(fence)) => {
                let answered = match bugs.has(Bug::CountBeforeFence) {
                    true => answered,
                    false => BTreeMap::new(),
                };
                front_end.ballot = Some(Ballot {
                    based_on: ConfigVersion(0),
                    answered,
                    catalog: Some(catalog),
                    cause: Cause::Adopted,
                    fence: Some(fence),
                });
            }
            Err(refused) => {
                (front_end.up, front_end.begun) = (false, false);
                front_end.refuses = Some(refused.to_string());
            }
        });
    }

    /// L4: a replica is fenced, and says what it holds.
    pub(crate) fn fence(&mut self, id: ReplicaId) {
        let Some(fence) = self.front_end.ballot.as_ref().and_then(|ballot| ballot.fence.clone())
        else {
            return;
        };
        let vouches = self.make.bugs.has(Bug::NewFileVouches);
        let fenced = self.fenced(id, &fence);
        let said = fenced.or_else(|| self.node(id).ping().filter(|_| vouches));
        let Some(reply) = said else { return };
        self.front_end.change(|front_end| {
            if let Some(ballot) = &mut front_end.ballot {
                ballot.answered.entry(id).or_insert(reply);
            }
        });
    }

    /// Whether a replica has yet to be fenced.
    pub(crate) fn is_to_be_fenced(&self, id: ReplicaId) -> bool {
        let Some(ballot) = &self.front_end.ballot else { return false };
        let Some(fence) = &ballot.fence else { return false };
        match ballot.answered.contains_key(&id) {
            false => true,
            true => self.node(id).replica().is_some_and(|known| known.accepted() < fence.epoch),
        }
    }

    /// Whether the ballot can be decided.
    pub(crate) fn is_decided(&self) -> bool {
        let Some(Ballot { fence, answered, catalog, .. }) = &self.front_end.ballot else {
            return false;
        };
        let everybody = REPLICAS.into_iter().collect();
        let missing = || beginning::missing(&everybody, answered, catalog.as_ref(), self.make.bugs);
        fence.is_none()
            || (missing().is_empty() && {
                // What came before the fence counts, but it is sent all the same.
                !REPLICAS.into_iter().any(|id| {
                    self.node(id).process.is_some()
                        && answered.contains_key(&id)
                        && self.is_to_be_fenced(id)
                        && self.node(id).disk.bazaar.is_some()
                })
            })
    }

    /// It stores who leads, unless its configuration has changed since.
    pub(crate) fn elect(&mut self) {
        let bugs = self.make.bugs;
        self.front_end.change(|front_end| {
            let Some(ballot) = front_end.ballot.take() else { return };
            let Ballot { based_on, answered, catalog, cause, fence } = ballot;
            let decided = match (&fence, &catalog) {
                (Some(fence), Some(catalog)) => {
                    let adopted = beginning::adopted(fence, &answered, catalog).ok();
                    adopted.and_then(|adopted| front_end.manager(bugs).adopt(adopted).ok())
                }
                _ => {
                    let everybody = REPLICAS.into_iter().all(|id| answered.contains_key(&id));
                    front_end
                        .manager(bugs)
                        .elect(&configuration::Ballot {
                            based_on,
                            answered,
                            everybody,
                            fenced: cause == Cause::ByEverybody,
                            catalog,
                            cause,
                            suspected_us: None,
                        })
                        .ok()
                }
            };
            if let Some(decided) = decided {
                front_end.store(decided);
            }
        });
    }
}
