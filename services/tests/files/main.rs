//! What becomes of a bazaar whose files are lost, old, or of the release before: the real processes,
//! killed and started again over the folder that a story leaves them (rules L1 to L9).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bazaar;
mod catalog_lost;
mod history;
mod layout;
mod lost;
mod old;
mod refused;
