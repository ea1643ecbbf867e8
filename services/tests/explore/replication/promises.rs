//! What must be true in every state of the replication model.

use std::collections::BTreeSet;

use wire::ids::RequestId;

use super::node::REPLICAS;
use super::world::World;

impl World {
    /// The promise that is broken, if one is: by a step, or in how things stand.
    pub(crate) fn broken_promise(&self) -> Option<String> {
        self.broken.clone().or_else(|| self.twice()).or_else(|| self.lost())
    }

    /// A client's trade is applied once, and numbered once.
    fn twice(&self) -> Option<String> {
        let mut applied = BTreeSet::new();
        for record in &self.catalog.records {
            if !applied.insert(trade_of(&record.request_id)) {
                return Some(format!("{} was applied twice", trade_of(&record.request_id)));
            }
        }
        let mut numbered = BTreeSet::new();
        let twice = self.promised.orders.values().find(|id| !numbered.insert(trade_of(id)));
        twice.map(|id| format!("{} has two numbers", trade_of(id)))
    }

    /// Whoever leads has what clients were promised, and shows it once it serves.
    fn lost(&self) -> Option<String> {
        let leader = self.leader()?;
        let replica = leader.replica()?;
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
            if replica.is_serving() && leader.shown(self.make.bugs) < *order_no {
                return Some(format!("a lookup of #{order_no}, seen as {id}, is answered 404"));
            }
        }
        None
    }

    /// What must be true besides, once everything has come to rest and everybody is well: the
    /// catalog and the logs agree, and all logs are the same.
    pub(crate) fn unsettled(&self, everybody: bool) -> Option<String> {
        let current = self.front_end.current();
        let Some(replica) = self.leader().and_then(|leader| leader.replica()) else {
            return Some(format!("nobody leads epoch {}", current.epoch));
        };
        if !replica.is_serving() {
            return Some(format!("replica {} never comes to serve", current.leader));
        }
        let last = replica.log().last().order_no;
        for record in &self.catalog.records {
            if replica.log().number_of(&record.request_id).is_none() {
                return Some(format!("{} is applied and never numbered", record.request_id));
            }
        }
        if replica.committed() < last {
            return Some(format!("#{last} is never committed"));
        }
        let numbers = usize::try_from(last.0).unwrap_or(usize::MAX);
        if numbers != self.catalog.records.len() {
            return Some(format!("{numbers} orders for {} trades", self.catalog.records.len()));
        }
        if everybody && current.in_sync.len() < REPLICAS.len() {
            return Some(format!("only {} of 3 are ever in sync again", current.in_sync.len()));
        }
        let log = &self.node(current.leader).disk.entries;
        let differs = |id: &_| current.is_in_sync(*id) && self.node(*id).disk.entries != *log;
        REPLICAS.into_iter().find(differs).map(|id| {
            format!(
                "replica {id} is in sync, and does not hold what replica {} holds",
                current.leader
            )
        })
    }
}

/// The client's name for the trade.
fn trade_of(id: &RequestId) -> &str {
    id.as_str().trim_end_matches("-again")
}
