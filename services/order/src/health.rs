//! How the writer does, for anybody who pings: rule G1.
//!
//! A disk that hangs stops the thread that writes, and nothing else: pings are answered by another. So
//! that thread notes in two numbers that everybody may read when it began what it is doing and how long
//! the last thing took that it wrote. *Otherwise: fsync hangs, every trade gets 503, and the leader, which
//! answers every ping, stays.* Times come in as values; nothing here waits for anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wire::internal::WriterHealth;

/// Where a writer notes what it is doing. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// When the step under way began; 0 if none is.
    began_us: AtomicU64,
    /// How long the last step took that wrote something.
    last_took_us: AtomicU64,
}

impl Progress {
    /// The writer has taken something to do.
    pub fn begin(&self, now_us: u64) {
        // 0 means that there is nothing; no clock shows it for long.
        self.0.began_us.store(now_us.max(1), Ordering::Relaxed);
    }

    /// It has done it. What wrote nothing says nothing about the disk, so it does not count as the
    /// last step: between two writes there are always ticks, which take microseconds.
    pub fn end(&self, now_us: u64, has_written: bool) {
        let began_us = self.0.began_us.swap(0, Ordering::Relaxed);
        if has_written && began_us > 0 {
            self.0.last_took_us.store(now_us.saturating_sub(began_us), Ordering::Relaxed);
        }
    }

    /// How it does.
    #[must_use]
    pub fn health(&self, now_us: u64) -> WriterHealth {
        let began_us = self.0.began_us.load(Ordering::Relaxed);
        WriterHealth {
            unfinished_us: if began_us > 0 { now_us.saturating_sub(began_us) } else { 0 },
            last_took_us: self.0.last_took_us.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(unfinished_us: u64, last_took_us: u64) -> WriterHealth {
        WriterHealth { unfinished_us, last_took_us }
    }

    #[test]
    fn a_step_that_does_not_end_is_seen_by_its_age() {
        let progress = Progress::default();
        assert_eq!(progress.health(5), health(0, 0));
        progress.begin(10);
        assert_eq!(progress.health(10), health(0, 0));
        assert_eq!(progress.health(400), health(390, 0));
        progress.end(500, true);
        assert_eq!(progress.health(900), health(0, 490));
    }

    #[test]
    fn a_step_that_wrote_nothing_leaves_what_is_known_of_the_disk() {
        let progress = Progress::default();
        progress.begin(10);
        progress.end(410, true);
        progress.begin(500);
        progress.end(501, false);
        assert_eq!(progress.health(600), health(0, 400));
        progress.begin(700);
        progress.end(703, true);
        assert_eq!(progress.health(900), health(0, 3));
    }
}
