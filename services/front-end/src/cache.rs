//! The stock cache, and the one rule that keeps it honest: nothing below a stock's floor.
//!
//! The catalog tells the front-end each stock's new version before it answers the trade that made
//! it. The floor of a stock is the highest version seen in such pushes and in fills, and it is
//! never forgotten: not on `/rm`, not when the cache is off (rule C2). Without it:
//!
//! * a fill that read version 1 is slow, a trade makes version 2 and is acknowledged, and then
//!   the fill puts version 1 back into the cache;
//! * a fill with version 1 ends after a faster one with version 2 and before the push.
//!
//! This is also why there is no joining of fills in flight: a read that starts after a trade was
//! acknowledged must not be given what was asked for before it.
//!
//! Floors are kept for stocks that the catalog has named, so the catalog's size bounds the memory; and
//! whatever it names, for no more than there may be (rule S3). *Otherwise: a million invented names in
//! pushes take 190 MB for good.*
//! The module knows neither sockets nor clocks, nor what a stock looks like.

use std::collections::{HashMap, HashSet};

use base::planted::{Bug, Bugs};
use wire::bazaar::MAX_STOCKS;
use wire::ids::StockVersion;

/// What is known of every stock. `T` is what a hit gives back; cloning it should be cheap.
#[derive(Clone, Debug)]
pub struct Cache<T> {
    on: bool,
    stocks: HashMap<String, Known<T>>,
    /// Empty, unless [`Bug::TwoCopies`] is planted.
    other: HashMap<String, Known<T>>,
    bugs: Bugs,
}

/// A stock's floor, and its entry: always at exactly that version.
#[derive(Clone, Debug)]
struct Known<T> {
    floor: StockVersion,
    entry: Option<T>,
}

/// What the cache has to say to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// This may be answered at once.
    Hit(T),
    /// The catalog has to be asked.
    Miss {
        /// The lowest version that may still be shown.
        min_version: StockVersion,
    },
}

/// What is to be done with an answer of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// It may be given to the client, and is in the cache if that is on.
    Current,
    /// A newer version has been seen meanwhile: ask again.
    Outdated {
        /// The lowest version that may still be shown.
        min_version: StockVersion,
    },
}

impl<T: Clone> Cache<T> {
    /// An empty cache. One that is off keeps floors all the same.
    #[must_use]
    pub fn new(on: bool) -> Self {
        let (stocks, other) = Default::default();
        Self { on, stocks, other, bugs: Bugs::default() }
    }

    /// The same cache with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// Looks for a stock.
    #[must_use]
    pub fn lookup(&mut self, stock: &str) -> Lookup<T> {
        if self.bugs.has(Bug::TwoCopies) {
            std::mem::swap(&mut self.stocks, &mut self.other);
        }
        match self.stocks.get(stock) {
            Some(Known { entry: Some(value), .. }) => Lookup::Hit(value.clone()),
            Some(Known { floor, entry: None }) => Lookup::Miss { min_version: *floor },
            None => Lookup::Miss { min_version: StockVersion::default() },
        }
    }

