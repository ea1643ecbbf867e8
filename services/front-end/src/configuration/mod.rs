//! The configuration manager's decisions: who leads, since when, with which in-sync set.
//!
//! The invariant: every change is a compare-and-set on the version that the decision was based
//! on, read before any replica was probed (rule R1, invariant I5). Without it an election that has
//! probed 1, 2 and 3 and picks 2 overwrites the removal of 2, stored meanwhile, after which the old
//! leader has acknowledged an order that 2 lacks.
//!
//! A decision changes nothing by itself: the shell writes it to disk first and then
//! [records](ConfigurationManager::record) it, so nobody learns of a configuration that a crash could undo.
//! The module knows neither sockets, disks nor clocks.

use std::collections::{BTreeMap, VecDeque};

use base::planted::{Bug, Bugs};
use wire::configuration::{
    Cause, Configuration, ConfigurationChange, History, Member, Membership, MembershipRequest,
};
use wire::ids::{BazaarId, ConfigVersion, Epoch, OrderNo, ReplicaId};
use wire::internal::{CatalogStatus, PingReply};

use super::loss::{self, Loss};

/// How many changes are remembered: hours of failures, in a few hundred kilobytes.
const MAX_HISTORY: usize = 1024;

/// The current configuration, and how it came about.
#[derive(Debug)]
pub struct ConfigurationManager {
    current: Option<Configuration>,
    /// The highest number that any replica has said to be committed (rule L3).
    floor: OrderNo,
    changes: VecDeque<ConfigurationChange>,
    bugs: Bugs,
}

/// What an election is decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The version that was current before anybody was asked.
    pub based_on: ConfigVersion,
    /// Who answered, and how.
    pub answered: BTreeMap<ReplicaId, PingReply>,
    /// Whether that is every configured replica, but for those that the operator leaves out (rule L7).
    pub everybody: bool,
    /// Whether they were fenced, and this is what they said after that: only so the longest log of all is
    /// known, as without a configuration (rules L4 and L7).
    pub fenced: bool,
    /// What the catalog said last, if it has said anything.
    pub catalog: Option<CatalogStatus>,
    /// Why there is an election.
    pub cause: Cause,
    /// When the old leader was first doubted.
    pub suspected_us: Option<u64>,
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no configuration yet.
    #[error("there is no configuration yet")]
    NoConfiguration,
    /// There is a configuration already, so there can be no first one.
    #[error("there is a configuration already")]
    NotTheFirst,
    /// There are no replicas to configure.
    #[error("there are no replicas")]
    NoReplicas,
    /// The decision was based on a configuration that is no longer current.
    #[error("it was based on an older configuration than version {}", .0.version)]
    Stale(Configuration),
    /// No replica of the in-sync set has answered, and no other may lead.
    #[error("no in-sync replica answered")]
    NoCandidate,
    /// Every member of the in-sync set has lost its file.
    #[error("{0}")]
    Lost(Loss),
    /// The leader neither removes nor adds itself: it leads, so it is a member.
    #[error("replica {0} leads: it can be neither removed nor added")]
    Leader(ReplicaId),
    /// A member is a replica and its database (rule L1).
    #[error("identity: missing: replica {0} cannot be added without it")]
    NoIdentity(ReplicaId),
    /// The front-end is about to end.
    #[error("the front-end is stopping")]
    Stopping,
}

impl ConfigurationManager {
    /// Starts from what is on disk. What happened before is not remembered.
    #[must_use]
    pub fn restored(current: Option<Configuration>) -> Self {
        let floor = current.as_ref().map_or(OrderNo(0), |current| current.committed);
        Self { current, floor, changes: VecDeque::new(), bugs: Bugs::default() }
    }

    /// The same manager with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// The current configuration.
    #[must_use]
    pub fn current(&self) -> Option<&Configuration> {
        self.current.as_ref()
    }

    /// The highest number that is known to be committed.
    #[must_use]
    pub fn floor(&self) -> OrderNo {
        self.floor
    }

    /// A replica of this bazaar says that it knows this to be committed (rule L3). Says whether that is
    /// news.
    pub fn note_committed(&mut self, reply: &PingReply) -> bool {
        let Some(current) = &self.current else { return false };
        let is_news = reply.committed > self.floor
            && reply.bazaar.as_ref() == Some(&current.bazaar)
            && !self.bugs.has(Bug::KeepNoFloor);
        if is_news {
            self.floor = reply.committed;
        }
        is_news
    }

    /// A client was told this number, so it is committed (rule R7).
    pub fn note_answered(&mut self, order_no: OrderNo) {
        if self.current.is_some() {
            self.floor = self.floor.max(order_no);
        }
    }

