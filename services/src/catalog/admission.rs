//! Whether the catalog may be used: told, listed, filled, open (rules L1, L3, L6 and L7).
//!
//! Pure. A catalog that has just started knows neither whether its file is the newest nor whether its
//! fence still stands: the file may be new, or an old copy. So it applies nothing and shows nothing
//! until the front-end has told it the current epoch, and that epoch's leader has listed what it
//! holds and has found nothing missing. *Otherwise: the catalog's file is lost, its fence with it; an
//! old leader's trade is applied in a place that the log has given to another.*
//!
//! A catalog that holds less than the leader's log, or whose file is new, is filled from that log
//! first, and only if every replica answered when its leader was elected. *Otherwise: the catalog is
//! lost, and an old copy of a log is elected alone; the others cut their logs to that one's before
//! anybody sees that the catalog is empty.*
//!
//! Once open it stays open for as long as the process lives: its own file cannot lose anything
//! meanwhile, and trades of leaders that were replaced are kept out by the ledger's fence.

use wire::configuration::Configuration;
use wire::ids::{BazaarId, Epoch, Incarnation, OrderNo};
use wire::internal::{FillRequest, TradeRecord, UnnumberedRequest};

use super::ledger::{self, Conflict};
use crate::planted::{Bug, Bugs};

/// What a process of the catalog has been told, and whether that is enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Admission {
    incarnation: Incarnation,
    bazaar: Option<BazaarId>,
    is_new: bool,
    /// The newest epoch that the front-end has told this process.
    told: Option<Epoch>,
    /// The highest number that was known to be committed, by what it was told.
    floor: OrderNo,
    /// Whose leader was told that this catalog is behind, and may fill it.
    fills: Option<Epoch>,
    is_open: bool,
    bugs: Bugs,
}

/// The database belongs to another bazaar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this catalog's file belongs to bazaar {own}, and the front-end speaks for {told}: give the catalog \
     the --data-dir of that bazaar"
)]
pub struct OtherBazaar {
    own: BazaarId,
    told: BazaarId,
}

/// What follows from a configuration that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// Shut out every epoch before this one, on disk.
    pub epoch: Epoch,
    /// Write down that the file belongs to this bazaar.
    pub bazaar: Option<BazaarId>,
}

/// What a leader's list request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// What was applied after the asked place.
    Page,
    /// This catalog holds less than the log, or its file is new.
    Behind,
    /// Log and catalog hold different trades in one place.
    Conflict(Conflict),
    /// Log and catalog together end below what is known to be committed.
    Short,
}

impl Admission {
    /// A process that has just started, on a file of `bazaar`, which was never open if `is_new`.
    #[must_use]
    pub fn new(incarnation: Incarnation, bazaar: Option<BazaarId>, is_new: bool) -> Self {
        Self {
            incarnation,
            bazaar,
            is_new,
            told: None,
            floor: OrderNo(0),
            fills: None,
            is_open: false,
            bugs: Bugs::default(),
        }
    }

    /// The same with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// This process.
    #[must_use]
    pub fn incarnation(&self) -> &Incarnation {
        &self.incarnation
    }

    /// The bazaar that the file belongs to.
    #[must_use]
    pub fn bazaar(&self) -> Option<&BazaarId> {
        self.bazaar.as_ref()
    }

