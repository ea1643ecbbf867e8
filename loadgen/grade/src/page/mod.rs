//! The pages as HTML: one per submission, and an overview.
//!
//! Like the page of a run, whose style they have, each needs nothing but itself. Every value goes through the template engine's
//! escaping, for names and texts come from strangers; a content security policy forbids the rest.

mod look;
mod overview;
mod submission;

pub use overview::overview;
pub use submission::submission;
