//! Figures over time as a chart for each group: every run as a point, the median of each commit as a line, and where something
//! changed a mark with the change and its interval.

use results::charts::{
    Arrangement, Categorical, CategoricalPanel, CategoricalSeries, Chart, ChartKind, SeriesLook,
};
use results::compare::Effect;
use results::stats::Estimate;
use results::text::three_digits;

use super::GroupHistory;
use super::group::{CommitPoint, Figures};

/// What a panel shows: its heading, the figure, the axis, and the figure's name in comparisons.
type Panel = (&'static str, fn(&Figures) -> Option<f64>, &'static str, &'static str);

const PANELS: [Panel; 6] = [
    ("accepted per second", |it| it.accepted_per_s, "per second", "throughput_per_s"),
    ("trade latency, median", |it| it.change_p50_ms, "ms", "trade.p50_us"),
    ("trade latency, 99th percentile", |it| it.change_p99_ms, "ms", "trade.p99_us"),
    ("query latency, median", |it| it.read_p50_ms, "ms", "query.p50_us"),
    ("query latency, 99th percentile", |it| it.read_p99_ms, "ms", "query.p99_us"),
    (
        "first acknowledged trade after a fault, median",
        |it| it.first_ack_ms,
        "ms",
        "failover.kill.first_ack_ms.median",
    ),
];

/// The chart of the `number`-th group.
pub(super) fn chart(history: &GroupHistory, number: usize) -> Categorical {
    let commits = &history.group.commits;
    let panels = PANELS.into_iter().filter_map(|(heading, figure, axis, metric)| {
        let exact = |value: f64| Estimate { value, interval: None };
        let runs = commits.iter().enumerate().flat_map(|(place, commit)| {
            let values = commit.runs.iter().filter_map(|run| figure(&run.figures));
            values.map(move |value| (place, exact(value)))
        });
        let middle = commits
            .iter()
            .enumerate()
            .filter_map(|(place, commit)| Some((place, exact(commit.median(figure)?))));
        let (runs, middle): (Vec<_>, Vec<_>) = (runs.collect(), middle.collect());
        if runs.is_empty() {
            return None;
        }
        let changes = history.changes.iter().flat_map(|change| {
            let called = change.called().filter(|effect| effect.metric == metric);
            called.map(|effect| (change.at, change_in_words(effect)))
        });
        Some(CategoricalPanel {
            heading: heading.to_owned(),
            axis: axis.to_owned(),
            is_log: false,
            series: vec![
                series("a run", SeriesLook::Single, runs),
                series("median of a commit", SeriesLook::Middle, middle),
            ],
            changes: changes.collect(),
        })
    });
    Categorical {
        card: Chart {
            stem: format!("history-{number}"),
            title: format!("{}, by commit", history.group.title),
            alt: alt(commits),
            kind: ChartKind::OverTime,
        },
        subtitle: "a dashed line is a change that is more than noise, with its 95 % interval"
            .to_owned(),
        places_title: "commit, in the order of time".to_owned(),
        places: commits.iter().map(|commit| commit.name.clone()).collect(),
        arrangement: Arrangement::Stacked,
        panels: panels.collect(),
    }
}

fn series(label: &str, look: SeriesLook, points: Vec<(usize, Estimate)>) -> CategoricalSeries {
    CategoricalSeries { label: label.to_owned(), look, points }
}

/// `+20.1% [18.0, 22.3]`.
pub(super) fn change_in_words(effect: &Effect) -> String {
    let interval = effect.low_percent.zip(effect.high_percent);
    let interval = interval.map(|(low, high)| format!(" [{low:+.1}, {high:+.1}]"));
    format!("{:+.1}%{}", effect.percent, interval.unwrap_or_default())
}

fn alt(commits: &[CommitPoint]) -> String {
    let told = commits.iter().map(|commit| {
        let shown = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), three_digits);
        format!(
            "{}: {} per second, trade median {} ms, first acknowledgement after a fault {} ms",
            commit.name,
            shown(commit.median(|it| it.accepted_per_s)),
            shown(commit.median(|it| it.change_p50_ms)),
            shown(commit.median(|it| it.first_ack_ms))
        )
    });
    told.collect::<Vec<_>>().join("; ") + "."
}
