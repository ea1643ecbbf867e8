//! The catalog's endpoints, and the one place where what the writer says becomes a status.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;
use wire::bazaar::{
    CatalogAnswer, CatalogTrade, Data, MAX_BODY_BYTES, STOCK_NOT_FOUND, STOCK_NOT_FOUND_TRADE,
    TRADE_FAILED, TRADED,
};
use wire::headers;
use wire::ids::{Epoch, RequestId, StockVersion};
use wire::internal::{Decision, TradeRecord, UnnumberedRequest};

use super::ledger::{Stale, Trade};
use super::reveal::Look;
use super::shown::Shown;
use super::writer::{Ask, Desk, NotTold, Told, Waiting};
use crate::http::{Access, Answer, BadRequest, Endpoint, Request, Service};
use crate::metrics::Metrics;

/// Said until every version has been pushed.
const PUSHING_VERSIONS: &str = "pushing versions";
/// The largest counter that a column holds.
const MAX_COUNTER: u64 = i64::MAX as u64;

/// The catalog's endpoints.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// `GET /query`
    Query,
    /// `POST /trade`
    Trade,
    /// `POST /unnumbered`
    Unnumbered,
    /// `GET /dump`
    Dump,
    /// `GET /healthz`
    Health,
    /// `GET /metrics`
    Metrics,
}

/// What handlers use.
#[derive(Debug)]
pub struct Catalog {
    /// Where trades are handed in.
    pub desk: Desk,
    /// What queries see.
    pub shown: Arc<Shown<Waiting>>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Service for Catalog {
    type Route = Route;

    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/query", Access::Work, Route::Query),
        Endpoint::post("/trade", Access::Work, Route::Trade),
        Endpoint::post("/unnumbered", Access::Internal, Route::Unnumbered),
        Endpoint::get("/dump", Access::Internal, Route::Dump),
        Endpoint::get("/healthz", Access::Internal, Route::Health),
        Endpoint::get("/metrics", Access::Internal, Route::Metrics),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let answer = match route {
            Route::Query => self.query(&request).await,
            Route::Trade => self.ask(trade(&request)).await,
            Route::Unnumbered => self.ask(unnumbered(&request)).await,
            Route::Dump => self.ask(Ok(Ask::Dump)).await,
            Route::Health => Ok(self.health()),
            Route::Metrics => Ok(self.metrics.answer()),
        };
        answer.unwrap_or_else(|no| no)
    }
}

impl Catalog {
    async fn query(&self, request: &Request) -> Result<Answer, Answer> {
        let name = request.parameter("stock_name")?;
        let look = match request.header::<StockVersion>(headers::MIN_VERSION)? {
            None => self.shown.query(&name),
            Some(least) => self.shown.fill(&name, least).await,
        };
        match look {
            Look::Found(at) => Ok(Answer::ok(&Data { data: at.stock })
                .header(HeaderName::from_static(headers::STOCK_VERSION), number(at.version.0))),
            Look::Unknown => Err(Answer::error(StatusCode::NOT_FOUND, STOCK_NOT_FOUND)),
            Look::Closed => Err(not_yet(PUSHING_VERSIONS)),
            Look::TooEarly => Err(not_yet("the front-end has not acknowledged that version yet")),
        }
    }

    async fn ask(&self, ask: Result<Ask, Answer>) -> Result<Answer, Answer> {
        let ask = ask?;
        if !self.shown.is_open() {
            return Err(not_yet(PUSHING_VERSIONS));
        }
        match self.desk.ask(ask).await {
            Ok(told) => Ok(answer(told)),
            Err(not @ NotTold::NotTaken) => Err(not_yet(not.to_string())),
            // Whether it was decided is not known here, so no word about its effect.
            Err(not @ NotTold::Stopping) => {
                Err(Answer::error(StatusCode::SERVICE_UNAVAILABLE, not.to_string()))
            }
        }
    }

