//! Says on stderr how far a run is: bars on a terminal, a line per cell elsewhere.

use std::cell::Cell as Changing;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::plan::Plan;

/// How far a run is.
#[derive(Debug)]
pub(crate) struct Progress {
    /// None if stderr is no terminal.
    bar: Option<ProgressBar>,
    total: u32,
    finished: Changing<u32>,
    began: Instant,
    expected: Duration,
    /// When the run will be over as far as can be told, in milliseconds since it began.
    ends_at_ms: Arc<AtomicU64>,
    is_silent: bool,
}

/// What a trial takes besides its load: starting, lookups, converging, stopping.
const AROUND_THE_LOAD: Duration = Duration::from_millis(2500);
/// What a plan of iterations is guessed to take; the first trial knows better.
const UNKNOWN_LOAD_MS: u64 = 10_000;
/// How often a bar shows how the time goes by.
const TICK: Duration = Duration::from_millis(250);

impl Progress {
    /// Progress of a run that has not begun.
    pub(super) fn new(plan: &Plan) -> Self {
        let cells = u32::try_from(plan.cells().len()).unwrap_or(u32::MAX);
        let recovery_ms = if plan.faults.is_empty() { 0 } else { plan.checks.recovery_ms };
        let load_ms = plan.load.duration_ms().unwrap_or(UNKNOWN_LOAD_MS);
        let expected = Duration::from_millis(plan.load.warm_up_ms() + load_ms + recovery_ms);
        Self::of(cells * plan.load.trials, expected + AROUND_THE_LOAD)
    }

    /// Progress of so many trials, each of which is expected to take so long.
    pub(crate) fn of(total: u32, expected: Duration) -> Self {
        let ends_at_ms = Arc::new(AtomicU64::new(0));
        Self {
            bar: console_bar(total, &ends_at_ms),
            total,
            finished: Changing::new(0),
            began: Instant::now(),
            expected,
            ends_at_ms,
            is_silent: false,
        }
    }

    /// Progress that nobody is told of.
    pub(super) fn silent(plan: &Plan) -> Self {
        let progress = Self::new(plan);
        progress.end();
        Self { bar: None, is_silent: true, ..progress }
    }

    /// The trial called `name` begins.
    pub(crate) fn begin(&self, name: &str) {
        let number = self.finished.get() + 1;
        let left = left(self.total, self.finished.get(), self.began.elapsed(), self.expected);
        self.ends_at_ms.store(milliseconds(self.began.elapsed() + left), Ordering::Relaxed);
        match &self.bar {
            Some(bar) => bar.set_message(name.to_owned()),
            None if self.is_silent => {}
            None => {
                let left = clock(left);
                eprintln!("{number}/{}: {name}, about {left} left", self.total);
            }
        }
    }

    /// Something within a trial; shown on a terminal only.
    pub(super) fn say(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// Prints a line, for what was found on the way.
    pub(crate) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// A trial is finished.
    pub(crate) fn finish(&self) {
        self.finished.set(self.finished.get() + 1);
        if let Some(bar) = &self.bar {
            bar.set_position(u64::from(self.finished.get()));
        }
    }

    /// The run is over; leaves the terminal clean.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What is left: as long as the finished trials took, or as long as the plan says.
fn left(total: u32, finished: u32, elapsed: Duration, expected: Duration) -> Duration {
    let each = if finished == 0 { expected } else { elapsed / finished };
    each * (total - finished.min(total))
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds} s")
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn console_bar(total: u32, ends_at_ms: &Arc<AtomicU64>) -> Option<ProgressBar> {
    let bar = ProgressBar::new(u64::from(total));
    if bar.is_hidden() {
        return None;
    }
    let ends_at_ms = Arc::clone(ends_at_ms);
    let left = move |state: &ProgressState, line: &mut dyn Write| {
        let ends_at = Duration::from_millis(ends_at_ms.load(Ordering::Relaxed));
        // Writing to the line's buffer cannot fail.
        let _ = write!(line, "about {} left", clock(ends_at.saturating_sub(state.elapsed())));
    };
    let template = "[{elapsed_precise}] {bar:24} {pos}/{len} {msg}, {left}";
    let style = ProgressStyle::with_template(template).ok()?.with_key("left", left);
    bar.set_style(style);
    bar.enable_steady_tick(TICK);
    Some(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_learned_from_what_was_finished() {
        let seconds = Duration::from_secs;
        assert_eq!(left(12, 0, seconds(0), seconds(10)), seconds(120));
        assert_eq!(left(12, 4, seconds(60), seconds(10)), seconds(120));
        assert_eq!(left(12, 12, seconds(60), seconds(10)), seconds(0));
        assert_eq!(
            (clock(seconds(59)).as_str(), clock(seconds(61)).as_str()),
            ("59 s", "1 min 1 s")
        );
    }
}
