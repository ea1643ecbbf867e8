//! Who leads right now, asked from outside.

use serde::{Deserialize, Serialize};
use wire::ids::{Epoch, ReplicaId};

use crate::bazaar::Addresses;
use crate::http::HttpClient;

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

/// Nobody could say who leads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody could say who leads: the front-end: {front_end}; no replica says that it leads")]
pub struct NoLeader {
    /// What asking the front-end came to.
    pub front_end: String,
}

/// Asks the front-end, and if it does not say, every replica: the one that leads the newest
/// epoch counts, with itself as the only replica known to be in sync.
pub async fn look_up(http: &HttpClient, addresses: &Addresses) -> Result<Leadership, NoLeader> {
    let _ = (http, addresses);
    todo!()
}
