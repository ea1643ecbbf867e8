//! Placeholder.
pub mod log;
pub mod replica;
