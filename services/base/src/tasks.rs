//! Tasks whose futures are boxed.
//!
//! The runtime's code for a task is generic over the future, and is compiled for each type of future that
//! is spawned, in each crate anew: without this, a tenth of everything in the services. A box makes one type of
//! all futures with the same output. Who spawns allocates anyway; what a box costs besides is not
//! measurable beside a connection, a request to another process or a flush.

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// A future of whatever type.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Forgets the type of a future.
pub fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Boxed<'a, T> {
    Box::pin(future)
}

/// Spawns a task on the runtime that the caller runs on.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    spawn_boxed(boxed(work))
}

/// Spawns a task from a thread that is not the runtime's.
pub fn spawn_on(runtime: &Handle, work: impl Future<Output = ()> + Send + 'static) {
    spawn_boxed_on(runtime, boxed(work));
}

// Never inlined: inlined into another crate, they would bring the runtime's code with them.
#[inline(never)]
fn spawn_boxed(work: Boxed<'static, ()>) -> JoinHandle<()> {
    tokio::spawn(work)
}

#[inline(never)]
fn spawn_boxed_on(runtime: &Handle, work: Boxed<'static, ()>) {
    runtime.spawn(work);
}
