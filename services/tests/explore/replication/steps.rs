//! What must be true of every step of the replication model: of what a client is told or shown, and of what a
//! replica or the catalog does for a message.

use std::sync::Arc;

use services::order::replica::Replica;
use services::planted::Bug;
use wire::ids::{Epoch, OrderNo, ReplicaId, RequestId};
use wire::internal::Entry;

use super::world::World;

impl World {
    pub(super) fn acknowledge(&mut self, id: RequestId, order_no: OrderNo) {
        if let Some(place) = self.catalog.file.place_of(&id).filter(|place| *place != order_no) {
            self.breaks(format!(
                "{id} is acknowledged as #{order_no}, and stands in place {place}"
            ));
        }
        let before = self.promised.change(|promised| {
            let before = *promised.answers.entry(id.clone()).or_insert(order_no);
            (before, promised.orders.entry(order_no).or_insert(id.clone()).clone())
        });
        if before != (order_no, id.clone()) {
            let (number, order) = before;
            self.breaks(format!(
                "{id} is acknowledged as #{order_no}, but {id} was seen as #{number}, and \
                 #{order_no} as {order}"
            ));
        }
    }

    /// Anybody who looks sees what a replica shows, so it must stay true.
    pub(super) fn show(&mut self, id: ReplicaId) {
        let node = self.node(id);
        let Some(replica) = node.replica() else { return };
        let shown = usize::try_from(node.shown().0).unwrap_or(usize::MAX);
        let shown = replica.log().after(OrderNo(0), shown).to_vec();
        for entry in shown {
            match self.promised.orders.get(&entry.order_no) {
                Some(seen) if *seen == entry.request_id => {}
                Some(seen) => {
                    let (order_no, now) = (entry.order_no, &entry.request_id);
                    let text = format!("#{order_no} was seen as {seen}; replica {id} shows {now}");
                    self.breaks(text);
                }
                None => {
                    let entry = (entry.order_no, entry.request_id.clone());
                    self.promised.change(|promised| promised.orders.extend([entry]));
                }
            }
        }
    }

    pub(super) fn breaks(&mut self, promise: String) {
        self.broken.get_or_insert(promise);
    }

    /// What was seen is dropped nowhere for a leader that lacks it: that log may be the last good one.
    pub(super) fn check_seen(&mut self, of: ReplicaId, before: &[Arc<Entry>]) {
        let disk = &self.node(of).disk.entries;
        let seen =
            |entry: &Entry| self.promised.orders.get(&entry.order_no) == Some(&entry.request_id);
        let kept = |entry: &Entry| disk.iter().any(|held| held.request_id == entry.request_id);
        let dropped = before.iter().find(|entry| seen(entry) && !kept(entry)).cloned();
        if let Some(entry) = dropped {
            let (order_no, id) = (entry.order_no, &entry.request_id);
            self.breaks(format!("replica {of} drops #{order_no}, which was seen as {id}"));
        }
    }

    /// Rule L6, by itself for the same reason: the catalog acts for no epoch that it was not told of.
    pub(super) fn check_told(&mut self, epoch: Epoch) {
        let told = self.catalog.told();
        if told < Some(epoch) {
            self.breaks(format!("the catalog acts for epoch {epoch}, of which it was not told"));
        }
    }

    /// Rule L7: the catalog does not go on over a log that has another trade in a place. (Anybody who asks for that
    /// trade again brings it to light, but nobody has to.)
    pub(super) fn check_goes_on(&mut self, log: &[Arc<Entry>]) {
        if let Some((entry, here)) = self.catalog.other_than(log) {
            let (place, id) = (entry.order_no, &entry.request_id);
            self.breaks(format!(
                "the catalog goes on with {here} in place {place}, where the log has {id}"
            ));
        }
    }

    /// Rules R5 and L5, about one replica: anybody who takes a message has its epoch on disk, and has heard of
    /// none above it. (What a leader's list brings back hides most of the harm as long as the catalog's
    /// file is whole, so the rules are held to by themselves.)
    pub(super) fn check_epoch(&mut self, of: ReplicaId, epoch: Epoch) {
        let node = self.node(of);
        let heard = node.replica().and_then(Replica::configuration).map(|known| known.epoch);
        let on_disk = node.disk.accepted;
        if on_disk < epoch {
            self.breaks(format!(
                "replica {of} answers in epoch {epoch} and has {on_disk} on its disk"
            ));
        } else if heard > Some(epoch) && !self.make.bugs.has(Bug::NoEpochCheckAtFollower) {
            self.breaks(format!("replica {of} takes a message of epoch {epoch}, which is over"));
        }
    }
}
