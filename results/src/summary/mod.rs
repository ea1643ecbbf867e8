//! `summary.csv`: what each operation cost in each cell.
//!
//! Counted are the operations of the load and the lookups at the end; the warm-up is left out.
//! Latency figures are over the operations that were answered, ok or rejected, since the latency of
//! a failed or unknown one says when the client gave up, not what the service does; how many of
//! those there were stands beside. Percentiles are those of [`crate::stats`]. Throughput counts what was
//! accepted (ok) alone.
//!
//! In an open loop a latency counts from the moment at which the operation was due
//! ([`Observation::response_us`](crate::records::Observation::response_us)); what it would have been from the moment of sending stands beside,
//! as `uncorrected_...`.
//!
//! The trials of a cell are pooled: a row describes all its operations as one sample. Each
//! figure has a 95 % interval, which is empty if there was too little to tell.

mod measured;
mod row;
mod rows;
mod table;
mod tally;
mod withhold;

pub use measured::{OPS, is_accepted, is_answered, is_measured};
pub use row::SummaryRow;
pub use rows::{add_lateness, mark_withheld, read_csv, summarise, write_csv};
pub(crate) use table::{fields_of, hit_share, op_name};
pub use table::{table, text};