    fn health(&self) -> Answer {
        if self.shown.is_open() {
            Answer::ok(&json!({ "ready": true }))
        } else {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Answer::json(status, &json!({ "ready": false, "reason": PUSHING_VERSIONS }))
        }
    }
}

/// Reads a trade: from the order service with a request id and an epoch, or by hand with neither.
fn trade(request: &Request) -> Result<Ask, Answer> {
    let body: CatalogTrade = small_json(request)?;
    let request_id = request.header::<String>(headers::REQUEST_ID)?;
    let epoch = request.header::<Epoch>(headers::EPOCH)?;
    let (request_id, epoch) = match (request_id, epoch) {
        (Some(id), Some(epoch)) => {
            let id = RequestId::new(id);
            let id = id.map_err(|error| BadRequest::new(headers::REQUEST_ID, error))?;
            (id, Some(storable(headers::EPOCH, epoch)?))
        }
        // A name of its own, so that it is told apart from every other.
        (None, None) => {
            let id = RequestId::new(Uuid::new_v4().to_string());
            (id.expect("a UUID is 36 visible ASCII characters"), None)
        }
        (Some(_), None) => return Err(lacks(headers::EPOCH, headers::REQUEST_ID)),
        (None, Some(_)) => return Err(lacks(headers::REQUEST_ID, headers::EPOCH)),
    };
    Ok(Ask::Trade(Trade { request_id, epoch, body }))
}

fn unnumbered(request: &Request) -> Result<Ask, Answer> {
    let body: UnnumberedRequest = small_json(request)?;
    storable("epoch", body.epoch)?;
    if body.after.0 > MAX_COUNTER {
        return Err(BadRequest::new("after", format!("must be at most {MAX_COUNTER}")).into());
    }
    Ok(Ask::Unnumbered(body))
}

/// The body as JSON. What comes here is small, though internal endpoints may carry more.
fn small_json<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    if request.body.len() > MAX_BODY_BYTES {
        let message = format!("body: longer than {MAX_BODY_BYTES} bytes");
        return Err(Answer::error(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(request.json()?)
}

fn storable(field: &str, epoch: Epoch) -> Result<Epoch, BadRequest> {
    if epoch.0 > MAX_COUNTER {
        return Err(BadRequest::new(field, format!("must be at most {MAX_COUNTER}")));
    }
    Ok(epoch)
}

fn lacks(missing: &str, present: &str) -> Answer {
    BadRequest::new(missing, format!("missing; it must come with {present}, or neither")).into()
}

fn answer(told: Told) -> Answer {
    match told {
        Told::Decided(record) => decided(&record),
        Told::Conflict => Answer::error(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{}: belongs to another trade", headers::REQUEST_ID),
        ),
        Told::Stale(stale) => replaced(stale),
        Told::Unnumbered(reply) => Answer::ok(&reply),
        Told::Dump(dump) => Answer::ok(&dump),
    }
}

fn decided(record: &TradeRecord) -> Answer {
    let (status, message) = match record.decision {
        Decision::Applied => (StatusCode::OK, TRADED),
        Decision::Failed => (StatusCode::NOT_FOUND, TRADE_FAILED),
        Decision::NotFound => (StatusCode::NOT_FOUND, STOCK_NOT_FOUND_TRADE),
    };
    let body = CatalogAnswer { message: message.to_owned(), applied_seq: record.applied_seq };
    Answer::json(status, &body)
}

fn replaced(stale: Stale) -> Answer {
    let message = format!("{}: a newer epoch, {}, has begun", headers::EPOCH, stale.seen);
    let answer = if stale.recorded {
        Answer::error(StatusCode::CONFLICT, message)
    } else {
        Answer::error_without_effect(StatusCode::CONFLICT, message)
    };
    answer.header(HeaderName::from_static(headers::EPOCH), number(stale.seen.0))
}

fn not_yet(reason: impl Into<String>) -> Answer {
    Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, reason)
}

fn number(value: u64) -> HeaderValue {
    HeaderValue::from(value)
}