    /// Whether the file was never open.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether trades may be applied and stocks be shown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open || self.bugs.has(Bug::OpenUntold)
    }

    /// Whether a message of `epoch` may be acted on: not before the front-end has told that epoch or
    /// a newer one (rules L6 and S2). An older one is for the fence to refuse.
    #[must_use]
    pub fn knows(&self, epoch: Epoch) -> bool {
        self.told.is_some_and(|told| epoch <= told) || self.bugs.has(Bug::OpenUntold)
    }

    /// The front-end told the current configuration; `seen` is the highest epoch on disk. One that is
    /// over teaches nothing: the front-end's file is an old copy, and it will begin above `seen`.
    ///
    /// # Errors
    /// If the configuration is another bazaar's.
    pub fn hear(
        &mut self,
        configuration: &Configuration,
        seen: Epoch,
    ) -> Result<Option<Hearing>, OtherBazaar> {
        let Configuration { epoch, bazaar: told, committed, .. } = configuration;
        if let Some(own) = self.bazaar.as_ref().filter(|own| *own != told) {
            return Err(OtherBazaar { own: own.clone(), told: told.clone() });
        }
        if *epoch < seen {
            return Ok(None);
        }
        let bazaar = self.bazaar.is_none().then(|| told.clone());
        self.bazaar = Some(told.clone());
        self.told = Some(*epoch);
        self.floor = self.floor.max(*committed);
        Ok(Some(Hearing { epoch: *epoch, bazaar }))
    }

    /// A leader, whose epoch the fence has let pass, asks what was applied. `last_place` is the last
    /// one here, and `held` what is in the place that the list is to follow.
    pub fn list(
        &mut self,
        request: &UnnumberedRequest,
        last_place: OrderNo,
        held: Option<&TradeRecord>,
    ) -> Listing {
        if let Some(entry) = &request.after.entry
            && request.after.place <= last_place
            && let Err(conflict) = ledger::compare(entry, held)
        {
            return Listing::Conflict(conflict);
        }
        self.floor = self.floor.max(request.floor);
        if last_place.max(request.log_end) < self.floor && !self.bugs.has(Bug::OpenShort) {
            return Listing::Short;
        }
        let is_behind = last_place < request.log_end.max(request.after.place);
        let is_doubtful = self.is_new && !request.by_everybody && !self.bugs.has(Bug::FillByFew);
        if is_behind || is_doubtful {
            let may_fill = request.by_everybody || self.bugs.has(Bug::FillByFew);
            self.fills = may_fill.then_some(request.epoch);
            return Listing::Behind;
        }
        Listing::Page
    }

    /// A list was answered. With the last page of it the catalog is open; says whether the file has
    /// to be marked as no longer new.
    pub fn listed(&mut self, is_done: bool) -> bool {
        if !is_done {
            return false;
        }
        self.is_open = true;
        std::mem::take(&mut self.is_new)
    }

    /// What is waited for, for people; only while it is not open.
    #[must_use]
    pub fn waits_for(&self) -> &'static str {
        match (self.told, self.fills) {
            (None, _) => "waiting for the front-end to tell the current epoch",
            (Some(told), Some(fills)) if told == fills => "being filled from the leader's log",
            (Some(_), _) => "waiting for the leader to list what was applied",
        }
    }

    /// Whether entries may be taken from a leader, whose epoch the fence has let pass: only by the
    /// process that it has listed, and which said that it is behind.
    #[must_use]
    pub fn may_fill(&self, request: &FillRequest) -> bool {
        request.incarnation == self.incarnation && self.fills == Some(request.epoch)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wire::bazaar::TradeType;
    use wire::configuration::Member;
    use wire::ids::{AppliedSeq, ConfigVersion, Identity, ReplicaId, RequestId, StockVersion};
    use wire::internal::{Decision, Entry, Origin, Tail};

    use super::*;

    fn configuration(epoch: u64, bazaar: &str) -> Configuration {
        Configuration {
            version: ConfigVersion(epoch),
            epoch: Epoch(epoch),
            leader: ReplicaId(1),
            leader_incarnation: Incarnation::new("i1").unwrap(),
            in_sync: vec![Member { id: ReplicaId(1), identity: Identity::new("d1").unwrap() }],
            bazaar: BazaarId::new(bazaar).unwrap(),
            committed: OrderNo(0),
            by_everybody: true,
        }
    }

    fn catalog(is_new: bool) -> Admission {
        let bazaar = (!is_new).then(|| BazaarId::new("b").unwrap());
        Admission::new(Incarnation::new("c1").unwrap(), bazaar, is_new)
    }

    fn told(is_new: bool, epoch: u64) -> Admission {
        let mut catalog = catalog(is_new);
        catalog.hear(&configuration(epoch, "b"), Epoch(0)).unwrap();
        catalog
    }

    fn entry(place: u64) -> Entry {
        Entry {
            order_no: OrderNo(place),
            epoch: Epoch(1),
            request_id: RequestId::new(format!("R{place}")).unwrap(),
            stock_name: "A".to_owned(),
            trade_type: TradeType::Buy,
            quantity: 2,
        }
    }

    fn record(place: u64) -> TradeRecord {
        let entry = entry(place);
        TradeRecord {
            request_id: entry.request_id,
            applied_seq: Some(AppliedSeq(place)),
            decision: Decision::Applied,
            epoch: Some(Epoch(1)),
            stock_name: entry.stock_name,
            trade_type: entry.trade_type,
            quantity: entry.quantity,
            version: Some(StockVersion(place)),
            quantity_after: Some(1),
            volume_after: Some(1),
            origin: Origin::Order,
        }
    }

    fn request(epoch: u64, log_end: u64, by_everybody: bool) -> UnnumberedRequest {
        let entry = (log_end > 0).then(|| Arc::new(entry(log_end)));
        UnnumberedRequest {
            epoch: Epoch(epoch),
            after: Tail { place: OrderNo(log_end), entry },
            log_end: OrderNo(log_end),
            floor: OrderNo(0),
            by_everybody,
            limit: 100,
        }
    }

    #[test]
    fn it_is_closed_until_it_was_told_and_listed() {
        let mut catalog = catalog(false);
        assert!(!catalog.is_open() && !catalog.knows(Epoch(1)));
        let hearing = catalog.hear(&configuration(3, "b"), Epoch(2)).unwrap().unwrap();
        assert_eq!((hearing.epoch, hearing.bazaar), (Epoch(3), None));
        assert!(!catalog.is_open());
        assert!(catalog.knows(Epoch(3)) && !catalog.knows(Epoch(4)));
        assert_eq!(
            catalog.list(&request(3, 5, false), OrderNo(9), Some(&record(5))),
            Listing::Page
        );
        assert!(!catalog.listed(false) && !catalog.is_open(), "a page is not the list");
        catalog.listed(true);
        assert!(catalog.is_open());
    }

    #[test]
    fn a_configuration_that_is_over_teaches_nothing() {
        let mut catalog = catalog(false);
        assert_eq!(catalog.hear(&configuration(3, "b"), Epoch(7)).unwrap(), None);
        assert!(!catalog.knows(Epoch(3)));
    }

    #[test]
    fn a_new_file_is_given_its_bazaar_and_refuses_every_other() {
        let mut catalog = catalog(true);
        let hearing = catalog.hear(&configuration(1, "b"), Epoch(0)).unwrap().unwrap();
        assert_eq!(hearing.bazaar.unwrap().as_str(), "b");
        let refused = catalog.hear(&configuration(9, "other"), Epoch(1)).unwrap_err().to_string();
        assert!(refused.contains("belongs to bazaar b") && refused.contains("other"), "{refused}");
        assert!(!catalog.knows(Epoch(9)));
    }

    #[test]
    fn a_new_file_opens_or_is_filled_only_under_a_leader_that_everybody_saw() {
        // The longest log is empty as well: a first start.
        let mut first = told(true, 1);
        assert_eq!(first.list(&request(1, 0, true), OrderNo(0), None), Listing::Page);
        assert!(first.listed(true), "no longer new, and that is to be written down");
        assert!(!first.listed(true));

        // An old copy of a log leads alone, and is as empty as the catalog.
        let mut lost = told(true, 1);
        assert_eq!(lost.list(&request(1, 0, false), OrderNo(0), None), Listing::Behind);
        let fill = |epoch| FillRequest {
            epoch: Epoch(epoch),
            incarnation: Incarnation::new("c1").unwrap(),
            entries: vec![],
        };
        assert!(!lost.may_fill(&fill(1)));
        lost.hear(&configuration(2, "b"), Epoch(1)).unwrap();
        assert_eq!(lost.list(&request(2, 5, true), OrderNo(0), None), Listing::Behind);
        assert!(lost.may_fill(&fill(2)) && !lost.may_fill(&fill(1)));
        assert_eq!(lost.list(&request(2, 5, true), OrderNo(5), Some(&record(5))), Listing::Page);
        assert!(lost.listed(true) && lost.is_open());
    }

    #[test]
    fn an_old_file_is_filled_by_the_process_that_was_listed_only() {
        let mut catalog = told(false, 4);
        assert_eq!(catalog.list(&request(4, 8, true), OrderNo(6), None), Listing::Behind);
        let fill = |incarnation: &str| FillRequest {
            epoch: Epoch(4),
            incarnation: Incarnation::new(incarnation).unwrap(),
            entries: vec![],
        };
        assert!(catalog.may_fill(&fill("c1")) && !catalog.may_fill(&fill("c0")));
    }

    #[test]
    fn another_trade_in_the_same_place_is_named_by_both_sides() {
        let mut catalog = told(false, 4);
        let mut other = record(5);
        other.request_id = RequestId::new("Q5").unwrap();
        let listing = catalog.list(&request(4, 5, true), OrderNo(9), Some(&other));
        let Listing::Conflict(conflict) = listing else { panic!("{listing:?}") };
        assert_eq!(conflict.place, OrderNo(5));
        assert_eq!(conflict.log, "Buy of 2 A (R5)");
        assert_eq!(conflict.catalog, "Buy of 2 A (Q5)");
        assert!(!catalog.is_open());
    }

    #[test]
    fn it_does_not_open_below_what_is_known_to_be_committed() {
        let mut catalog = catalog(false);
        let known = Configuration { committed: OrderNo(7), ..configuration(4, "b") };
        catalog.hear(&known, Epoch(1)).unwrap();
        assert_eq!(
            catalog.list(&request(4, 5, true), OrderNo(6), Some(&record(5))),
            Listing::Short
        );
        // The log alone may hold enough, or the catalog alone.
        assert_eq!(catalog.list(&request(4, 7, true), OrderNo(6), None), Listing::Behind);
        assert_eq!(catalog.list(&request(4, 5, true), OrderNo(7), Some(&record(5))), Listing::Page);
    }
}
