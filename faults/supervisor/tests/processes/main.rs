//! Real processes of every bad kind, and that nothing of them is left.

mod systems;
mod testing;
mod trees;
