//! What a submission to a course is worth: points by a rubric, from what its runs showed.
//!
//! This crate is pure. It starts nothing, reads no folder and no clock: who runs the stories hands in what their files
//! showed, or why there are none. It must not know how a story is run.
//!
//! The invariant: a point is earned only by what was looked at and found to hold. What the submission lacks is not asked, and
//! then neither earned nor lost; what could not be judged earns nothing and says so, with the command that tries again.
//!
//! * [`rubric`]: what is asked, and what it is worth. [`points`]: how much that is.
//! * [`story`], [`story_run`]: what was run, and what came of it. `demand`: what one check or figure says of one run.
//! * [`graded`]: a submission's points, with reasons. `judge`: how they are worked out.
//! * [`overview`]: several submissions side by side, and how their points are spread.
//! * [`page`], [`markdown`]: both for people.

mod demand;
pub mod graded;
mod judge;
pub mod markdown;
pub mod overview;
pub mod page;
pub mod points;
pub mod rubric;
pub mod story;
pub mod story_run;

pub use judge::{grade, why_untried};
