//! A task beside the trial that ends when it is asked to, or when the trial is given up.

use std::future::Future;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A task that is asked to stop, also by being dropped.
#[derive(Debug)]
pub(super) struct Background<T> {
    stop: oneshot::Sender<()>,
    task: JoinHandle<T>,
}

impl<T: Send + 'static> Background<T> {
    /// Starts what `make` makes of a future that completes when the task shall stop.
    pub(super) fn start<F, M>(make: M) -> Self
    where
        F: Future<Output = T> + Send + 'static,
        M: FnOnce(StopAsked) -> F,
    {
        let (stop, asked) = oneshot::channel();
        Self { stop, task: tokio::spawn(make(StopAsked(asked))) }
    }

    /// Asks it to stop, and returns what it came to; `None` if it panicked.
    pub(super) async fn stop(self) -> Option<T> {
        drop(self.stop);
        self.task.await.ok()
    }
}

/// Completes when the task shall stop.
pub(super) struct StopAsked(oneshot::Receiver<()>);

impl StopAsked {
    /// Returns then.
    pub(super) async fn wait(self) {
        // Asked and dropped mean the same.
        let _ = self.0.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_stops_when_it_is_asked_to() {
        let task = Background::start(|stop| async move {
            stop.wait().await;
            7
        });
        assert_eq!(task.stop().await, Some(7));
    }

    #[tokio::test]
    async fn a_task_stops_when_it_is_forgotten() {
        let (ended, has_ended) = oneshot::channel();
        drop(Background::start(|stop| async move {
            stop.wait().await;
            ended.send(()).unwrap();
        }));
        has_ended.await.unwrap();
    }
}
