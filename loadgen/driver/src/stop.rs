//! Whether somebody wants the end: asked once, a clean one; asked twice, a quick one.
//!
//! A quick end kills the services instead of waiting for what they have begun, and is clean all the
//! same: children are seen off, files completed, temporary folders removed.

use std::sync::Arc;

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
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self { wish: Arc::new(watch::Sender::new(Wish::GoOn)) }
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
