//! The catalog's endpoints, and the one place where what the writer says becomes a status.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base::http::{Access, Answer, BadRequest, Endpoint, Peer, Request, Service};
use base::metrics::Metrics;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::watch;
use uuid::Uuid;
use wire::bazaar::{
    CatalogAnswer, CatalogTrade, Data, MAX_BODY_BYTES, Readiness, STOCK_NOT_FOUND,
    STOCK_NOT_FOUND_TRADE, TRADE_FAILED, TRADED,
};
use wire::configuration::Configuration;
use wire::dump::MAX_PAGE;
use wire::headers;
use wire::ids::{Epoch, Incarnation, MAX_COUNTER, RequestId, StockVersion};
use wire::internal::{
    Decision, FillRequest, MAX_LISTED, TradeRecord, UnnumberedRequest, VersionedStock,
};
use wire::json::FromBody;

use super::ledger::{Stale, Trade};
use super::visibility::Look;
use super::visible_stocks::VisibleStocks;
use super::writer::{
    PageRequest, Rejected, Status, Waiting, WriterHandle, WriterRequest, WriterResponse,
};

/// How long a leader's list waits until its epoch has been told. Refused at once, the leader asks again after a millisecond, and then
/// two, with everybody's trades waiting.
const UNTOLD_WAIT: Duration = Duration::from_millis(100);

/// Said until every version has been pushed.
const PUSHING_VERSIONS: &str = "pushing versions";

/// The catalog's endpoints.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// `GET /query`
    Query,
    /// `POST /trade`
    Trade,
    /// `POST /unnumbered`
    Unnumbered,
    /// `POST /fill`
    Fill,
    /// `POST /configuration`
    Configuration,
    /// `GET /ping`
    Ping,
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
    pub writer: WriterHandle,
    /// What queries see.
    pub shown: Arc<VisibleStocks<Waiting>>,
    /// What the writer last committed about itself.
    pub status: watch::Receiver<Status>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Service for Catalog {
    type Route = Route;

    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/query", Access::Work, Route::Query).asking(Peer::FrontEnd),
        Endpoint::post("/trade", Access::Work, Route::Trade).trading(),
        Endpoint::post("/unnumbered", Access::Internal, Route::Unnumbered),
        Endpoint::post("/fill", Access::Internal, Route::Fill),
        Endpoint::post("/configuration", Access::Internal, Route::Configuration),
        Endpoint::get("/ping", Access::Internal, Route::Ping),
        Endpoint::get("/dump", Access::Internal, Route::Dump),
        Endpoint::get("/healthz", Access::Local, Route::Health),
        Endpoint::get("/metrics", Access::Local, Route::Metrics),
    ];

    fn answer_here(&self, route: Route, request: &Request) -> Option<Answer> {
        match route {
            Route::Query => self.look(request),
            _ => None,
        }
    }

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let answer = match route {
            Route::Query => self.query(&request).await,
            Route::Trade => self.ask(trade(&request)).await,
            Route::Unnumbered => self.list(&request).await,
            Route::Fill => self.ask(fill(&request)).await,
            Route::Configuration => self.hear(&request).await,
            Route::Ping => Ok(self.ping()),
            Route::Dump => self.ask(dump(&request)).await,
            Route::Health => Ok(self.health()),
            Route::Metrics => Ok(Answer::metrics(&self.metrics)),
        };
        let answer = answer.unwrap_or_else(|no| no);
        match route {
            // L6: anybody who numbers by these answers has to know which process gave them.
            Route::Trade | Route::Unnumbered | Route::Fill => answer
                .header(HeaderName::from_static(headers::CATALOG_INCARNATION), self.incarnation()),
            _ => answer,
        }
    }
}

impl Catalog {
    /// `GET /query`, if that need not wait until the front-end has acknowledged something.
    fn look(&self, request: &Request) -> Option<Answer> {
        let (name, least) = match self.wanted(request) {
            Ok(wanted) => wanted,
            Err(no) => return Some(no),
        };
        match self.shown.look(&name, least) {
            Look::TooEarly | Look::Overtaken(_) => None,
            look => Some(shown(look)),
        }
    }

