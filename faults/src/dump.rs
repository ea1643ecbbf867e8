//! Reads what processes tell that they hold, page by page, so that however long a history is,
//! one page of it is in memory. Those that keep orders tell their logs ([`OrderPage`]), one that keeps stocks tells these
//! and what it applied to them ([`CatalogPage`]); where each is asked, and with what, is the target's to say.
//!
//! All pages of one dump belong together: anybody who is asked refuses to go on once what a page
//! before showed has changed (rule L9). A [`Digest`] stands for all of them, so that two dumps can
//! be compared without keeping one.

use std::hash::{DefaultHasher, Hasher};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use serde::de::DeserializeOwned;
use wire::dump::{CatalogPage, MAX_PAGE, OrderPage};

use crate::http::{Call, HttpClient, HttpError};
use crate::process::ProcessName;

/// How long one page may take, from a machine that is busy.
const PAGE_TIMEOUT: Duration = Duration::from_secs(20);
/// The first page tells where a dump ends, which may be reason enough not to read the rest.
const FIRST_PAGE: usize = 1;

/// What a process dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpKind {
    /// Its log of orders. All logs are to be equal.
    Orders,
    /// Its stocks, and the trades that it applied to them.
    Stocks,
}

/// Where a process tells what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpSource {
    /// Which process.
    pub name: ProcessName,
    /// What it dumps.
    pub kind: DumpKind,
    /// Where it is asked.
    pub address: SocketAddr,
    /// For what: a path, percent-encoded, to which the page is added.
    pub path: String,
    /// With which headers.
    pub headers: Vec<(String, String)>,
}

/// Everything that can be dumped of a target.
#[derive(Clone, Debug)]
pub struct Dumps {
    http: HttpClient,
    sources: Vec<DumpSource>,
}

impl Dumps {
    /// Of these processes.
    #[must_use]
    pub fn new(sources: Vec<DumpSource>) -> Self {
        Self { http: HttpClient::new(), sources }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Reads all of them once from beginning to end, one after the other, and keeps nothing; how many pages that were.
    ///
    /// # Errors
    /// If one breaks off.
    pub async fn read_through(&self) -> Result<u64, DumpError> {
        let mut pages = 0;
        for mut log in self.logs() {
            while log.next().await?.is_some() {
                pages += 1;
            }
        }
        if let Some(mut stocks) = self.stocks() {
            while stocks.next().await?.is_some() {
                pages += 1;
            }
        }
        Ok(pages)
    }

    /// Those who dump orders.
    pub(crate) fn keepers(&self) -> impl Iterator<Item = ProcessName> + '_ {
        self.of(DumpKind::Orders).map(|source| source.name)
    }

    /// A dump of each log, which has not begun yet.
    pub(crate) fn logs(&self) -> Vec<Pages<OrderPage>> {
        self.of(DumpKind::Orders).map(|source| Pages::new(&self.http, source)).collect()
    }

    /// The same of who keeps the stocks, if anybody does.
    pub(crate) fn stocks(&self) -> Option<Pages<CatalogPage>> {
        self.of(DumpKind::Stocks).next().map(|source| Pages::new(&self.http, source))
    }

    fn of(&self, kind: DumpKind) -> impl Iterator<Item = &DumpSource> {
        self.sources.iter().filter(move |source| source.kind == kind)
    }
}

/// A dump broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}: its dump: {error}")]
pub struct DumpError {
    /// Whose dump.
    pub source_name: ProcessName,
    /// Why.
    pub error: HttpError,
}

/// One page of anybody's dump.
#[derive(Clone, Debug, PartialEq)]
pub enum DumpPage {
    /// Of a replica's log.
    Orders(OrderPage),
    /// Of who keeps the stocks.
    Catalog(CatalogPage),
}

/// Stands for everything that a dump said: two dumps with the same digest were the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// That of what has this hash.
    pub(crate) fn of(hash: u64) -> Self {
        Self(hash)
    }
}

