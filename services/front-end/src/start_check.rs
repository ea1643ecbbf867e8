//! Whether the front-end may begin over the replicas that it finds, and with what: rules R3, L1 and L4.
//!
//! Without a configuration nobody knows which log is complete. If all are empty, this is the first
//! start. Otherwise the front-end's file was lost, and it asks until every replica and the catalog have
//! answered; then it has each replica shut out every epoch that there was, and only what they say after
//! that counts. The longest of these logs holds everything that is committed: the in-sync set was not
//! empty, and an epoch's entries are one sequence. It leads alone, and adds the others.
//!
//! *Some answers only: the one that is missing is the only member.* *A new file counts like any other:
//! replica 3's file is lost together with the front-end's; 1 and 2 were out of sync, and what only 3 had is
//! gone without a word.*
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use base::planted::{Bug, Bugs};
use wire::configuration::{Configuration, Fence, Member};
use wire::ids::{BazaarId, ConfigVersion, Epoch, OrderNo, ReplicaId};
use wire::internal::{CatalogStatus, Part, PingReply};

use super::configuration::Refused;
use super::fence;

/// Why the front-end must not serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Two parts belong to different bazaars (rule L1).
    #[error(
        "{part} belongs to bazaar {theirs}, and the others to {ours}: give each bazaar its own \
         addresses and data folders"
    )]
    OtherBazaar {
        /// The odd one out.
        part: PartName,
        /// Its bazaar.
        theirs: BazaarId,
        /// The bazaar of those before it.
        ours: BazaarId,
    },
    /// The front-end's file is of another bazaar than a part that it finds (rule L1).
    #[error(
        "front-end.db belongs to bazaar {ours}, and {part} to {theirs}: give each bazaar its own addresses \
         and data folders; if front-end.db is the one that does not belong here, move it away and start \
         again: the front-end goes by what the others hold then"
    )]
    OfAnotherBazaar {
        /// The part.
        part: PartName,
        /// Its bazaar.
        theirs: BazaarId,
        /// The one in the front-end's file.
        ours: BazaarId,
    },
    /// The front-end's file and a replica's are both new, while others hold something (rule L4).
    #[error(
        "front-end.db holds no configuration and the file of replica {replica} is new, while {other} \
         has a past: what only that replica held cannot be known; bring back front-end.db or \
         order-{replica}.db, or leave the replica out with --without {replica} if it held nothing \
         that the others lack"
    )]
    NewFile {
        /// The replica.
        replica: ReplicaId,
        /// Who has a past.
        other: PartName,
    },
    /// A file without a bazaar holds something.
    #[error(
        "{part} holds orders or has seen epochs, and belongs to no bazaar: it was not made here"
    )]
    WithoutBazaar {
        /// Which.
        part: PartName,
    },
    /// The configuration could not be stored.
    #[error("cannot begin: {0}")]
    Refused(#[from] Refused),
}

/// A part's name in an error line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartName(pub Part);

impl std::fmt::Display for PartName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Part::FrontEnd => f.write_str("the front-end"),
            Part::Catalog => f.write_str("the catalog"),
            Part::Replica(id) => write!(f, "replica {id}"),
        }
    }
}

/// What there was before this front-end's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nothing: this is the first start.
    Nothing,
    /// A bazaar, to be fenced and then [adopted].
    Of(Fence),
}

/// For whom a front-end without a configuration still waits, after these answers.
#[must_use]
pub fn missing(
    everybody: &BTreeSet<ReplicaId>,
    answered: &BTreeMap<ReplicaId, PingReply>,
    catalog: Option<&CatalogStatus>,
    bugs: Bugs,
) -> Vec<Part> {
    if bugs.has(Bug::AdoptFromSome) && !answered.is_empty() && catalog.is_some() {
        return Vec::new();
    }
    let replicas = everybody.iter().filter(|id| !answered.contains_key(id));
    let catalog = catalog.is_none().then_some(Part::Catalog);
    replicas.map(|id| Part::Replica(*id)).chain(catalog).collect()
}

