//! A front-end and a catalog that do as told.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use serde_json::json;
use services::http::{Access, Answer, Endpoint, Request, Service};
use tokio::sync::{Notify, watch};
use wire::bazaar::{CatalogAnswer, CatalogTrade, TRADE_FAILED, TRADED};
use wire::configuration::{Configuration, Member, Membership, MembershipRequest};
use wire::headers;
use wire::ids::{AppliedSeq, Incarnation, OrderNo};
use wire::internal::{AppliedTrade, FillReply, FillRequest, UnnumberedReply, UnnumberedRequest};

/// Plays the front-end (membership) and the catalog (trades) for the replicas under test.
pub(crate) struct Others {
    pub(crate) configuration: watch::Sender<Configuration>,
    pub(crate) applied: Mutex<HashMap<String, AppliedTrade>>,
    /// The incarnation of the catalog.
    pub(crate) incarnation: Mutex<Incarnation>,
    /// What the catalog answers instead, to the next trade.
    pub(crate) instead: Mutex<Option<StatusCode>>,
    /// Trades wait here while it is held up.
    pub(crate) hold: watch::Sender<bool>,
    pub(crate) arrived: Notify,
    /// The catalog answers everything but a ping with 503.
    pub(crate) is_down: AtomicBool,
    /// A leader has listed this process of the catalog.
    pub(crate) is_listed: AtomicBool,
    /// How often the catalog was asked for a trade, and how often for nothing.
    pub(crate) trades: AtomicUsize,
    pub(crate) probes: watch::Sender<usize>,
}

#[derive(Clone, Copy)]
pub(crate) enum Route {
    Configuration,
    Ping,
    Members,
    Trade,
    Unnumbered,
    Fill,
    Query,
}

impl Service for Others {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/configuration", Access::Internal, Route::Configuration),
        Endpoint::get("/ping", Access::Internal, Route::Ping),
        Endpoint::post("/configuration/members", Access::Internal, Route::Members),
        Endpoint::post("/trade", Access::Internal, Route::Trade).trading(),
        Endpoint::post("/unnumbered", Access::Internal, Route::Unnumbered),
        Endpoint::post("/fill", Access::Internal, Route::Fill),
        Endpoint::get("/query", Access::Internal, Route::Query),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let is_down = self.is_down.load(Ordering::SeqCst);
        match route {
            Route::Configuration => Answer::ok(&*self.configuration.borrow()),
            Route::Ping => {
                self.probes.send_modify(|probes| *probes += 1);
                Answer::empty()
            }
            Route::Unnumbered if is_down => down(),
            Route::Members => self.members(&request.json().unwrap()),
            Route::Trade => self.trade(&request).await,
            Route::Unnumbered => Answer::ok(&self.list(&request.json().unwrap())),
            Route::Fill => Answer::ok(&self.fill(request.json().unwrap())),
            Route::Query => Answer::ok(&json!({"data": {"stock_name": "Stock1"}})),
        }
    }
}

impl Others {
    pub(crate) fn members(&self, request: &MembershipRequest) -> Answer {
        let mut status = StatusCode::CONFLICT;
        self.configuration.send_if_modified(|current| {
            if (current.epoch, current.version) != (request.epoch, request.version) {
                return false;
            }
            status = StatusCode::OK;
            current.version = current.version.next();
            current.in_sync.retain(|member| member.id != request.member);
            if request.change == Membership::Add {
                let identity = request.identity.clone().unwrap();
                current.in_sync.push(Member { id: request.member, identity });
                current.in_sync.sort();
            }
            true
        });
        Answer::json(status, &*self.configuration.borrow())
    }

    pub(crate) async fn trade(&self, request: &Request) -> Answer {
        self.trades.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        if self.is_down.load(Ordering::SeqCst) {
            return down();
        }
        let mut hold = self.hold.subscribe();
        hold.wait_for(|held| !held).await.unwrap();
        if let Some(status) = self.instead.lock().unwrap().take() {
            return Answer::json(status, &json!({"message": TRADE_FAILED}));
        }
        let trade: CatalogTrade = request.json().unwrap();
        let id: String = request.header(headers::REQUEST_ID).unwrap().unwrap();
        let incarnation = self.incarnation();
        let meant: Option<Incarnation> = request.header(headers::CATALOG_INCARNATION).unwrap();
        let header = hyper::header::HeaderName::from_static(headers::CATALOG_INCARNATION);
        let by = hyper::header::HeaderValue::from_str(incarnation.as_str()).unwrap();
        // Rule L6. A leader that has listed nothing yet names nobody, and is refused like one that names another.
        if !self.is_listed.load(Ordering::SeqCst) || meant.is_some_and(|meant| meant != incarnation)
        {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Answer::error_without_effect(status, "list first").header(header, by);
        }
        let mut applied = self.applied.lock().unwrap();
        let next = AppliedSeq(applied.len() as u64 + 1);
        let applied = applied.entry(id.clone()).or_insert(AppliedTrade {
            applied_seq: next,
            request_id: wire::ids::RequestId::new(id).unwrap(),
            stock_name: trade.stock_name,
            trade_type: trade.trade_type,
            quantity: trade.quantity.get(),
        });
        let message = TRADED.to_owned();
        let answer = CatalogAnswer { message, applied_seq: Some(applied.applied_seq) };
        Answer::ok(&answer).header(header, by)
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation.lock().unwrap().clone()
    }

    pub(crate) fn places(&self) -> BTreeMap<OrderNo, AppliedTrade> {
        let applied = self.applied.lock().unwrap();
        applied.values().map(|trade| (trade.applied_seq.order_no(), trade.clone())).collect()
    }

    pub(crate) fn list(&self, request: &UnnumberedRequest) -> UnnumberedReply {
        let (incarnation, places) = (self.incarnation(), self.places());
        let last_place = OrderNo(places.len() as u64);
        if last_place < request.log_end {
            let (is_new, may_fill) = (last_place.0 == 0, request.by_everybody);
            return UnnumberedReply::Behind { incarnation, last_place, is_new, may_fill };
        }
        // Short pages, so that there are several.
        let trades: Vec<_> = places
            .range(request.after.place.next()..)
            .take(2)
            .map(|(_, trade)| trade.clone())
            .collect();
        let done = trades.last().is_none_or(|last| last.applied_seq.order_no() == last_place);
        self.is_listed.fetch_or(done, Ordering::SeqCst);
        UnnumberedReply::Page { incarnation, trades, last_place, done }
    }

    pub(crate) fn fill(&self, request: FillRequest) -> FillReply {
        let incarnation = self.incarnation();
        if request.incarnation != incarnation {
            return FillReply::ListFirst { incarnation };
        }
        for entry in request.entries {
            let trade = AppliedTrade {
                applied_seq: entry.order_no.place(),
                request_id: entry.request_id.clone(),
                stock_name: entry.stock_name.to_string(),
                trade_type: entry.trade_type,
                quantity: entry.quantity,
            };
            self.applied.lock().unwrap().insert(entry.request_id.to_string(), trade);
        }
        let last_place = OrderNo(self.places().len() as u64);
        FillReply::Filled { incarnation, last_place }
    }

    /// Another process of the catalog, on a file that holds the first `places` only.
    pub(crate) fn restart_catalog(&self, name: &str, places: u64) {
        self.is_listed.store(false, Ordering::SeqCst);
        *self.incarnation.lock().unwrap() = Incarnation::new(name).unwrap();
        self.applied.lock().unwrap().retain(|_, trade| trade.applied_seq.0 <= places);
    }
}

pub(crate) fn down() -> Answer {
    Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, "down")
}
