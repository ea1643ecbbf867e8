//! `report.html`: the whole run on one page, for people.
//!
//! One file that needs nothing: no script, no network, no font, no file beside it. What was asked,
//! what the answer is and whether it can be believed come first; then the evidence, in the order in
//! which a reader asks for it. Links lead to the run's other files, and are the only thing that is
//! lost when the page is sent on alone.
//!
//! Each module turns one part of the run into plain values; the templates in `results/templates`
//! only lay them out. Every value goes through the template engine's escaping, so that nothing in a
//! run's files can become markup; a content security policy forbids the rest.

mod belief;
mod consistency;
mod error;
mod evidence;
mod faults;
mod files;
mod format;
mod kinds;
mod limits;
mod material;
mod opening;
mod page;
mod pictures;
mod setup;
mod tables;
mod tiles;
mod write;

pub use error::{FILE, PageError};
pub use material::Material;
pub use write::write;
