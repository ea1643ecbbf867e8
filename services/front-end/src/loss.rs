//! Which orders are gone once no file of an in-sync replica is left (rules R3 and L1).
//!
//! A replica that answers with another database than the in-sync set names has lost its file. As long
//! as one member is merely silent, it may come back with everything; once all have answered so, nobody
//! may lead, now or later, and waiting on without a word would be no better than making up a leader.
//!
//! Pure.

use std::collections::BTreeMap;
use std::fmt;

use wire::configuration::Configuration;
use wire::ids::{OrderNo, ReplicaId};
use wire::internal::{CatalogStatus, PingReply};

/// No replica holds what was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The replicas whose files are gone.
    members: Vec<ReplicaId>,
    /// Up to where other files of the bazaar hold orders.
    kept: OrderNo,
    /// The highest number that there was, as far as front-end and catalog know.
    known: OrderNo,
}

/// What is lost, if every member of the in-sync set has answered from another database. `committed`
/// is the highest number that the front-end knows to have been committed.
#[must_use]
pub fn of(
    current: &Configuration,
    committed: OrderNo,
    answered: &BTreeMap<ReplicaId, PingReply>,
    catalog: Option<&CatalogStatus>,
) -> Option<Loss> {
    let has_lost = |id: &ReplicaId| {
        answered.get(id).is_some_and(|reply| !current.is_in_sync(*id, &reply.identity))
    };
    let members: Vec<_> = current.member_ids().collect();
    if !members.iter().all(has_lost) {
        return None;
    }
    let ours = answered.values().filter(|reply| reply.bazaar.as_ref() == Some(&current.bazaar));
    // To its end, and not to its commit mark, which lags: a number is a place (N1), so whatever log holds it
    // holds the same.
    let kept = ours.map(|reply| reply.last.order_no).max().unwrap_or_default();
    let applied = catalog
        .filter(|catalog| catalog.bazaar.as_ref() == Some(&current.bazaar))
        .map_or(OrderNo(0), |catalog| catalog.last_place);
    Some(Loss { members, kept, known: committed.max(applied) })
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self.members.iter().map(|id| format!("order-{id}.db")).collect();
        let files = files.join(", ");
        write!(f, "no in-sync replica has the file that it had ({files}): ")?;
        if self.kept < self.known {
            write!(f, "orders #{} to #{} are gone", self.kept.next(), self.known)?;
        } else {
            f.write_str("whether orders are gone cannot be known")?;
        }
        f.write_str("; bring one of these files back, ")?;
        if self.kept > OrderNo(0) && self.kept >= self.known {
            // Replicas know of no less than the front-end: its file may be a copy of before there were theirs.
            f.write_str(
                "or, if front-end.db is an old copy, move it away and start the front-end again: it goes \
                 by what the replicas hold then",
            )
        } else {
            f.write_str("or give every process a fresh --data-dir")
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::configuration::Member;
    use wire::ids::{BazaarId, ConfigVersion, Epoch, Identity, Incarnation};

    use super::*;

    fn identity(name: &str) -> Identity {
        Identity::new(name).unwrap()
    }

    fn bazaar() -> BazaarId {
        BazaarId::new("b").unwrap()
    }

    fn incarnation() -> Incarnation {
        Incarnation::new("life").unwrap()
    }

    /// 1 and 3 are in sync.
    fn current() -> Configuration {
        let member = |id: u8| Member { id: ReplicaId(id), identity: identity(&format!("d{id}")) };
        Configuration {
            version: ConfigVersion(4),
            epoch: Epoch(2),
            leader: ReplicaId(3),
            leader_incarnation: incarnation(),
            in_sync: vec![member(1), member(3)],
            bazaar: bazaar(),
            committed: OrderNo(60),
            by_everybody: true,
            new_catalog: None,
        }
    }

    fn answers(files: &[(u8, &str)]) -> BTreeMap<ReplicaId, PingReply> {
        let reply = |&(id, file): &(u8, &str)| {
            (ReplicaId(id), PingReply::of_new(ReplicaId(id), incarnation(), identity(file)))
        };
        files.iter().map(reply).collect()
    }

    fn loss(answered: &BTreeMap<ReplicaId, PingReply>) -> Option<String> {
        of(&current(), OrderNo(60), answered, None).map(|loss| loss.to_string())
    }

    #[test]
    fn every_members_file_gone_is_a_loss_that_names_files_and_orders() {
        let said = loss(&answers(&[(1, "new"), (2, "d2"), (3, "newer")])).unwrap();
        assert!(said.contains("(order-1.db, order-3.db): orders #1 to #60 are gone"), "{said}");
    }

    #[test]
    fn where_replicas_know_no_less_the_front_ends_file_may_be_an_old_copy() {
        let mut answered = answers(&[(1, "new"), (2, "d2"), (3, "newer")]);
        let newer = answered.get_mut(&ReplicaId(3)).unwrap();
        (newer.bazaar, newer.last.order_no) = (Some(bazaar()), OrderNo(60));
        newer.committed = OrderNo(59);
        let said = loss(&answered).unwrap();
        assert!(said.contains("if front-end.db is an old copy, move it away"), "{said}");
        assert!(!said.contains("fresh"), "{said}");
    }

    #[test]
    fn a_member_that_is_silent_or_has_its_file_may_still_lead() {
        assert_eq!(loss(&answers(&[(1, "new"), (2, "d2")])), None);
        assert_eq!(loss(&answers(&[(1, "new"), (3, "d3")])), None);
    }

    #[test]
    fn what_a_replica_that_was_left_behind_holds_is_kept() {
        let mut answered = answers(&[(1, "new"), (2, "d2"), (3, "newer")]);
        let behind = answered.get_mut(&ReplicaId(2)).unwrap();
        behind.last.order_no = OrderNo(40);
        assert!(loss(&answered).unwrap().contains("#1 to #60"), "it belongs to nobody");
        answered.get_mut(&ReplicaId(2)).unwrap().bazaar = Some(bazaar());
        assert!(loss(&answered).unwrap().contains("orders #41 to #60 are gone"));
    }
}
