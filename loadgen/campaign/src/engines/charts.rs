//! Systems beside each other as charts: throughput and latency by the number of clients, and every outage.

use results::charts::{
    Arrangement, Categorical, CategoricalPanel, CategoricalSeries, Chart, ChartKind, SeriesLook,
};
use results::stats::Estimate;
use results::text::{counted, three_digits};

use super::comparison::{Comparison, System};
use super::record::Step;
use super::system::LoadFigures;

/// So many outages of a system after one kind of fault are drawn: more lie on top of each other, and each costs bytes of a page.
const MOST_POINTS: usize = 100;

/// All of them; some may have nothing to show.
pub(super) fn charts(comparison: &Comparison) -> Vec<Categorical> {
    vec![by_clients(comparison), outages(comparison)]
}

fn subtitle(comparison: &Comparison) -> String {
    let rounds = counted(u64::from(comparison.record.rounds), "round", "rounds");
    format!("{rounds}, the systems in turns · begun {}", comparison.record.begun)
}

fn by_clients(comparison: &Comparison) -> Categorical {
    type Value = fn(&LoadFigures) -> Option<Estimate>;
    let shown: [(&str, &str, Value, f64); 3] = [
        ("trades accepted per second", "per second (log scale)", |it| it.changes_per_s, 1.0),
        ("trade latency, median", "ms (log scale)", |it| it.change_p50_us, 1e3),
        ("trade latency, 99th percentile", "ms (log scale)", |it| it.change_p99_us, 1e3),
    ];
    let panel = |(heading, axis, value, unit): (&str, &str, Value, f64)| CategoricalPanel {
        heading: heading.to_owned(),
        axis: axis.to_owned(),
        is_log: true,
        series: systems(comparison)
            .map(|(number, system)| CategoricalSeries {
                label: system.name.clone(),
                look: SeriesLook::System(number),
                points: system
                    .load
                    .iter()
                    .enumerate()
                    .filter_map(|(place, (_, it))| Some((place, value(it)?.in_units_of(unit))))
                    .collect(),
            })
            .collect(),
        changes: Vec::new(),
    };
    let clients = comparison.record.steps.iter().filter_map(|step| match step {
        Step::Load { clients } => Some(clients.to_string()),
        Step::Faults { .. } => None,
    });
    let title = "Throughput and latency by the number of clients";
    Categorical {
        card: Chart {
            stem: "by-clients".to_owned(),
            title: title.to_owned(),
            alt: format!("{title}. {}", told(comparison, load_in_words)),
            kind: ChartKind::SideBySide,
        },
        subtitle: subtitle(comparison),
        places_title: "clients".to_owned(),
        places: clients.collect(),
        arrangement: Arrangement::Beside,
        panels: shown.into_iter().map(panel).collect(),
    }
}

fn outages(comparison: &Comparison) -> Categorical {
    let kinds = comparison.systems.first().map_or(&[][..], |system| &system.faults[..]);
    let there: Vec<(usize, &System)> = systems(comparison).collect();
    let panel = |kind: usize, name: &str| {
        let of_system = |(place, (number, system)): (usize, &(usize, &System))| {
            let acks = &system.faults[kind].1.first_acks_ms;
            CategoricalSeries {
                label: system.name.clone(),
                look: SeriesLook::SystemPoints(*number),
                points: drawn(acks).into_iter().map(|ms| (place, Estimate::exact(ms))).collect(),
            }
        };
        let medians = there.iter().enumerate().filter_map(|(place, (_, system))| {
            let median = system.faults[kind].1.first_ack.as_ref()?.median?;
            Some((place, Estimate::exact(median)))
        });
        let medians = CategoricalSeries {
            label: "median".to_owned(),
            look: SeriesLook::MiddleMark,
            points: medians.collect(),
        };
        CategoricalPanel {
            heading: format!("{name}: from the fault to the first acknowledged trade"),
            axis: "ms (log scale)".to_owned(),
            is_log: true,
            series: there.iter().enumerate().map(of_system).chain([medians]).collect(),
            changes: Vec::new(),
        }
    };
    let most = there.iter().flat_map(|(_, system)| &system.faults);
    let most = most.map(|(_, outages)| outages.first_acks_ms.len()).max().unwrap_or_default();
    let left_out = match most > MOST_POINTS {
        true => format!(" · of up to {most} outages {MOST_POINTS}, of all lengths"),
        false => String::new(),
    };
    let title = "The outage after every fault";
    Categorical {
        card: Chart {
            stem: "outages".to_owned(),
            title: title.to_owned(),
            alt: format!("{title}. {}", told(comparison, outages_in_words)),
            kind: ChartKind::SideBySide,
        },
        subtitle: subtitle(comparison) + &left_out,
        places_title: String::new(),
        places: there.iter().map(|(_, system)| system.name.clone()).collect(),
        arrangement: Arrangement::Stacked,
        panels: kinds
            .iter()
            .enumerate()
            .map(|(kind, (name, _))| panel(kind, name))
            .filter(|panel| panel.series.iter().any(|series| !series.points.is_empty()))
            .collect(),
    }
}

/// All of these times, or as many as are drawn: every so-manieth by length, the shortest and the longest among them.
fn drawn(times: &[f64]) -> Vec<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    match sorted.len() <= MOST_POINTS {
        true => sorted,
        false => (0..MOST_POINTS).map(|at| sorted[at * last / (MOST_POINTS - 1)]).collect(),
    }
}

/// Those of which anything was run, with their numbers: a system looks the same in every chart.
fn systems(comparison: &Comparison) -> impl Iterator<Item = (usize, &System)> {
    comparison.systems.iter().enumerate().filter(|(_, system)| system.absent.is_none())
}

fn told(comparison: &Comparison, words: fn(&System) -> String) -> String {
    let told = systems(comparison).map(|(_, system)| format!("{}: {}", system.name, words(system)));
    told.collect::<Vec<_>>().join("; ") + "."
}

fn load_in_words(system: &System) -> String {
    let told = system.load.iter().filter_map(|(clients, figures)| {
        let per_s = three_digits(figures.changes_per_s?.value);
        let median = three_digits(figures.change_p50_us?.value / 1e3);
        Some(format!("{per_s} trades per second and a median of {median} ms with {clients}"))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn outages_in_words(system: &System) -> String {
    let told = system.faults.iter().filter_map(|(kind, outages)| {
        let row = outages.first_ack.as_ref()?;
        let (median, max) = (three_digits(row.median?), three_digits(row.max?));
        Some(format!("{kind} {median} ms (median), {max} ms at most"))
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_outages_than_have_room_all_lengths_are_drawn() {
        let few: Vec<f64> = (0..100).rev().map(f64::from).collect();
        assert_eq!(drawn(&few).len(), 100);
        let many: Vec<f64> = (0..5_000).rev().map(f64::from).collect();
        let drawn = drawn(&many);
        assert_eq!((drawn.len(), drawn[0], drawn[99]), (100, 0.0, 4_999.0));
        assert!(drawn.windows(2).all(|two| two[1] - two[0] < 52.0), "{drawn:?}");
    }
}