/// What a front-end without a configuration finds: every replica's answer, and the catalog's.
///
/// # Errors
/// What does not belong together.
pub fn look(
    answered: &BTreeMap<ReplicaId, PingReply>,
    catalog: &CatalogStatus,
    bugs: Bugs,
) -> Result<Past, StartError> {
    let catalog_has_past = catalog.bazaar.is_some() || catalog.last_place.0 > 0 || !catalog.is_new;
    let replicas =
        answered.values().map(|reply| (Part::Replica(reply.id), &reply.bazaar, reply.has_past()));
    let parts = replicas.chain([(Part::Catalog, &catalog.bazaar, catalog_has_past)]);
    let with_past: Vec<_> = parts.filter(|(_, _, has_past)| *has_past).collect();
    let Some((first, _, _)) = with_past.first() else { return Ok(Past::Nothing) };
    if bugs.has(Bug::BeginOverOrders) {
        return Ok(Past::Nothing);
    }
    let mut ours = None;
    for (part, bazaar, _) in &with_past {
        let part = PartName(*part);
        let theirs = Option::clone(bazaar).ok_or(StartError::WithoutBazaar { part })?;
        let ours = ours.get_or_insert_with(|| theirs.clone());
        if *ours != theirs && !bugs.has(Bug::TakeAnyBazaar) {
            return Err(StartError::OtherBazaar { part, theirs, ours: ours.clone() });
        }
    }
    let new = answered.values().find(|reply| !reply.has_past());
    if let Some(new) = new.filter(|_| !bugs.has(Bug::NewFileVouches)) {
        return Err(StartError::NewFile { replica: new.id, other: PartName(*first) });
    }
    let bazaar = ours.expect("somebody has a past");
    Ok(Past::Of(fence::above(Epoch(0), answered, catalog, &bazaar, bugs)))
}

/// The configuration that takes a bazaar over: `fenced` are the replicas' answers to the fence.
///
/// # Errors
/// If there is nobody.
pub fn adopted(
    fence: &Fence,
    fenced: &BTreeMap<ReplicaId, PingReply>,
    catalog: &CatalogStatus,
    bugs: Bugs,
) -> Result<Configuration, StartError> {
    let length = |reply: &PingReply| match bugs.has(Bug::AdoptHighestId) {
        true => Default::default(),
        false => reply.last.length(),
    };
    let longest = fenced.values().max_by_key(|reply| (length(reply), reply.id));
    let leader = longest.ok_or(Refused::NoReplicas)?;
    // Who holds what the leader holds, nobody knows yet.
    let in_sync =
        fenced.values().filter(|reply| reply.id == leader.id || bugs.has(Bug::AdoptEverybody));
    let member = |reply: &PingReply| Member { id: reply.id, identity: reply.identity.clone() };
    Ok(Configuration {
        version: ConfigVersion(1),
        epoch: fence.epoch.next(),
        leader: leader.id,
        leader_incarnation: leader.incarnation.clone(),
        in_sync: in_sync.map(member).collect(),
        bazaar: fence.bazaar.clone(),
        committed: fenced.values().map(|reply| reply.committed).max().unwrap_or(OrderNo(0)),
        by_everybody: true,
        new_catalog: catalog.is_new.then(|| catalog.identity.clone()),
    })
}

