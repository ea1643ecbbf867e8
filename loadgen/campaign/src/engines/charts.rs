//! Systems beside each other as charts: throughput and latency by the number of clients, and every outage.

use results::charts::{
    Arrangement, Categorical, CategoricalPanel, CategoricalSeries, Chart, ChartKind, SeriesLook,
};
use results::stats::Estimate;
use results::text::{counted, three_digits};

use super::comparison::{Comparison, System};
use super::record::Step;
use super::system::LoadFigures;
use crate::words::scaled;

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
        ("trade latency, median", "ms (log scale)", |it| it.change_p50_us, 1e-3),
        ("trade latency, 99th percentile", "ms (log scale)", |it| it.change_p99_us, 1e-3),
    ];
    let panel = |(heading, axis, value, factor): (&str, &str, Value, f64)| CategoricalPanel {
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
                    .filter_map(|(place, (_, it))| Some((place, scaled(value(it)?, factor))))
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
    let exact = |value: f64| Estimate { value, interval: None };
    let panel = |kind: usize, name: &str| {
        let of_system = |(place, (number, system)): (usize, &(usize, &System))| {
            let acks = &system.faults[kind].1.first_acks_ms;
            CategoricalSeries {
                label: system.name.clone(),
                look: SeriesLook::SystemPoints(*number),
                points: acks.iter().map(|&ms| (place, exact(ms))).collect(),
            }
        };
        let medians = there.iter().enumerate().filter_map(|(place, (_, system))| {
            Some((place, exact(system.faults[kind].1.first_ack.as_ref()?.median?)))
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
    let title = "The outage after every fault";
    Categorical {
        card: Chart {
            stem: "outages".to_owned(),
            title: title.to_owned(),
            alt: format!("{title}. {}", told(comparison, outages_in_words)),
            kind: ChartKind::SideBySide,
        },
        subtitle: subtitle(comparison),
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
