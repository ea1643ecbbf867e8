//! The same pages as Markdown, for course systems and pull requests.
//!
//! Names and texts come from strangers, so whatever means something in Markdown or HTML is escaped: nobody's name becomes a
//! link, a heading or a tag.

mod escape;
mod overview;
mod submission;

pub use overview::overview;
pub use submission::submission;
