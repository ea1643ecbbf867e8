//! What a service is to the server, and what hides its type from it: server and protocol are the same code
//! for all of them, and are compiled once.

use std::future::Future;
use std::sync::Arc;

use super::endpoint::Row;
use super::members;
use super::{Answer, Endpoint, Load, Request};
use crate::tasks::{Boxed, boxed};

/// What a service is to the server: its table, and what it does for each row.
pub trait Service: Send + Sync + 'static {
    /// What the service calls its endpoints.
    type Route: Copy + Send + Sync + 'static;

    /// Every endpoint.
    const ENDPOINTS: &'static [Endpoint<Self::Route>];

    /// The answer to a request for an [asking](Endpoint::asking) endpoint, if it needs nothing but what is
    /// here; what is wrong with the request is here, too. If there is none the request waits for a place
    /// among those that have to ask, and only then is handled.
    fn answer_here(&self, _route: Self::Route, _request: &Request) -> Option<Answer> {
        None
    }

    /// Answers one request.
    fn handle(
        self: Arc<Self>,
        route: Self::Route,
        request: Request,
    ) -> impl Future<Output = Answer> + Send;
}

/// The same of any service: its routes are called by the indices of their rows.
pub(super) trait AnyService: Send + Sync {
    /// See [`Service::answer_here`].
    fn answer_here(&self, index: usize, request: &Request) -> Option<Answer>;

    /// See [`Service::handle`].
    fn handle(&self, index: usize, request: Request) -> Boxed<'static, Answer>;
}

struct Known<S>(Arc<S>);

impl<S: Service> AnyService for Known<S> {
    fn answer_here(&self, index: usize, request: &Request) -> Option<Answer> {
        self.0.answer_here(S::ENDPOINTS[index].route, request)
    }

    fn handle(&self, index: usize, request: Request) -> Boxed<'static, Answer> {
        boxed(Arc::clone(&self.0).handle(S::ENDPOINTS[index].route, request))
    }
}

/// A service of whatever type, with its table.
pub(super) struct Handler {
    /// One for each endpoint, in their order.
    pub(super) rows: Vec<Row>,
    /// The row that trades which travel together come by, where there are trades.
    pub(super) together: Option<usize>,
    pub(super) service: Box<dyn AnyService>,
}

impl Handler {
    pub(super) fn new<S: Service>(service: Arc<S>) -> Self {
        let mut rows: Vec<_> = S::ENDPOINTS.iter().map(|endpoint| endpoint.row).collect();
        let takes_trades = rows.iter().any(|row| row.load == Load::Trade);
        let together = takes_trades.then_some(rows.len());
        rows.extend(together.map(|_| members::ROW));
        Self { rows, together, service: Box::new(Known(service)) }
    }
}
