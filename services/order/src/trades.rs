//! Carrying a trade from a request to a committed number.
//!
//! Rule E2: once a leader has sent a trade to the catalog, it goes on until the trade has an
//! outcome and, if it was applied, a committed number, or until the leader is replaced; whether the
//! client is still there does not matter, nor whether the task that carries it is: see [`Duty`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base::http::{Answer, Call, CallError, Peers, Reply, Together};
use base::planted::{Part, Planted, Point};
use base::spans::{self, Stage};
use base::tasks::detached;
use hyper::StatusCode;
use tokio::sync::{Semaphore, oneshot};
use wire::bazaar::{
    CatalogAnswer, CatalogTrade, ErrorBody, OrderAccepted, OrderRejected, STOCK_NOT_FOUND_TRADE,
    TRADE_FAILED, TradeRequest,
};
use wire::headers;
use wire::ids::{Epoch, Incarnation, RequestId};
use wire::internal::AppliedTrade;

use super::actor::{Handle, Input};
use super::prober::News;
use super::replica::{NoNumber, Status};
use super::trade_progress::{CatalogReply, Next, TradeProgress};

/// How long a request waits for a takeover to end before it is told to try again.
const MAX_WAIT_FOR_TAKEOVER: Duration = Duration::from_secs(1);
/// The catalog flushes its disk and waits for the front-end before it answers.
const CATALOG_TIMEOUT: Duration = Duration::from_secs(5);
/// Trades under way, their clients present or not.
const MAX_UNDER_WAY: usize = 4096;

/// Carries trades.
#[derive(Debug)]
pub(super) struct Trades {
    replica: Handle,
    catalog: SocketAddr,
    together: Together,
    news: News,
    planted: Planted,
    places: Arc<Semaphore>,
}

/// One trade on its way.
struct Carrier {
    replica: Handle,
    catalog: SocketAddr,
    together: Together,
    news: News,
    planted: Planted,
    epoch: Epoch,
    request_id: RequestId,
    trade: TradeRequest,
}

/// The task that carries a trade panics: that is said, for nobody else goes on with it. (The process goes on: a
/// trade at which it ended would end one leader after the other.)
struct Duty {
    replica: Handle,
    epoch: Epoch,
}

impl Drop for Duty {
    fn drop(&mut self) {
        if thread::panicking() {
            // A queue that is full has trades in it, and with them the gap shows.
            let _ = self.replica.inputs.try_send(Input::TradeLost(self.epoch));
        }
    }
}

/// What the catalog said, as far as it concerns the client.
type Outcome = CatalogReply<Applied, Answer>;

/// An applied trade, and the process of the catalog that said so.
struct Applied {
    trade: AppliedTrade,
    by: Incarnation,
}

impl Trades {
    pub(super) fn new(
        replica: Handle,
        catalog: SocketAddr,
        peers: Peers,
        news: News,
        planted: Planted,
    ) -> Self {
        let places = Arc::new(Semaphore::new(MAX_UNDER_WAY));
        let together = Together::new(peers);
        Self { replica, catalog, together, news, planted, places }
    }

    /// Waits until this replica serves, in `epoch` if one is given.
    ///
    /// # Errors
    /// An answer that says who leads, certain to have had no effect.
    pub(super) async fn serving_epoch(&self, epoch: Option<Epoch>) -> Result<Epoch, Answer> {
        let mut status = self.replica.status.clone();
        let decided = status.wait_for(|status| {
            let settled = status.serving || (epoch.is_none() && !status.leading);
            let too_late = epoch.is_some_and(|epoch| status.epoch > epoch);
            too_late || (settled && epoch.is_none_or(|epoch| status.epoch == epoch))
        });
        let now = match tokio::time::timeout(MAX_WAIT_FOR_TAKEOVER, decided).await {
            Ok(Ok(now)) => now.clone(),
            Ok(Err(_)) | Err(_) => self.replica.status.borrow().clone(),
        };
        if now.serving && epoch.is_none_or(|epoch| now.epoch == epoch) {
            return Ok(now.epoch);
        }
        let message = not_serving(&now, epoch);
        Err(Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, message))
    }

    /// Carries one trade; the answer is the client's.
    pub(super) async fn carry(
        &self,
        epoch: Option<Epoch>,
        request_id: RequestId,
        trade: TradeRequest,
    ) -> Result<Answer, Answer> {
        let epoch = self.serving_epoch(epoch).await?;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let message = "too many trades under way";
            return Err(Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, message));
        };
        let carrier = Carrier {
            replica: self.replica.clone(),
            catalog: self.catalog,
            together: self.together.clone(),
            news: self.news.clone(),
            planted: self.planted,
            epoch,
            request_id,
            trade,
        };
        let slowdown = self.planted.slowdown;
        let carrying = async move {
            let began = Instant::now();
            let _duty = Duty { replica: carrier.replica.clone(), epoch };
            let answer = carrier.carry().await;
            slowdown.pass(began).await;
            drop(place);
            answer
        };
        if !TradeProgress::outlives_its_connection(self.planted.bugs) {
            return Ok(carrying.await);
        }
        detached(carrying).await.map_err(|error| {
            tracing::error!(%error, "a trade's task failed");
            Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "the outcome of the trade is unknown")
        })
    }
}

