//! Whether this process of the catalog may decide trades and be read: rules L1, L3, L6 and L7.
//!
//! A catalog that starts may run on another file than the one before it: on a new one, or on an old
//! copy, whose fence is old too and whose next places were given away already. So it serves nothing
//! until the front-end has told it the current epoch and the leader of it has compared its log with
//! the places here, and has filled what is missing.
//!
//! *Otherwise (L6): the catalog's file is lost, its fence with it; the old leader's trade is applied in
//! a place that the log has given away.* *(L7): the catalog is lost, an old copy of a log is elected
//! alone; the last good logs are cut before the list shows that the catalog is empty.*
//!
//! *(L6): a request to list what follows #0 is under way while #1 is committed; an old copy of the catalog
//! starts, is asked for what follows #0, sees no lack, and gives place 1 away again.*
//!
//! Pure: it knows no disk and no clock. Its caller makes each decision, the look at the records that it
//! is given, and what follows from it one step of one transaction, as with the [ledger](super::ledger).

use base::planted::{Bug, Bugs};
use wire::configuration::Configuration;
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo};
use wire::internal::{Entry, FillRequest, TradeRecord, UnnumberedRequest};

/// What a process of the catalog knows about itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Admission {
    identity: Identity,
    incarnation: Incarnation,
    bazaar: Option<BazaarId>,
    is_new: bool,
    told: Option<Epoch>,
    filled_by: Option<Epoch>,
    is_open: bool,
    /// The front-end that told it something last is another bazaar's.
    is_foreign: bool,
    bugs: Bugs,
}

/// The catalog belongs to another bazaar than the front-end that tells it something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the front-end speaks for another bazaar ({other}) than this catalog's file belongs to ({own}): give \
     each bazaar its own addresses and data folders"
)]
pub struct OtherBazaar {
    /// Its own.
    pub own: BazaarId,
    /// The front-end's.
    pub other: BazaarId,
}

/// What a leader's list request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The front-end has not told the epoch in this incarnation; the leader asks again.
    Untold,
    /// The leader's last entry is not what stands in its place here.
    Contradiction {
        /// The place.
        place: OrderNo,
        /// What the log says.
        log: String,
        /// What stands here.
        catalog: String,
    },
    /// There is less here than in the log, or the file is new.
    Behind {
        /// Whether this leader may fill it.
        may_fill: bool,
    },
    /// Log and catalog together lack something that is committed.
    Short,
    /// List what follows the leader's last entry; if that is all there is, call
    /// [`Admission::open`].
    Page,
}

/// What a piece of a fill comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filling {
    /// It is here already.
    Held,
    /// It is the next one: [refill](super::ledger::Ledger::refill) it.
    Next,
    /// Another trade stands in its place, or it stands elsewhere.
    Contradiction {
        /// The place.
        place: OrderNo,
        /// What the log says.
        log: String,
        /// What stands here.
        catalog: String,
    },
    /// There is a gap before it.
    Gap,
}

impl Admission {
    /// A process that has just started, with what its file says.
    #[must_use]
    pub fn new(
        identity: Identity,
        incarnation: Incarnation,
        bazaar: Option<BazaarId>,
        is_new: bool,
        bugs: Bugs,
    ) -> Self {
        Self {
            identity,
            incarnation,
            bazaar,
            is_new,
            told: None,
            filled_by: None,
            is_open: false,
            is_foreign: false,
            bugs,
        }
    }

    /// The database.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// This process.
    #[must_use]
    pub fn incarnation(&self) -> &Incarnation {
        &self.incarnation
    }

    /// The bazaar that the file belongs to, once it has been told.
    #[must_use]
    pub fn bazaar(&self) -> Option<&BazaarId> {
        self.bazaar.as_ref()
    }

