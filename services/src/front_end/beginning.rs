//! Whether the front-end may begin to serve over the replicas that it finds: rule R3's other half.
//!
//! Without a configuration nobody knows which log is complete, so all must be empty. *Otherwise: the
//! front-end's disk is lost, and with it that replica 3 is out of sync, or new; it begins with 3 as
//! the leader, and every order is gone.* A configuration that is older than one which the replicas
//! have seen is an old copy, and would give epochs away twice. Pure.

use std::collections::BTreeMap;

use wire::ids::{Epoch, OrderNo, ReplicaId};
use wire::internal::PingReply;

use super::configuration::Refused;
use crate::planted::{Bug, Bugs};

/// Why the front-end must not serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is no configuration, but there are orders (rule R3).
    #[error(
        "front-end.db holds no configuration, but replica {replica} holds orders (up to \
         #{last_order_no}, epoch {epoch}): restore front-end.db, or give every process a fresh \
         --data-dir"
    )]
    OrdersWithoutConfiguration {
        /// The replica.
        replica: ReplicaId,
        /// The last number in its log.
        last_order_no: OrderNo,
        /// The newest epoch that it knows.
        epoch: Epoch,
    },
    /// The configuration on disk is older than one that was announced.
    #[error(
        "front-end.db knows epochs up to {stored}, but replica {replica} has seen epoch {seen}: \
         it is an old copy, or another bazaar's"
    )]
    OldConfiguration {
        /// The replica.
        replica: ReplicaId,
        /// The newest epoch that it knows.
        seen: Epoch,
        /// The newest epoch in front-end.db.
        stored: Epoch,
    },
    /// The first configuration could not be stored.
    #[error("cannot begin: {0}")]
    Refused(#[from] Refused),
}

/// Whether it may begin without a configuration, after these answers.
///
/// # Errors
/// The first replica that has a past.
pub fn anew(answered: &BTreeMap<ReplicaId, PingReply>, bugs: Bugs) -> Result<(), StartError> {
    let holds = |reply: &&PingReply| reply.last_order_no.0 > 0 || reply.epoch.0 > 0;
    match answered.values().find(holds).filter(|_| !bugs.has(Bug::BeginOverOrders)) {
        None => Ok(()),
        Some(reply) => Err(StartError::OrdersWithoutConfiguration {
            replica: reply.id,
            last_order_no: reply.last_order_no,
            epoch: reply.epoch,
        }),
    }
}

/// Whether it may go on from a configuration of the epoch `stored`.
///
/// # Errors
/// The first replica that has seen a newer one.
pub fn again(answered: &BTreeMap<ReplicaId, PingReply>, stored: Epoch) -> Result<(), StartError> {
    match answered.values().find(|reply| reply.epoch > stored) {
        None => Ok(()),
        Some(reply) => {
            let (replica, seen) = (reply.id, reply.epoch);
            Err(StartError::OldConfiguration { replica, seen, stored })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(epoch: u64, last_order_no: u64) -> BTreeMap<ReplicaId, PingReply> {
        let reply = PingReply {
            id: ReplicaId(2),
            port: 0,
            incarnation: String::new(),
            epoch: Epoch(epoch),
            leading: false,
            serving: false,
            last_order_no: OrderNo(last_order_no),
        };
        BTreeMap::from([(reply.id, reply)])
    }

    #[test]
    fn a_new_bazaar_may_begin_and_one_with_a_past_may_not() {
        assert_eq!(anew(&answered(0, 0), Bugs::default()), Ok(()));
        for past in [answered(1, 0), answered(1, 7)] {
            assert!(anew(&past, Bugs::default()).is_err());
        }
    }

    #[test]
    fn an_old_copy_of_the_configuration_is_refused() {
        assert_eq!(again(&answered(4, 7), Epoch(4)), Ok(()));
        let (replica, seen, stored) = (ReplicaId(2), Epoch(4), Epoch(3));
        let old = Err(StartError::OldConfiguration { replica, seen, stored });
        assert_eq!(again(&answered(4, 7), Epoch(3)), old);
    }
}