    /// `GET /query`, however long that takes, within a bound.
    async fn query(&self, request: &Request) -> Result<Answer, Answer> {
        let (name, least) = self.wanted(request)?;
        Ok(shown(match least {
            None => self.shown.query(&name),
            Some(least) => self.shown.fill(&name, least, |next| self.raise(&name, next)).await,
        }))
    }

    /// The stock that a query is for, and the version that it needs.
    fn wanted(&self, request: &Request) -> Result<(String, Option<StockVersion>), Answer> {
        if let Some(reason) = self.closed() {
            return Err(not_yet(reason));
        }
        Ok((request.stock_name()?, request.header::<StockVersion>(headers::MIN_VERSION)?))
    }

    /// L8: the front-end has seen a later version of a stock than there ever was in this file.
    fn raise(&self, stock_name: &str, version: StockVersion) {
        tracing::warn!(stock_name, %version, "the front-end has seen later versions; going on from there");
        let stock_name = stock_name.to_owned();
        // If there is too much to do at the moment, the front-end asks again.
        let _ =
            self.writer.hand_in(WriterRequest::Raise(vec![VersionedStock { stock_name, version }]));
    }

    async fn ask(&self, ask: Result<WriterRequest, Answer>) -> Result<Answer, Answer> {
        let ask = ask?;
        if !self.shown.is_open() {
            return Err(not_yet(PUSHING_VERSIONS));
        }
        self.tell(ask).await
    }

    /// A list of what was applied. A leader that the front-end has not named yet waits for that, within a bound: after an election both
    /// messages are on their way at once.
    async fn list(&self, request: &Request) -> Result<Answer, Answer> {
        let list = unnumbered(request)?;
        let mut status = self.status.clone();
        let told = status.wait_for(|status| status.told >= Some(list.epoch));
        // The writer says what is missing.
        let _ = tokio::time::timeout(UNTOLD_WAIT, told).await;
        self.ask(Ok(WriterRequest::Unnumbered(list))).await
    }

    /// L6: heard at once, whatever is still being pushed: the front-end may be waiting for this
    /// before it can acknowledge anything.
    async fn hear(&self, request: &Request) -> Result<Answer, Answer> {
        let configuration: Configuration = small_json(request)?;
        let answer = self.tell(WriterRequest::Configuration(configuration)).await?;
        Ok(if answer.status() == StatusCode::OK { self.ping() } else { answer })
    }

    /// Answers at once, whatever the writer and the front-end are busy with.
    fn ping(&self) -> Answer {
        let mut status = self.status.borrow().catalog.clone();
        status.is_open &= self.shown.is_open();
        Answer::ok(&status)
    }

    fn incarnation(&self) -> HeaderValue {
        let incarnation = self.status.borrow().catalog.incarnation.to_string();
        HeaderValue::from_str(&incarnation).expect("a drawn name fits a header")
    }

    /// Why nothing is shown yet.
    fn closed(&self) -> Option<Cow<'static, str>> {
        let status = self.status.borrow();
        if !self.shown.is_open() {
            Some(PUSHING_VERSIONS.into())
        } else if !status.catalog.is_open {
            Some(status.waits_for.clone())
        } else {
            None
        }
    }

    async fn tell(&self, ask: WriterRequest) -> Result<Answer, Answer> {
        match self.writer.ask(ask).await {
            Ok(told) => Ok(answer(told)),
            Err(not @ Rejected::NotTaken) => Err(not_yet(not.to_string())),
            // Whether it was decided is not known here, so no word about its effect.
            Err(not @ Rejected::Stopping) => {
                Err(Answer::error(StatusCode::SERVICE_UNAVAILABLE, not.to_string()))
            }
        }
    }

    fn health(&self) -> Answer {
        match self.closed() {
            None => Answer::ok(&Readiness { ready: true, reason: None }),
            Some(reason) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let body = Readiness { ready: false, reason: Some(reason.into_owned()) };
                Answer::json(status, &body)
            }
        }
    }
}

