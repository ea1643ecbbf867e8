//! Thresholds that end a load when the last seconds break them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver::recent::{Recent, WINDOW};
use faults::clock::Origin;
use results::records::Cell;
use results::thresholds::Threshold;
use tokio::time::sleep_until;

/// How often the thresholds are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A threshold that was broken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) at_us: u64,
    /// As the plan says it.
    pub(super) threshold: String,
    pub(super) value: f64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threshold, value, seconds) = (&self.threshold, self.value, WINDOW.as_secs());
        write!(f, "{threshold} was broken: {value} within the last {seconds} s")
    }
}

/// Looks at thresholds while a trial's load runs.
pub(super) struct Watch {
    thresholds: Vec<Threshold>,
    recent: Arc<Mutex<Recent>>,
    origin: Origin,
}

impl Watch {
    /// Of those thresholds of a valid plan that concern `cell`.
    pub(super) fn new(
        plan: &[String],
        cell: &Cell,
        recent: Arc<Mutex<Recent>>,
        origin: Origin,
    ) -> Self {
        let parsed = plan.iter().filter_map(|text| text.parse::<Threshold>().ok());
        let concerns = |it: &Threshold| it.cell().is_none_or(|wanted| wanted == cell.id);
        Self { thresholds: parsed.filter(concerns).collect(), recent, origin }
    }

    /// Returns once one of them is broken; the first look is a whole window after the load has begun.
    pub(super) async fn broken(&self, began_us: u64) -> Broken {
        if self.thresholds.is_empty() {
            return std::future::pending().await;
        }
        self.with(Recent::begin);
        let mut look_at = self.origin.instant_at(began_us) + WINDOW;
        loop {
            sleep_until(look_at.into()).await;
            let at_us = self.origin.elapsed_us();
            if let Some(broken) = self.look(at_us) {
                return broken;
            }
            look_at += LOOK_EVERY;
        }
    }

    /// The first threshold that is broken now.
    fn look(&self, at_us: u64) -> Option<Broken> {
        let lately = self.with(|recent| recent.lately(at_us));
        self.thresholds.iter().find_map(|threshold| {
            let value = threshold.broken_by(&lately)?;
            Some(Broken { at_us, threshold: threshold.to_string(), value })
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Recent) -> T) -> T {
        look(&mut self.recent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.with(Recent::end);
    }
}
