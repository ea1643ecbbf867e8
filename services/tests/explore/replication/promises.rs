//! What must be true in every state of the replication model.

use std::collections::BTreeSet;
use std::sync::Arc;

use wire::configuration::{Configuration, Member};
use wire::ids::RequestId;
use wire::internal::{Entry, Obstacle};

use super::node::REPLICAS;
use super::world::World;

impl World {
    /// The promise that is broken, if one is: by a step, or in how things stand.
    pub(crate) fn broken_promise(&self) -> Option<String> {
        self.broken
            .clone()
            .or_else(|| self.twice())
            .or_else(|| self.lost())
            .or_else(|| self.usurped())
    }

    /// A client's trade is applied once, and numbered once.
    fn twice(&self) -> Option<String> {
        let mut applied = BTreeSet::new();
        for record in &self.catalog.file.records {
            if !applied.insert(trade_of(&record.request_id)) {
                return Some(format!("{} was applied twice", trade_of(&record.request_id)));
            }
        }
        let mut numbered = BTreeSet::new();
        let twice = self.promised.orders.values().find(|id| !numbered.insert(trade_of(id)));
        twice.map(|id| format!("{} has two numbers", trade_of(id)))
    }

    /// The leader has what clients were promised, and shows it once it serves.
    fn lost(&self) -> Option<String> {
        let leader = self.leader()?;
        // Over an old file it may lack something until the catalog's list has made its log whole (rule
        // L7). As long as all files are whole no leader needs that: the catalog's may be lost next.
        let replica = leader.replica().filter(|replica| self.is_whole || replica.is_serving())?;
        for (order_no, id) in &self.promised.orders {
            let held = replica.log().get(*order_no).map(|entry| &entry.request_id);
            if held != Some(id) {
                let held = held.map_or("nothing", RequestId::as_str);
                return Some(format!(
                    "#{order_no} was seen as {id}; replica {} leads epoch {} with {held} there",
                    leader.id,
                    replica.accepted(),
                ));
            }
            if replica.is_serving() && leader.shown() < *order_no {
                return Some(format!("a lookup of #{order_no}, seen as {id}, is answered 404"));
            }
        }
        None
    }

    /// Rules R4 and L5: a leadership belongs to the process that was chosen, which may be on another copy
    /// of its file than the one before it.
    fn usurped(&self) -> Option<String> {
        let current = self.front_end.current()?;
        let incarnation = &self.leader()?.process.as_ref()?.incarnation;
        (*incarnation != current.leader_incarnation)
            .then(|| format!("{incarnation} leads instead of {}", current.leader_incarnation))
    }

    /// What must be true besides, once everything has come to rest and everybody is well: the
    /// catalog and the logs agree, and all logs are the same.
    pub(crate) fn unsettled(&self, everybody: bool) -> Option<String> {
        let Some(current) = self.front_end.current() else {
            // It refuses if a replica's file is new as well, which cannot vouch for anything, or if one is
            // another bazaar's.
            let mut files = REPLICAS.iter().map(|id| &self.node(*id).disk.bazaar);
            let first = &self.node(REPLICAS[0]).disk.bazaar;
            if files.any(|bazaar| bazaar.is_none() || bazaar != first) {
                return None;
            }
            let why = self.front_end.refuses.as_deref().unwrap_or("it waits");
            return Some(format!("the front-end never comes to have a configuration: {why}"));
        };
        if self.may_stand_still(current) {
            return None;
        }
        let Some(replica) = self.leader().and_then(|leader| leader.replica()) else {
            return Some(format!("nobody leads epoch {}", current.epoch));
        };
        if !replica.is_serving() {
            let why = replica.obstacle().map_or_else(String::new, ToString::to_string);
            return Some(format!("replica {} never comes to serve: {why}", current.leader));
        }
        if !self.catalog.is_open() {
            return Some("the catalog never comes to decide trades".to_owned());
        }
        let last = replica.log().last().order_no;
        for record in &self.catalog.file.records {
            if replica.log().number_of(&record.request_id).is_none() {
                return Some(format!("{} is applied and never numbered", record.request_id));
            }
        }
        if replica.committed() < last {
            return Some(format!("#{last} is never committed"));
        }
        let numbers = usize::try_from(last.0).unwrap_or(usize::MAX);
        if numbers != self.catalog.file.records.len() {
            return Some(format!(
                "{numbers} orders for {} trades",
                self.catalog.file.records.len()
            ));
        }
        if everybody && current.in_sync.len() < REPLICAS.len() {
            return Some(format!("only {} of 3 are ever in sync again", current.in_sync.len()));
        }
        let stranger = current.in_sync.iter().find(|member| {
            let node = self.node(member.id);
            node.process.is_some() && node.disk.identity != member.identity
        });
        if let Some(Member { id, identity }) = stranger {
            return Some(format!("{identity} is in sync, which replica {id} does not have"));
        }
        let log = &self.node(current.leader).disk.entries;
        // The same trade in the same place may stand under another epoch below the commit mark.
        let same = |held: &[Arc<Entry>]| {
            held.len() == log.len() && held.iter().zip(log).all(|(a, b)| a.is_same_trade(b))
        };
        let differs = |id: &_| current.has_member(*id) && !same(&self.node(*id).disk.entries);
        REPLICAS.into_iter().find(differs).map(|id| {
            format!(
                "replica {id} is in sync, and does not hold what replica {} holds",
                current.leader
            )
        })
    }
}

impl World {
    /// Whether nothing can go on until somebody who is down is back, or a file that is gone for good: with
    /// no file of an in-sync replica left the front-end refuses, and a catalog that lost something, or a
    /// log that lacks what is committed, waits for those that are down.
    fn may_stand_still(&self, current: &Configuration) -> bool {
        let is_left = |member: &Member| self.node(member.id).disk.identity == member.identity;
        let is_up = |id: &_| self.node(*id).process.is_some();
        let waits = matches!(
            self.obstacle(),
            Some(Obstacle::CatalogBehind { .. } | Obstacle::ShortOfCommitted { .. })
        );
        let can_lead = |member: &Member| is_left(member) && is_up(&member.id);
        // And anybody who meets a catalog that went on by itself stops: an operator has to say which is right.
        self.is_astray
            || !current.in_sync.iter().any(is_left)
            || !(REPLICAS.iter().all(is_up) || current.in_sync.iter().any(can_lead))
            || (waits && !REPLICAS.iter().all(is_up))
    }
}

/// The client's name for the trade.
fn trade_of(id: &RequestId) -> &str {
    id.as_str().trim_end_matches("-again")
}
