//! What the writer does in one transaction: every check and every change that belongs together.
//!
//! Epoch, request id, and whether this process may be used at all are checked inside the transaction
//! that records the decision (rule E1), by the [`ledger`](super::ledger) and the
//! [`admission`](super::admission), which are pure; this module gives them what the file holds and
//! writes down what they decide.

use std::collections::BTreeSet;

use wire::bazaar::StockAt;
use wire::configuration::Configuration;
use wire::dump::CatalogPage;
use wire::ids::{Epoch, Incarnation, OrderNo};
use wire::internal::{
    CatalogStatus, Decision, FillReply, FillRequest, MAX_LISTED, UnnumberedReply,
    UnnumberedRequest, VersionedStock,
};

use super::admission::{Admission, Filling, Listing, OtherBazaar};
use super::ledger::{Ledger, Trade, Verdict, public};
use super::store::{self, Store};
use super::writer::{PageRequest, Status, WriterRequest, WriterResponse};

/// What a leader of an epoch is told whom the front-end has not named yet.
const UNTOLD: &str = "the front-end has not told this catalog of that epoch yet";
/// What a leader is told that has listed another process.
const OTHER_PROCESS: &str = "the catalog has been restarted: list first";

/// What the writer owns.
#[derive(Debug)]
pub struct State {
    /// The stocks.
    pub ledger: Ledger,
    /// The file.
    pub store: Store,
    /// Whether they may be used.
    pub admission: Admission,
    /// The front-end that spoke last was another bazaar's.
    pub other_bazaar: Option<OtherBazaar>,
}

/// A committed transaction.
#[derive(Debug)]
pub struct Decided {
    /// An answer for each question, and whether it is the first time that it is given.
    pub answers: Vec<(WriterResponse, bool)>,
    /// The stocks as they are now, if they changed.
    pub changed: Vec<StockAt>,
    /// Whether there was anything to flush.
    pub wrote: bool,
}

impl State {
    /// What everybody may know.
    #[must_use]
    pub fn status(&self) -> Status {
        let Self { ledger, store, admission, other_bazaar } = self;
        Status {
            catalog: CatalogStatus {
                identity: store.identity().clone(),
                incarnation: admission.incarnation().clone(),
                bazaar: admission.bazaar().cloned(),
                epoch: ledger.epoch(),
                last_place: ledger.last_place(),
                is_new: admission.is_new(),
                is_open: admission.is_open(),
            },
            told: admission.told(),
            waits_for: match other_bazaar {
                Some(other) => other.to_string().into(),
                None => admission.waits_for().into(),
            },
        }
    }
}

/// Decides what is asked, in order, in one transaction.
///
/// # Errors
/// The database's; then memory is ahead of the disk, and nothing may be answered any more.
pub fn decide<'a>(
    state: &mut State,
    asks: impl Iterator<Item = &'a WriterRequest>,
) -> rusqlite::Result<Decided> {
    let State { ledger, store, admission, other_bazaar } = state;
    let epoch_before = ledger.epoch();
    let batch = store.batch()?;
    let mut step = Step {
        ledger,
        admission,
        other_bazaar,
        batch: &batch,
        changed: BTreeSet::new(),
        wrote: false,
    };
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(match ask {
            WriterRequest::Trade(trade, listed) => step.trade(trade, listed.as_ref())?,
            WriterRequest::Configuration(configuration) => (step.hear(configuration)?, false),
            WriterRequest::Unnumbered(request) => (step.list(request)?, false),
            WriterRequest::Fill(request) => (step.fill(request)?, false),
            WriterRequest::Dump(request) => (step.page(request)?, false),
            WriterRequest::Raise(versions) => (step.raise(versions), false),
        });
    }
    let Step { changed, mut wrote, .. } = step;
    let changed: Vec<_> = changed.iter().filter_map(|name| ledger.stock(name)).collect();
    for stock in &changed {
        batch.update(stock)?;
    }
    if ledger.epoch() > epoch_before {
        batch.raise_epoch(ledger.epoch())?;
        wrote = true;
    }
    batch.commit()?;
    wrote |= !changed.is_empty();
    Ok(Decided { answers, changed: changed.into_iter().map(public).collect(), wrote })
}

