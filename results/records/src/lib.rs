//! One type per row of every file in a run's folder, and how the files are read.
//!
//! It knows neither checks nor charts: anybody who writes such files needs no more than this.
//!
//! Rows are written raw as they happen; a missing value stays empty. Every time in a CSV is in
//! microseconds since the run's origin, a single point of the machine's monotonic clock; wall
//! time appears once, in the manifest.

mod action;
pub mod built_in;
mod dump_row;
mod event;
mod fact;
mod final_state;
mod folder;
mod keyed;
mod line;
mod manifest;
mod name;
mod observation;
mod process;
mod processes;
mod row;
mod sets;
mod stage;
mod subject;
mod target;
mod text;
mod whole_file;

pub use action::Action;
pub use dump_row::DumpRow;
pub use event::{Event, EventKind};
pub use fact::Fact;
pub use final_state::{FinalKind, FinalRow};
pub use folder::{FolderError, RunFolder};
pub use keyed::{Keyed, NOTHING};
pub use line::{AtLine, Numbered};
pub use manifest::{Cell, InitialStock, MANIFEST_FORMAT, Manifest};
pub use name::BadName;
pub use observation::{CacheState, Observation, Op, Outcome, Phase};
pub use process::{FaultName, Process, ProcessName, RoleName};
pub use processes::{Processes, Roles};
pub use row::Row;
pub use sets::{FaultSet, ReplicaSet};
pub use stage::Stage;
pub use subject::{ANY, CLIENTS, End, REPLICAS, Route, Subject, UnknownSubject};
pub use target::{Acknowledged, Model, Numbering, Promises, Replication, Restock, Sides, Target};
pub use text::{Text, Texts};
pub use whole_file::write_whole;
