//! What samples say of each comparison: both sides' medians, their ratio, and whether the goal is reached.
//!
//! A ratio is taken within each round, where both sides had the same machine, and is the geometric mean of those; its
//! interval is Student's t of their logarithms, by the same code as a run's intervals (`results::stats`). What is not
//! divided by anything is the median (or 95th percentile) of all samples, with the bootstrap's interval.

use results::stats::{Estimate, Interval, Resamples, median};
use serde::Serialize;

use crate::goals::{Comparison, Goal, Take};
use crate::sample::{Figure, Sample, Side};

/// Whether a goal is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// It is, and the interval lies on its side.
    Met,
    /// It is not, and the interval lies on the other side.
    NotMet,
    /// The interval holds the goal, or there is none.
    Open,
    /// One of both sides was not measured.
    NotMeasured,
    /// There is no goal.
    NoGoal,
}

impl Verdict {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::Open => "too close to tell",
            Self::NotMeasured => "not measured",
            Self::NoGoal => "",
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was done.
    pub(crate) case: String,
    /// What was measured, in words.
    pub(crate) figure: String,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// Ours.
    pub(crate) ours: Option<Estimate>,
    /// With whom it is compared.
    pub(crate) peer: Option<Side>,
    /// Theirs.
    pub(crate) theirs: Option<f64>,
    /// Ours divided by theirs.
    pub(crate) ratio: Option<Estimate>,
    /// What is to be reached.
    pub(crate) goal: Option<String>,
    /// How far the judged number is from that, as a factor: above 1 it is not reached.
    pub(crate) distance: Option<Estimate>,
    /// Whether it is.
    pub(crate) verdict: Verdict,
    /// In how many rounds ours was measured.
    pub(crate) rounds: usize,
}

/// A row for each comparison, in order.
pub(crate) fn rows(comparisons: &[Comparison], samples: &[Sample]) -> Vec<Row> {
    comparisons.iter().map(|comparison| row(comparison, samples)).collect()
}

fn row(comparison: &Comparison, samples: &[Sample]) -> Row {
    let Comparison { case, figure, take, ours, peer, goal, if_reached_by } = comparison;
    let of = |side| Series::new(samples, case, *figure, side);
    let ours = of(*ours);
    let theirs = peer.map(of);
    let ratio = theirs.as_ref().and_then(|theirs| ours.ratio(theirs, *take));
    let value = ours.estimate(*take);
    let counts = if_reached_by.is_none_or(|other| {
        let reached = theirs.as_ref().and_then(|theirs| of(other).ratio(theirs, *take));
        reached.is_some_and(|reached| reached.value >= 1.0)
    });
    let goal = goal.filter(|_| counts || ratio.is_none());
    let judged = goal.and_then(|goal| match goal {
        Goal::Ratio(_) => ratio,
        Goal::Value(_) => value,
    });
    let figure_words = match take {
        Take::Median => figure.title().to_owned(),
        Take::P95 => format!("{}, 95th percentile", figure.title()),
    };
    Row {
        case: case.clone(),
        figure: figure_words,
        unit: figure.unit(),
        ours: value,
        peer: *peer,
        theirs: theirs.and_then(|theirs| theirs.value(*take)),
        ratio,
        goal: goal.map(|goal| in_words(goal, *peer, *figure)),
        distance: goal.zip(judged).map(|(goal, judged)| distance(goal, judged)),
        verdict: verdict(goal, judged),
        rounds: ours.by_round.len(),
    }
}

fn in_words(goal: Goal, peer: Option<Side>, figure: Figure) -> String {
    match (goal, peer) {
        (Goal::Ratio(bound), Some(peer)) => format!("{bound} × {peer}"),
        (Goal::Ratio(bound), None) => bound.to_string(),
        (Goal::Value(bound), _) => format!("{bound} {}", figure.unit()).trim_end().to_owned(),
    }
}

fn verdict(goal: Option<Goal>, judged: Option<Estimate>) -> Verdict {
    let Some(bound) = goal.map(Goal::bound) else { return Verdict::NoGoal };
    let Some(Estimate { value, interval }) = judged else { return Verdict::NotMeasured };
    let Some(Interval { low, high }) = interval else { return Verdict::Open };
    match [value, low, high].map(|number| bound.holds(number)) {
        [true, true, true] => Verdict::Met,
        [false, false, false] => Verdict::NotMet,
        _ => Verdict::Open,
    }
}

