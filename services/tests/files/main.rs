//! What becomes of a bazaar whose files are lost, old, of the release before, or locked by another
//! program: the real processes, killed and started again over the folder that a story leaves them
//! (rules L1 to L9, G1 and G3).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bazaar;
mod catalog_lost;
mod gray;
mod history;
mod layout;
mod lost;
mod old;
mod refused;
#[cfg(feature = "planted-bugs")]
mod slow;
