//! Ctrl-C, SIGTERM and SIGHUP: the first asks for a clean end, the second for a quick one.
//!
//! A quick end kills the services instead of waiting for what they have begun, and is clean all the
//! same: no signal keeps children from being seen off, files from being completed, or a temporary folder
//! from being removed. (What cannot be caught, SIGKILL, leaves files as they are; no child either: each
//! asked the kernel to be killed when this process ends.)
//!
//! Installed before goose runs, which would otherwise install a handler of its own and knows
//! nothing of the bazaar's processes.

use std::sync::Arc;

use crate::output::note;
use faults::bazaar::Bazaar;
use tokio::sync::watch;

/// How much somebody wants the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    GoOn,
    End,
    EndNow,
}

/// Whether somebody asked for the end.
#[derive(Clone, Debug)]
pub struct Stop {
    wish: Arc<watch::Sender<Wish>>,
}

impl Stop {
    /// A stop that only [`Stop::request`] requests.
    #[must_use]
    pub fn new() -> Self {
        Self { wish: Arc::new(watch::Sender::new(Wish::GoOn)) }
    }

    /// A stop that signals request. Once per process.
    ///
    /// # Errors
    /// The handler cannot be installed.
    pub fn on_signals() -> Result<Self, ctrlc::Error> {
        let stop = Self::new();
        let handler = stop.clone();
        ctrlc::set_handler(move || {
            if handler.is_requested() {
                note!("stopping at once: the services are killed, the files are completed");
            } else {
                note!("stopping; once more to stop at once");
            }
            handler.request();
        })?;
        Ok(stop)
    }

    /// Asks for the end; asked again, for a quick one.
    pub fn request(&self) {
        self.wish.send_modify(|wish| {
            *wish = match wish {
                Wish::GoOn => Wish::End,
                Wish::End | Wish::EndNow => Wish::EndNow,
            };
        });
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.wish.borrow() >= Wish::End
    }

    /// Returns once it is asked for.
    pub async fn requested(&self) {
        self.reached(Wish::End).await;
    }

    /// Returns once a quick end is asked for.
    pub async fn hurried(&self) {
        self.reached(Wish::EndNow).await;
    }

    async fn reached(&self, wanted: Wish) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.wish.subscribe().wait_for(|wish| *wish >= wanted).await;
    }

    /// Stops a bazaar, the quick way once that is asked for. Afterwards no process of it is left.
    pub(crate) async fn see_off(&self, bazaar: &Bazaar) {
        let stopping = bazaar.stop();
        tokio::pin!(stopping);
        tokio::select! {
            () = &mut stopping => return,
            () = self.hurried() => bazaar.kill_all(),
        }
        stopping.await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_seen_by_everybody_before_and_after() {
        let stop = Stop::new();
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.requested().await }
        });
        assert!(!stop.is_requested());
        stop.request();
        waiting.await.unwrap();
        stop.requested().await;
        assert!(stop.is_requested());
    }

    #[tokio::test]
    async fn only_a_second_request_hurries() {
        use std::future::Future;
        use std::task::{Context, Poll, Waker};

        let stop = Stop::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut hurried = std::pin::pin!(stop.hurried());
        stop.request();
        assert_eq!(hurried.as_mut().poll(&mut context), Poll::Pending);
        stop.request();
        stop.request();
        hurried.await;
        assert!(stop.is_requested());
    }
}