fn distance(goal: Goal, judged: Estimate) -> Estimate {
    let far = |number| goal.bound().distance(number);
    let interval = judged.interval.map(|Interval { low, high }| {
        let (one, other) = (far(low), far(high));
        Interval { low: one.min(other), high: one.max(other) }
    });
    Estimate { value: far(judged.value), interval }
}

/// The samples of one side, round by round.
#[derive(Debug)]
struct Series {
    by_round: Vec<(u32, Vec<f64>)>,
}

impl Series {
    fn new(samples: &[Sample], case: &str, figure: Figure, side: Side) -> Self {
        let mut by_round: Vec<(u32, Vec<f64>)> = Vec::new();
        let fits = |sample: &&Sample| {
            sample.case == case && sample.figure == figure && sample.side == side
        };
        for sample in samples.iter().filter(fits) {
            match by_round.iter_mut().find(|(round, _)| *round == sample.round) {
                Some((_, values)) => values.push(sample.value),
                None => by_round.push((sample.round, vec![sample.value])),
            }
        }
        Self { by_round }
    }

    fn all(&self) -> Vec<f64> {
        self.by_round.iter().flat_map(|(_, values)| values).copied().collect()
    }

    fn value(&self, take: Take) -> Option<f64> {
        taken(&self.all(), take)
    }

    /// The value, and how far that may be off, from samples drawn again.
    fn estimate(&self, take: Take) -> Option<Estimate> {
        let all = self.all();
        let value = taken(&all, take)?;
        let resamples = Resamples::new(all.len());
        let spread = resamples.spread(|weights| logarithm(weighted(&all, weights, take)?));
        Some(Estimate::new(value, spread))
    }

    /// This divided by another, round by round.
    fn ratio(&self, other: &Self, take: Take) -> Option<Estimate> {
        let of_round = |(round, values): &(u32, Vec<f64>)| {
            let (_, others) = other.by_round.iter().find(|(number, _)| number == round)?;
            logarithm(taken(values, take)? / taken(others, take)?)
        };
        let logs: Vec<f64> = self.by_round.iter().filter_map(of_round).collect();
        if logs.is_empty() {
            return None;
        }
        let rounds = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / rounds;
        let spread = Resamples::new(logs.len()).spread(|weights| {
            let drawn = logs.iter().zip(weights).map(|(log, &weight)| log * f64::from(weight));
            Some(drawn.sum::<f64>() / rounds)
        });
        Some(Estimate::new(mean.exp(), spread))
    }
}

fn taken(values: &[f64], take: Take) -> Option<f64> {
    match take {
        Take::Median => median(values),
        Take::P95 => weighted(values, &vec![1; values.len()], take),
    }
}

