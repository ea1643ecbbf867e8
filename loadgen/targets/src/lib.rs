//! Targets: systems under test as one file describes them. This crate is pure: it reads the file, says all that is wrong
//! with it, compiles its expressions and templates, and tells what an answer means. It starts nothing and sends nothing.

mod document;
pub mod expression;
pub mod file;
mod problems;
mod schema;
mod suggest;
pub mod template;

pub use problems::{Problem, Problems};
pub use schema::schema;
