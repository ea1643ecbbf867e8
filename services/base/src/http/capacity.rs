//! The places themselves: how many requests of each kind are worked on at once.
//!
//! Which kind a request is of, [`Bulkhead`] says. Anybody who waits for a place of one kind holds none of
//! another; otherwise kinds that are bounded apart would wait for each other after all.

use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Answer, Bulkhead, Limits, Peer};

/// The places of one server.
#[derive(Debug)]
pub(super) struct Capacity {
    reads: Semaphore,
    trades: Semaphore,
    internal: Semaphore,
    questions: Questions,
    wait: Duration,
}

/// Those for reads that wait for another process, by the process.
#[derive(Debug)]
struct Questions {
    front_end: Semaphore,
    catalog: Semaphore,
    replica: Semaphore,
}

impl Capacity {
    /// All places are free.
    pub(super) fn new(limits: Limits) -> Self {
        let places = || Semaphore::new(limits.concurrent);
        let questions = || Semaphore::new(limits.questions);
        Self {
            reads: places(),
            trades: places(),
            internal: places(),
            questions: Questions {
                front_end: questions(),
                catalog: questions(),
                replica: questions(),
            },
            wait: limits.wait_for_place,
        }
    }

    /// One of these places, if one is free at once.
    pub(super) fn take_free(&self, bulkhead: Bulkhead) -> Option<SemaphorePermit<'_>> {
        self.of(bulkhead).try_acquire().ok()
    }

    /// Takes one of these places, if one is free soon; nothing was done by who gets none.
    pub(super) async fn take(&self, bulkhead: Bulkhead) -> Result<SemaphorePermit<'_>, Answer> {
        // As a rule one is free, and no clock need be asked.
        if let Some(place) = self.take_free(bulkhead) {
            return Ok(place);
        }
        match tokio::time::timeout(self.wait, self.of(bulkhead).acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(too_many("requests")),
        }
    }

    fn of(&self, bulkhead: Bulkhead) -> &Semaphore {
        match bulkhead {
            Bulkhead::Reads => &self.reads,
            Bulkhead::Trades => &self.trades,
            Bulkhead::Internal => &self.internal,
            Bulkhead::Questions(Peer::FrontEnd) => &self.questions.front_end,
            Bulkhead::Questions(Peer::Catalog) => &self.questions.catalog,
            Bulkhead::Questions(Peer::Replica) => &self.questions.replica,
        }
    }
}

/// The 503 for who comes when there is no room.
pub(super) fn too_many(what: &str) -> Answer {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Answer::error_without_effect(status, format!("too many {what} at once"))
}
