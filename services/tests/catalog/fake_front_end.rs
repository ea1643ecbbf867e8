//! A front-end that acknowledges invalidations, withholds its answer, or answers with an error.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;
use services::http::{Access, Answer, Endpoint, HttpConfig, Request, ServerConfig, Service, serve};
use services::metrics::Metrics;
use services::planted::Bugs;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wire::ids::StockVersion;
use wire::internal::{Invalidation, SeenVersions, VersionedStock};

/// What it does with an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Acknowledge,
    Withhold,
    Fail,
}

pub(crate) struct FakeFrontEnd {
    pub(crate) address: SocketAddr,
    seen: watch::Sender<HashMap<String, StockVersion>>,
    mood: watch::Sender<Mood>,
    pushes: watch::Sender<Vec<Invalidation>>,
}

struct Endpoints {
    seen: watch::Sender<HashMap<String, StockVersion>>,
    mood: watch::Sender<Mood>,
    pushes: watch::Sender<Vec<Invalidation>>,
}

impl Service for Endpoints {
    type Route = ();

    const ENDPOINTS: &'static [Endpoint<()>] =
        &[Endpoint::post("/invalidate", Access::Internal, ())];

    async fn handle(self: Arc<Self>, (): (), request: Request) -> Answer {
        let push: Invalidation = request.json().unwrap();
        let seen = self.take(&push);
        let mut mood = self.mood.subscribe();
        self.pushes.send_modify(|pushes| pushes.push(push.clone()));
        let mood = *mood.wait_for(|mood| *mood != Mood::Withhold).await.unwrap();
        match mood {
            Mood::Fail => Answer::error(StatusCode::SERVICE_UNAVAILABLE, "not now"),
            _ if push.start => Answer::ok(&seen),
            _ => Answer::empty(),
        }
    }
}

impl Endpoints {
    /// Keeps the highest version of each stock, as the front-end's cache does.
    fn take(&self, push: &Invalidation) -> SeenVersions {
        let mut highest = Vec::new();
        self.seen.send_modify(|seen| {
            for stock in &push.stocks {
                let known = seen.entry(stock.stock_name.clone()).or_default();
                *known = stock.version.max(*known);
                highest.push(VersionedStock { version: *known, ..stock.clone() });
            }
        });
        SeenVersions { seen: highest }
    }
}

impl FakeFrontEnd {
    pub(crate) async fn start(mood: Mood) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), mood)
    }

    pub(crate) fn on(listener: TcpListener, mood: Mood) -> Self {
        let address = listener.local_addr().unwrap();
        let (mood, pushes) = (watch::Sender::new(mood), watch::Sender::new(Vec::new()));
        let seen = watch::Sender::new(HashMap::new());
        let service = Endpoints { seen: seen.clone(), mood: mood.clone(), pushes: pushes.clone() };
        let config = ServerConfig {
            secret: None,
            http: HttpConfig::default(),
            metrics: Metrics::new().http,
            bugs: Bugs::default(),
        };
        tokio::spawn(serve(listener, Arc::new(service), config, std::future::pending()));
        Self { address, seen, mood, pushes }
    }

    /// Has it have seen that version of `stock`.
    pub(crate) fn has_seen(&self, stock: &str, version: u64) {
        self.seen.send_modify(|seen| {
            seen.insert(stock.to_owned(), StockVersion(version));
        });
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Waits until it has been told of that version of `stock`, `times` times.
    pub(crate) async fn has_been_told(&self, stock: &str, version: u64, times: usize) {
        let told = |push: &Invalidation| {
            let mut stocks = push.stocks.iter();
            stocks.any(|at| at.stock_name == stock && at.version == StockVersion(version))
        };
        let enough =
            |pushes: &Vec<Invalidation>| pushes.iter().filter(|push| told(push)).count() >= times;
        self.pushes.subscribe().wait_for(enough).await.unwrap();
    }

    pub(crate) fn pushes(&self) -> Vec<Invalidation> {
        self.pushes.borrow().clone()
    }
}