fn not_serving(status: &Status, wanted: Option<Epoch>) -> String {
    match (wanted, &status.configuration) {
        (Some(wanted), _) => {
            format!(
                "this replica does not serve in epoch {wanted}; it knows epoch {}",
                status.epoch
            )
        }
        (None, Some(known)) => format!("not the leader: replica {} leads", known.leader),
        (None, None) => "not the leader: nobody has said who leads".to_owned(),
    }
}

impl Carrier {
    async fn carry(self) -> Answer {
        spans::mark(Stage::Received, &self.request_id);
        let trade = CatalogTrade {
            stock_name: self.trade.stock_name.clone(),
            trade_type: self.trade.trade_type,
            quantity: self.trade.quantity,
        };
        let call = Call::post("/trade", &trade)
            .header(headers::REQUEST_ID, &self.request_id)
            .header(headers::EPOCH, self.epoch);
        let mut progress = TradeProgress::new(self.planted.bugs);
        let mut next = Next::Ask;
        loop {
            next = match next {
                Next::Ask if !self.leads() => progress.replaced(),
                Next::Ask => {
                    self.planted.stretches.pass(Point::Trade).await;
                    let call = self.meant_for_listed(&call);
                    spans::mark(Stage::AsksCatalog, &self.request_id);
                    let reply = self.together.call(self.catalog, call, CATALOG_TIMEOUT).await;
                    spans::mark(Stage::CatalogAnswered, &self.request_id);
                    let next = progress.heard(self.interpret(reply));
                    match next {
                        Next::Ask => self.await_news().await,
                        _ => self.news.catalog_decides(),
                    }
                    next
                }
                Next::Number(applied) => match self.number(applied).await {
                    Some(answer) => return answer,
                    // Its answer came from a process that this leader has not listed (rule L6).
                    None => {
                        self.await_news().await;
                        Next::Ask
                    }
                },
                Next::Answer(answer) => return answer,
                Next::GiveUp { without_effect } => return replaced(without_effect),
            };
        }
    }

    fn leads(&self) -> bool {
        self.is_led_by(&self.replica.status.borrow())
    }

    fn is_led_by(&self, status: &Status) -> bool {
        status.leading && status.epoch == self.epoch
    }