    /// Whether something may be kept of each of these stocks: it is kept already, or with the others
    /// there are not too many.
    #[must_use]
    pub fn has_room_for<'a>(&self, stocks: impl IntoIterator<Item = &'a str>) -> bool {
        let unknown: HashSet<_> =
            stocks.into_iter().filter(|stock| !self.stocks.contains_key(*stock)).collect();
        let is_full = self.stocks.len() + unknown.len() > MAX_STOCKS;
        unknown.is_empty() || !is_full || self.bugs.has(Bug::KeepAnyFloor)
    }

    /// Takes an answer of the catalog, and says whether it may still be given.
    pub fn fill(&mut self, stock: &str, version: StockVersion, value: T) -> Fill {
        let (on, bugs) = (self.on, self.bugs);
        let known = self.raise(stock, version);
        if version < known.floor && !bugs.has(Bug::CacheLateFill) {
            return Fill::Outdated { min_version: known.floor };
        }
        if on {
            known.entry = Some(value);
        }
        Fill::Current
    }

    /// Takes a push of the catalog: from now on nothing below `version` is shown.
    pub fn invalidate(&mut self, stock: &str, version: StockVersion) {
        self.raise(stock, version);
    }

    /// The highest version of a stock that was ever seen, in pushes or in fills.
    #[must_use]
    pub fn floor(&self, stock: &str) -> StockVersion {
        self.stocks.get(stock).map_or_else(StockVersion::default, |known| known.floor)
    }

    /// Drops a stock's entry, not its floor. Says whether there was one.
    pub fn remove(&mut self, stock: &str) -> bool {
        if self.bugs.has(Bug::ForgetFloor) {
            return self.stocks.remove(stock).is_some_and(|known| known.entry.is_some());
        }
        self.stocks.get_mut(stock).is_some_and(|known| known.entry.take().is_some())
    }

    /// Switches the cache off for good. Done before the listener closes: from then on pushes are
    /// refused, which tells the catalog that there is no cache (rule C3).
    pub fn switch_off(&mut self) {
        if self.bugs.has(Bug::CacheOnWhileClosing) {
            return;
        }
        self.on = false;
        for known in self.stocks.values_mut() {
            known.entry = None;
        }
    }

    /// The stock with its floor at `version` or above; an entry below it is gone.
    fn raise(&mut self, stock: &str, version: StockVersion) -> &mut Known<T> {
        if !self.stocks.contains_key(stock) {
            self.stocks.insert(stock.to_owned(), Known { floor: version, entry: None });
        }
        let known = self.stocks.get_mut(stock).expect("inserted above if it was absent");
        if version > known.floor {
            *known = Known { floor: version, entry: None };
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "Stock1";

    fn v(version: u64) -> StockVersion {
        StockVersion(version)
    }

    fn miss(version: u64) -> Lookup<&'static str> {
        Lookup::Miss { min_version: v(version) }
    }

    #[test]
    fn a_fill_is_a_hit_until_a_newer_version_is_pushed() {
        let mut cache = Cache::new(true);
        assert_eq!(cache.lookup(S), miss(0));
        assert_eq!(cache.fill(S, v(0), "v0"), Fill::Current);
        assert_eq!(cache.lookup(S), Lookup::Hit("v0"));
        cache.invalidate(S, v(1));
        assert_eq!(cache.lookup(S), miss(1));
    }

    #[test]
    fn a_slow_fill_cannot_put_back_what_a_push_has_outdated() {
        let mut cache = Cache::new(true);
        assert_eq!(cache.lookup(S), miss(0));
        cache.invalidate(S, v(2));
        assert_eq!(cache.fill(S, v(1), "v1"), Fill::Outdated { min_version: v(2) });
        assert_eq!(cache.lookup(S), miss(2));
    }

    #[test]
    fn a_slow_fill_cannot_put_back_what_a_faster_fill_has_outdated() {
        let mut cache = Cache::new(true);
        assert_eq!(cache.fill(S, v(2), "v2"), Fill::Current);
        assert_eq!(cache.fill(S, v(1), "v1"), Fill::Outdated { min_version: v(2) });
        assert_eq!(cache.lookup(S), Lookup::Hit("v2"));
    }

    #[test]
    fn a_newer_fill_replaces_an_older_entry() {
        let mut cache = Cache::new(true);
        cache.fill(S, v(1), "v1");
        assert_eq!(cache.fill(S, v(2), "v2"), Fill::Current);
        assert_eq!(cache.lookup(S), Lookup::Hit("v2"));
    }

    #[test]
    fn a_late_or_repeated_push_drops_nothing_that_is_current() {
        let mut cache = Cache::new(true);
        cache.fill(S, v(3), "v3");
        cache.invalidate(S, v(3));
        cache.invalidate(S, v(2));
        assert_eq!(cache.lookup(S), Lookup::Hit("v3"));
    }

    #[test]
    fn removing_a_stock_keeps_its_floor() {
        let mut cache = Cache::new(true);
        cache.fill(S, v(4), "v4");
        assert!(cache.remove(S));
        assert!(!cache.remove(S));
        assert_eq!(cache.lookup(S), miss(4));
        assert_eq!(cache.fill(S, v(3), "v3"), Fill::Outdated { min_version: v(4) });
    }

    #[test]
    fn a_cache_that_is_off_keeps_floors_and_no_entries() {
        let mut cache = Cache::new(false);
        assert_eq!(cache.fill(S, v(2), "v2"), Fill::Current);
        assert_eq!(cache.lookup(S), miss(2));
        assert_eq!(cache.fill(S, v(1), "v1"), Fill::Outdated { min_version: v(2) });
        assert!(!cache.remove(S));
    }

    #[test]
    fn switching_off_empties_the_cache_and_later_fills_leave_it_empty() {
        let mut cache = Cache::new(true);
        cache.fill(S, v(5), "v5");
        cache.switch_off();
        assert_eq!(cache.lookup(S), miss(5));
        assert_eq!(cache.fill(S, v(5), "v5"), Fill::Current);
        assert_eq!(cache.lookup(S), miss(5));
    }

    #[test]
    fn stocks_do_not_disturb_each_other() {
        let mut cache = Cache::new(true);
        cache.fill(S, v(1), "one");
        cache.invalidate("Stock2", v(9));
        assert_eq!(cache.lookup(S), Lookup::Hit("one"));
        assert!(!cache.remove("Stock3"));
    }

    #[test]
    fn nothing_is_kept_of_more_stocks_than_there_may_be() {
        let mut cache = Cache::new(true);
        for number in 0..MAX_STOCKS {
            let name = format!("Stock{number}");
            assert!(cache.has_room_for([name.as_str()]));
            cache.invalidate(&name, v(1));
        }
        assert!(!cache.has_room_for(["one more"]));
        assert!(cache.has_room_for(["Stock7", "Stock8"]));
        assert!(!cache.has_room_for(["Stock7", "one more"]));
        assert_eq!(cache.fill("Stock7", v(1), "v1"), Fill::Current);
    }
}
