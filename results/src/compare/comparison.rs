//! What a comparison says, as JSON has it.

use serde::{Deserialize, Serialize};

use super::judge::Change;
use crate::run::Run;
use crate::stats::MIN_TRIALS;
use crate::verdict::Verdict;

/// The version of the format of a comparison in JSON.
pub const COMPARISON_FORMAT: u32 = 3;

/// A comparison that could miss a median or a throughput worse by this much cannot call it noise.
pub const MUST_SEE: f64 = 0.20;

/// Which run, and which build of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideName {
    /// The run's folder, by its last name.
    pub run: String,
    /// The target's name, if it is not the built-in bazaar.
    pub target: Option<String>,
    /// `a` or `b`, if two builds of one run are compared.
    pub build: Option<String>,
    /// The commit that the harness was built from, if it is known.
    pub commit: Option<String>,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
}

impl SideName {
    pub(super) fn new(run: &Run, build: Option<&str>) -> Self {
        let manifest = run.manifest();
        Self {
            run: run.folder().name(),
            target: manifest.target.as_ref().map(|target| target.name.clone()),
            build: build.map(str::to_owned),
            commit: manifest.commit.clone(),
            started_at: manifest.started_at.clone(),
        }
    }
}

/// How one figure changed from side a to side b.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Its name, the same in every version; the unit is at its end.
    pub metric: String,
    /// The same for people.
    pub label: String,
    /// The cell, by its name on side a; empty if it is over all common cells.
    pub cell: Option<String>,
    /// The figure on side a; over several cells the geometric mean.
    pub a: f64,
    /// The same on side b.
    pub b: f64,
    /// By how much b is more than a, in per cent of a.
    pub percent: f64,
    /// The lower bound of its 95 % interval; empty if there was too little to tell.
    pub low_percent: Option<f64>,
    /// The upper bound.
    pub high_percent: Option<f64>,
    /// Whether it could be worse by [`MUST_SEE`] without this comparison seeing it;
    /// asked of medians and throughputs only.
    pub could_hide: bool,
    /// What can be said of it.
    pub change: Change,
}

impl Effect {
    /// b as a multiple of a.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.b / self.a
    }
}

/// What changed between two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`COMPARISON_FORMAT`].
    pub format: u32,
    /// What can be said of side b as a whole: worse if any headline figure is.
    pub verdict: Change,
    /// The verdict in a sentence.
    pub reason: String,
    /// What is compared with.
    pub a: SideName,
    /// What is compared.
    pub b: SideName,
    /// Whether the sides were measured side by side, trial by trial, in one run.
    pub paired: bool,
    /// How many cells both sides have.
    pub common_cells: u64,
    /// How many trials of a cell the side with fewer has; intervals are drawn from those, and there are
    /// none of fewer than three.
    pub trials: u64,
    /// The smallest effect that is called, in per cent.
    pub floor_percent: f64,
    /// Where that comes from.
    pub floor_from: String,
    /// In what the sides differ besides.
    pub warnings: Vec<String>,
    /// The figures that the verdict rests on, over all common cells. Their verdicts hold together.
    pub headline: Vec<Effect>,
    /// The figures of every common cell, each looked at alone.
    pub cells: Vec<Effect>,
}

impl Comparison {
    /// The verdict as every other command gives it: worse is fail, what cannot be told is
    /// inconclusive, anything else is pass.
    #[must_use]
    pub fn as_verdict(&self) -> Verdict {
        match self.verdict {
            Change::Worse => Verdict::Fail,
            Change::Unknown => Verdict::Inconclusive,
            Change::Better | Change::WithinNoise => Verdict::Pass,
        }
    }
}

/// The verdict of a headline of so many trials, and why.
pub(super) fn verdict(headline: &[Effect], trials: usize) -> (Change, String) {
    if trials < MIN_TRIALS {
        let reason = format!(
            "Cannot be told: it takes {MIN_TRIALS} trials of each cell on both sides, and there {} {trials}.",
            if trials == 1 { "is" } else { "are" }
        );
        return (Change::Unknown, reason);
    }
    let which = |change: Change| -> Vec<&Effect> {
        headline.iter().filter(|effect| effect.change == change).collect()
    };
    let (worse, better) = (which(Change::Worse), which(Change::Better));
    if !worse.is_empty() {
        let also = if better.is_empty() {
            String::new()
        } else {
            format!("; {}", said("better", &better))
        };
        return (Change::Worse, format!("{}{also}.", said("Worse", &worse)));
    }
    let hidden: Vec<&str> = headline
        .iter()
        .filter(|effect| effect.could_hide && effect.change != Change::Better)
        .map(|effect| effect.metric.as_str())
        .collect();
    if !hidden.is_empty() {
        let reason = format!(
            "Cannot be told: {} could be worse by {:.0}% without being seen; more or longer trials \
             would tell.",
            hidden.join(", "),
            MUST_SEE * 100.0
        );
        return (Change::Unknown, reason);
    }
    if !better.is_empty() {
        return (Change::Better, format!("{}; nothing is worse.", said("Better", &better)));
    }
    (Change::WithinNoise, "Within noise: no headline figure differs by more than that.".to_owned())
}

/// `Worse: trade.p50_us +20.1% (18.0% to 22.3%)`.
fn said(word: &str, effects: &[&Effect]) -> String {
    let each: Vec<String> = effects
        .iter()
        .map(|effect| {
            let interval = effect.low_percent.zip(effect.high_percent);
            let interval = interval
                .map_or_else(String::new, |(low, high)| format!(" ({low:+.1}% to {high:+.1}%)"));
            format!("{} {:+.1}%{interval}", effect.metric, effect.percent)
        })
        .collect();
    format!("{word}: {}", each.join(", "))
}
