//! Targets: systems under test as one file describes them. This crate is pure: it reads the file, says all that is wrong
//! with it, compiles its expressions and templates, and tells what an answer means. It starts nothing and sends nothing.

pub mod client;
pub mod expression;
pub mod file;
pub mod leader;
pub mod name;
pub mod operation;
pub mod order_no;
mod pattern;
pub mod problem;
pub mod state;
mod suggest;
pub mod template;
