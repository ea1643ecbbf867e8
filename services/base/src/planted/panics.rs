//! A part that panics, to see that its process ends (rule G4).
//!
//! No bug is known that makes one panic, so the panic is planted.

#[cfg(feature = "planted-bugs")]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "planted-bugs")]
static OUTLIVES: AtomicBool = AtomicBool::new(false);

/// From now on this process goes on whatever panics.
#[cfg(feature = "planted-bugs")]
pub(super) fn outlive() {
    OUTLIVES.store(true, Ordering::Relaxed);
}

/// Whether this process goes on without a part that owns state.
#[cfg(feature = "planted-bugs")]
pub(crate) fn are_outlived() -> bool {
    OUTLIVES.load(Ordering::Relaxed)
}

/// Whether this process goes on without a part that owns state: never, in a build without the feature.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn are_outlived() -> bool {
    false
}

/// A part that owns state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "planted-bugs", derive(clap::ValueEnum))]
pub enum Part {
    /// Order: the thread that numbers.
    OrderWriter,
    /// Catalog: the thread that decides.
    CatalogWriter,
    /// Catalog: the task that tells the front-end.
    CatalogPusher,
    /// Front-end: the task that elects.
    Detector,
    /// Front-end: where the configuration changes.
    Membership,
    /// Front-end: the task that tells the catalog the configuration.
    Announcer,
    /// Front-end: a task that pings a replica for as long as there is a leader.
    Pinger,
    /// Front-end: the holder of the stock cache's lock.
    Cache,
    /// Order: a task that calls others for the thread that numbers.
    Outbox,
    /// Order: a task that carries a trade, once that was applied.
    Carrier,
    /// Order: the task that ticks.
    Ticker,
    /// Order: the task that probes the catalog.
    CatalogProber,
    /// Order: the task that probes the front-end.
    FrontEndProber,
}

/// Which part panics: none, unless the feature is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panics {
    #[cfg(feature = "planted-bugs")]
    part: Option<Part>,
}

#[cfg(feature = "planted-bugs")]
impl Panics {
    /// This part panics at the first thing that it does.
    #[must_use]
    pub(super) fn at(part: Option<Part>) -> Self {
        Self { part }
    }

    /// Panics if it is `part`'s turn.
    pub fn pass(self, part: Part) {
        assert!(self.part != Some(part), "planted");
    }
}

#[cfg(not(feature = "planted-bugs"))]
impl Panics {
    /// Nothing panics in a build without the feature.
    pub fn pass(self, _part: Part) {}
}
