//! When what was committed may be shown: the catalog's half of cache coherence, without a socket.
//!
//! Committed changes queue here together with the answers that depend on them. An attempt tells
//! the front-end of everything that has queued; only what an acknowledged attempt covered is
//! shown to queries, and only then do the answers go out. Answers wait for everything that was
//! committed before or with them, so a repeat, a refusal or a list waits like the trade itself
//! (rule C1). *Otherwise: v2 is committed, the process dies before the push; the retry finds the
//! recorded outcome and answers 200, while the cache still shows v1.*
//!
//! A refused connection means that there is no front-end, hence no cache (rule C3). But what came of
//! a push, acknowledged or refused, holds for the front-end of that moment only, and by the time it is
//! known here another one may have bound and asked. So a fill of a stock that is being pushed waits
//! until the attempt has ended (rule C3b). *Otherwise: the push is refused, or acknowledged by a
//! front-end that then dies; the next one binds and is filled with v1, and only then v2 is shown; the
//! cache keeps v1.* Fills are answered and attempts begin and end under the same lock, so no fill can
//! slip in between.

use std::collections::{BTreeMap, HashMap};

use base::planted::{Bug, Bugs};
use wire::bazaar::StockAt;
use wire::ids::StockVersion;
use wire::internal::{Invalidation, SeenVersions, VersionedStock};

/// What one transaction changed, and the answers that wait for it.
#[derive(Clone, Debug)]
pub struct Batch<W> {
    /// The stocks that it changed, as it left them.
    pub changed: Vec<StockAt>,
    /// Its answers.
    pub waiting: Vec<W>,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub enum Step<W> {
    /// Tell the front-end, and [`conclude`](Visibility::conclude) with what became of it.
    Push(Invalidation),
    /// There is nothing to tell; send these answers.
    Release(Vec<W>),
}

/// What became of a push. Rule C3: only a refused connection at the front-end's fixed address says that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The front-end has it.
    Acknowledged,
    /// Nobody listened at the front-end's address.
    Refused,
    /// Anything else: the front-end may live, and may not know.
    Unclear,
}

/// The answer to a query.
#[derive(Debug, PartialEq)]
pub enum Look {
    /// The versions have not been pushed since the start, so nothing may be shown.
    Closed,
    /// There is no such stock.
    Unknown,
    /// A fill asked for a version that may not be shown yet, or of a stock that is being pushed.
    TooEarly,
    /// A fill asked for a version that there never was here: the front-end has it from another file
    /// (rule L8). This is the version to go on from.
    Overtaken(StockVersion),
    /// The stock as it may be shown.
    Found(StockAt),
}

/// Rule L8: the stocks of which the front-end has seen a later version than this catalog has, each
/// with the version that comes next. *Otherwise a catalog that was made again from the log, or whose
/// file is an old copy, uses a version a second time for another content, or shows one that lies below
/// the front-end's floor and can never be read.* A fill that asks for a later version is the same evidence.
/// *Otherwise: an answer of the old file with v1 arrives after the start push of the new one; the floor is
/// 1, the catalog holds v0, and the stock cannot be read until it is traded.*
#[must_use]
pub fn overtaken(push: &Invalidation, seen: &SeenVersions, bugs: Bugs) -> Vec<VersionedStock> {
    if !push.start || bugs.has(Bug::ReuseVersions) {
        return Vec::new();
    }
    let own: HashMap<&str, StockVersion> =
        push.stocks.iter().map(|stock| (&*stock.stock_name, stock.version)).collect();
    let later = seen.seen.iter().filter(|stock| {
        own.get(&*stock.stock_name).is_some_and(|version| *version < stock.version)
    });
    later.map(|stock| VersionedStock { version: stock.version.next(), ..stock.clone() }).collect()
}

/// What is shown, and what waits to be shown.
#[derive(Clone, Debug)]
pub struct Visibility<W> {
    open: bool,
    shown: HashMap<String, StockAt>,
    queued: Queue<W>,
    /// What the attempt under way covers, or the one before it if that failed.
    attempted: Queue<W>,
    is_under_way: bool,
    bugs: Bugs,
}

/// Changes by stock, newest version only, and the answers that depend on them.
#[derive(Clone, Debug)]
struct Queue<W> {
    changed: BTreeMap<String, StockAt>,
    waiting: Vec<W>,
}

impl<W> Queue<W> {
    fn append(&mut self, mut later: Self) {
        self.changed.append(&mut later.changed);
        self.waiting.append(&mut later.waiting);
    }
}

