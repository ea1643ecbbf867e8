//! `[load]`: what the clients do.

use driver::arrivals::ArrivalKind;
use driver::profile::Profile;
use results::records::Stage;
use serde::{Deserialize, Serialize};

use super::Problems;

use super::open_loop::{self, OPEN_LOOP_CLIENTS};
use super::stages;

/// What the clients do, each with one request at a time: a closed loop, or an open one if a rate is
/// given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// How many clients there are; in an open loop how many requests can be in flight. Default 5, and
    /// 64 in an open loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<u32>,
    /// The rates of an open loop, in iterations per second of all clients together: one cell each
    /// (times `p` and `cache`). None: a closed loop, in which each client goes on when it is answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rate: Vec<f64>,
    /// How the arrivals of an open loop are spread over time. Default Poisson.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalKind>,
    /// For how long they are measured, in seconds, after the warm-up. Default 8, unless
    /// `iterations` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Instead of `duration_s`: how many iterations each client does after the warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// The probabilities that a query is followed by a trade: one cell each (times `cache`).
    pub p: Vec<f64>,
    /// The probability that an iteration begins with a lookup of an order a little beyond the last
    /// one that the client was told of: it may not be there, but what is shown must stay.
    #[serde(skip_serializing_if = "is_zero")]
    pub peek: f64,
    /// For how long they run before they are measured, in seconds.
    pub warm_up_s: f64,
    /// How often every cell is run, each time with a fresh bazaar.
    pub trials: u32,
    /// Every random choice comes from it.
    pub seed: u64,
    /// After how long a client gives up on a request. Its outcome is then unknown.
    pub request_timeout_ms: u64,
    /// The hosts of the target's file that clients send from, among which they are shared out in turns: client 1 is on the first. Empty: all are
    /// on the harness's own. Default: what the target's file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// Instead of `rate`, or of `clients`, and of `duration_s`: what changes while the load runs, one stage after
    /// the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

/// More clients than this measure the generator, not the bazaar.
pub(super) const MAX_CLIENTS: u32 = 1000;
/// An hour per cell: a typing error beyond that.
pub(super) const MAX_SECONDS: f64 = 3600.0;
/// So many trades fit the memory of the checks with room to spare.
const MAX_ITERATIONS: u64 = 10_000_000;
/// A thousand repetitions are a typing error.
const MAX_TRIALS: u32 = 1000;
/// How many clients a closed loop has when a plan says nothing.
const CLOSED_LOOP_CLIENTS: u32 = 5;
/// The measured time when a plan says nothing.
const DEFAULT_DURATION_S: f64 = 8.0;

impl Default for Load {
    fn default() -> Self {
        Self {
            clients: None,
            rate: Vec::new(),
            arrivals: None,
            duration_s: None,
            iterations: None,
            p: vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
            peek: 0.0,
            warm_up_s: 1.0,
            trials: 1,
            seed: 1,
            request_timeout_ms: driver::bazaar::DEADLINE_MS,
            stages: Vec::new(),
            from: None,
        }
    }
}

impl Load {
    /// How many clients there are; if that changes, at the most.
    #[must_use]
    pub fn clients(&self) -> u32 {
        let most = self.stages.iter().filter_map(|stage| stage.clients).max();
        let usual = if self.is_open_loop() { OPEN_LOOP_CLIENTS } else { CLOSED_LOOP_CLIENTS };
        most.or(self.clients).unwrap_or(usual)
    }

    /// The hosts that clients send from; none if all are on the harness's own.
    #[must_use]
    pub fn from(&self) -> &[String] {
        self.from.as_deref().unwrap_or_default()
    }

    /// Whether what is due waits for no answers.
    #[must_use]
    pub fn is_open_loop(&self) -> bool {
        !self.rate.is_empty() || self.stages.iter().any(|stage| stage.rate.is_some())
    }

    /// The rate over time from when the warm-up begins, if stages say it.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        stages::profile(self)
    }

    /// The rates that are compared; none once if the loop is closed.
    #[must_use]
    pub fn rates(&self) -> Vec<Option<f64>> {
        if self.rate.is_empty() {
            vec![None]
        } else {
            self.rate.iter().copied().map(Some).collect()
        }
    }

    /// The measured time in milliseconds; none if the iterations are counted instead.
    #[must_use]
    pub fn duration_ms(&self) -> Option<u64> {
        match self.iterations {
            Some(_) => None,
            None if !self.stages.is_empty() => {
                Some(milliseconds(self.stages.iter().map(|stage| stage.duration_s).sum()))
            }
            None => Some(milliseconds(self.duration_s.unwrap_or(DEFAULT_DURATION_S))),
        }
    }

    /// The warm-up in milliseconds.
    #[must_use]
    pub fn warm_up_ms(&self) -> u64 {
        milliseconds(self.warm_up_s)
    }

    /// Spells out what depends on other fields, for a plan that is to be kept.
    pub(super) fn spell_out(&mut self) {
        // What stages say is not said twice.
        if self.stages.iter().all(|stage| stage.clients.is_none()) {
            self.clients = Some(self.clients());
        }
        if self.is_open_loop() {
            self.arrivals.get_or_insert_default();
        }
        if self.iterations.is_none() && self.stages.is_empty() {
            self.duration_s.get_or_insert(DEFAULT_DURATION_S);
        }
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within("load.clients", self.clients(), 1, MAX_CLIENTS);
        problems.within("load.trials", self.trials, 1, MAX_TRIALS);
        problems.within("load.request_timeout_ms", self.request_timeout_ms, 1, 600_000);
        problems.unless((0.0..=MAX_SECONDS).contains(&self.warm_up_s), "load.warm_up_s", || {
            format!("is {}, must be from 0 to {MAX_SECONDS} seconds", self.warm_up_s)
        });
        if let Some(duration_s) = self.duration_s {
            problems.unless((0.1..=MAX_SECONDS).contains(&duration_s), "load.duration_s", || {
                format!("is {duration_s}, must be from 0.1 to {MAX_SECONDS} seconds")
            });
        }
        if let Some(iterations) = self.iterations {
            problems.within("load.iterations", iterations, 1, MAX_ITERATIONS);
            problems.unless(self.duration_s.is_none(), "load.iterations", || {
                "excludes load.duration_s: keep one of the two".to_owned()
            });
        }
        problems.unless((0.0..=1.0).contains(&self.peek), "load.peek", || {
            format!("is {}, must be a probability from 0 to 1", self.peek)
        });
        // TOML's integers are signed, and a plan is to be kept as TOML.
        problems.unless(i64::try_from(self.seed).is_ok(), "load.seed", || {
            format!("is {}, must be from 0 to {}", self.seed, i64::MAX)
        });
        self.validate_p(problems);
        open_loop::validate(self, problems);
        stages::validate(self, problems);
    }

    fn validate_p(&self, problems: &mut Problems) {
        problems.unless(!self.p.is_empty(), "load.p", || {
            "is empty: name at least one probability, for example [0.5]".to_owned()
        });
        for (index, p) in self.p.iter().enumerate() {
            problems.unless((0.0..=1.0).contains(p), "load.p", || {
                format!("holds {p}, must hold probabilities from 0 to 1")
            });
            problems.unless(!self.p[..index].contains(p), "load.p", || {
                format!("holds {p} twice: name each probability once")
            });
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// Whole milliseconds of a number of seconds that was found to be in range.
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}
