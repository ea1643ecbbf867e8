//! What a run leaves behind, and everything that can be said about it afterwards.
//!
//! Offline and rerunnable: this crate reads and writes the files of a run's folder. It knows no
//! process, no socket and no clock; whoever measures hands it rows.
//!
//! * [`records`]: one type per row of every file, and the CSV reading and writing.

pub mod records;
