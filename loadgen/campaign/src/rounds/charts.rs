//! The rounds as a chart: what each delivered and what its faults cost, in order.
//!
//! A soak goes on for days, and its page holds the chart: of more rounds than [`MOST_PLACES`] several in a row share a place. None is left
//! out, and those that passed stay apart from those that did not.

use results::charts::{
    Arrangement, Categorical, CategoricalPanel, CategoricalSeries, Chart, ChartKind, SeriesLook,
};
use results::records::Model;
use results::stats::{Estimate, median};
use results::text::{counted, three_digits};
use results::verdict::Verdict;

use super::{Round, RoundFigures, Soak};

/// So many places are drawn at most, with up to three points in each panel: a chart of a hundred kilobytes.
const MOST_PLACES: usize = 250;

/// What a panel shows of rounds that share a place; its heading speaks of trades.
struct Panel {
    heading: &'static str,
    figure: fn(&RoundFigures) -> Option<f64>,
    axis: &'static str,
    together: fn(&[f64]) -> Option<f64>,
}

const PANELS: [Panel; 5] = [
    Panel {
        heading: "accepted per second",
        figure: |it| it.accepted_per_s,
        axis: "per second (log scale)",
        together: median,
    },
    Panel {
        heading: "trade latency, median",
        figure: |it| it.change_p50_ms,
        axis: "ms (log scale)",
        together: median,
    },
    Panel {
        heading: "trade latency, 99th percentile",
        figure: |it| it.change_p99_ms,
        axis: "ms (log scale)",
        together: median,
    },
    Panel {
        heading: "first acknowledged trade after a fault, median",
        figure: |it| it.first_ack_ms,
        axis: "ms (log scale)",
        together: median,
    },
    Panel {
        heading: "longest time without an answer to a trade",
        figure: |it| it.longest_gap_ms,
        axis: "ms (log scale)",
        together: longest,
    },
];

/// In the order in which they are drawn: what is bad is on top.
const VERDICTS: [(Verdict, &str, SeriesLook); 3] = [
    (Verdict::Pass, "passed", SeriesLook::Passed),
    (Verdict::Inconclusive, "inconclusive", SeriesLook::Doubted),
    (Verdict::Fail, "failed", SeriesLook::Failed),
];

/// The chart of all rounds.
pub(super) fn chart(soak: &Soak) -> Categorical {
    let rounds = &soak.rounds;
    let at_a_place = rounds.len().div_ceil(MOST_PLACES).max(1);
    let places: Vec<&[Round]> = rounds.chunks(at_a_place).collect();
    let has_points = |panel: &CategoricalPanel| panel.series.iter().any(|it| !it.points.is_empty());
    let panels = PANELS.iter().map(|shown| panel(shown, soak.model, &places));
    Categorical {
        card: Chart {
            stem: "rounds".to_owned(),
            title: "Round after round".to_owned(),
            alt: soak.model.worded(&alt(rounds)),
            kind: ChartKind::Rounds,
        },
        subtitle: soak.command.clone(),
        places_title: match at_a_place {
            1 => "round".to_owned(),
            many => format!(
                "rounds: each point is the median of up to {many} in a row that went alike, of longest times the longest"
            ),
        },
        places: places.iter().map(|rounds| label(rounds)).collect(),
        arrangement: Arrangement::Stacked,
        panels: panels.filter(has_points).collect(),
    }
}

fn panel(shown: &Panel, model: Model, places: &[&[Round]]) -> CategoricalPanel {
    let of = |(verdict, label, look): (Verdict, &str, SeriesLook)| {
        let points = places.iter().enumerate().filter_map(|(place, rounds)| {
            let of_verdict = rounds.iter().filter(|round| round.verdict == verdict);
            let values = of_verdict.filter_map(|round| (shown.figure)(&round.figures));
            // A time of 0 has no place on the scale.
            let values: Vec<f64> = values.filter(|&value| value > 0.0).collect();
            Some((place, Estimate::exact((shown.together)(&values)?)))
        });
        CategoricalSeries { label: label.to_owned(), look, points: points.collect() }
    };
    CategoricalPanel {
        heading: model.worded(shown.heading),
        axis: shown.axis.to_owned(),
        is_log: true,
        series: VERDICTS.map(of).into(),
        changes: Vec::new(),
    }
}

fn longest(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::max)
}

/// `7`, or `7–12`.
fn label(rounds: &[Round]) -> String {
    match rounds {
        [first, .., last] => format!("{}–{}", first.number, last.number),
        few => few.iter().map(|round| round.number.to_string()).collect(),
    }
}

fn alt(rounds: &[Round]) -> String {
    let longest = rounds.iter().filter_map(|round| round.figures.longest_gap_ms).reduce(f64::max);
    let longest =
        longest.map_or_else(|| "none measured".to_owned(), |ms| format!("{} ms", three_digits(ms)));
    let count = |verdict| rounds.iter().filter(|round| round.verdict == verdict).count();
    format!(
        "{}: {} passed, {} failed, {} inconclusive. The longest time without an answer to a trade around a fault: {longest}.",
        counted(rounds.len() as u64, "round", "rounds"),
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive)
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::soak;
    use super::*;

    #[test]
    fn a_round_has_a_place_of_its_own_while_there_is_room() {
        let chart = chart(&soak(MOST_PLACES));
        assert_eq!((chart.places.len(), chart.places[0].as_str()), (MOST_PLACES, "1"));
        assert_eq!(chart.places_title, "round");
    }

    #[test]
    fn of_thousands_of_rounds_several_share_a_place_and_none_is_left_out() {
        // A week and a half. The longest gap of each is its number.
        let soak = soak(26_000);
        let chart = chart(&soak);
        assert_eq!(chart.places.len(), 250);
        assert_eq!(
            (chart.places[0].as_str(), chart.places[249].as_str()),
            ("1–104", "25897–26000")
        );
        assert!(chart.places_title.contains("up to 104 in a row"), "{}", chart.places_title);
        let points = |panel: &CategoricalPanel| -> usize {
            panel.series.iter().map(|series| series.points.len()).sum()
        };
        assert!(chart.panels.iter().all(|panel| points(panel) <= 3 * MOST_PLACES));
        let [passed, _, failed] = &chart.panels[0].series[..] else { panic!("{chart:?}") };
        assert_eq!((passed.points[0].1.value, failed.points[0].1.value), (104.0, 103.0));
    }
}
