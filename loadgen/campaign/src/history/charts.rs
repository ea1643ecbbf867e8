//! Figures over time as a chart for each group: every run as a point, the median of each commit as a line, and where something
//! changed a mark with the change and its interval.

use results::charts::{
    Arrangement, Categorical, CategoricalPanel, CategoricalSeries, Chart, ChartKind, SeriesLook,
};
use results::compare::Effect;
use results::stats::Estimate;
use results::text::three_digits;

use super::GroupHistory;
use super::figures::{FIGURES, Figures, Shown};
use super::group::CommitPoint;

/// So many commits, the newest, are drawn: the page holds the chart, and every point costs bytes of it.
const MOST_COMMITS: usize = 60;
/// So many runs of a commit, the newest, are drawn; its median is that of all.
const MOST_RUNS: usize = 20;

/// The chart of the `number`-th group.
pub(super) fn chart(history: &GroupHistory, number: usize) -> Categorical {
    let all = &history.group.commits;
    let first = all.len().saturating_sub(MOST_COMMITS);
    let commits = &all[first..];
    Categorical {
        card: Chart {
            stem: format!("history-{number}"),
            title: format!("{}, by commit", history.group.title),
            alt: history.group.model.worded(&alt(commits)),
            kind: ChartKind::OverTime,
        },
        subtitle: "a dashed line is a change that is more than noise, with its 95 % interval"
            .to_owned(),
        places_title: places_title(all),
        places: commits.iter().map(|commit| commit.name.clone()).collect(),
        arrangement: Arrangement::Stacked,
        panels: FIGURES.iter().filter_map(|shown| panel(history, first, shown)).collect(),
    }
}

/// What the places are, and what of it is not drawn.
fn places_title(commits: &[CommitPoint]) -> String {
    let mut title = "commit, in the order of time".to_owned();
    if commits.len() > MOST_COMMITS {
        title += &format!("; the newest {MOST_COMMITS} of {}", commits.len());
    }
    if commits.iter().any(|commit| commit.runs.len() > MOST_RUNS) {
        title += &format!("; of each the newest {MOST_RUNS} runs");
    }
    title
}

/// A panel of the commits from the `first` on; nothing if the figure was measured at none.
fn panel(history: &GroupHistory, first: usize, shown: &Shown) -> Option<CategoricalPanel> {
    let commits = &history.group.commits[first..];
    let runs = commits.iter().enumerate().flat_map(|(place, commit)| {
        let newest = commit.runs.iter().rev().take(MOST_RUNS);
        let values = newest.filter_map(|run| (shown.of)(&run.figures));
        values.map(move |value| (place, Estimate::exact(value)))
    });
    let middle = commits
        .iter()
        .enumerate()
        .filter_map(|(place, commit)| Some((place, Estimate::exact(commit.median(shown.of)?))));
    let (runs, middle): (Vec<_>, Vec<_>) = (runs.collect(), middle.collect());
    if runs.is_empty() {
        return None;
    }
    let changes = history.changes.iter().filter(|change| change.at >= first);
    let changes = changes.flat_map(|change| {
        let called = change.called().filter(|effect| shown.compared_as.is(&effect.metric));
        called.map(|effect| (change.at - first, change_in_words(effect)))
    });
    Some(CategoricalPanel {
        heading: history.group.model.worded(shown.heading),
        axis: shown.unit.to_owned(),
        is_log: false,
        series: vec![
            series("a run", SeriesLook::Single, runs),
            series("median of a commit", SeriesLook::Middle, middle),
        ],
        changes: changes.collect(),
    })
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
        let told = |what: &str, of: fn(&Figures) -> Option<f64>| {
            Some(format!("{what} {}", three_digits(commit.median(of)?)))
        };
        let figures = [
            told("accepted per second", |it| it.accepted_per_s),
            told("trade median in ms", |it| it.change_p50_ms),
            told("first acknowledgement after a leader's kill in ms", |it| it.kill_ack_ms),
            told("after a leader's pause", |it| it.pause_ack_ms),
            told("after a cut of links", |it| it.cut_ack_ms),
        ];
        let figures: Vec<String> = figures.into_iter().flatten().collect();
        format!("{}: {}", commit.name, figures.join(", "))
    });
    told.collect::<Vec<_>>().join("; ") + "."
}

#[cfg(test)]
mod tests {
    use results::compare::{Broken, Change as Called};
    use results::records::Model;
    use results::verdict::Verdict;

