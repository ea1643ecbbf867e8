//! Whether the generator of an open loop did what its plan said, and how far the service followed.
//!
//! An operation may be sent after it was due for two reasons, and only one of them is the generator's
//! fault. A service that is slow keeps the clients waiting, so that arrivals queue until one of them
//! is free: that wait belongs to the latency, and the corrected figures hold it. What remains is the
//! generator's *own lateness*: from the moment at which the operation was due and its client was
//! free, to the moment at which it was sent. A figure is as exact as that is small.
//!
//! Rates are of iterations, as the plan has them, from the beginning of the measured load to the end
//! of the schedule: so many were due in that time, so many were sent in it and so many answered,
//! whenever those were due. An iteration is sent when its query is, and answered when its last
//! operation is: ok, or refused by a well-formed no, since the service kept up with either. Throughput is
//! what was *accepted*: iterations of which every operation was ok.
//! An operation that *waited for a client* had come while all of them were busy with earlier ones. That
//! wait is part of its latency, which is that of a user who comes at a set time and is served by one of
//! so many connections; how much of it there was stands beside.
//!
//! A figure that is not at least [`WORTH_TIMES`] times the generator's own lateness at the same percentile
//! says too much about the generator to say anything of the service, and is withheld.
//!
//! What was due and never sent is in no row; the event [`ArrivalsEnded`](crate::records::EventKind::ArrivalsEnded) says how
//! much it was. A trial that was cut short has no such event, and is left out.

mod clients;
mod measured;
mod table;

pub use clients::{Clients, Late};
pub use measured::{
    Lateness, TrialLateness, WORTH_TIMES, by_cell, by_trial, cells_in_order, is_withheld,
};
pub use table::{CellLateness, table, text};
