//! Tasks of one type, whatever they do.
//!
//! The runtime's code for a task is generic over its future and over what that comes to, and is compiled for
//! each of them, in each crate anew: spawned as they are, the services' tasks make up a tenth of what
//! there is to compile. So a task's future is boxed, and so is what it comes to. Who spawns allocates
//! anyway; what a box costs besides is nothing beside a connection, a question to another process or a
//! flush.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// A future of whatever type.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a task comes to.
type Output = Box<dyn Any + Send>;

/// Forgets the type of a future.
pub(crate) fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Boxed<'a, T> {
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

/// Has a task of its own do `work`, which goes on if the caller goes away.
///
/// # Errors
/// If the task panics, or the runtime ends.
pub async fn detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    spawn_erased(erased(work)).await.map(typed)
}

/// Has a thread that may wait do `work`, which goes on if the caller goes away.
///
/// # Errors
/// If it panics, or the runtime ends.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    spawn_blocking_erased(Box::new(|| Box::new(work()))).await.map(typed)
}

/// Tasks that come to the same type. They end when this is dropped.
pub struct Tasks<T> {
    tasks: JoinSet<Output>,
    outputs: PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Tasks<T> {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self { tasks: JoinSet::new(), outputs: PhantomData }
    }

    /// Whether none is left that has not been joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Spawns one more.
    pub fn spawn(&mut self, work: impl Future<Output = T> + Send + 'static) {
        spawn_erased_in(&mut self.tasks, erased(work));
    }

    /// What the next one that ends comes to; `None` if there is none. If it is not waited for, nothing
    /// is lost.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        Some(join_next_erased(&mut self.tasks).await?.map(typed))
    }

    /// The same, as a part of another future.
    pub(crate) fn poll_join_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, JoinError>>> {
        self.tasks.poll_join_next(context).map(|next| next.map(|ended| ended.map(typed)))
    }

    /// What all of them come to, in the order in which they end.
    ///
    /// # Panics
    /// If one of them does.
    pub async fn join_all(self) -> Vec<T> {
        join_all_erased(self.tasks).await.into_iter().map(typed).collect()
    }
}

impl<T: Send + 'static> Default for Tasks<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Tasks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tasks.fmt(f)
    }
}

fn erased<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Boxed<'static, Output> {
    boxed(async { Box::new(work.await) as Output })
}

fn typed<T: 'static>(output: Output) -> T {
    *output.downcast().expect("a task comes to what it was spawned for")
}

// The following are never inlined: inlined into another crate, they would bring the runtime's code with them.

#[inline(never)]
fn spawn_boxed(work: Boxed<'static, ()>) -> JoinHandle<()> {
    tokio::spawn(work)
}

#[inline(never)]
fn spawn_boxed_on(runtime: &Handle, work: Boxed<'static, ()>) {
    runtime.spawn(work);
}

#[inline(never)]
fn spawn_erased(work: Boxed<'static, Output>) -> JoinHandle<Output> {
    tokio::spawn(work)
}

#[inline(never)]
fn spawn_blocking_erased(work: Box<dyn FnOnce() -> Output + Send>) -> JoinHandle<Output> {
    tokio::task::spawn_blocking(work)
}

#[inline(never)]
fn spawn_erased_in(tasks: &mut JoinSet<Output>, work: Boxed<'static, Output>) {
    tasks.spawn(work);
}

#[inline(never)]
fn join_next_erased(tasks: &mut JoinSet<Output>) -> Boxed<'_, Option<Result<Output, JoinError>>> {
    Box::pin(tasks.join_next())
}

#[inline(never)]
fn join_all_erased(tasks: JoinSet<Output>) -> Boxed<'static, Vec<Output>> {
    Box::pin(tasks.join_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_come_to_what_their_work_does() {
        let mut tasks = Tasks::new();
        assert!(tasks.is_empty() && tasks.join_next().await.is_none());
        for number in [1, 2, 3] {
            tasks.spawn(async move { number });
        }
        let mut all = tasks.join_all().await;
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
        assert_eq!(detached(async { "done" }).await.unwrap(), "done");
        assert_eq!(blocking(|| "done").await.unwrap(), "done");
    }

    #[tokio::test]
    async fn whoever_waits_for_a_task_is_told_of_its_panic() {
        let mut tasks = Tasks::<()>::new();
        tasks.spawn(async { panic!("a test's own") });
        assert!(tasks.join_next().await.unwrap().unwrap_err().is_panic());
        assert!(detached(async { panic!("a test's own") }).await.unwrap_err().is_panic());
        assert!(blocking(|| panic!("a test's own")).await.unwrap_err().is_panic());
    }
}
