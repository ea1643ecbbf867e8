//! Stock queries: from the cache, or from the catalog with the floor that the cache has.
//!
//! The shell around the [`Cache`]. Its lock is held for a lookup in a table and never across a
//! call; what is cached is the body as it is sent, so a hit is one lookup and one reference.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base::http::{Answer, BadRequest, Call, CallError, Peers, Reply, Request};
use base::metrics::Metrics;
use base::planted::{Part, Planted, Point};
use base::process::Held;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prometheus::IntCounter;
use tokio::time::Instant;
use wire::bazaar::{Data, MAX_STOCKS, Removed, STOCK_NOT_FOUND, Stock, check_stock_name};
use wire::headers;
use wire::ids::StockVersion;
use wire::internal::{Invalidation, SeenVersions, VersionedStock};
use wire::json::ToJson;

use super::cache::{Cache, Fill, Lookup};

/// For how long the catalog is asked before the client is told 503: a restart takes less.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after a failed attempt, doubled with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest such pause.
const MAX_PAUSE: Duration = Duration::from_millis(50);

const CACHE_HEADER: HeaderName = HeaderName::from_static(headers::CACHE);
const HIT: HeaderValue = HeaderValue::from_static("hit");
const MISS: HeaderValue = HeaderValue::from_static("miss");

/// What `GET /rm` says if there was something to drop.
const REMOVED: &str = "removed successfully";
/// And if there was not; existing clients read it as it is.
const NOT_CACHED: &str = "this stock isn't exist in cache";

/// Answers queries and takes invalidations.
#[derive(Debug)]
pub struct Stocks {
    cache: Mutex<Cache<Bytes>>,
    catalog: SocketAddr,
    peers: Peers,
    planted: Planted,
    hits: IntCounter,
    misses: IntCounter,
    invalidations: IntCounter,
}

/// What an attempt at the catalog came to.
enum Asked {
    Answer(Answer),
    Outdated { min_version: StockVersion },
    Failed,
}

impl Stocks {
    /// Misses are asked of `catalog`.
    #[must_use]
    pub fn new(
        catalog: SocketAddr,
        peers: Peers,
        cache: Cache<Bytes>,
        planted: Planted,
        metrics: &Metrics,
    ) -> Self {
        Self {
            cache: Mutex::new(cache),
            catalog,
            peers,
            planted,
            hits: metrics.counter("cache_hits_total", "Queries answered from the cache."),
            misses: metrics.counter("cache_misses_total", "Queries that asked the catalog."),
            invalidations: metrics
                .counter("cache_invalidations_total", "Stock versions pushed by the catalog."),
        }
    }

    /// `GET /stocks`, if the catalog need not be asked.
    pub fn answer_here(&self, request: &Request) -> Option<Answer> {
        let stock_name = match wanted(request) {
            Ok(stock_name) => stock_name,
            Err(bad) => return Some(bad.into()),
        };
        let found = self.cache().lookup(&stock_name);
        match found {
            Lookup::Hit(body) => {
                self.hits.inc();
                Some(stock(body, HIT))
            }
            Lookup::Miss { .. } => None,
        }
    }

    /// `GET /stocks`, if the catalog has to be asked.
    pub async fn query(&self, request: &Request) -> Result<Answer, Answer> {
        let stock_name = wanted(request)?;
        self.misses.inc();
        // A push may have come since the cache was looked into.
        let min_version = self.cache().floor(&stock_name);
        Ok(self.ask(&stock_name, min_version).await)
    }

    /// `POST /invalidate`: once this has been answered, nothing older is shown. A catalog that starts
    /// is told what was seen of its stocks: its file may be an old one (rule L8).
    pub fn invalidate(&self, request: &Request) -> Result<Answer, Answer> {
        let invalidation: Invalidation = request.json()?;
        for stock in &invalidation.stocks {
            check_stock_name(&stock.stock_name).map_err(|bad| BadRequest::new("stocks", bad))?;
        }
        let mut cache = self.cache();
        if !cache.has_room_for(invalidation.stocks.iter().map(|stock| stock.stock_name.as_str())) {
            // Acknowledging what is not kept would let something older be shown; and of what is refused
            // nothing is kept either.
            return Err(too_many());
        }
        for stock in &invalidation.stocks {
            cache.invalidate(&stock.stock_name, stock.version);
        }
        self.invalidations.inc_by(invalidation.stocks.len() as u64);
        if !invalidation.start {
            return Ok(Answer::empty());
        }
        let seen = invalidation
            .stocks
            .into_iter()
            .map(|stock| VersionedStock { version: cache.floor(&stock.stock_name), ..stock });
        Ok(Answer::ok(&SeenVersions { seen: seen.collect() }))
    }

    /// `GET /rm`.
    pub fn remove(&self, request: &Request) -> Result<Answer, Answer> {
        let stock_name = request.stock_name()?;
        let removed = self.cache().remove(&stock_name);
        Ok(Answer::ok(&match removed {
            true => Removed { stock_name: Some(stock_name), message: REMOVED.to_owned() },
            false => Removed { stock_name: None, message: NOT_CACHED.to_owned() },
        }))
    }

