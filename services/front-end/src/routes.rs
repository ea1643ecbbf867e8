//! The front-end's table of endpoints, and who answers each of them.
//!
//! Three paths are public everywhere, and what clients of old look at is on loopback. Everything else
//! wants the bazaar's token, and has places of its own: with every public place taken by a trade that
//! waits for an invalidation, the invalidation still gets through (rule E5), and so does anybody who only
//! reads (rule G3), the more so if nobody has to be asked for it.

use std::sync::Arc;

use base::http::{Access, Answer, BadRequest, Endpoint, Peer, Request, Service};
use base::metrics::Metrics;
use hyper::StatusCode;
use wire::bazaar::{LeaderBody, Readiness};
use wire::configuration::MembershipRequest;

use super::configuration::Refused;
use super::membership::{Membership, Standing};
use super::orders::Orders;
use super::pinger::Pinger;
use super::stocks::Stocks;
use super::trades::Trades;

/// Everything that answers requests.
#[derive(Debug)]
pub(super) struct FrontEnd {
    pub(super) stocks: Arc<Stocks>,
    pub(super) trades: Trades,
    pub(super) orders: Orders,
    pub(super) membership: Arc<Membership>,
    pub(super) pinger: Arc<Pinger>,
    pub(super) metrics: Metrics,
}

/// The front-end's endpoints.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    Stock,
    Trade,
    Order,
    Leader,
    Remove,
    Invalidate,
    Configuration,
    ChangeMembers,
    History,
    Health,
    Metrics,
}

impl Service for FrontEnd {
    type Route = Route;

    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/stocks", Access::Public, Route::Stock).asking(Peer::Catalog),
        Endpoint::get("/stocks/*", Access::Public, Route::Stock).asking(Peer::Catalog),
        Endpoint::post("/orders", Access::Public, Route::Trade).trading(),
        Endpoint::get("/orders", Access::Public, Route::Order).asking(Peer::Replica),
        Endpoint::get("/orders/*", Access::Public, Route::Order).asking(Peer::Replica),
        Endpoint::get("/leader", Access::Local, Route::Leader),
        Endpoint::get("/rm", Access::Local, Route::Remove),
        Endpoint::post("/invalidate", Access::Internal, Route::Invalidate),
        Endpoint::get("/configuration", Access::Internal, Route::Configuration),
        Endpoint::post("/configuration/members", Access::Internal, Route::ChangeMembers),
        Endpoint::get("/history", Access::Internal, Route::History),
        Endpoint::get("/healthz", Access::Local, Route::Health),
        Endpoint::get("/metrics", Access::Local, Route::Metrics),
    ];

    fn answer_here(&self, route: Route, request: &Request) -> Option<Answer> {
        match route {
            Route::Stock => self.stocks.answer_here(request),
            Route::Order => Orders::answer_here(request),
            _ => None,
        }
    }

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let answer = match route {
            Route::Stock => self.stocks.query(&request).await,
            Route::Trade => self.trades.trade(&request).await,
            Route::Order => self.orders.look_up(&request).await,
            Route::Leader => self.leader(),
            Route::Remove => self.stocks.remove(&request),
            Route::Invalidate => self.stocks.invalidate(&request),
            Route::Configuration => self.configuration(),
            Route::ChangeMembers => self.change_members(&request).await,
            Route::History => Ok(Answer::ok(&self.membership.history().await)),
            Route::Health => self.health(),
            Route::Metrics => Ok(Answer::metrics(&self.metrics)),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }
}

impl FrontEnd {
    fn leader(&self) -> Result<Answer, Answer> {
        let configuration = self.membership.configuration().ok_or_else(no_configuration)?;
        let (leader, epoch) = (configuration.leader, configuration.epoch);
        Ok(Answer::ok(&LeaderBody { leader, epoch, in_sync: configuration.member_ids().collect() }))
    }

    /// What is current: anybody who meets an epoch that it has not heard of asks before it stores it (rule
    /// S2).
    fn configuration(&self) -> Result<Answer, Answer> {
        let configuration = self.membership.configuration().ok_or_else(no_configuration)?;
        Ok(Answer::ok(&*configuration))
    }

    async fn change_members(&self, request: &Request) -> Result<Answer, Answer> {
        let request: MembershipRequest = request.json()?;
        if self.pinger.address(request.member).is_none() {
            let problem = format!("{} is not one of the configured replicas", request.member);
            return Err(BadRequest::new("member", problem).into());
        }
        match self.membership.change_members(request).await {
            Ok(configuration) => Ok(Answer::ok(&*configuration)),
            Err(Refused::Stale(current)) => Err(Answer::json(StatusCode::CONFLICT, &current)),
            Err(refused @ (Refused::Leader(_) | Refused::NoIdentity(_))) => {
                Err(BadRequest::new("member", refused).into())
            }
            Err(refused) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Err(Answer::error_without_effect(status, refused.to_string()))
            }
        }
    }

    fn health(&self) -> Result<Answer, Answer> {
        let trouble = self.membership.trouble();
        let reason = match (self.membership.standing(), trouble) {
            (Standing::Led, None) => {
                return Ok(Answer::ok(&Readiness { ready: true, reason: None }));
            }
            (Standing::Led | Standing::Leaderless, Some(trouble)) => trouble,
            (Standing::Waiting(reason), _) => reason,
            (Standing::Beginning, _) => "beginning a new epoch".into(),
            (Standing::Leaderless, None) => "no in-sync replica answers".into(),
        };
        let body = Readiness { ready: false, reason: Some(reason.to_string()) };
        Err(Answer::json(StatusCode::SERVICE_UNAVAILABLE, &body))
    }
}

fn no_configuration() -> Answer {
    let reason = "there is no configuration yet: not every replica has answered";
    Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, reason)
}
