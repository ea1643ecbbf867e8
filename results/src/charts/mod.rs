//! The pictures of a run, each as SVG and as PNG, from values alone.
//!
//! plotters draws; no font, no program and no library of the system is needed. Every chart has
//! axes with units, a legend above the plotting area, and a title that says what was measured. A
//! chart without data is not drawn: [`Drawn::left_out`] says why instead.
//!
//! * `by_p`: latency and throughput against p, cache on beside cache off.
//! * `rate_sweep`: latency and answers against the rate that was offered.
//! * `distribution`: every percentile of an operation, on a scale that opens up the tail.
//! * `staleness`: how stale reads were, and how soon after an acknowledgement they came.
//! * `timeline`: a trial with faults from end to end.
//! * `availability`: the same trial, process by process.
//! * `fault_zoom`: the moments around each fault, in slices of 10 ms.
//! * `categorical`: figures of several runs: systems beside each other, rounds and commits in order.
//!
//! Who compares something else than runs draws a [`Figure`] of its own, in the same looks.

mod availability;
mod axis;
mod by_p;
mod categorical;
mod chart;
mod cloud;
mod dark;
mod distribution;
mod draw;
mod fault_zoom;
mod faults;
mod frame;
mod input;
mod marks;
mod output;
mod palette;
mod raster;
mod rate_sweep;
mod staleness;
mod svg;
#[cfg(test)]
mod testing;
mod timeline;
mod trial;
mod words;

pub use categorical::{Arrangement, Categorical, CategoricalPanel, CategoricalSeries, SeriesLook};
pub use chart::{Chart, ChartKind};
pub use draw::{Drawn, FOLDER, draw};
pub use input::ChartInput;
pub use output::{Area, ChartError, Drawing, Figure, save};
pub use palette::{FONT, GREY, GRID, INK, MET, NOT_MET};
