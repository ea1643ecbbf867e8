//! What a run leaves behind, and everything that can be said about it afterwards.
//!
//! Offline and rerunnable: this crate reads and writes the files of a run's folder. It starts no
//! process, opens no socket and reads no clock: what it says follows from the files that the measuring program
//! has written, and from nothing else.
//!
//! * [`records`], a crate of its own: one type per row of every file, and how they are read.
//! * [`run`]: a run, read once for all of what follows.
//! * [`timeline`]: what happened to the services, read off a trial's events once, for all of what follows.
//! * [`stats`], [`text`]: percentiles and confidence intervals; tables and numbers for people.
//! * [`markdown`]: strangers' text in Markdown.
//! * [`catalog_queries`]: what the cache kept from the catalog.
//! * [`summary`], [`availability`]: the figures of a run, what each operation and each fault cost.
//! * `hosts`: where the hosts were that processes ran on, and what became of them.
//! * [`lateness`], [`knee`]: what the generator of an open loop offered, how late it was, and which
//!   rate was still held.
//! * [`measurements`]: these, each measured once for all who ask.
//! * [`table`]: the one model in which figures are shown, as text, page and JSON.
//! * [`charts`]: the same as pictures.
//! * [`compare`]: what changed between two runs, and whether it is more than noise.
//! * [`thresholds`]: what the figures must keep to.
//! * [`linear`]: whether a stock's history has an order that explains it.
//! * [`checks`], [`verdict`]: the consistency report, what was lost, doubled, reordered or stale.
//! * [`report`]: all of these written into a run's folder.
//! * [`html`]: the same as one page.

pub mod availability;
pub mod catalog_queries;
pub mod charts;
pub mod checks;
pub mod compare;
mod hosts;
pub mod html;
pub mod knee;
pub mod lateness;
pub mod linear;
pub mod markdown;
pub mod measurements;
mod parallel;
pub mod report;
pub mod run;
pub mod stats;
pub mod summary;
pub mod table;
pub mod text;
pub mod thresholds;
pub mod timeline;
pub mod verdict;

pub use records;
