//! The catalog: its file, and the process on it, if there is one.
//!
//! Each transaction of its writer (`catalog/step/`) is one step, so what the process knows of the
//! ledger is what is on the disk; its [`Admission`] is not.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use services::catalog::admission::{Admission, Filling, Listing};
use services::catalog::ledger::{Ledger, Stale, Trade, Verdict};
use services::planted::Bugs;
use wire::bazaar::{CatalogTrade, Quantity, TradeType};
use wire::configuration::Configuration;
use wire::ids::{AppliedSeq, BazaarId, Epoch, Identity, Incarnation, OrderNo, RequestId};
use wire::internal::{
    AppliedTrade, CatalogStatus, Entry, FillReply, FillRequest, TradeRecord, UnnumberedReply,
    UnnumberedRequest,
};

use super::node::Make;
use crate::ledger::{STOCK, new_ledger};

/// The catalog.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Catalog {
    /// What a crash leaves.
    pub(crate) file: File,
    /// What it does not leave.
    process: Option<Process>,
    /// How often it was started.
    starts: u8,
    make: Make,
}

/// What was committed to the catalog's file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    identity: Identity,
    bazaar: Option<BazaarId>,
    /// It was never open on this file.
    is_new: bool,
    ledger: Ledger,
    /// Every trade that was decided.
    pub(crate) records: Vec<TradeRecord>,
}

#[derive(Clone, Debug, Hash)]
struct Process {
    admission: Admission,
    /// The newest epoch that the front-end has told it.
    told: Option<Epoch>,
}

impl Hash for File {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.identity, &self.bazaar, self.is_new, self.ledger.epoch()).hash(hasher);
        for record in &self.records {
            (&record.request_id, record.applied_seq).hash(hasher);
        }
    }
}

impl File {
    /// A new file, the `number`th.
    pub(crate) fn new(number: u8, bugs: Bugs) -> Self {
        let identity = Identity::new(&format!("catalog-file.{number}")).expect("short and visible");
        let ledger = new_ledger(Epoch(0), 100, 100, bugs);
        Self { identity, bazaar: None, is_new: true, ledger, records: Vec::new() }
    }

    /// The highest epoch that it has seen.
    pub(crate) fn epoch(&self) -> Epoch {
        self.ledger.epoch()
    }

    /// The last place that was given away.
    pub(crate) fn last_place(&self) -> OrderNo {
        self.ledger.last_place()
    }

    /// The place of a trade, if it is there.
    pub(crate) fn place_of(&self, id: &RequestId) -> Option<OrderNo> {
        self.under(id)?.applied_seq.map(AppliedSeq::order_no)
    }

    fn in_place(&self, place: OrderNo) -> Option<&TradeRecord> {
        self.records.iter().find(|record| record.applied_seq == Some(place.place()))
    }

    fn under(&self, id: &RequestId) -> Option<&TradeRecord> {
        self.records.iter().find(|record| record.request_id == *id)
    }
}

impl Catalog {
    /// A catalog on a new file, running.
    pub(crate) fn new(make: Make) -> Self {
        let file = File::new(0, make.bugs);
        let mut catalog = Self { file, process: None, starts: 0, make };
        catalog.start();
        catalog
    }

    /// Starts a process on what is there.
    pub(crate) fn start(&mut self) {
        self.starts += 1;
        let incarnation = format!("life-c.{}", self.starts);
        let incarnation = Incarnation::new(&incarnation).expect("short and visible");
        let File { identity, bazaar, is_new, .. } = &self.file;
        let (identity, bazaar) = (identity.clone(), bazaar.clone());
        let admission = Admission::new(identity, incarnation, bazaar, *is_new, self.make.bugs);
        self.process = Some(Process { admission, told: None });
    }

    /// The process dies.
    pub(crate) fn crash(&mut self) {
        self.process = None;
    }