/// What is decided within one transaction.
struct Step<'a, 'b> {
    ledger: &'a mut Ledger,
    admission: &'a mut Admission,
    other_bazaar: &'a mut Option<OtherBazaar>,
    batch: &'a store::Batch<'b>,
    /// Stocks that are to be written.
    changed: BTreeSet<String>,
    /// Whether anything else was.
    wrote: bool,
}

impl Step<'_, '_> {
    fn trade(
        &mut self,
        trade: &Trade,
        listed: Option<&Incarnation>,
    ) -> rusqlite::Result<(WriterResponse, bool)> {
        let is_over = trade.epoch.is_some_and(|epoch| epoch < self.ledger.epoch());
        if let Some(reason) = self.closed_to(trade.epoch, listed).filter(|_| !is_over) {
            return Ok((WriterResponse::Closed(reason), false));
        }
        let recorded = self.batch.find(&trade.request_id)?;
        Ok(match self.ledger.decide(trade, recorded) {
            Verdict::New(record) if !self.ledger.keeps(&record) => {
                (WriterResponse::Decided(record), true)
            }
            Verdict::New(record) => {
                self.batch.record(&record)?;
                self.wrote = true;
                if record.decision == Decision::Applied {
                    self.changed.insert(record.stock_name.clone());
                }
                (WriterResponse::Decided(record), true)
            }
            Verdict::Repeat(record) => (WriterResponse::Decided(record), false),
            Verdict::Conflict => (WriterResponse::Conflict, false),
            Verdict::Stale(stale) => (WriterResponse::Stale(stale), false),
        })
    }

