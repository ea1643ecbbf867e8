//! Lookups of orders: from the leader alone, since only it knows what is committed.
//!
//! "Not found" is believed from a replica that serves in the epoch it was asked in; one that does
//! not says 503, and the lookup is tried again (rule R7). An order that a replica knows to be committed
//! stays so: it is believed from any of them if nobody leads (rule G3).

use std::time::Duration;

use base::http::{Answer, Attempt, BadRequest, Call, Reply, Request};
use hyper::StatusCode;
use wire::bazaar::{Data, ErrorBody, ORDER_NOT_FOUND, Order};

use super::failover::{Failover, ReplyAction, pass_on};

/// For how long a lookup is tried: longer than any failover, shorter than a client's patience.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The highest number there can be: what a database's integer holds.
const MAX_ORDER_NO: u64 = i64::MAX as u64;

/// Looks orders up at the leader.
#[derive(Debug)]
pub struct Orders {
    failover: Failover,
}

impl Orders {
    /// Lookups go through `failover`.
    #[must_use]
    pub fn new(failover: Failover) -> Self {
        Self { failover }
    }

    /// `GET /orders`, if nobody has to be asked: there is no such number.
    #[must_use]
    pub fn answer_here(request: &Request) -> Option<Answer> {
        wanted(request).err().map(Answer::from)
    }

    /// `GET /orders`.
    pub async fn look_up(&self, request: &Request) -> Result<Answer, Answer> {
        let order_no = wanted(request)?;
        let call = Call::get(format!("/query?order_no={order_no}"));
        match self.failover.ask(&call, LOOKUP_TIMEOUT, believe).await {
            Ok(answer) => Ok(answer),
            Err(none) => match self.failover.ask_anybody(&call, is_shown).await {
                Some(shown) => Ok(shown),
                None => Err(none.into_answer()),
            },
        }
    }
}

fn wanted(request: &Request) -> Result<u64, BadRequest> {
    order_no(&request.segment_or_parameter("/orders", "order_no")?)
}

fn order_no(text: &str) -> Result<u64, BadRequest> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits_only { text.parse().ok() } else { None };
    number.filter(|number| (1..=MAX_ORDER_NO).contains(number)).ok_or_else(|| {
        BadRequest::new("order_no", format!("must be a whole number from 1 to {MAX_ORDER_NO}"))
    })
}

fn believe(reply: Reply) -> ReplyAction {
    let not_found = |body: ErrorBody| body.error.message == ORDER_NOT_FOUND;
    match reply.status {
        StatusCode::OK if reply.json::<Data<Order>>().is_some() => pass_on(reply),
        StatusCode::NOT_FOUND if reply.json().is_some_and(not_found) => pass_on(reply),
        // Whatever it is, nothing was changed by it.
        _ => ReplyAction::Again(Attempt::WithoutEffect),
    }
}

/// Whether the order is there. That it is not, only a leader can tell.
fn is_shown(reply: &Reply) -> bool {
    reply.status == StatusCode::OK && reply.json::<Data<Order>>().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_number_is_positive_and_fits() {
        assert_eq!(order_no("17"), Ok(17));
        assert_eq!(order_no("9223372036854775807"), Ok(MAX_ORDER_NO));
        for refused in ["", "0", "-1", "+1", "1.0", "1e3", "abc", "9223372036854775808", " 1"] {
            assert!(order_no(refused).is_err(), "{refused}");
        }
    }
}
