//! Whose answers count where the longest of all logs is looked for: rules L4 and L7.
//!
//! A log must not grow between its owner's answer and the choice. So everybody is fenced: shuts out every
//! epoch that there was, and only what is said after that counts. What was said before tells above which
//! epochs the fence has to be, and who is there.
//!
//! *Without a configuration: the old leader commits meanwhile.* *For a new catalog, which is filled from the
//! longest log, member or not: replica 1, removed, holds #11, which leader 3 has not flushed yet, and is
//! chosen; 3 flushes, commits #12 with 2, and hears of it only then. Replica 2 cuts #12, and the catalog that
//! held it is gone.*
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use base::planted::{Bug, Bugs};
use wire::configuration::Fence;
use wire::ids::{BazaarId, Epoch, ReplicaId};
use wire::internal::{CatalogStatus, PingReply};

/// What replicas say.
pub type Answers = BTreeMap<ReplicaId, PingReply>;

/// Shuts out every epoch that anybody has accepted or heard of.
#[must_use]
pub fn above(
    known: Epoch,
    asked: &Answers,
    catalog: &CatalogStatus,
    bazaar: &BazaarId,
    bugs: Bugs,
) -> Fence {
    let heard = asked.values().map(|reply| reply.heard.max(reply.epoch));
    let highest = heard.fold(known.max(catalog.epoch), Epoch::max);
    let epoch = if bugs.has(Bug::FenceAtHeard) { highest } else { highest.next() };
    Fence { epoch, bazaar: bazaar.clone() }
}

/// What counts for a front-end without a configuration (rule L4): what was said after the fence, though
/// not necessarily by everybody.
#[must_use]
pub fn counted(asked: Answers, fenced: Answers, bugs: Bugs) -> Answers {
    if bugs.has(Bug::CountBeforeFence) { asked } else { fenced }
}

/// What an election by everybody goes by (rule L7): what each said after the fence.
///
/// # Errors
/// A replica that has said nothing that counts: then there is no election.
pub fn by_everybody(
    everybody: &BTreeSet<ReplicaId>,
    asked: Answers,
    fenced: Answers,
    bugs: Bugs,
) -> Result<Answers, BTreeSet<ReplicaId>> {
    let counted = if bugs.has(Bug::FillBeforeFence) { asked } else { fenced };
    let missing: BTreeSet<_> =
        everybody.iter().copied().filter(|id| !counted.contains_key(id)).collect();
    if missing.is_empty() { Ok(counted) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use wire::ids::{Identity, Incarnation, OrderNo};
    use wire::internal::LogPoint;

    use super::*;

    fn reply(id: u8, heard: u64, last: u64) -> PingReply {
        let (incarnation, disk) = (Incarnation::new("life"), Identity::new("d"));
        let last = LogPoint { order_no: OrderNo(last), epoch: Epoch(1) };
        let heard = Epoch(heard);
        PingReply {
            heard,
            last,
            ..PingReply::of_new(ReplicaId(id), incarnation.unwrap(), disk.unwrap())
        }
    }

    fn all(replies: impl IntoIterator<Item = PingReply>) -> Answers {
        replies.into_iter().map(|reply| (reply.id, reply)).collect()
    }

    fn catalog(epoch: u64) -> CatalogStatus {
        CatalogStatus {
            identity: Identity::new("c").unwrap(),
            incarnation: Incarnation::new("life").unwrap(),
            bazaar: None,
            epoch: Epoch(epoch),
            last_place: OrderNo(0),
            is_new: true,
            is_open: false,
        }
    }

    #[test]
    fn the_fence_is_above_what_replicas_the_catalog_and_the_front_end_know() {
        let bazaar = BazaarId::new("b").unwrap();
        for (known, heard, told, wanted) in [(4, 2, 3, 5), (1, 7, 3, 8), (1, 2, 9, 10)] {
            let asked = all([reply(1, 1, 0), reply(2, heard, 0)]);
            let fence = above(Epoch(known), &asked, &catalog(told), &bazaar, Bugs::default());
            assert_eq!(fence, Fence { epoch: Epoch(wanted), bazaar: bazaar.clone() });
        }
    }

    #[test]
    fn an_election_by_everybody_goes_by_what_each_said_after_the_fence() {
        let everybody = [1, 2].map(ReplicaId).into();
        let asked = all([reply(1, 1, 2), reply(2, 1, 1)]);
        let fenced = all([reply(1, 2, 2), reply(2, 2, 3)]);
        let counted = by_everybody(&everybody, asked, fenced.clone(), Bugs::default());
        assert_eq!(counted, Ok(fenced));
    }

    #[test]
    fn without_somebody_who_was_fenced_there_is_no_election_by_everybody() {
        let everybody = [1, 2, 3].map(ReplicaId).into();
        let asked = all([reply(1, 1, 2), reply(2, 1, 2), reply(3, 1, 2)]);
        let fenced = all([reply(2, 2, 2)]);
        let counted = by_everybody(&everybody, asked, fenced, Bugs::default());
        assert_eq!(counted, Err([1, 3].map(ReplicaId).into()));
    }
}
