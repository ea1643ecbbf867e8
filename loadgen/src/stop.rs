//! Ctrl-C, SIGTERM and SIGHUP: the first asks for a clean end, the second ends at once.
//!
//! Installed before goose runs, which would otherwise install a handler of its own and knows
//! nothing of the bazaar's processes. Ending at once leaves no child behind either: each asked
//! the kernel to be killed when this process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::exit::Exit;

/// Whether somebody asked for the end.
#[derive(Clone, Debug)]
pub struct Stop {
    requested: Arc<watch::Sender<bool>>,
}

impl Stop {
    /// A stop that only [`Stop::request`] requests.
    #[must_use]
    pub fn new() -> Self {
        Self { requested: Arc::new(watch::Sender::new(false)) }
    }

    /// A stop that signals request. Once per process.
    ///
    /// # Errors
    /// The handler cannot be installed.
    pub fn on_signals() -> Result<Self, ctrlc::Error> {
        let stop = Self::new();
        let handler = stop.clone();
        let again = AtomicBool::new(false);
        ctrlc::set_handler(move || {
            if again.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(Exit::Inconclusive.code()));
            }
            eprintln!("stopping; once more to stop at once");
            handler.request();
        })?;
        Ok(stop)
    }

    /// Asks for the end.
    pub fn request(&self) {
        self.requested.send_replace(true);
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.requested.borrow()
    }

    /// Returns once it is asked for.
    pub async fn requested(&self) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.requested.subscribe().wait_for(|&requested| requested).await;
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
}
