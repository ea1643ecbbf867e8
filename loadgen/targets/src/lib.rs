//! Targets: systems under test as one file describes them. This crate is pure: it reads the file, says all that is wrong
//! with it, compiles its expressions and templates, and tells what an answer means. It starts nothing and sends nothing.

mod check;
pub mod client;
mod document;
mod examples;
pub mod expression;
mod facts;
pub mod file;
pub mod leader;
pub mod name;
pub mod operation;
pub mod order_no;
mod pattern;
mod plan_values;
pub mod problem;
mod problems;
mod schema;
pub mod state;
mod suggest;
pub mod target;
pub mod template;

pub use check::{read, read_text};
pub use examples::{BAZAAR, new_file};
pub use facts::{FRONT_DOOR, manifest};
pub use plan_values::PlanValues;
pub use problems::{Problem, Problems};
pub use schema::schema;
pub use target::Target;