    /// Until it makes sense to ask the catalog again, or this replica leads no more.
    async fn await_news(&self) {
        let mut status = self.replica.status.clone();
        let replaced = async {
            if status.wait_for(|status| !self.is_led_by(status)).await.is_err() {
                // The thread has ended, and so will this task.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = self.news.of_the_catalog(self.planted.bugs) => {}
            () = replaced => {}
        }
    }

    /// L6: no other process of the catalog applies it than the one that this leader has listed.
    fn meant_for_listed(&self, call: &Call) -> Call {
        match &self.replica.status.borrow().catalog {
            Some(listed) => call.clone().header(headers::CATALOG_INCARNATION, listed),
            None => call.clone(),
        }
    }

    /// A process of the catalog answered; if it is another one than was listed, it is listed first.
    fn met(&self, reply: &Reply) {
        let met = reply.header::<Incarnation>(headers::CATALOG_INCARNATION);
        if let Some(met) =
            met.filter(|met| self.replica.status.borrow().catalog.as_ref() != Some(met))
        {
            // If the queue is full, the next probe says the same.
            let _ = self.replica.inputs.try_send(Input::SawCatalog(self.epoch, met));
        }
    }

    fn interpret(&self, reply: Result<Reply, CallError>) -> Outcome {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => {
                if !matches!(error, CallError::Refused) {
                    tracing::warn!(%error, "no answer from the catalog; asking again");
                }
                return Outcome::Nothing(error.as_attempt(self.planted.bugs));
            }
        };
        self.met(&reply);
        match reply.status {
            StatusCode::OK => self.applied(&reply),
            StatusCode::NOT_FOUND => self.refused(&reply),
            StatusCode::CONFLICT => {
                if let Some(newer) = reply.header(headers::EPOCH) {
                    // If the queue is full, the front-end's next ping says the same.
                    let _ = self.replica.inputs.try_send(Input::SawEpoch(newer));
                }
                Outcome::Deposed(reply.as_attempt())
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                let body = reply.json::<ErrorBody>();
                let message = body.map_or_else(String::new, |body| body.error.message);
                Outcome::Final(Answer::error(StatusCode::UNPROCESSABLE_ENTITY, message))
            }
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Nothing(reply.as_attempt()),
            _ => unexpected(&reply),
        }
    }

    fn applied(&self, reply: &Reply) -> Outcome {
        let place = reply.json::<CatalogAnswer>().and_then(|body| body.applied_seq);
        let by = reply.header::<Incarnation>(headers::CATALOG_INCARNATION);
        let (Some(applied_seq), Some(by)) = (place, by) else {
            return unexpected(reply);
        };
        let trade = AppliedTrade {
            applied_seq,
            request_id: self.request_id.clone(),
            stock_name: self.trade.stock_name.clone(),
            trade_type: self.trade.trade_type,
            quantity: self.trade.quantity.get(),
        };
        Outcome::Applied(Applied { trade, by })
    }

    fn refused(&self, reply: &Reply) -> Outcome {
        let message = reply.json::<CatalogAnswer>().map(|body| body.message);
        match message {
            Some(message) if [STOCK_NOT_FOUND_TRADE, TRADE_FAILED].contains(&message.as_str()) => {
                let body = OrderRejected { order_no: -1, message };
                Outcome::Final(Answer::json(StatusCode::NOT_FOUND, &body))
            }
            _ => unexpected(reply),
        }
    }

    /// The answer to the client; `None` if the catalog has to be asked again.
    async fn number(&self, Applied { trade, by }: Applied) -> Option<Answer> {
        let (reply, numbered) = oneshot::channel();
        self.planted.stretches.pass(Point::Number).await;
        self.planted.panics.pass(Part::Carrier);
        let queued = self.replica.inputs.send(Input::Number(self.epoch, by, trade, reply)).await;
        let numbered = numbered.await;
        spans::mark(Stage::Answered, &self.request_id);
        self.planted.stretches.pass(Point::Answer).await;
        Some(match (queued, numbered) {
            (Ok(()), Ok(Ok(order_no))) => Answer::ok(&OrderAccepted { order_no }),
            (Ok(()), Ok(Err(NoNumber::AskAgain))) => return None,
            (Ok(()), Ok(Err(no))) => Answer::error(StatusCode::SERVICE_UNAVAILABLE, no.to_string()),
            (Err(_), _) | (_, Err(_)) => {
                Answer::error(StatusCode::SERVICE_UNAVAILABLE, "this replica is stopping")
            }
        })
    }
}

fn replaced(without_effect: bool) -> Answer {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let message = "this replica was replaced as the leader";
    if without_effect {
        Answer::error_without_effect(status, message)
    } else {
        Answer::error(status, message)
    }
}

fn unexpected(reply: &Reply) -> Outcome {
    let message = format!("the catalog answered with status {}", reply.status.as_u16());
    tracing::error!(status = %reply.status, "unexpected answer of the catalog");
    Outcome::Final(Answer::error(StatusCode::BAD_GATEWAY, message))
}