    use super::super::changes::Change;
    use super::super::group::{Group, RunPoint};
    use super::*;

    fn commit(number: usize, runs: usize) -> CommitPoint {
        let figures = Figures {
            kill_ack_ms: Some(1.0),
            pause_ack_ms: Some(2.0),
            cut_ack_ms: Some(3.0),
            other_ack_ms: Some(4.0),
            ..Figures::default()
        };
        let run = |_| RunPoint {
            folder: "run".into(),
            started_at: String::new(),
            verdict: Verdict::Pass,
            figures,
        };
        CommitPoint {
            name: format!("c{number}"),
            begun: String::new(),
            runs: (0..runs).map(run).collect(),
        }
    }

    fn slower(kind: Broken) -> Effect {
        worse(kind.metric("first_ack_ms"), kind.words())
    }

    fn worse(metric: String, label: &str) -> Effect {
        Effect {
            metric,
            label: label.to_owned(),
            cell: None,
            a: 1.0,
            b: 2.0,
            percent: 100.0,
            low_percent: Some(90.0),
            high_percent: Some(110.0),
            could_hide: false,
            change: Called::Worse,
        }
    }

    fn history(commits: Vec<CommitPoint>, changes: Vec<Change>) -> GroupHistory {
        let model = Model::Stocks;
        let group = Group { title: "a".to_owned(), settings: String::new(), model, commits };
        GroupHistory { group, changes }
    }

    #[test]
    fn a_change_of_what_each_kind_of_fault_costs_is_marked_where_that_kind_is_drawn() {
        let commits = vec![commit(1, 3), commit(2, 3)];
        for kind in Broken::ALL {
            let change = Change { at: 1, effects: Ok(vec![slower(kind)]) };
            let chart = chart(&history(commits.clone(), vec![change]), 1);
            for panel in &chart.panels {
                let is_of_kind = panel.heading.contains(kind.words());
                assert_eq!(panel.changes.len(), usize::from(is_of_kind), "{}", panel.heading);
            }
            assert_eq!(chart.panels.len(), 4, "one for each kind, and one for all others");
            assert!(chart.panels[3].heading.ends_with("(changes are not looked for)"));
        }
    }

    #[test]
    fn what_got_slower_is_marked_in_the_words_of_each_model() {
        let median = |op: &str| worse(format!("{op}.p50_us"), op);
        for (model, read, change) in [
            (Model::Stocks, "query", "trade"),
            (Model::Register, "read", "write"),
            (Model::Log, "read", "append"),
        ] {
            let mut commits = vec![commit(1, 3), commit(2, 3)];
            for run in commits.iter_mut().flat_map(|commit| &mut commit.runs) {
                (run.figures.read_p50_ms, run.figures.change_p50_ms) = (Some(1.0), Some(2.0));
            }
            let effects = Ok(vec![median(read), median(change), median("lookup")]);
            let mut history = history(commits, vec![Change { at: 1, effects }]);
            history.group.model = model;
            let panels = chart(&history, 1).panels;
            let marked: Vec<_> = panels.iter().filter(|panel| !panel.changes.is_empty()).collect();
            let headings: Vec<_> = marked.iter().map(|panel| panel.heading.as_str()).collect();
            let expected = [change, read].map(|op| format!("{op} latency, median"));
            assert_eq!(headings, expected);
            assert!(marked.iter().all(|panel| panel.changes.len() == 1), "{marked:?}");
            let told = super::super::tables::commits(&history, 1).to_markdown();
            assert!(told.contains(&format!("{change} median, ms")), "{told}");
        }
    }

    #[test]
    fn of_more_commits_and_runs_than_have_room_the_newest_are_drawn_and_it_says_so() {
        let commits: Vec<_> = (0..500).map(|number| commit(number, 50)).collect();
        let changes = [3, 499].map(|at| Change { at, effects: Ok(vec![slower(Broken::ALL[0])]) });
        let chart = chart(&history(commits, changes.into()), 1);
        assert_eq!((chart.places.len(), chart.places[59].as_str()), (MOST_COMMITS, "c499"));
        assert_eq!(chart.panels[0].series[0].points.len(), MOST_COMMITS * MOST_RUNS);
        assert_eq!(chart.panels[0].changes.len(), 1);
        assert_eq!(chart.panels[0].changes[0].0, 59);
        assert!(chart.places_title.ends_with("; the newest 60 of 500; of each the newest 20 runs"));
    }
}
