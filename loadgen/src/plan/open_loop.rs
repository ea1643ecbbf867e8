//! `load.rate` and `load.arrivals`: a load whose schedule does not wait for answers.

use super::{Load, Problems};

/// How many clients an open loop has unless the plan says so. They bound how many requests are in
/// flight: by Little's law 64 hold 1,000 iterations per second as long as one takes less than 64 ms,
/// and more of them do not make a saturated bazaar faster.
pub(super) const OPEN_LOOP_CLIENTS: u32 = 64;

/// One arrival in ten seconds: a load with less than that measures nothing.
pub(super) const MIN_RATE: f64 = 0.1;
/// Beyond this the generator would be measured.
pub(super) const MAX_RATE: f64 = 100_000.0;
/// So many arrivals of a trial fit the memory of the checks, and of the queue in which they wait.
pub(super) const MAX_ARRIVALS: f64 = 10_000_000.0;

pub(super) fn validate(load: &Load, problems: &mut Problems) {
    problems.unless(load.arrivals.is_none() || load.is_open_loop(), "load.arrivals", || {
        "needs an open loop: name its rate, for example load.rate = [200]".to_owned()
    });
    problems.unless(load.rate.is_empty() || load.iterations.is_none(), "load.rate", || {
        "an open loop runs for a set time: replace load.iterations by load.duration_s".to_owned()
    });
    for (index, rate) in load.rate.iter().enumerate() {
        problems.unless((MIN_RATE..=MAX_RATE).contains(rate), "load.rate", || {
            format!("holds {rate}, must hold iterations per second from {MIN_RATE} to {MAX_RATE}")
        });
        problems.unless(!load.rate[..index].contains(rate), "load.rate", || {
            format!("holds {rate} twice: name each rate once")
        });
        let seconds = load.warm_up_s + load.duration_ms().unwrap_or(0) as f64 / 1000.0;
        problems.unless(rate * seconds <= MAX_ARRIVALS || *rate > MAX_RATE, "load.rate", || {
            format!(
                "holds {rate}, which for {seconds} s makes more than {MAX_ARRIVALS} arrivals: lower \
                 it, or load.duration_s"
            )
        });
    }
}
