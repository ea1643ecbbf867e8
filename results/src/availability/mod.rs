//! `availability.csv`: what each injected fault cost.
//!
//! One row per fault that was injected, to a process or to a link. A fault's *window* runs from its
//! injection to the next fault of the same trial, or to the trial's end; only what happens in it is
//! put down to the fault. Restarts, resumes and heals are no faults: they belong to the fault whose
//! number they carry.
//!
//! Faults that were planned for one moment have one outage between them, and nobody can say which of them
//! it was that cost it. They share a window's end, and each has the whole outage on its sheet; sums over
//! several sheets count it [once](outages).
//!
//! All durations are milliseconds since the injection, except where the column says otherwise.
//! What was not seen stays empty.

mod anomalies;
mod baseline;
mod gaps;
mod headline;
mod measure;
mod operations;
mod overall;
mod row;
mod table;
mod text;
mod trial;
mod window;

pub use anomalies::{Found, attribute};
pub use gaps::{GapRow, about_gaps, gaps, write_gaps_csv};
pub use headline::headline;
pub use measure::{measure, read_csv, write_csv};
pub use overall::{FaultGroup, OverallRow, overall, write_overall_csv};
pub use row::{AvailabilityRow, outages};
pub use table::{gaps_table, kinds_table, table};
pub use text::text;