    /// The current configuration as it is to be written down again, without being a new one, because
    /// more is known to be committed by now; `None` if nothing is.
    #[must_use]
    pub fn with_floor(&self) -> Option<Configuration> {
        let current = self.current.as_ref().filter(|current| current.committed < self.floor)?;
        Some(Configuration { committed: self.floor, ..current.clone() })
    }

    /// The first configuration of an empty bazaar: everybody is in sync, the highest id leads.
    ///
    /// # Errors
    /// If there is a configuration, or nobody to configure.
    pub fn first(
        &self,
        replicas: &BTreeMap<ReplicaId, PingReply>,
        catalog: Option<&CatalogStatus>,
        bazaar: &BazaarId,
    ) -> Result<Configuration, Refused> {
        if self.current.is_some() {
            return Err(Refused::NotTheFirst);
        }
        let leader = replicas.values().next_back().ok_or(Refused::NoReplicas)?;
        Ok(Configuration {
            version: ConfigVersion(1),
            epoch: Epoch(1),
            leader: leader.id,
            leader_incarnation: leader.incarnation.clone(),
            in_sync: replicas.values().map(member).collect(),
            bazaar: bazaar.clone(),
            committed: OrderNo(0),
            by_everybody: true,
            new_catalog: catalog
                .filter(|catalog| catalog.is_new)
                .map(|catalog| catalog.identity.clone()),
        })
    }

    /// Takes over a bazaar whose configuration was lost, as [`adopted`](super::start_check::adopted) has
    /// worked it out.
    ///
    /// # Errors
    /// If there is a configuration.
    pub fn adopt(&self, adopted: Configuration) -> Result<Configuration, Refused> {
        match self.current {
            Some(_) => Err(Refused::NotTheFirst),
            None => Ok(adopted),
        }
    }

    /// Begins a new epoch under the member with the longest log among those that answered (rule L3).
    ///
    /// Of equally long logs the highest id's; after a restart of the front-end the recorded leader's.
    /// Its epoch is new all the same, since it may have been restarted meanwhile (rule R4), and above
    /// every epoch that anybody has heard of (rule L5). The in-sync set stays as it is: only a leader
    /// removes and adds members (rule R2).
    ///
    /// # Errors
    /// If the configuration has changed since the ballot was begun, or nobody who answered may lead.
    pub fn elect(&self, ballot: &Ballot) -> Result<Configuration, Refused> {
        let current = self.current.as_ref().ok_or(Refused::NoConfiguration)?;
        if current.version != ballot.based_on && !self.bugs.has(Bug::NoCompareAndSet) {
            return Err(Refused::Stale(current.clone()));
        }
        let ours = ballot.answered.values().filter(|reply| self.belongs(reply, current));
        let new_catalog = ballot.catalog.as_ref().filter(|catalog| {
            let is_ours = catalog.bazaar.as_ref().is_none_or(|bazaar| *bazaar == current.bazaar);
            ballot.everybody && ballot.fenced && catalog.is_new && is_ours
        });
        // A new catalog is filled from the longest log there is; but not from what is left of nothing.
        // *Otherwise: all replicas' files and the catalog's are lost; the bazaar begins anew, in silence.*
        // And only once all are fenced. *Otherwise: replica 1, removed, holds #11, which leader 3 has not
        // flushed yet, and is chosen; 3 flushes it, commits #12 with 2, and hears of the new epoch only
        // then: 1 cuts #12, and the catalog that held it is gone.* (A member has what is committed, however
        // late: that is what it is waited for.)
        let lost = loss::of(current, self.floor, &ballot.answered, ballot.catalog.as_ref());
        let candidates = ours.clone().filter(|reply| {
            let by_all =
                new_catalog.is_some() && lost.is_none() && !self.bugs.has(Bug::FillFromMember);
            by_all || self.may_lead(current, reply)
        });
        let leader = candidates
            .max_by_key(|reply| {
                let is_kept = ballot.cause == Cause::FrontEndRestart && reply.id == current.leader;
                let length =
                    if self.elects_by_id() { Default::default() } else { reply.last.length() };
                (length, is_kept, self.may_lead(current, reply), reply.id)
            })
            .ok_or_else(|| lost.clone().map_or(Refused::NoCandidate, Refused::Lost))?;
        let mut in_sync = current.in_sync.clone();
        in_sync.retain(|member| member.id != leader.id);
        in_sync.push(member(leader));
        in_sync.sort_unstable();
        let said = ours.clone().map(|reply| reply.committed).max().unwrap_or_default();
        Ok(Configuration {
            version: current.version.next(),
            epoch: self.highest_epoch(current, ballot).next(),
            leader: leader.id,
            leader_incarnation: leader.incarnation.clone(),
            in_sync,
            bazaar: current.bazaar.clone(),
            committed: if self.bugs.has(Bug::NoFloor) { OrderNo(0) } else { self.floor.max(said) },
            by_everybody: ballot.everybody,
            new_catalog: new_catalog.map(|catalog| catalog.identity.clone()),
        })
    }