    /// Whether it runs.
    pub(crate) fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// Whether it decides trades.
    pub(crate) fn is_open(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.admission.is_open())
    }

    /// The first of these that does not stand in its own place here, with what stands there.
    pub(crate) fn other_than(&self, entries: &[Arc<Entry>]) -> Option<(Arc<Entry>, RequestId)> {
        entries.iter().find_map(|entry| {
            let here = self.file.in_place(entry.order_no)?;
            let is_other = here.request_id != entry.request_id;
            is_other.then(|| (Arc::clone(entry), here.request_id.clone()))
        })
    }

    /// Which process runs.
    pub(crate) fn incarnation(&self) -> Option<&Incarnation> {
        self.process.as_ref().map(|process| process.admission.incarnation())
    }

    /// The newest epoch that this process has been told.
    pub(crate) fn told(&self) -> Option<Epoch> {
        self.process.as_ref()?.told
    }

    /// What it answers to a ping, if it runs.
    pub(crate) fn status(&self) -> Option<CatalogStatus> {
        let admission = &self.process.as_ref()?.admission;
        Some(CatalogStatus {
            identity: self.file.identity.clone(),
            incarnation: admission.incarnation().clone(),
            bazaar: admission.bazaar().cloned(),
            epoch: self.file.ledger.epoch(),
            last_place: self.file.ledger.last_place(),
            is_new: admission.is_new(),
            is_open: admission.is_open(),
        })
    }

    /// The front-end tells a configuration.
    pub(crate) fn hear(&mut self, configuration: &Configuration) {
        let Some(process) = &mut self.process else { return };
        if configuration.epoch < self.file.ledger.epoch() {
            return;
        }
        if process.admission.tell(configuration).is_err() {
            return;
        }
        process.told = process.told.max(Some(configuration.epoch));
        // It is not below the highest one seen, so the fence takes it.
        let _ = self.file.ledger.fence(configuration.epoch);
        self.file.bazaar.get_or_insert_with(|| configuration.bazaar.clone());
    }

    /// Whether a message of `epoch` is acted on, or refused for good; otherwise it is asked again.
    pub(crate) fn takes(&self, epoch: Epoch) -> bool {
        self.process.as_ref().is_some_and(|process| process.admission.knows(epoch))
    }

    /// Whether a trade of `epoch`, meant for `meant`, is decided, or refused for good.
    pub(crate) fn admits(&self, epoch: Epoch, meant: Option<&Incarnation>) -> bool {
        let Some(process) = &self.process else { return false };
        let is_over = epoch < self.file.ledger.epoch();
        is_over || (process.admission.knows(epoch) && process.admission.admits(meant))
    }

    /// A leader's trade.
    pub(crate) fn trade(
        &mut self,
        id: &RequestId,
        epoch: Epoch,
    ) -> Result<(Incarnation, AppliedTrade), Epoch> {
        let quantity = Quantity::new(1).expect("1 is positive");
        let (stock_name, trade_type) = (STOCK.to_owned(), TradeType::Buy);
        let body = CatalogTrade { stock_name, trade_type, quantity };
        let trade = Trade { request_id: id.clone(), epoch: Some(epoch), body };
        let recorded = self.file.under(id).cloned();
        let incarnation = self.incarnation().expect("it was asked whether it takes it").clone();
        match self.file.ledger.decide(&trade, recorded) {
            Verdict::New(record) => {
                self.file.records.push(record.clone());
                Ok((incarnation, applied(&record)))
            }
            Verdict::Repeat(record) => Ok((incarnation, applied(&record))),
            Verdict::Stale(Stale { seen, .. }) => Err(seen),
            Verdict::Conflict => unreachable!("a request id always brings the same trade"),
        }
    }

    /// Applies a trade that nobody else knows of, then those that the others know.
    pub(crate) fn go_astray(&mut self, first: &RequestId, others: &[RequestId]) {
        let epoch = self.file.epoch();
        self.start();
        for id in [first].into_iter().chain(others) {
            let _ = self.trade(id, epoch);
        }
        self.crash();
    }

    /// A leader wants to know what was applied.
    pub(crate) fn list(&mut self, request: &UnnumberedRequest) -> Result<UnnumberedReply, Epoch> {
        let Self { file, process, make, .. } = self;
        let admission = &mut process.as_mut().expect("it was asked whether it takes it").admission;
        file.ledger.fence(request.epoch).map_err(|stale| stale.seen)?;
        let incarnation = admission.incarnation().clone();
        let last_place = file.ledger.last_place();
        let held = file.in_place(request.after.place).cloned();
        Ok(match admission.list(request, held.as_ref(), last_place) {
            Listing::Untold => unreachable!("it was asked whether it takes it"),
            Listing::Behind { may_fill } => {
                let is_new = admission.is_new();
                UnnumberedReply::Behind { incarnation, last_place, is_new, may_fill }
            }
            Listing::Contradiction { place, log, catalog } => {
                UnnumberedReply::Contradiction { incarnation, place, log, catalog }
            }
            Listing::Short => UnnumberedReply::Short { incarnation, last_place },
            Listing::Page => {
                let after = request.after.place.place();
                let trades = file.records.iter().map(applied);
                let trades = trades.filter(|trade| trade.applied_seq > after);
                let trades: Vec<_> = trades.take(make.max_listed).collect();
                let end = trades.last().map_or(after, |last| last.applied_seq).order_no();
                let done = end >= last_place && admission.may_open_for(request);
                if done && admission.open() {
                    file.is_new = false;
                }
                UnnumberedReply::Page { incarnation, trades, last_place, done }
            }
        })
    }

    /// A leader gives what is missing.
    pub(crate) fn fill(&mut self, request: &FillRequest) -> Result<FillReply, Epoch> {
        let Self { file, process, .. } = self;
        let admission = &process.as_ref().expect("it was asked whether it takes it").admission;
        file.ledger.fence(request.epoch).map_err(|stale| stale.seen)?;
        let incarnation = admission.incarnation().clone();
        if !admission.takes_fill(request) {
            return Ok(FillReply::ListFirst { incarnation });
        }
        for entry in &request.entries {
            let in_place = file.in_place(entry.order_no);
            let last_place = file.ledger.last_place();
            match admission.fill(entry, in_place, file.under(&entry.request_id), last_place) {
                Filling::Held => {}
                Filling::Next => {
                    let record = file.ledger.refill(entry);
                    file.records.push(record);
                }
                Filling::Gap => return Ok(FillReply::ListFirst { incarnation }),
                Filling::Contradiction { place, log, catalog } => {
                    return Ok(FillReply::Contradiction { incarnation, place, log, catalog });
                }
            }
        }
        Ok(FillReply::Filled { incarnation, last_place: file.ledger.last_place() })
    }
}

fn applied(record: &TradeRecord) -> AppliedTrade {
    AppliedTrade {
        applied_seq: record.applied_seq.expect("there is enough stock for every trade"),
        request_id: record.request_id.clone(),
        stock_name: record.stock_name.clone(),
        trade_type: record.trade_type,
        quantity: record.quantity,
    }
}
