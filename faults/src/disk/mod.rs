//! Disks that hang, are slow, are full, or forget: faults of one process's files.
//!
//! A small library in C (`faults/preload`) is preloaded into the processes whose disks a plan breaks. It stands
//! before the C library's functions for files in the data folder, and does there what a page says that
//! it shares with the harness. What it has done it counts in that page: a disk fault is confirmed by a
//! call that it hit, never by the order alone. The page belongs to the process's name and not to one incarnation
//! of it: a disk is none the better for a new process.
//!
//! Library, page and journal are files in memory, which the processes open through the harness's
//! entry in `/proc`. So nothing stays behind, whatever ends the harness.
//!
//! * `page`: the words that harness and library share.
//! * `library`: the library itself, and why a program cannot be reached by it.
//! * [`journal`]: what was written and not flushed, and how it is taken back.
//! * `disks`: the disks of one bazaar.

mod disks;
pub mod journal;
mod library;
mod page;
#[cfg(test)]
mod tests;

pub use disks::DiskFaults;
pub(crate) use disks::{ActiveDiskFault, Disks};
pub(crate) use library::why_out_of_reach;
