//! The built-in bazaar's way to say who leads: its front-end keeps the configuration and remembers its changes; while that
//! does not answer, a replica says of itself whether it leads.

use std::time::Duration;

use hyper::StatusCode;
use records::built_in;
use serde::Deserialize;
use tokio::task::JoinSet;
use wire::configuration::History;
use wire::ids::{Epoch, ReplicaId};

use super::{Alive, Asking, Leaders, Leadership, NoLeader, Remembered};
use crate::http::{HttpClient, HttpError};
use crate::ports::Addresses;

/// How long the front-end may take to say who leads. It answers from memory; a longer wait would
/// shift the fault that the answer is for.
const LEADER_TIMEOUT: Duration = Duration::from_millis(500);
/// The same for a replica's ping.
const PING_TIMEOUT: Duration = Duration::from_millis(300);
/// How long an answer may take: the history is in memory. A paused front-end is asked again.
const HISTORY_TIMEOUT: Duration = Duration::from_millis(500);
/// How often is asked. Only the last period before a front-end's death can be lost.
const PERIOD: Duration = Duration::from_millis(50);

/// Asks a bazaar.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    http: HttpClient,
    addresses: Addresses,
}

/// The answer to `GET /leader` at the front-end.
#[derive(Clone, Debug, Deserialize)]
struct Answer {
    leader: ReplicaId,
    epoch: Epoch,
    in_sync: Vec<ReplicaId>,
}

/// What counts here of the answer to `GET /ping` at a replica.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Ping {
    #[serde(rename = "alive order server")]
    id: ReplicaId,
    epoch: Epoch,
    leading: bool,
}

impl Leaders for BuiltIn {
    /// Asks the front-end, and if it does not say, every replica: the one that leads the newest
    /// epoch counts, and is then the only replica known to be in sync.
    fn look_up<'a>(&'a self, _alive: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>> {
        Box::pin(async {
            match ask_front_end(&self.http, &self.addresses).await {
                Ok(leadership) => Ok(leadership),
                Err(front_end) => self.ask_replicas(&front_end).await,
            }
        })
    }

    fn ask<'a>(&'a self, _alive: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>> {
        Box::pin(async {
            let answered = ask_front_end(&self.http, &self.addresses).await;
            answered.map_err(|error| NoLeader::Unanswered(format!("the front-end: {error}")))
        })
    }

    fn history(&self) -> Asking<'_, Remembered> {
        Box::pin(async {
            let front_end = self.addresses.front_end;
            match self.http.get_json::<History>(front_end, "/history", HISTORY_TIMEOUT).await {
                Ok(history) => Remembered::Changes(history),
                Err(HttpError::Status { status: StatusCode::NOT_FOUND, .. }) => Remembered::Nothing,
                // It is down, paused or busy; the next look will tell.
                Err(_) => Remembered::NoAnswer,
            }
        })
    }

    fn period(&self) -> Duration {
        PERIOD
    }
}

impl BuiltIn {
    /// For a bazaar at `addresses`.
    #[must_use]
    pub fn new(http: HttpClient, addresses: Addresses) -> Self {
        Self { http, addresses }
    }

    async fn ask_replicas(&self, front_end: &HttpError) -> Result<Leadership, NoLeader> {
        let mut pings = JoinSet::new();
        for address in self.addresses.orders.values().copied() {
            let http = self.http.clone();
            pings.spawn(
                async move { http.get_json::<Ping>(address, "/ping", PING_TIMEOUT).await.ok() },
            );
        }
        let answers = pings.join_all().await.into_iter().flatten();
        let leader = answers.filter(|ping| ping.leading).max_by_key(|ping| ping.epoch);
        match leader {
            Some(Ping { id, epoch, .. }) => Ok(leadership(id, epoch, &[id])),
            None => Err(NoLeader::Unanswered(format!(
                "the front-end: {front_end}; no replica says that it leads"
            ))),
        }
    }
}

/// Asks the front-end.
pub(crate) async fn ask_front_end(
    http: &HttpClient,
    addresses: &Addresses,
) -> Result<Leadership, HttpError> {
    let answer: Answer = http.get_json(addresses.front_end, "/leader", LEADER_TIMEOUT).await?;
    Ok(leadership(answer.leader, answer.epoch, &answer.in_sync))
}

fn leadership(leader: ReplicaId, epoch: Epoch, in_sync: &[ReplicaId]) -> Leadership {
    Leadership {
        leader: built_in::order(leader.0),
        epoch: Some(epoch.0),
        in_sync: Some(in_sync.iter().map(|id| built_in::order(id.0)).collect()),
        rivals: Vec::new(),
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

    async fn look_up(addresses: Addresses) -> Result<Leadership, NoLeader> {
        BuiltIn::new(HttpClient::new(), addresses).look_up(&Alive::new()).await
    }

    #[tokio::test]
    async fn the_front_end_knows() {
        let pings = [ping(1, 9, true), ping(2, 9, false), ping(3, 9, false)];
        let (services, addresses) = replicas(pings).await;
        services[0].answer("/leader", 200, r#"{"leader":3,"epoch":5,"in_sync":[1,3]}"#);
        let found = look_up(addresses).await.unwrap();
        assert_eq!(found, leadership(ReplicaId(3), Epoch(5), &[ReplicaId(1), ReplicaId(3)]));
    }

    #[tokio::test]
    async fn without_the_front_end_the_newest_leading_replica_counts() {
        let pings = [ping(1, 4, true), ping(2, 6, true), ping(3, 7, false)];
        let (_services, addresses) = replicas(pings).await;
        let leaders = BuiltIn::new(HttpClient::new(), addresses.clone());
        let keeper = leaders.ask(&Alive::new()).await.unwrap_err();
        assert!(matches!(keeper, NoLeader::Unanswered(_)), "the front-end alone: {keeper}");
        let found = look_up(addresses).await.unwrap();
        assert_eq!(found, leadership(ReplicaId(2), Epoch(6), &[ReplicaId(2)]));
    }

    #[tokio::test]
    async fn nobody_may_lead_at_all() {
        let pings = [ping(1, 4, false), ping(2, 6, false), ping(3, 7, false)];
        let (_services, addresses) = replicas(pings).await;
        let error = look_up(addresses).await.unwrap_err().to_string();
        assert!(error.starts_with("nobody could say who leads: the front-end: "), "{error}");
        assert!(error.ends_with("; no replica says that it leads"), "{error}");
    }
}