/// Whether a front-end may go on from its configuration over what it finds: all of it must belong to
/// its bazaar. (What its file does not know of epochs, the others do: rule L5.)
///
/// # Errors
/// The first part that belongs to another bazaar.
pub fn again<'a>(
    answered: impl IntoIterator<Item = &'a PingReply>,
    catalog: Option<&CatalogStatus>,
    ours: &BazaarId,
    bugs: Bugs,
) -> Result<(), StartError> {
    if bugs.has(Bug::TakeAnyBazaar) {
        return Ok(());
    }
    let replicas = answered.into_iter().map(|reply| (Part::Replica(reply.id), &reply.bazaar));
    let mut parts = replicas.chain(catalog.map(|catalog| (Part::Catalog, &catalog.bazaar)));
    let odd = parts.find_map(|(part, bazaar)| {
        bazaar.as_ref().filter(|bazaar| *bazaar != ours).map(|theirs| (part, theirs.clone()))
    });
    match odd {
        None => Ok(()),
        Some((part, theirs)) => {
            Err(StartError::OfAnotherBazaar { part: PartName(part), theirs, ours: ours.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::ids::{Identity, Incarnation};
    use wire::internal::LogPoint;

    use super::*;

    fn reply(id: u8) -> PingReply {
        let name = format!("d{id}");
        PingReply::of_new(
            ReplicaId(id),
            Incarnation::new("life").unwrap(),
            Identity::new(&name).unwrap(),
        )
    }

    fn bazaar(name: &str) -> BazaarId {
        BazaarId::new(name).unwrap()
    }

    fn with_past(id: u8, heard: u64, last: (u64, u64)) -> PingReply {
        let last = LogPoint { order_no: OrderNo(last.0), epoch: Epoch(last.1) };
        let (heard, bazaar) = (Epoch(heard), Some(bazaar("b")));
        let last_order_no = last.order_no;
        PingReply { bazaar, epoch: heard, heard, last, last_order_no, ..reply(id) }
    }

    fn all(replies: impl IntoIterator<Item = PingReply>) -> BTreeMap<ReplicaId, PingReply> {
        replies.into_iter().map(|reply| (reply.id, reply)).collect()
    }

    fn new_catalog() -> CatalogStatus {
        CatalogStatus {
            identity: Identity::new("c").unwrap(),
            incarnation: Incarnation::new("life").unwrap(),
            bazaar: None,
            epoch: Epoch(0),
            last_place: OrderNo(0),
            is_new: true,
            is_open: false,
        }
    }

    fn catalog() -> CatalogStatus {
        CatalogStatus { bazaar: Some(bazaar("b")), epoch: Epoch(4), is_new: false, ..new_catalog() }
    }

    #[test]
    fn where_nobody_has_a_past_it_is_the_first_start() {
        let answered = all([reply(1), reply(2)]);
        assert_eq!(look(&answered, &new_catalog(), Bugs::default()), Ok(Past::Nothing));
    }

    #[test]
    fn whoever_is_missing_is_named() {
        let everybody = [1, 2, 3].map(ReplicaId).into();
        let bugs = Bugs::default();
        assert_eq!(
            missing(&everybody, &all([reply(2)]), None, bugs),
            [Part::Replica(ReplicaId(1)), Part::Replica(ReplicaId(3)), Part::Catalog]
        );
        let answered = all([reply(1), reply(2), reply(3)]);
        assert_eq!(missing(&everybody, &answered, Some(&new_catalog()), bugs), []);
    }

    #[test]
    fn the_fence_is_above_every_epoch_and_the_longest_log_leads_alone_above_it() {
        let answered =
            all([with_past(1, 4, (9, 4)), with_past(2, 7, (9, 3)), with_past(3, 2, (8, 4))]);
        let found = look(&answered, &catalog(), Bugs::default()).unwrap();
        let fence = Fence { epoch: Epoch(8), bazaar: bazaar("b") };
        assert_eq!(found, Past::Of(fence.clone()));
        let adopted = adopted(&fence, &answered, &catalog(), Bugs::default()).unwrap();
        assert_eq!((adopted.epoch, adopted.leader), (Epoch(9), ReplicaId(1)));
        assert_eq!(adopted.member_ids().collect::<Vec<_>>(), [ReplicaId(1)]);
        assert!(adopted.by_everybody);
        assert_eq!(adopted.new_catalog, None);
    }

    #[test]
    fn of_equal_logs_the_highest_id_leads() {
        let answered = all([with_past(1, 4, (9, 4)), with_past(2, 4, (9, 4))]);
        let fence = Fence { epoch: Epoch(8), bazaar: bazaar("b") };
        assert_eq!(
            adopted(&fence, &answered, &catalog(), Bugs::default()).unwrap().leader,
            ReplicaId(2)
        );
    }

    #[test]
    fn a_new_file_cannot_vouch_for_what_the_old_one_held() {
        let answered = all([with_past(1, 4, (9, 4)), with_past(2, 4, (9, 4)), reply(3)]);
        let refused = look(&answered, &catalog(), Bugs::default()).unwrap_err();
        assert!(matches!(refused, StartError::NewFile { replica: ReplicaId(3), .. }), "{refused}");
        assert!(refused.to_string().contains("the file of replica 3 is new"), "{refused}");
        // All replicas are new, the catalog is not.
        let answered = all([reply(1), reply(2)]);
        assert!(look(&answered, &catalog(), Bugs::default()).is_err());
    }

    #[test]
    fn a_new_catalog_over_whole_logs_is_filled_by_the_longest() {
        let answered = all([with_past(1, 4, (9, 4)), with_past(2, 4, (8, 4))]);
        let Past::Of(fence) = look(&answered, &new_catalog(), Bugs::default()).unwrap() else {
            panic!("there is a past")
        };
        let adopted = adopted(&fence, &answered, &new_catalog(), Bugs::default()).unwrap();
        assert_eq!(adopted.new_catalog, Some(new_catalog().identity));
    }

    #[test]
    fn another_bazaars_part_is_named() {
        let foreign = PingReply { bazaar: Some(bazaar("x")), ..with_past(2, 4, (9, 4)) };
        let answered = all([with_past(1, 4, (9, 4)), foreign.clone()]);
        let refused = look(&answered, &catalog(), Bugs::default()).unwrap_err().to_string();
        assert!(
            refused.starts_with("replica 2 belongs to bazaar x, and the others to b"),
            "{refused}"
        );
        assert!(again([&foreign], None, &bazaar("b"), Bugs::default()).is_err());
        let ours = [&reply(3), &with_past(1, 9, (9, 9))];
        assert_eq!(again(ours, None, &bazaar("b"), Bugs::default()), Ok(()));
    }
}
