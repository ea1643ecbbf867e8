//! Where each trade stands in a log, by its request id.
//!
//! The log holds the ids; this holds only where they are, since a replica keeps all orders in memory: four bytes for each instead
//! of a second id and a number. Whoever changes the entries tells the index first what goes and afterwards what came.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use wire::ids::RequestId;
use wire::internal::Entry;

/// An index into entries that are given with each call, always the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Four billion entries do not fit into memory.
    places: HashTable<u32>,
    /// Ids are chosen by clients, who must not know how they are hashed.
    hashes: RandomState,
}

impl Index {
    /// Where the trade with this id stands.
    pub(super) fn find(&self, entries: &[Arc<Entry>], id: &RequestId) -> Option<usize> {
        let place = self.places.find(self.hashes.hash_one(id), |place| is_at(entries, *place, id));
        place.map(|place| *place as usize)
    }

    /// The trade at `place` has come; if its id stood elsewhere, it is here from now on.
    pub(super) fn insert(&mut self, entries: &[Arc<Entry>], place: usize) {
        let (Some(entry), Ok(short)) = (entries.get(place), u32::try_from(place)) else { return };
        let (id, hashes) = (&entry.request_id, &self.hashes);
        let hash = hashes.hash_one(id);
        match self.places.find_mut(hash, |place| is_at(entries, *place, id)) {
            Some(known) => *known = short,
            None => {
                let hash_at = |place: &u32| hashes.hash_one(&entries[*place as usize].request_id);
                self.places.insert_unique(hash, short, hash_at);
            }
        }
    }

    /// The trade with this id is about to go.
    pub(super) fn remove(&mut self, entries: &[Arc<Entry>], id: &RequestId) {
        let hash = self.hashes.hash_one(id);
        if let Ok(known) = self.places.find_entry(hash, |place| is_at(entries, *place, id)) {
            known.remove();
        }
    }
}

fn is_at(entries: &[Arc<Entry>], place: u32, id: &RequestId) -> bool {
    entries.get(place as usize).is_some_and(|entry| entry.request_id == *id)
}