/// A page of one kind of dump.
pub(crate) trait Page: DeserializeOwned {
    /// After which position the page that follows this one, itself asked for `after`, begins;
    /// `None` after the last page.
    fn next(&self, after: u64) -> Option<u64>;
    /// What names the dump that this page belongs to, as query parameters.
    fn dump(&self) -> String;
}

impl Page for OrderPage {
    fn next(&self, _after: u64) -> Option<u64> {
        OrderPage::next(self).map(|order_no| order_no.0)
    }

    fn dump(&self) -> String {
        format!("&through={}&through_epoch={}", self.through, self.through_epoch)
    }
}

impl Page for CatalogPage {
    fn next(&self, after: u64) -> Option<u64> {
        CatalogPage::next(self, after)
    }

    fn dump(&self) -> String {
        format!("&through={}", self.through)
    }
}

/// The pages of one dump, one after the other.
#[derive(Debug)]
pub(crate) struct Pages<P> {
    http: HttpClient,
    source: DumpSource,
    /// Where the next page begins; nothing after the last one.
    after: Option<u64>,
    /// Names the dump, once its first page has.
    dump: Option<String>,
    seen: DefaultHasher,
    kind: PhantomData<P>,
}

impl<P: Page> Pages<P> {
    fn new(http: &HttpClient, source: &DumpSource) -> Self {
        Self {
            http: http.clone(),
            source: source.clone(),
            after: Some(0),
            dump: None,
            seen: DefaultHasher::new(),
            kind: PhantomData,
        }
    }

    /// Whose they are.
    pub(crate) fn source(&self) -> ProcessName {
        self.source.name
    }

    /// The next page; nothing after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<P>, DumpError> {
        let Some(after) = self.after else { return Ok(None) };
        let page = self.ask(after).await;
        let page = page.map_err(|error| DumpError { source_name: self.source(), error })?;
        // A page that leads nowhere is the last.
        self.after = page.next(after).filter(|next| *next > after);
        self.dump.get_or_insert_with(|| page.dump());
        Ok(Some(page))
    }

    async fn ask(&mut self, after: u64) -> Result<P, HttpError> {
        let limit = if self.dump.is_none() { FIRST_PAGE } else { MAX_PAGE };
        let dump = self.dump.as_deref().unwrap_or_default();
        let DumpSource { address, path, headers, .. } = &self.source;
        let begin = if path.contains('?') { '&' } else { '?' };
        let call = Call::get(format!("{path}{begin}after={after}&limit={limit}{dump}"));
        let call =
            headers.iter().fold(call, |call, (name, value)| call.header(name.clone(), value));
        let reply = self.http.call(*address, &call, PAGE_TIMEOUT).await?;
        if reply.status != StatusCode::OK {
            return Err(HttpError::Status { status: reply.status, message: reply.message() });
        }
        self.seen.write(&reply.body);
        reply.json()
    }

    /// Stands for all pages so far.
    pub(crate) fn digest(&self) -> Digest {
        Digest(self.seen.finish())
    }
}

/// Reads everything, one source after the other, logs first, and hands each page on, with whose it is and
/// whether it is its source's first. Gives back a digest per source.
///
/// # Errors
/// The first dump that broke off; what was handed on of it is not all.
pub async fn read_all(
    dumps: &Dumps,
    mut keep: impl AsyncFnMut(ProcessName, DumpPage, bool),
) -> Result<Vec<Digest>, DumpError> {
    let mut digests = Vec::new();
    for mut pages in dumps.logs() {
        let mut is_first = true;
        while let Some(page) = pages.next().await? {
            let is_first = std::mem::take(&mut is_first);
            keep(pages.source(), DumpPage::Orders(page), is_first).await;
        }
        digests.push(pages.digest());
    }
    if let Some(mut pages) = dumps.stocks() {
        let mut is_first = true;
        while let Some(page) = pages.next().await? {
            let is_first = std::mem::take(&mut is_first);
            keep(pages.source(), DumpPage::Catalog(page), is_first).await;
        }
        digests.push(pages.digest());
    }
    Ok(digests)
}

