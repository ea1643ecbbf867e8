//! Rule S2: an epoch that nobody has told this replica of is stored only if the front-end knows it.
//!
//! The front-end stores an epoch before it announces it, so the leader of one can wait for its word. In
//! a usual takeover the front-end's ping has come first, and nobody is asked. *Otherwise: one message
//! with an epoch that was never given out, from anybody who holds the token, and no leader's word counts
//! until the front-end has counted up to there.*

use std::net::SocketAddr;
use std::time::Duration;

use base::http::{Answer, Call, Peers};
use hyper::StatusCode;
use wire::configuration::Configuration;
use wire::ids::Epoch;

/// Asks the front-end whether it has given out `epoch`.
///
/// # Errors
/// It has not, or does not say; the answer tells the sender that nothing was changed.
pub(super) async fn confirm(
    peers: &Peers,
    front_end: SocketAddr,
    epoch: Epoch,
    timeout: Duration,
) -> Result<(), Answer> {
    let reply = peers.call(front_end, &Call::get("/configuration"), timeout).await;
    let unconfirmed = |why: String| {
        let message = format!("epoch {epoch} is not stored: {why}");
        Err(Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, message))
    };
    match reply {
        Err(error) => unconfirmed(format!("the front-end does not confirm it: {error}")),
        Ok(reply) => match reply.json::<Configuration>() {
            Some(current) if epoch <= current.epoch => Ok(()),
            Some(current) => {
                unconfirmed(format!("the front-end has given out none above {}", current.epoch))
            }
            None => unconfirmed(format!("the front-end says {} about it", reply.status)),
        },
    }
}