    /// Why a trade cannot be decided here yet (rule L6).
    fn closed_to(
        &self,
        epoch: Option<Epoch>,
        listed: Option<&Incarnation>,
    ) -> Option<&'static str> {
        if epoch.is_some_and(|epoch| !self.admission.knows(epoch)) {
            return Some(UNTOLD);
        }
        if self.admission.admits(listed) {
            None
        } else if self.admission.is_open() {
            Some(OTHER_PROCESS)
        } else {
            Some(self.admission.waits_for())
        }
    }

    fn hear(&mut self, configuration: &Configuration) -> rusqlite::Result<WriterResponse> {
        // One that is over teaches nothing: the front-end's file is an old copy, and it will begin
        // above the epoch that it is answered with.
        if configuration.epoch < self.ledger.epoch() {
            return Ok(WriterResponse::Heard);
        }
        let had_bazaar = self.admission.bazaar().is_some();
        if let Err(other) = self.admission.tell(configuration) {
            tracing::error!("{other}");
            *self.other_bazaar = Some(other.clone());
            return Ok(WriterResponse::OtherBazaar(other));
        }
        *self.other_bazaar = None;
        // It is not below the highest one seen, so the fence takes it.
        let _ = self.ledger.fence(configuration.epoch);
        if !had_bazaar {
            self.batch.set_bazaar(&configuration.bazaar)?;
            self.wrote = true;
        }
        Ok(WriterResponse::Heard)
    }

    /// The list is read after the fence and in its transaction: what an older epoch applied is in
    /// it, and an older epoch applies nothing more.
    fn list(&mut self, request: &UnnumberedRequest) -> rusqlite::Result<WriterResponse> {
        if let Some(no) = self.not_led_by(request.epoch) {
            return Ok(no);
        }
        let incarnation = self.admission.incarnation().clone();
        let last_place = self.ledger.last_place();
        let held = self.batch.in_place(request.after.place)?;
        Ok(WriterResponse::Unnumbered(
            match self.admission.list(request, held.as_ref(), last_place) {
                Listing::Untold => return Ok(WriterResponse::Closed(UNTOLD)),
                Listing::Behind { may_fill } => {
                    let is_new = self.admission.is_new();
                    UnnumberedReply::Behind { incarnation, last_place, is_new, may_fill }
                }
                Listing::Contradiction { place, log, catalog } => {
                    report(place, &log, &catalog);
                    UnnumberedReply::Contradiction { incarnation, place, log, catalog }
                }
                Listing::Short => UnnumberedReply::Short { incarnation, last_place },
                Listing::Page => {
                    let after = request.after.place;
                    let limit = request.limit.clamp(1, MAX_LISTED);
                    let trades = self.batch.applied_after(after, limit)?;
                    let end = trades.last().map_or(after, |last| last.applied_seq.order_no());
                    let done = end >= last_place && self.admission.may_open_for(request);
                    let was_open = self.admission.is_open();
                    if done && self.admission.open() {
                        self.batch.mark_open()?;
                        self.wrote = true;
                    }
                    if done && !was_open {
                        tracing::info!(epoch = %request.epoch, %last_place, "listed, and open");
                        if last_place.0 > 0 && self.admission.is_filled_by(request.epoch) {
                            tracing::warn!(
                                "this file lacked orders that the replicas had; what it alone can have known of \
                             that time is gone: trades by hand, and which trades were refused (a key that \
                             was refused may be accepted now)"
                            );
                        }
                    }
                    UnnumberedReply::Page { incarnation, trades, last_place, done }
                }
            },
        ))
    }

    /// L7: entries are applied again in the places that they have.
    fn fill(&mut self, request: &FillRequest) -> rusqlite::Result<WriterResponse> {
        if let Some(no) = self.not_led_by(request.epoch) {
            return Ok(no);
        }
        let incarnation = self.admission.incarnation().clone();
        if !self.admission.takes_fill(request) {
            return Ok(WriterResponse::Filled(FillReply::ListFirst { incarnation }));
        }
        for entry in &request.entries {
            let at_place = self.batch.in_place(entry.order_no)?;
            let recorded = self.batch.find(&entry.request_id)?;
            let last_place = self.ledger.last_place();
            match self.admission.fill(entry, at_place.as_ref(), recorded.as_ref(), last_place) {
                Filling::Held => {}
                Filling::Next => {
                    let record = self.ledger.refill(entry);
                    self.batch.record(&record)?;
                    self.changed.insert(record.stock_name);
                }
                Filling::Gap => {
                    return Ok(WriterResponse::Filled(FillReply::ListFirst { incarnation }));
                }
                Filling::Contradiction { place, log, catalog } => {
                    report(place, &log, &catalog);
                    let reply = FillReply::Contradiction { incarnation, place, log, catalog };
                    return Ok(WriterResponse::Filled(reply));
                }
            }
        }
        let last_place = self.ledger.last_place();
        tracing::info!(%last_place, "filled from the leader's log");
        Ok(WriterResponse::Filled(FillReply::Filled { incarnation, last_place }))
    }

    /// What a leader is told that the front-end has not named to this process, or has replaced.
    fn not_led_by(&mut self, epoch: Epoch) -> Option<WriterResponse> {
        if !self.admission.knows(epoch) {
            return Some(WriterResponse::Closed(UNTOLD));
        }
        self.ledger.fence(epoch).err().map(WriterResponse::Stale)
    }

    /// L8: goes on from versions that were seen elsewhere.
    fn raise(&mut self, versions: &[VersionedStock]) -> WriterResponse {
        for VersionedStock { stock_name, version } in versions {
            if self.ledger.raise_version(stock_name, *version) {
                self.changed.insert(stock_name.clone());
            }
        }
        WriterResponse::Raised
    }

    /// L9: one page, so that anybody who dumps a long history never keeps trades waiting for longer than
    /// a page takes. Decisions are never changed, so pages belong together as long as they are there;
    /// they may not be in a file that was lost and filled again between two pages.
    fn page(&mut self, request: &PageRequest) -> rusqlite::Result<WriterResponse> {
        if !self.admission.is_open() {
            return Ok(WriterResponse::Closed(self.admission.waits_for()));
        }
        let last = self.batch.last_decided()?;
        let through = request.through.unwrap_or(last);
        if through > last {
            return Ok(WriterResponse::Changed);
        }
        let is_first = request.through.is_none();
        let stocks = || self.ledger.stocks().cloned().collect();
        Ok(WriterResponse::Page(CatalogPage {
            epoch: self.ledger.epoch(),
            through,
            total: through,
            stocks: if is_first { stocks() } else { Vec::new() },
            trades: self.batch.trades(request.after, through, request.limit)?,
        }))
    }
}

fn report(place: OrderNo, log: &str, catalog: &str) {
    tracing::error!(%place, log, catalog, "the leader's log holds another trade in this place");
}

#[cfg(test)]
mod tests;
