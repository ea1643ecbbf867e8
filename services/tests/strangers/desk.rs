//! A service behind the server that all services share, with limits that a test can reach.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use services::http::{
    Access, Answer, Endpoint, HttpConfig, Limits, Names, Request, ServerConfig, Service, serve,
};
use services::metrics::Metrics;
use services::planted::Bugs;
use tokio::sync::watch;
use wire::headers;
use wire::ids::Epoch;

use crate::services_under_test::listen;
use crate::talk::TOKEN;

/// Longer than any test.
pub(crate) const FOREVER: Duration = Duration::from_secs(3600);

/// What the service does, and what has been asked of it.
pub(crate) struct Desk {
    pub(crate) answered: AtomicUsize,
    /// How many requests wait for [`Desk::open`].
    pub(crate) waiting: watch::Sender<usize>,
    pub(crate) open: watch::Sender<bool>,
}

#[derive(Clone, Copy)]
pub(crate) enum Route {
    Now,
    Big,
    Empty,
    Epoch,
    Wait,
}

impl Service for Desk {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/now", Access::Public, Route::Now),
        Endpoint::post("/now", Access::Public, Route::Now),
        Endpoint::get("/big", Access::Public, Route::Big),
        Endpoint::get("/empty", Access::Public, Route::Empty),
        Endpoint::get("/epoch", Access::Public, Route::Epoch),
        Endpoint::get("/wait", Access::Public, Route::Wait),
        Endpoint::get("/internal", Access::Internal, Route::Now),
        Endpoint::post("/internal", Access::Internal, Route::Now),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        self.answered.fetch_add(1, Ordering::SeqCst);
        match route {
            Route::Now => Answer::text("here".to_owned(), "text/plain"),
            Route::Big => Answer::text("x".repeat(64 * 1024), "text/plain"),
            Route::Epoch => match request.header::<Epoch>(headers::EPOCH) {
                Ok(epoch) => Answer::text(format!("{epoch:?}"), "text/plain"),
                Err(bad) => bad.into(),
            },
            Route::Empty => Answer::empty(),
            Route::Wait => {
                self.waiting.send_modify(|waiting| *waiting += 1);
                // The desk lives as long as its requests.
                let _ = self.open.subscribe().wait_for(|open| *open).await;
                Answer::text("at last".to_owned(), "text/plain")
            }
        }
    }
}

/// Limits under which nothing ends by itself.
pub(crate) fn patient() -> Limits {
    Limits {
        wait_for_place: FOREVER,
        header_time: FOREVER,
        body_time: FOREVER,
        write_time: FOREVER,
        ..Limits::default()
    }
}

impl Desk {
    /// Starts it with the token.
    pub(crate) async fn start(limits: Limits) -> (Arc<Self>, SocketAddr) {
        Self::with_bugs(limits, Bugs::default()).await
    }

    /// The same, with bugs planted in its server.
    pub(crate) async fn with_bugs(limits: Limits, bugs: Bugs) -> (Arc<Self>, SocketAddr) {
        let (listener, address) = listen().await;
        let desk = Arc::new(Self {
            answered: AtomicUsize::new(0),
            waiting: watch::Sender::new(0),
            open: watch::Sender::new(false),
        });
        let config = ServerConfig {
            secret: Some(TOKEN.into()),
            http: HttpConfig { names: Names::default(), limits },
            metrics: Metrics::new().http,
            bugs,
        };
        tokio::spawn(serve(listener, Arc::clone(&desk), config, pending()));
        (desk, address)
    }

    /// Waits until so many requests wait.
    pub(crate) async fn has_waiting(&self, wanted: usize) {
        let mut waiting = self.waiting.subscribe();
        let waiting = waiting.wait_for(|waiting| *waiting >= wanted);
        crate::talk::within(waiting).await.expect("the desk is there");
    }
}
