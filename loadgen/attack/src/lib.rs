//! goose's main loop, compiled once and for size.
//!
//! An async function is compiled where its future is awaited. goose's, with all that it spawns, are 50,000 lines of LLVM
//! of which a trial runs a few once. Awaited by the harness they were compiled anew for each of its changed lines; awaited by
//! `driver` they were compiled for speed like the clients. What is hot, the clients' transactions, comes in boxes from
//! `driver` and is compiled there.

use std::pin::Pin;

use goose::{GooseAttack, GooseError};

/// Runs an attack to its end.
///
/// # Errors
/// goose refused to start.
#[inline(never)]
pub fn execute(
    attack: GooseAttack,
) -> Pin<Box<dyn Future<Output = Result<(), GooseError>> + Send>> {
    Box::pin(async move { attack.execute().await.map(drop) })
}
