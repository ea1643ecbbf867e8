//! The rounds as a chart: what each delivered and what its faults cost, in order.

use results::charts::{
    Arrangement, Categorical, CategoricalPanel, CategoricalSeries, Chart, ChartKind, SeriesLook,
};
use results::stats::Estimate;
use results::text::{counted, three_digits};
use results::verdict::Verdict;

use super::{Round, RoundFigures, Soak};

/// What a panel shows: its heading, the figure and the axis.
type Panel = (&'static str, fn(&RoundFigures) -> Option<f64>, &'static str);

const PANELS: [Panel; 5] = [
    ("accepted per second", |it| it.accepted_per_s, "per second (log scale)"),
    ("trade latency, median", |it| it.change_p50_ms, "ms (log scale)"),
    ("trade latency, 99th percentile", |it| it.change_p99_ms, "ms (log scale)"),
    ("first acknowledged trade after a fault, median", |it| it.first_ack_ms, "ms (log scale)"),
    ("longest time without an answer to a trade", |it| it.longest_gap_ms, "ms (log scale)"),
];

/// In the order in which they are drawn: what is bad is on top.
const VERDICTS: [(Verdict, &str, SeriesLook); 3] = [
    (Verdict::Pass, "passed", SeriesLook::Passed),
    (Verdict::Inconclusive, "inconclusive", SeriesLook::Doubted),
    (Verdict::Fail, "failed", SeriesLook::Failed),
];

/// The chart of these rounds.
pub(super) fn chart(soak: &Soak, rounds: &[&Round]) -> Categorical {
    let panels = PANELS.into_iter().map(|(heading, figure, axis)| {
        let of = |(verdict, label, look): (Verdict, &str, SeriesLook)| {
            let them = rounds.iter().enumerate().filter(|(_, round)| round.verdict == verdict);
            let points = them.filter_map(|(place, round)| {
                // A time of 0 has no place on the scale.
                let value = figure(&round.figures).filter(|&value| value > 0.0)?;
                Some((place, Estimate { value, interval: None }))
            });
            CategoricalSeries { label: label.to_owned(), look, points: points.collect() }
        };
        CategoricalPanel {
            heading: heading.to_owned(),
            axis: axis.to_owned(),
            is_log: true,
            series: VERDICTS.map(of).into(),
            changes: Vec::new(),
        }
    });
    let has_points = |panel: &CategoricalPanel| panel.series.iter().any(|it| !it.points.is_empty());
    let longest = rounds.iter().filter_map(|round| round.figures.longest_gap_ms).reduce(f64::max);
    let longest =
        longest.map_or_else(|| "none measured".to_owned(), |ms| format!("{} ms", three_digits(ms)));
    let count = |verdict| rounds.iter().filter(|round| round.verdict == verdict).count();
    Categorical {
        card: Chart {
            stem: "rounds".to_owned(),
            title: "Round after round".to_owned(),
            alt: format!(
                "{}: {} passed, {} failed, {} inconclusive. The longest time without an answer to a trade around a \
                 fault: {longest}.",
                counted(rounds.len() as u64, "round", "rounds"),
                count(Verdict::Pass),
                count(Verdict::Fail),
                count(Verdict::Inconclusive)
            ),
            kind: ChartKind::Rounds,
        },
        subtitle: soak.command.clone(),
        places_title: "round".to_owned(),
        places: rounds.iter().map(|round| round.number.to_string()).collect(),
        arrangement: Arrangement::Stacked,
        panels: panels.filter(has_points).collect(),
    }
}
