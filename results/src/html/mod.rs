//! `report.html`: the whole run on one page, for people.
//!
//! One file that needs nothing: no script, no network, no font, no file beside it. What was asked,
//! what the answer is and whether it can be believed come first; then the evidence, in the order in
//! which a reader asks for it. A link leads to a place in the page, or saves a file that the page holds:
//! nothing is lost when it is sent on alone but what is too large for it, and that is named.
//!
//! [`comparison()`] is a page in the same style: what changed between two runs, with the charts of both.
//!
//! Each module turns one part of the run into plain values; the templates in `results/templates`
//! only lay them out. Every value goes through the template engine's escaping, so that nothing in a
//! run's files can become markup; a content security policy forbids the rest.

mod answer;
mod caveats;
mod comparison;
mod consistency;
mod embed;
mod embedded_charts;
mod error;
mod evidence;
mod faults;
mod files;
mod format;
mod input;
mod kinds;
mod look;
mod opening;
mod page;
mod setup;
mod tables;
mod target;
mod tiles;
mod verdict_reasons;
mod worded;
mod write;

pub use comparison::comparison;
pub use error::{FILE, PageError};
pub use input::PageInput;
pub use look::{Look, STYLE};
pub use write::write;