/// The nearest rank among values that count several times each.
fn weighted(values: &[f64], weights: &[u32], take: Take) -> Option<f64> {
    let mut pairs: Vec<(f64, u32)> = values.iter().copied().zip(weights.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: u32 = weights.iter().sum();
    let rank = (f64::from(total) * take.quantile()).ceil();
    let mut seen = 0;
    pairs.into_iter().find_map(|(value, weight)| {
        seen += weight;
        (weight > 0 && f64::from(seen) >= rank).then_some(value)
    })
}

fn logarithm(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then(|| value.ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::Bound;

    const CASE: &str = "durable trade, 5 clients";

    fn samples(figure: Figure, ours: &[f64], theirs: &[f64]) -> Vec<Sample> {
        let of = |side, values: &[f64]| {
            let numbered = values.iter().zip(1..);
            let sample =
                |(&value, round)| Sample { round, case: CASE.to_owned(), side, figure, value };
            numbered.map(sample).collect::<Vec<_>>()
        };
        [of(Side::Bazaar, ours), of(Side::EtcdPut, theirs)].concat()
    }

    fn comparison(figure: Figure, goal: Goal) -> Comparison {
        Comparison {
            case: CASE.to_owned(),
            figure,
            take: Take::Median,
            ours: Side::Bazaar,
            peer: Some(Side::EtcdPut),
            goal: Some(goal),
            if_reached_by: None,
        }
    }

    #[test]
    fn a_machine_that_slows_down_moves_both_sides_and_no_ratio() {
        let taken = samples(Figure::PerSecond, &[400.0, 210.0, 100.0], &[200.0, 100.0, 51.0]);
        let row = row(&comparison(Figure::PerSecond, Goal::Ratio(Bound::AtLeast(1.5))), &taken);
        let ratio = row.ratio.unwrap();
        assert!((ratio.value - 2.02).abs() < 0.01, "{ratio:?}");
        assert!(ratio.interval.is_some_and(|interval| interval.low > 1.7), "{ratio:?}");
        assert_eq!(row.verdict, Verdict::Met);
        assert_eq!((row.ours.unwrap().value, row.theirs), (210.0, Some(100.0)));
        assert_eq!(row.goal.as_deref(), Some("at least 1.5 × etcd put"));
    }

    #[test]
    fn an_interval_that_holds_the_goal_tells_nothing() {
        let taken = samples(Figure::PerSecond, &[400.0, 210.0, 100.0], &[200.0, 100.0, 51.0]);
        let judged =
            |bound| row(&comparison(Figure::PerSecond, Goal::Ratio(bound)), &taken).verdict;
        assert_eq!(judged(Bound::AtLeast(2.0)), Verdict::Open);
        assert_eq!(judged(Bound::AtLeast(3.0)), Verdict::NotMet);
        assert_eq!(judged(Bound::AtMost(1.0)), Verdict::NotMet);
    }

    #[test]
    fn one_round_has_a_ratio_and_no_verdict() {
        let taken = samples(Figure::PerSecond, &[400.0], &[100.0]);
        let row = row(&comparison(Figure::PerSecond, Goal::Ratio(Bound::AtLeast(2.0))), &taken);
        assert_eq!(row.ratio.unwrap().value.round(), 4.0);
        assert_eq!((row.verdict, row.rounds), (Verdict::Open, 1));
    }

    #[test]
    fn a_peer_that_is_missing_meets_no_goal() {
        let taken = samples(Figure::PerSecond, &[400.0, 410.0, 420.0], &[]);
        let row = row(&comparison(Figure::PerSecond, Goal::Ratio(Bound::AtLeast(2.0))), &taken);
        assert!(row.ratio.is_none() && row.theirs.is_none() && row.distance.is_none());
        assert_eq!(row.verdict, Verdict::NotMeasured);
        assert_eq!(row.ours.unwrap().value, 410.0);
    }

    #[test]
    fn a_value_is_judged_by_itself() {
        let taken = samples(Figure::CpuUs, &[700.0, 710.0, 690.0], &[]);
        let goal = Goal::Value(Bound::AtMost(250.0));
        let row = row(&comparison(Figure::CpuUs, goal), &taken);
        assert_eq!(row.verdict, Verdict::NotMet);
        assert_eq!(row.goal.as_deref(), Some("at most 250 us"));
        assert!((row.distance.unwrap().value - 2.8).abs() < 0.01);
    }

    #[test]
    fn what_the_library_cannot_do_is_nobodys_goal() {
        let mut taken = samples(Figure::PerSecond, &[80.0, 82.0, 81.0], &[100.0, 101.0, 99.0]);
        let library = |value: f64| {
            move |round| Sample {
                round,
                case: CASE.to_owned(),
                side: Side::Hyper,
                figure: Figure::PerSecond,
                value,
            }
        };
        let goal = comparison(Figure::PerSecond, Goal::Ratio(Bound::AtLeast(1.0)));
        let goal = Comparison { if_reached_by: Some(Side::Hyper), ..goal };
        let with = |taken: &[Sample]| row(&goal, taken).verdict;
        taken.extend((1..=3).map(library(90.0)));
        assert_eq!(with(&taken), Verdict::NoGoal);
        taken.truncate(6);
        taken.extend((1..=3).map(library(120.0)));
        assert_eq!(with(&taken), Verdict::NotMet);
    }

    #[test]
    fn percentiles_are_nearest_ranks_of_all_samples() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(taken(&values, Take::P95), Some(95.0));
        assert_eq!(taken(&[], Take::P95), None);
        assert_eq!(weighted(&[1.0, 2.0], &[0, 5], Take::Median), Some(2.0));
    }
}
