//! A catalog that does as it is told, and remembers what it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use services::http::{Access, Answer, Endpoint, Request, Service};
use tokio::sync::watch;
use wire::bazaar::{Data, STOCK_NOT_FOUND, Stock};
use wire::configuration::Configuration;
use wire::headers;
use wire::ids::{Epoch, Identity, Incarnation, OrderNo};
use wire::internal::CatalogStatus;

use crate::process::{Process, free_address};
use crate::running::until;

/// The catalog as the test holds it.
pub(crate) struct Catalog {
    pub(crate) address: SocketAddr,
    shop: Arc<Shop>,
    process: Option<Process>,
    secret: Option<Arc<str>>,
}

struct Shop {
    stocks: Mutex<BTreeMap<String, (Stock, u64)>>,
    /// Every query: the stock and the lowest version asked for.
    asked: watch::Sender<Vec<(String, Option<u64>)>>,
    /// Queries that have read a stock wait here while it is true.
    held: watch::Sender<bool>,
    /// What it says about itself.
    status: watch::Sender<CatalogStatus>,
}

#[derive(Clone, Copy)]
enum Route {
    Query,
    Ping,
    Configuration,
}

impl Catalog {
    pub(crate) fn start(secret: Option<Arc<str>>) -> Self {
        let shop = Shop {
            stocks: Mutex::default(),
            asked: watch::Sender::default(),
            held: watch::Sender::new(false),
            status: watch::Sender::new(CatalogStatus {
                identity: Identity::new("catalog-disk").unwrap(),
                incarnation: Incarnation::new("catalog-life").unwrap(),
                bazaar: None,
                epoch: Epoch(0),
                last_place: OrderNo(0),
                is_new: true,
                is_open: false,
            }),
        };
        let (address, shop) = (free_address(), Arc::new(shop));
        let mut catalog = Self { address, shop, process: None, secret };
        catalog.set("Stock1", 100, 0, 0);
        catalog.restart();
        catalog
    }

    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    pub(crate) fn restart(&mut self) {
        let shop = Arc::clone(&self.shop);
        self.process = Some(Process::start(self.address, shop, self.secret.clone()));
    }

    /// What it says about itself.
    pub(crate) fn status(&self) -> CatalogStatus {
        self.shop.status.borrow().clone()
    }

    pub(crate) fn set(&self, name: &str, quantity: u32, trade_volume: u64, version: u64) {
        let stock = Stock { stock_name: name.to_owned(), price: 9.99, trade_volume, quantity };
        self.shop.stocks.lock().unwrap().insert(name.to_owned(), (stock, version));
    }

    /// Holds back the answers to queries, or lets them go.
    pub(crate) fn hold(&self, held: bool) {
        self.shop.held.send_replace(held);
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<(String, Option<u64>)> {
        self.shop.asked.borrow().clone()
    }

    /// Waits until `count` queries have arrived and read their stock.
    pub(crate) async fn was_asked(&self, count: usize) {
        until(&self.shop.asked, |asked| asked.len() >= count).await;
    }
}

impl Service for Shop {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/query", Access::Public, Route::Query),
        Endpoint::get("/ping", Access::Internal, Route::Ping),
        Endpoint::post("/configuration", Access::Internal, Route::Configuration),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        match route {
            Route::Query => self.query(&request).await,
            Route::Ping => Answer::ok(&*self.status.borrow()),
            Route::Configuration => {
                let told: Configuration = request.json().unwrap();
                self.status.send_modify(|status| {
                    status.epoch = status.epoch.max(told.epoch);
                    status.bazaar = Some(told.bazaar.clone());
                    (status.is_new, status.is_open) = (false, true);
                });
                Answer::ok(&*self.status.borrow())
            }
        }
    }
}

impl Shop {
    async fn query(&self, request: &Request) -> Answer {
        let name = request.parameter("stock_name").unwrap().into_owned();
        let found = self.stocks.lock().unwrap().get(&name).cloned();
        let min_version = request.header(headers::MIN_VERSION).unwrap();
        self.asked.send_modify(|asked| asked.push((name, min_version)));
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
        match found {
            None => Answer::error(StatusCode::NOT_FOUND, STOCK_NOT_FOUND),
            Some((stock, version)) => Answer::ok(&Data { data: stock }).header(
                HeaderName::from_static(headers::STOCK_VERSION),
                HeaderValue::from(version),
            ),
        }
    }
}