    /// Whether the catalog was never open on this file.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether trades are decided and stocks shown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open || self.bugs.has(Bug::ServeUnlisted)
    }

    /// The newest epoch that the front-end has told this process.
    #[must_use]
    pub fn told(&self) -> Option<Epoch> {
        if self.bugs.has(Bug::OpenUntold) { Some(Epoch::MAX) } else { self.told }
    }

    /// Whether a message of `epoch` may be acted on: not before the front-end has told this process
    /// that epoch or a newer one, no matter who claims it (rules L6 and S2). An older one is for the fence
    /// to refuse.
    #[must_use]
    pub fn knows(&self, epoch: Epoch) -> bool {
        self.told().is_some_and(|told| epoch <= told)
    }

    /// What is waited for, for people; only while it is not open.
    #[must_use]
    pub fn waits_for(&self) -> &'static str {
        match (self.told, self.filled_by) {
            _ if self.is_foreign => {
                "its file belongs to another bazaar than the front-end: give each bazaar its own \
                 addresses and data folders"
            }
            (None, _) => "waiting for the front-end to tell the current epoch",
            (Some(told), Some(leader)) if told == leader => "being filled from the leader's log",
            (Some(_), _) => "waiting for the leader to list what was applied",
        }
    }

    /// The front-end tells the current configuration. On success its epoch is to be fenced, and its
    /// bazaar to be stored if the file had none.
    ///
    /// # Errors
    /// If the file is another bazaar's: then that is all it has learned.
    pub fn tell(&mut self, configuration: &Configuration) -> Result<(), OtherBazaar> {
        let is_another =
            |own: &&BazaarId| **own != configuration.bazaar && !self.bugs.has(Bug::TakeAnyBazaar);
        if let Some(own) = self.bazaar.as_ref().filter(is_another) {
            let (own, other) = (own.clone(), configuration.bazaar.clone());
            self.is_foreign = true;
            return Err(OtherBazaar { own, other });
        }
        self.is_foreign = false;
        self.bazaar = Some(configuration.bazaar.clone());
        self.told = self.told.max(Some(configuration.epoch));
        Ok(())
    }

    /// A leader, whose epoch is fenced, wants to know what was applied; `here` is what stands in the
    /// place of its last entry, `last_place` the last place that there is.
    pub fn list(
        &mut self,
        request: &UnnumberedRequest,
        here: Option<&TradeRecord>,
        last_place: OrderNo,
    ) -> Listing {
        if self.told().is_none() {
            return Listing::Untold;
        }
        if let (Some(entry), Some(here)) = (&request.after.entry, here)
            && !is_same(entry, here)
            && !self.bugs.has(Bug::OpenOverContradiction)
        {
            return contradiction(request.after.place, entry, here);
        }
        if self.is_new || last_place < request.log_end {
            let is_for_this_file = request.new_catalog.as_ref() == Some(&self.identity)
                || self.bugs.has(Bug::FillByAnybody);
            let may_fill = request.by_everybody && (!self.is_new || is_for_this_file);
            if last_place < request.log_end || !may_fill {
                self.filled_by = may_fill.then_some(request.epoch);
                return Listing::Behind { may_fill };
            }
        }
        if last_place < request.floor && !self.bugs.has(Bug::NoFloor) {
            return Listing::Short;
        }
        Listing::Page
    }

    /// Whether a leader's list request may open this process once it has been given the last page. One that
    /// was meant for an earlier incarnation may have been made when the log was shorter.
    #[must_use]
    pub fn may_open_for(&self, request: &UnnumberedRequest) -> bool {
        let meant_for = request.meant_for.as_ref();
        meant_for.is_none_or(|meant| *meant == self.incarnation)
            || self.bugs.has(Bug::OpenForAnyList)
    }

    /// A leader has been given the last page of the list. Says whether the file is to be marked as no
    /// longer new.
    pub fn open(&mut self) -> bool {
        self.is_open = true;
        std::mem::take(&mut self.is_new)
    }

    /// Whether the leader of `epoch` was asked to fill this process.
    #[must_use]
    pub fn is_filled_by(&self, epoch: Epoch) -> bool {
        self.filled_by == Some(epoch)
    }

    /// Whether this leader was told that it may fill this process.
    #[must_use]
    pub fn takes_fill(&self, request: &FillRequest) -> bool {
        request.incarnation == self.incarnation && self.is_filled_by(request.epoch)
    }

    /// One entry of a fill; `in_place` is what stands in its place here, `under_id` what is recorded
    /// under its request id, `last_place` the last place that there is.
    #[must_use]
    pub fn fill(
        &self,
        entry: &Entry,
        in_place: Option<&TradeRecord>,
        under_id: Option<&TradeRecord>,
        last_place: OrderNo,
    ) -> Filling {
        let place = entry.order_no;
        let differs = |here: &TradeRecord| match contradiction(place, entry, here) {
            Listing::Contradiction { place, log, catalog } => {
                Filling::Contradiction { place, log, catalog }
            }
            _ => Filling::Gap,
        };
        match (in_place, under_id) {
            (Some(here), _)
                if is_same(entry, here) || self.bugs.has(Bug::FillOverContradiction) =>
            {
                Filling::Held
            }
            (Some(here), _) | (None, Some(here)) => differs(here),
            (None, None) if place == last_place.next() => Filling::Next,
            (None, None) => Filling::Gap,
        }
    }

    /// Whether a trade is decided that a leader sent to the incarnation `meant` of the catalog; one by hand
    /// is meant for any.
    #[must_use]
    pub fn admits(&self, meant: Option<&Incarnation>) -> bool {
        self.is_open() && meant.is_none_or(|meant| *meant == self.incarnation)
    }
}

fn is_same(entry: &Entry, here: &TradeRecord) -> bool {
    here.applied_seq == Some(entry.order_no.place())
        && here.request_id == entry.request_id
        && *here.stock_name == *entry.stock_name
        && here.trade_type == entry.trade_type
        && here.quantity == entry.quantity
}

fn contradiction(place: OrderNo, entry: &Entry, here: &TradeRecord) -> Listing {
    let said = |trade_type: &str, quantity: u32, stock_name: &str| {
        format!("({trade_type} {quantity} {stock_name})")
    };
    let log = said(entry.trade_type.as_str(), entry.quantity, &entry.stock_name);
    let catalog = said(here.trade_type.as_str(), here.quantity, &here.stock_name);
    let position = match here.applied_seq {
        Some(seq) if seq.order_no() != place => format!(" in place {seq}"),
        Some(_) => String::new(),
        None => " without a place".to_owned(),
    };
    Listing::Contradiction {
        place,
        log: format!("{} {log}", entry.request_id),
        catalog: format!("{} {catalog}{position}", here.request_id),
    }
}

#[cfg(test)]
mod tests;