impl<W> Default for Queue<W> {
    fn default() -> Self {
        Self { changed: BTreeMap::new(), waiting: Vec::new() }
    }
}

impl<W> Visibility<W> {
    /// A process that has just started: it shows nothing before every version has been pushed.
    pub fn new(stocks: impl IntoIterator<Item = StockAt>) -> Self {
        let mut visibility = Self {
            open: false,
            shown: HashMap::new(),
            queued: Queue::default(),
            attempted: Queue::default(),
            is_under_way: false,
            bugs: Bugs::default(),
        };
        visibility.commit(Batch { changed: stocks.into_iter().collect(), waiting: Vec::new() });
        visibility
    }

    /// The same state with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// Whether anything may be shown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes what was committed; batches come in the order of their commits.
    pub fn commit(&mut self, batch: Batch<W>) {
        let changed =
            batch.changed.into_iter().map(|at| (at.stock.stock_name.clone(), at)).collect();
        self.queued.append(Queue { changed, waiting: batch.waiting });
    }

    /// Begins an attempt that covers everything committed so far.
    pub fn begin(&mut self) -> Step<W> {
        let queued = std::mem::take(&mut self.queued);
        self.attempted.append(queued);
        let is_silent = self.attempted.changed.is_empty() || self.bugs.has(Bug::SkipInvalidation);
        if self.open && is_silent {
            return Step::Release(self.show_attempted());
        }
        self.is_under_way = true;
        let stocks = self.attempted.changed.values().map(|at| VersionedStock {
            stock_name: at.stock.stock_name.clone(),
            version: at.version,
        });
        Step::Push(Invalidation { start: !self.open, stocks: stocks.collect() })
    }

    /// Ends the attempt: the answers to send, or `None` if it must be tried again.
    pub fn conclude(&mut self, pushed: Pushed) -> Option<Vec<W>> {
        let was_under_way = std::mem::take(&mut self.is_under_way);
        let is_clear = pushed != Pushed::Unclear || self.bugs.has(Bug::SilenceIsDeath);
        let may_show = was_under_way && is_clear;
        may_show.then(|| self.show_attempted())
    }

    fn show_attempted(&mut self) -> Vec<W> {
        let attempted = std::mem::take(&mut self.attempted);
        self.open = true;
        for (name, mut at) in attempted.changed {
            if let Some(before) = self.shown.get(&name).filter(|_| self.bugs.has(Bug::HalfShown)) {
                at.stock.quantity = before.stock.quantity;
            }
            self.shown.insert(name, at);
        }
        attempted.waiting
    }

    /// A query by somebody who keeps nothing.
    #[must_use]
    pub fn query(&self, name: &str) -> Look {
        match self.shown.get(name) {
            _ if !self.open => Look::Closed,
            None => Look::Unknown,
            Some(at) => Look::Found(at.clone()),
        }
    }

    /// A query by the front-end, for its cache, which may not be shown less than `least`.
    #[must_use]
    pub fn fill(&self, name: &str, least: StockVersion) -> Look {
        match self.query(name) {
            Look::Found(_) if self.is_overtaken(name, least) => Look::Overtaken(least.next()),
            Look::Found(at) if at.version < least || self.is_being_pushed(name) => Look::TooEarly,
            look => look,
        }
    }

    /// What was committed here has been queued before anybody else can have heard of it.
    fn is_overtaken(&self, name: &str, least: StockVersion) -> bool {
        let pushed = [&self.queued.changed, &self.attempted.changed];
        let known = pushed.into_iter().filter_map(|changed| changed.get(name));
        let newest = known.chain(self.shown.get(name)).map(|at| at.version).max();
        newest.is_some_and(|newest| newest < least) && !self.bugs.has(Bug::ReuseVersions)
    }

    fn is_being_pushed(&self, name: &str) -> bool {
        self.is_under_way
            && self.attempted.changed.contains_key(name)
            && !self.bugs.has(Bug::FillDuringPush)
    }
}

#[cfg(test)]
mod tests {
    use wire::bazaar::Stock;

    use super::*;

    fn at(name: &str, version: u64) -> StockAt {
        let stock = Stock {
            stock_name: name.to_owned(),
            price: 9.99,
            trade_volume: version,
            quantity: 100,
        };
        StockAt { stock, version: StockVersion(version) }
    }

