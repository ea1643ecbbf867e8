//! What becomes of a bazaar whose files are lost, old, of the release before, or locked by another
//! program, and of one that strangers crowd: the real processes, killed and started again over the folder
//! that a story leaves them (rules L1 to L9, G1 to G3, S3 and S4).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bazaar;
mod catalog_lost;
mod crowds;
mod gray;
mod history;
mod layout;
mod lost;
mod old;
#[path = "../shared/ports.rs"]
mod ports;
mod refused;
#[cfg(feature = "planted-bugs")]
mod slow;