    /// Who may lead in ordinary times: the databases of the in-sync set (rules R3 and L1).
    #[must_use]
    pub fn may_lead(&self, current: &Configuration, reply: &PingReply) -> bool {
        // Without the comparison the choice is among those who were members when they were asked.
        let is_careless = self.bugs.has(Bug::ElectOutOfSync) || self.bugs.has(Bug::NoCompareAndSet);
        let by_id = self.bugs.has(Bug::MemberByIdAlone) && current.has_member(reply.id);
        current.is_in_sync(reply.id, &reply.identity) || by_id || is_careless
    }

    /// Whether it is a replica of this bazaar, or one that has not heard of any yet (rule L1).
    fn belongs(&self, reply: &PingReply, current: &Configuration) -> bool {
        let is_ours = reply.bazaar.as_ref().is_none_or(|bazaar| *bazaar == current.bazaar);
        is_ours || self.bugs.has(Bug::TakeAnyBazaar)
    }

    fn elects_by_id(&self) -> bool {
        let bugs = [Bug::ElectHighestId, Bug::ElectOutOfSync, Bug::NoCompareAndSet];
        bugs.into_iter().any(|bug| self.bugs.has(bug))
    }

    fn highest_epoch(&self, current: &Configuration, ballot: &Ballot) -> Epoch {
        if self.bugs.has(Bug::NoEpochInquiry) {
            return current.epoch;
        }
        let catalog = ballot.catalog.as_ref().map(|catalog| catalog.epoch);
        let heard = ballot.answered.values().map(|reply| reply.heard.max(reply.epoch));
        heard.chain(catalog).fold(current.epoch, Epoch::max)
    }

    /// Removes or adds a member, as the leader asks.
    ///
    /// Every accepted request raises the version, even where the set stays the same: a removal
    /// must outdate a request to add the same member that is still on its way (rule R2).
    pub fn change_membership(&self, request: &MembershipRequest) -> Result<Configuration, Refused> {
        let current = self.current.as_ref().ok_or(Refused::NoConfiguration)?;
        if current.version != request.version || current.epoch != request.epoch {
            return Err(Refused::Stale(current.clone()));
        }
        if request.member == current.leader {
            return Err(Refused::Leader(request.member));
        }
        // The leader is a member and stays one, so the set is never emptied (rule R3).
        let mut in_sync = current.in_sync.clone();
        in_sync.retain(|member| member.id != request.member);
        if request.change == Membership::Add {
            let id = request.member;
            let identity = request.identity.clone().ok_or(Refused::NoIdentity(id))?;
            in_sync.push(Member { id, identity });
            in_sync.sort_unstable();
        }
        let is_quiet = self.bugs.has(Bug::QuietRemoval) && !current.has_member(request.member);
        let version = if is_quiet && request.change == Membership::Remove {
            current.version
        } else {
            current.version.next()
        };
        let committed = if self.bugs.has(Bug::NoFloor) { OrderNo(0) } else { self.floor };
        Ok(Configuration { version, in_sync, committed, ..current.clone() })
    }

    /// Makes `configuration`, which is on disk by now, the current one.
    pub fn record(
        &mut self,
        configuration: Configuration,
        cause: Cause,
        suspected_us: Option<u64>,
        stored_us: u64,
    ) {
        self.floor = self.floor.max(configuration.committed);
        self.current = Some(configuration.clone());
        if self.changes.len() == MAX_HISTORY {
            self.changes.pop_front();
        }
        let serving_us = None;
        let change =
            ConfigurationChange { configuration, cause, suspected_us, stored_us, serving_us };
        self.changes.push_back(change);
    }

    /// Notes when the leader of `epoch` was first known to serve.
    pub fn note_serving(&mut self, epoch: Epoch, serving_us: u64) {
        let began = self.changes.iter_mut().find(|change| change.configuration.epoch == epoch);
        if let Some(change) = began {
            change.serving_us.get_or_insert(serving_us);
        }
    }

    /// What is remembered, oldest first.
    #[must_use]
    pub fn history(&self) -> History {
        History { changes: self.changes.iter().cloned().collect() }
    }
}

fn member(reply: &PingReply) -> Member {
    Member { id: reply.id, identity: reply.identity.clone() }
}

#[cfg(test)]
mod tests;
