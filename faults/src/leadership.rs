//! Who leads right now, asked from outside.

use std::time::Duration;

use records::built_in;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use wire::ids::{Epoch, ReplicaId};

use crate::http::{HttpClient, HttpError};
use crate::ports::Addresses;
use crate::process::ProcessName;

/// How long the front-end may take to say who leads. It answers from memory; a longer wait would
/// shift the fault that the answer is for.
const LEADER_TIMEOUT: Duration = Duration::from_millis(500);
/// The same for a replica's ping.
const PING_TIMEOUT: Duration = Duration::from_millis(300);

/// The answer to `GET /leader` at the front-end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leadership {
    /// Who leads.
    pub leader: ReplicaId,
    /// In which epoch.
    pub epoch: Epoch,
    /// The replicas that hold every committed order, ascending.
    pub in_sync: Vec<ReplicaId>,
}

impl Leadership {
    /// The process that leads.
    #[must_use]
    pub fn leader_name(&self) -> ProcessName {
        built_in::order(self.leader.0)
    }

    /// The processes of the replicas that are in sync and do not lead.
    pub fn followers(&self) -> impl Iterator<Item = ProcessName> + '_ {
        let followers = self.in_sync.iter().filter(|id| **id != self.leader);
        followers.map(|id| built_in::order(id.0))
    }
}

/// What counts here of the answer to `GET /ping` at a replica.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Ping {
    #[serde(rename = "alive order server")]
    id: ReplicaId,
    epoch: Epoch,
    leading: bool,
}

/// Nobody could say who leads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody could say who leads: the front-end: {front_end}; no replica says that it leads")]
pub struct NoLeader {
    /// What asking the front-end came to.
    pub front_end: HttpError,
}

/// Asks the front-end.
pub async fn ask_front_end(
    http: &HttpClient,
    addresses: &Addresses,
) -> Result<Leadership, HttpError> {
    http.get_json(addresses.front_end, "/leader", LEADER_TIMEOUT).await
}

/// Asks the front-end, and if it does not say, every replica: the one that leads the newest
/// epoch counts, and is then the only replica known to be in sync.
pub async fn look_up(http: &HttpClient, addresses: &Addresses) -> Result<Leadership, NoLeader> {
    let front_end = match ask_front_end(http, addresses).await {
        Ok(leadership) => return Ok(leadership),
        Err(error) => error,
    };
    let mut pings = JoinSet::new();
    for address in addresses.orders.values().copied() {
        let http = http.clone();
        pings
            .spawn(async move { http.get_json::<Ping>(address, "/ping", PING_TIMEOUT).await.ok() });
    }
    let answers = pings.join_all().await;
    let leader = answers.into_iter().flatten().filter(|ping| ping.leading).max_by_key(|p| p.epoch);
    match leader {
        Some(Ping { id, epoch, .. }) => Ok(Leadership { leader: id, epoch, in_sync: vec![id] }),
        None => Err(NoLeader { front_end }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeService;

    fn ping(id: u8, epoch: u64, leading: bool) -> String {
        format!(
            r#"{{"alive order server":{id},"port":1,"incarnation":"x","epoch":{epoch},
                "leading":{leading},"serving":true,"last_order_no":0}}"#
        )
    }

    async fn replicas(pings: [String; 3]) -> (Vec<FakeService>, Addresses) {
        let front_end = FakeService::start().await;
        let mut addresses = front_end.addresses();
        let mut services = vec![front_end];
        for (id, ping) in (1..).zip(pings) {
            let replica = FakeService::start().await;
            replica.answer("/ping", 200, ping);
            addresses.orders.insert(ReplicaId(id), replica.address());
            services.push(replica);
        }
        (services, addresses)
    }

    #[tokio::test]
    async fn the_front_end_knows() {
        let pings = [ping(1, 9, true), ping(2, 9, false), ping(3, 9, false)];
        let (services, addresses) = replicas(pings).await;
        services[0].answer("/leader", 200, r#"{"leader":3,"epoch":5,"in_sync":[1,3]}"#);
        let leadership = look_up(&HttpClient::new(), &addresses).await.unwrap();
        assert_eq!((leadership.leader, leadership.epoch), (ReplicaId(3), Epoch(5)));
        assert_eq!(leadership.in_sync, [ReplicaId(1), ReplicaId(3)]);
    }

    #[tokio::test]
    async fn without_the_front_end_the_newest_leading_replica_counts() {
        let pings = [ping(1, 4, true), ping(2, 6, true), ping(3, 7, false)];
        let (_services, addresses) = replicas(pings).await;
        let leadership = look_up(&HttpClient::new(), &addresses).await.unwrap();
        assert_eq!((leadership.leader, leadership.epoch), (ReplicaId(2), Epoch(6)));
    }

    #[tokio::test]
    async fn nobody_may_lead_at_all() {
        let pings = [ping(1, 4, false), ping(2, 6, false), ping(3, 7, false)];
        let (_services, addresses) = replicas(pings).await;
        let error = look_up(&HttpClient::new(), &addresses).await.unwrap_err();
        assert!(matches!(error.front_end, HttpError::Status { .. }), "{error}");
    }
}