fn shown(look: Look) -> Answer {
    match look {
        Look::Found(at) => Answer::ok(&Data { data: at.stock })
            .header(HeaderName::from_static(headers::STOCK_VERSION), number(at.version.0)),
        Look::Unknown => Answer::error(StatusCode::NOT_FOUND, STOCK_NOT_FOUND),
        Look::Closed => not_yet(PUSHING_VERSIONS),
        Look::TooEarly | Look::Overtaken(_) => {
            not_yet("the front-end has not acknowledged that version yet")
        }
    }
}

/// Reads a trade: from the order service with a request id and an epoch, or by hand with neither.
fn trade(request: &Request) -> Result<WriterRequest, Answer> {
    let body: CatalogTrade = small_json(request)?;
    let request_id = request.header::<String>(headers::REQUEST_ID)?;
    let epoch = request.header::<Epoch>(headers::EPOCH)?;
    let (request_id, epoch) = match (request_id, epoch) {
        (Some(id), Some(epoch)) => {
            let id = RequestId::new(id);
            let id = id.map_err(|error| BadRequest::new(headers::REQUEST_ID, error))?;
            (id, Some(epoch))
        }
        // A name of its own, so that it is told apart from every other.
        (None, None) => {
            let id = RequestId::new(Uuid::new_v4().to_string());
            (id.expect("a UUID is 36 visible ASCII characters"), None)
        }
        (Some(_), None) => return Err(lacks(headers::EPOCH, headers::REQUEST_ID)),
        (None, Some(_)) => return Err(lacks(headers::REQUEST_ID, headers::EPOCH)),
    };
    let listed = request.header::<Incarnation>(headers::CATALOG_INCARNATION)?;
    Ok(WriterRequest::Trade(Trade { request_id, epoch, body }, listed))
}

fn unnumbered(request: &Request) -> Result<UnnumberedRequest, Answer> {
    let body: UnnumberedRequest = small_json(request)?;
    if body.after.place > body.log_end {
        return Err(BadRequest::new("after", "must not lie beyond log_end").into());
    }
    Ok(body)
}

fn fill(request: &Request) -> Result<WriterRequest, Answer> {
    let body: FillRequest = request.json()?;
    if body.entries.len() > MAX_LISTED as usize {
        return Err(BadRequest::new("entries", format!("at most {MAX_LISTED} are taken")).into());
    }
    Ok(WriterRequest::Fill(body))
}

fn dump(request: &Request) -> Result<WriterRequest, Answer> {
    let after = request.optional("after")?.unwrap_or(0);
    let through = request.optional("through")?;
    for (field, position) in [("after", Some(after)), ("through", through)] {
        if position.is_some_and(|position| position > MAX_COUNTER) {
            return Err(BadRequest::new(field, format!("must be at most {MAX_COUNTER}")).into());
        }
    }
    Ok(WriterRequest::Dump(PageRequest { after, limit: request.limit(MAX_PAGE)?, through }))
}

/// The body as JSON. What comes here is small, though internal endpoints may carry more.
fn small_json<T: FromBody>(request: &Request) -> Result<T, Answer> {
    if request.body.len() > MAX_BODY_BYTES {
        let message = format!("body: longer than {MAX_BODY_BYTES} bytes");
        return Err(Answer::error(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(request.json()?)
}

fn lacks(missing: &str, present: &str) -> Answer {
    BadRequest::new(missing, format!("missing; it must come with {present}, or neither")).into()
}

fn answer(told: WriterResponse) -> Answer {
    match told {
        WriterResponse::Decided(record) => decided(&record),
        WriterResponse::Conflict => Answer::error(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{}: belongs to another trade", headers::REQUEST_ID),
        ),
        WriterResponse::Stale(stale) => replaced(stale),
        WriterResponse::Closed(reason) => not_yet(reason),
        // There is no epoch in it: this is no fence, and another leader is told the same.
        WriterResponse::OtherBazaar(other) => {
            Answer::error(StatusCode::CONFLICT, other.to_string())
        }
        WriterResponse::Heard => Answer::empty(),
        WriterResponse::Unnumbered(reply) => Answer::ok(&reply),
        WriterResponse::Filled(reply) => Answer::ok(&reply),
        WriterResponse::Page(page) => Answer::ok(&page),
        WriterResponse::Raised => Answer::empty(),
        WriterResponse::Changed => {
            Answer::error(StatusCode::CONFLICT, "through: not held here (any more); begin again")
        }
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
