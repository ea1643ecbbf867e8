//! Figures and charts of a run, from the run alone.
//!
//! Rerunnable: whatever is there is written anew, nothing but the figures' own files is touched.
//! A run that was cut short is reported as far as it got.
//!
//! * [`Report`]: typed rows, and the tables of figures that are made of them once.
//! * [`Tables`]: those tables, as text, page and `figures.json` have them.
//! * [`write()`]: all of it into the run's folder. [`write_figures`]: the same without charts.

mod left_out;
mod tables;
mod whole;
mod write;

pub use tables::{FIGURES_FILE, FIGURES_FORMAT, Tables};
pub use whole::{OpenLoop, Report};
pub use write::{ReportError, write, write_figures};
