//! Trades: a name for each, and then the leader, again and again, until there is an outcome.
//!
//! A trade runs detached from the connection that brought it (rule E2): a client that goes away
//! must not stop it half way. The name is the client's idempotency key or a random one, never a
//! counter, so a restarted front-end cannot repeat one (rule E3).

use std::sync::Arc;
use std::time::Duration;

use base::http::{Answer, Attempt, BadRequest, Call, Reply, Request};
use base::planted::Bug;
use base::spans::{self, Stage};
use base::tasks::detached;
use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;
use uuid::Uuid;
use wire::bazaar::{OrderAccepted, OrderRejected, TradeRequest, TradeType};
use wire::headers;
use wire::ids::RequestId;

use super::failover::{Failover, ReplyAction, pass_on};
use super::membership::Membership;
use super::stocks::check_name;

/// Trades under way, those included whose clients have left. Twice what the server admits at once.
const MAX_TRADES: usize = 2048;

/// Takes trades to the leader.
#[derive(Debug)]
pub struct Trades {
    failover: Failover,
    membership: Arc<Membership>,
    timeout: Duration,
    places: Arc<Semaphore>,
}

impl Trades {
    /// Each trade is tried for `timeout`; `membership` hears of every number that is told.
    #[must_use]
    pub fn new(failover: Failover, membership: Arc<Membership>, timeout: Duration) -> Self {
        Self { failover, membership, timeout, places: Arc::new(Semaphore::new(MAX_TRADES)) }
    }

    /// `POST /orders`.
    pub async fn trade(&self, request: &Request) -> Result<Answer, Answer> {
        let trade: TradeRequest = request.json()?;
        check_name(&trade.stock_name)?;
        if self.failover.bugs().has(Bug::SellNothingWhileReduced)
            && trade.trade_type == TradeType::Sell
            && self.is_reduced()
        {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Answer::error_without_effect(status, "a replica is missing"));
        }
        let request_id = request_id(request)?;
        spans::mark(Stage::Received, &request_id);
        let call = call(&request_id, &trade);
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Answer::error_without_effect(status, "too many trades at once"));
        };
        let (failover, timeout) = (self.failover.clone(), self.timeout);
        let membership = Arc::clone(&self.membership);
        let detached = detached(async move {
            let act_on = |reply: Reply| act_on(reply, &membership);
            let answer = failover.ask(&call, timeout, act_on).await;
            drop(place);
            spans::mark(Stage::Answered, &request_id);
            answer.unwrap_or_else(|none| none.into_answer())
        });
        detached.await.map_err(|error| {
            tracing::error!(%error, "a trade ended abnormally");
            Answer::error(StatusCode::SERVICE_UNAVAILABLE, "the trade's outcome is not known")
        })
    }

    fn is_reduced(&self) -> bool {
        let configuration = self.membership.configuration();
        configuration.is_some_and(|known| self.failover.lacks_some(known.member_ids().count()))
    }
}

/// The client's name for the trade, or one of our own.
fn request_id(request: &Request) -> Result<RequestId, BadRequest> {
    let bad = |problem: &dyn std::fmt::Display| BadRequest::new(headers::IDEMPOTENCY_KEY, problem);
    let given = match request.headers.get(headers::IDEMPOTENCY_KEY) {
        Some(given) => given.to_str().map_err(|error| bad(&error))?.to_owned(),
        None => Uuid::new_v4().to_string(),
    };
    RequestId::new(given).map_err(|error| bad(&error))
}

fn call(request_id: &RequestId, trade: &TradeRequest) -> Call {
    let stock_name = utf8_percent_encode(&trade.stock_name, NON_ALPHANUMERIC);
    let (trade_type, quantity) = (trade.trade_type, trade.quantity.get());
    Call::get(format!("/trade?stock_name={stock_name}&trade_type={trade_type}&quantity={quantity}"))
        .header(headers::REQUEST_ID, request_id)
}

/// Which replies are an outcome. Anything that is none of the order service's forms comes from
/// a wrong address, and says nothing about what an earlier attempt has done.
fn act_on(reply: Reply, membership: &Membership) -> ReplyAction {
    match reply.status {
        // A replica that does not serve this epoch, is too busy, or is without the catalog.
        StatusCode::SERVICE_UNAVAILABLE => ReplyAction::Again(reply.as_attempt()),
        StatusCode::OK if reply.json::<OrderAccepted>().is_some() => {
            if let Some(accepted) = reply.json::<OrderAccepted>() {
                membership.note_answered(accepted.order_no);
            }
            pass_on(reply)
        }
        StatusCode::NOT_FOUND if reply.json::<OrderRejected>().is_some() => pass_on(reply),
        StatusCode::OK
        | StatusCode::NOT_FOUND
        | StatusCode::FORBIDDEN
        | StatusCode::METHOD_NOT_ALLOWED => {
            tracing::warn!(status = %reply.status, "the leader answered a trade oddly");
            ReplyAction::Again(Attempt::Unclear)
        }
        _ => pass_on(reply),
    }
}
