//! A front-end that acknowledges invalidations, withholds its answer, or answers with an error.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;
use services::http::{Access, Answer, Endpoint, Request, ServerConfig, Service, serve};
use services::metrics::Metrics;
use services::planted::Bugs;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wire::ids::StockVersion;
use wire::internal::Invalidation;

/// What it does with an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Acknowledge,
    Withhold,
    Fail,
}

pub(crate) struct FakeFrontEnd {
    pub(crate) address: SocketAddr,
    mood: watch::Sender<Mood>,
    pushes: watch::Sender<Vec<Invalidation>>,
}

struct Endpoints {
    mood: watch::Sender<Mood>,
    pushes: watch::Sender<Vec<Invalidation>>,
}

impl Service for Endpoints {
    type Route = ();

    const ENDPOINTS: &'static [Endpoint<()>] =
        &[Endpoint::post("/invalidate", Access::Internal, ())];

    async fn handle(self: Arc<Self>, (): (), request: Request) -> Answer {
        let push: Invalidation = request.json().unwrap();
        let mut mood = self.mood.subscribe();
        self.pushes.send_modify(|pushes| pushes.push(push));
        let mood = *mood.wait_for(|mood| *mood != Mood::Withhold).await.unwrap();
        match mood {
            Mood::Fail => Answer::error(StatusCode::SERVICE_UNAVAILABLE, "not now"),
            _ => Answer::empty(),
        }
    }
}

impl FakeFrontEnd {
    pub(crate) async fn start(mood: Mood) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), mood)
    }

    pub(crate) fn on(listener: TcpListener, mood: Mood) -> Self {
        let address = listener.local_addr().unwrap();
        let (mood, pushes) = (watch::Sender::new(mood), watch::Sender::new(Vec::new()));
        let service = Endpoints { mood: mood.clone(), pushes: pushes.clone() };
        let config =
            ServerConfig { secret: None, metrics: Metrics::new().http, bugs: Bugs::default() };
        tokio::spawn(serve(listener, Arc::new(service), config, std::future::pending()));
        Self { address, mood, pushes }
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