/// Reads whatever can be had of services that do not agree: of each source all or nothing. One
/// source at a time is in memory.
pub async fn read_evidence(dumps: &Dumps, mut keep: impl AsyncFnMut(ProcessName, DumpPage, bool)) {
    for pages in dumps.logs() {
        keep_whole(pages, DumpPage::Orders, &mut keep).await;
    }
    if let Some(pages) = dumps.stocks() {
        keep_whole(pages, DumpPage::Catalog, &mut keep).await;
    }
}

async fn keep_whole<P: Page>(
    mut pages: Pages<P>,
    page_of: fn(P) -> DumpPage,
    keep: &mut impl AsyncFnMut(ProcessName, DumpPage, bool),
) {
    let mut all = Vec::new();
    loop {
        match pages.next().await {
            Ok(Some(page)) => all.push(page),
            Ok(None) => break,
            Err(error) => return tracing::warn!(%error, "kept nothing of it"),
        }
    }
    let mut is_first = true;
    for page in all {
        keep(pages.source(), page_of(page), std::mem::take(&mut is_first)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use wire::bazaar::{MAX_STOCK_NAME_BYTES, MAX_STOCKS, TradeType};
    use wire::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId, RequestId, StockVersion};
    use wire::internal::{AppliedTrade, Decision, Origin, StockRecord, TradeRecord};

    use super::*;
    use crate::http::MAX_ANSWER_BYTES;

    fn bytes(message: &impl Serialize) -> usize {
        serde_json::to_vec(message).unwrap().len()
    }

    /// A trade that is as long as one can be when it is written: each character of its stock's name takes
    /// six, and of its id two.
    fn trade() -> AppliedTrade {
        AppliedTrade {
            applied_seq: AppliedSeq::MAX,
            request_id: RequestId::new("\"".repeat(RequestId::MAX_LEN)).unwrap(),
            stock_name: "\u{1}".repeat(MAX_STOCK_NAME_BYTES),
            trade_type: TradeType::Sell,
            quantity: u32::MAX,
        }
    }

    #[test]
    fn a_page_of_a_replicas_dump_is_read_whole() {
        let page = OrderPage {
            id: ReplicaId::MAX,
            accepted_epoch: Epoch::MAX,
            committed: OrderNo::MAX,
            through: OrderNo::MAX,
            through_epoch: Epoch::MAX,
            total: u64::MAX,
            entries: vec![trade().entry(Epoch::MAX); MAX_PAGE],
        };
        assert!(bytes(&page) < MAX_ANSWER_BYTES, "{}", bytes(&page));
    }

    #[test]
    fn a_page_of_the_catalogs_dump_is_read_whole_with_every_stock_on_it() {
        let AppliedTrade { applied_seq, request_id, stock_name, trade_type, quantity } = trade();
        let stock = StockRecord {
            stock_name: stock_name.clone(),
            price: -f64::MIN_POSITIVE,
            quantity,
            trade_volume: u64::MAX,
            version: StockVersion::MAX,
            cap: u32::MAX,
        };
        let trade = TradeRecord {
            request_id,
            applied_seq: Some(applied_seq),
            decision: Decision::NotFound,
            epoch: Some(Epoch::MAX),
            stock_name,
            trade_type,
            quantity,
            version: Some(StockVersion::MAX),
            quantity_after: Some(u32::MAX),
            volume_after: Some(u64::MAX),
            origin: Origin::ByHand,
        };
        let page = CatalogPage {
            epoch: Epoch::MAX,
            through: u64::MAX,
            total: u64::MAX,
            stocks: vec![stock; MAX_STOCKS],
            trades: vec![trade; MAX_PAGE],
        };
        assert!(bytes(&page) < MAX_ANSWER_BYTES, "{}", bytes(&page));
    }
}