    /// Switches the cache off, before the listener closes (rule C3).
    pub fn switch_cache_off(&self) {
        self.cache().switch_off();
    }

    /// Asks the catalog until it shows a version that may still be shown.
    async fn ask(&self, stock_name: &str, mut min_version: StockVersion) -> Answer {
        let deadline = Instant::now() + QUERY_TIMEOUT;
        let path =
            format!("/query?stock_name={}", utf8_percent_encode(stock_name, NON_ALPHANUMERIC));
        let mut pause = FIRST_PAUSE;
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            // The header is there even at 0: it says that this is a fill.
            let call = Call::get(&*path).header(headers::MIN_VERSION, min_version);
            let result = self.peers.call(self.catalog, &call, remaining).await;
            self.planted.stretches.pass(Point::Fill).await;
            match self.take(stock_name, result) {
                Asked::Answer(answer) => return answer,
                Asked::Outdated { min_version: newer } => min_version = newer,
                Asked::Failed => {
                    tokio::time::sleep(pause).await;
                    pause = MAX_PAUSE.min(pause * 2);
                }
            }
            if Instant::now() >= deadline {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return Answer::error(status, "the catalog does not answer")
                    .header(CACHE_HEADER, MISS);
            }
        }
    }

    fn take(&self, stock_name: &str, result: Result<Reply, CallError>) -> Asked {
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => {
                tracing::debug!(%error, "a call to the catalog failed");
                return Asked::Failed;
            }
        };
        match reply.status {
            StatusCode::OK => {
                let version = reply.header(headers::STOCK_VERSION);
                let (Some(version), Some(Data { data })) = (version, reply.json::<Data<Stock>>())
                else {
                    tracing::warn!("the catalog's answer to a query has no version or no stock");
                    return Asked::Failed;
                };
                let body = Bytes::from(data.to_json());
                let mut cache = self.cache();
                if !cache.has_room_for([stock_name]) {
                    // No push of it was acknowledged either, so nothing newer was ever shown.
                    return Asked::Answer(stock(body, MISS));
                }
                let fill = cache.fill(stock_name, version, body.clone());
                drop(cache);
                match fill {
                    Fill::Current => Asked::Answer(stock(body, MISS)),
                    Fill::Outdated { min_version } => Asked::Outdated { min_version },
                }
            }
            StatusCode::NOT_FOUND => Asked::Answer(
                Answer::error(StatusCode::NOT_FOUND, STOCK_NOT_FOUND).header(CACHE_HEADER, MISS),
            ),
            StatusCode::BAD_REQUEST => {
                Asked::Answer(Answer::with_body(reply.status, reply.body, "application/json"))
            }
            status => {
                tracing::debug!(%status, "the catalog cannot answer a query");
                Asked::Failed
            }
        }
    }

    fn cache(&self) -> Held<MutexGuard<'_, Cache<Bytes>>> {
        let cache = Held::new("whoever had the stock cache", self.cache.lock());
        self.planted.panics.pass(Part::Cache);
        cache
    }
}

/// The name that a query is for.
fn wanted(request: &Request) -> Result<Cow<'_, str>, BadRequest> {
    let stock_name = request.segment_or_parameter("/stocks", "stock_name")?;
    check_name(&stock_name)?;
    Ok(stock_name)
}

/// Refuses a name that no stock has.
pub(super) fn check_name(stock_name: &str) -> Result<(), BadRequest> {
    if stock_name.is_empty() {
        return Err(BadRequest::new("stock_name", "empty"));
    }
    check_stock_name(stock_name).map_err(|long| BadRequest::new("stock_name", long))
}

fn too_many() -> Answer {
    let message = format!("stocks: a bazaar has at most {MAX_STOCKS}");
    Answer::error(StatusCode::INSUFFICIENT_STORAGE, message)
}

fn stock(body: Bytes, cache: HeaderValue) -> Answer {
    Answer::with_body(StatusCode::OK, body, "application/json").header(CACHE_HEADER, cache)
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    /// Rule S3. *Otherwise: anybody who asks for a million invented stocks has them remembered for good.*
    #[test]
    fn of_a_million_stocks_that_the_catalog_does_not_know_none_is_remembered() {
        let peers = Peers::new(None);
        let catalog = SocketAddr::from(([127, 0, 0, 1], 9));
        let (cache, planted) = (Cache::new(true), Planted::default());
        let stocks = Stocks::new(catalog, peers, cache, planted, &Metrics::new());
        for number in 0..1_000_000 {
            let name = format!("Nothing{number}");
            assert!(matches!(stocks.cache().lookup(&name), Lookup::Miss { .. }));
            let (status, headers) = (StatusCode::NOT_FOUND, HeaderMap::new());
            let told = stocks.take(&name, Ok(Reply { status, headers, body: Bytes::new() }));
            assert!(matches!(told, Asked::Answer(_)));
        }
        let names: Vec<_> = (0..MAX_STOCKS).map(|number| format!("Stock{number}")).collect();
        assert!(stocks.cache().has_room_for(names.iter().map(String::as_str)));
    }
}
