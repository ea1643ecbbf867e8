//! Systems beside each other: the same load and the same faults on each, in rounds.
//!
//! Who ran them writes a [`ComparisonRecord`], which says what was run and where it lies; everything else is read from the
//! runs' own files. So a page can be written again later, and the record holds no figure.
//!
//! * `record`: what was run. `system`: what came of all runs of one system. `comparison`: of all systems.
//! * `tables`, `charts`: the same as tables and charts. `about`: in sentences. `csv`, `markdown`, `page`: the files.

mod about;
mod charts;
mod comparison;
mod csv;
mod markdown;
mod page;
mod record;
mod system;
mod tables;

pub use comparison::Comparison;
pub use page::write;
pub use record::{ComparisonRecord, RunOutcome, RunRecord, Step, SystemRecord};
