//! Waiting between tries: short at first, since most outages here are a process's restart, and
//! bounded, so that the end of a long one is noticed soon.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(1);
/// The longest pause.
pub(super) const LONGEST: Duration = Duration::from_millis(50);

/// Doubles from 1 ms to 50 ms.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
    }
}