    fn batch(changed: &[(&str, u64)], waiting: &[&'static str]) -> Batch<&'static str> {
        let changed = changed.iter().map(|(name, version)| at(name, *version)).collect();
        Batch { changed, waiting: waiting.to_vec() }
    }

    /// A catalog that has pushed the first versions of A and B.
    fn open() -> Visibility<&'static str> {
        let mut visibility = Visibility::new([at("A", 1), at("B", 1)]);
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 1), ("B".to_owned(), 1)]);
        assert_eq!(visibility.conclude(Pushed::Acknowledged), Some(vec![]));
        visibility
    }

    fn pushed(visibility: &mut Visibility<&'static str>) -> Vec<(String, u64)> {
        match visibility.begin() {
            Step::Push(push) => {
                push.stocks.into_iter().map(|stock| (stock.stock_name, stock.version.0)).collect()
            }
            Step::Release(answers) => panic!("nothing pushed before {answers:?}"),
        }
    }

    fn shown(visibility: &Visibility<&'static str>, name: &str) -> u64 {
        match visibility.query(name) {
            Look::Found(at) => at.version.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_start_push_says_so_and_what_the_front_end_saw_later_is_overtaken() {
        let mut visibility = Visibility::<&str>::new([at("A", 3), at("B", 3)]);
        let Step::Push(push) = visibility.begin() else { panic!("nothing pushed") };
        assert!(push.start);
        let seen = |name: &str, version| VersionedStock {
            stock_name: name.to_owned(),
            version: StockVersion(version),
        };
        let answer = SeenVersions { seen: vec![seen("A", 7), seen("B", 3), seen("Z", 9)] };
        assert_eq!(overtaken(&push, &answer, Bugs::default()), [seen("A", 8)]);
        assert_eq!(overtaken(&push, &SeenVersions::default(), Bugs::default()), []);
        #[cfg(feature = "planted-bugs")]
        {
            let bugs = Bugs::default().with(Bug::ReuseVersions);
            assert_eq!(overtaken(&push, &answer, bugs), [], "v3 is used again for another content");
        }

        visibility.conclude(Pushed::Acknowledged);
        visibility.commit(batch(&[("A", 4)], &[]));
        let Step::Push(push) = visibility.begin() else { panic!("nothing pushed") };
        assert!(!push.start);
    }

    #[test]
    fn a_fill_that_asks_for_more_than_there_ever_was_is_overtaken_too() {
        let mut visibility = open();
        assert_eq!(visibility.fill("A", StockVersion(4)), Look::Overtaken(StockVersion(5)));
        assert_eq!(visibility.fill("B", StockVersion(1)), Look::Found(at("B", 1)));
        // The version that comes next is committed, and pushed before it is shown.
        visibility.commit(batch(&[("A", 5)], &[]));
        assert_eq!(visibility.fill("A", StockVersion(4)), Look::TooEarly);
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 5)]);
        visibility.conclude(Pushed::Acknowledged);
        assert_eq!(visibility.fill("A", StockVersion(4)), Look::Found(at("A", 5)));
    }

    #[test]
    fn nothing_is_shown_before_every_version_has_been_pushed() {
        let mut visibility = Visibility::<&str>::new([at("A", 3)]);
        assert_eq!(visibility.query("A"), Look::Closed);
        assert_eq!(visibility.fill("A", StockVersion(0)), Look::Closed);
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 3)]);
        assert_eq!(visibility.conclude(Pushed::Unclear), None);
        assert_eq!(visibility.query("A"), Look::Closed);
        pushed(&mut visibility);
        assert_eq!(visibility.conclude(Pushed::Refused), Some(vec![]));
        assert_eq!(shown(&visibility, "A"), 3);
        assert_eq!(visibility.query("Z"), Look::Unknown);
    }

    #[test]
    fn a_trade_is_neither_shown_nor_answered_before_the_acknowledgement() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["trade"]));
        assert_eq!(shown(&visibility, "A"), 1);
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 2)]);
        assert_eq!(shown(&visibility, "A"), 1);
        assert_eq!(visibility.conclude(Pushed::Acknowledged), Some(vec!["trade"]));
        assert_eq!(shown(&visibility, "A"), 2);
    }

    #[test]
    fn a_repeat_waits_for_the_reveal_of_the_trade_it_repeats() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["trade"]));
        pushed(&mut visibility);
        visibility.commit(batch(&[], &["repeat"]));
        assert_eq!(visibility.conclude(Pushed::Unclear), None);
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 2)]);
        assert_eq!(visibility.conclude(Pushed::Acknowledged), Some(vec!["trade", "repeat"]));
    }

    #[test]
    fn after_a_restart_a_repeat_waits_for_the_versions_to_be_pushed() {
        // The process before this one committed v2 and died before it could push it.
        let mut visibility = Visibility::new([at("A", 2)]);
        visibility.commit(batch(&[], &["repeat"]));
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 2)]);
        assert_eq!(visibility.conclude(Pushed::Unclear), None);
        pushed(&mut visibility);
        assert_eq!(visibility.conclude(Pushed::Acknowledged), Some(vec!["repeat"]));
    }

    #[test]
    fn answers_with_nothing_to_wait_for_go_out_at_once() {
        let mut visibility = open();
        visibility.commit(batch(&[], &["refusal", "list"]));
        assert_eq!(visibility.begin(), Step::Release(vec!["refusal", "list"]));
    }

    #[test]
    fn an_acknowledgement_covers_what_was_pushed_and_nothing_later() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["first"]));
        pushed(&mut visibility);
        visibility.commit(batch(&[("A", 3), ("B", 2)], &["second"]));
        assert_eq!(visibility.conclude(Pushed::Acknowledged), Some(vec!["first"]));
        assert_eq!((shown(&visibility, "A"), shown(&visibility, "B")), (2, 1));
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 3), ("B".to_owned(), 2)]);
    }

    #[test]
    fn what_queues_is_pushed_together_with_the_newest_version_of_each_stock() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["1"]));
        visibility.commit(batch(&[("A", 3)], &["2"]));
        visibility.commit(batch(&[("B", 2)], &["3"]));
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 3), ("B".to_owned(), 2)]);
        assert_eq!(visibility.conclude(Pushed::Acknowledged), Some(vec!["1", "2", "3"]));
        assert_eq!(shown(&visibility, "A"), 3);
    }

    #[test]
    fn a_refused_push_means_no_front_end_and_no_cache() {
        let mut visibility = open();
        assert_eq!(visibility.fill("A", StockVersion(0)), Look::Found(at("A", 1)));
        visibility.commit(batch(&[("A", 2)], &["trade"]));
        pushed(&mut visibility);
        assert_eq!(visibility.conclude(Pushed::Refused), Some(vec!["trade"]));
    }

    #[test]
    fn a_fill_of_a_stock_that_is_being_pushed_waits_for_the_end_of_the_attempt() {
        // The push was refused, or acknowledged by a front-end that died right after; another one
        // binds and asks before the catalog acts on that.
        for outcome in [Pushed::Refused, Pushed::Acknowledged] {
            let mut visibility = open();
            visibility.commit(batch(&[("A", 2)], &["trade"]));
            pushed(&mut visibility);
            assert_eq!(visibility.fill("A", StockVersion(0)), Look::TooEarly);
            assert_eq!(visibility.fill("B", StockVersion(0)), Look::Found(at("B", 1)));
            assert_eq!(visibility.conclude(outcome), Some(vec!["trade"]));
            assert_eq!(visibility.fill("A", StockVersion(0)), Look::Found(at("A", 2)));
        }
    }

    #[test]
    fn between_two_attempts_fills_are_given_what_is_shown() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["trade"]));
        assert_eq!(visibility.fill("A", StockVersion(0)), Look::Found(at("A", 1)));
        pushed(&mut visibility);
        assert_eq!(visibility.conclude(Pushed::Unclear), None);
        assert_eq!(visibility.fill("A", StockVersion(0)), Look::Found(at("A", 1)));
        assert_eq!(pushed(&mut visibility), [("A".to_owned(), 2)]);
    }

    #[test]
    fn queries_by_hand_fill_no_cache() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["trade"]));
        pushed(&mut visibility);
        assert_eq!(shown(&visibility, "A"), 1);
        assert_eq!(visibility.conclude(Pushed::Refused), Some(vec!["trade"]));
    }

    #[test]
    fn a_fill_is_never_given_less_than_it_asks_for() {
        let mut visibility = open();
        visibility.commit(batch(&[("A", 2)], &["trade"]));
        pushed(&mut visibility);
        assert_eq!(visibility.fill("A", StockVersion(2)), Look::TooEarly);
        assert_eq!(visibility.conclude(Pushed::Refused), Some(vec!["trade"]));
        assert_eq!(visibility.fill("A", StockVersion(2)), Look::Found(at("A", 2)));
    }
}
