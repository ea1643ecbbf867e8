//! Real processes of every bad kind, and that nothing of them is left.
#![expect(clippy::unwrap_used, reason = "clippy sees the helpers of a test program as no test")]

mod acts;
mod adopted;
mod hosts;
mod systems;
mod talks;
mod testing;
mod trees;
mod undone;
