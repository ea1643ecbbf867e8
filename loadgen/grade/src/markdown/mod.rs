//! The same pages as Markdown, for course systems and pull requests.
//!
//! Names and texts come from strangers: [`results::markdown`] makes text of them that means nothing but itself.

mod overview;
mod submission;

pub use overview::overview;
pub use submission::submission;
