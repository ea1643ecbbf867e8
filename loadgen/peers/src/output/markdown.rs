//! The table and the page around it, for people.

use std::fmt::Write;

use results::stats::Estimate;
use results::text::three_digits;

use super::Report;
use crate::rows::{Row, Verdict};

/// What stands for a figure that was not measured.
const NOTHING: &str = "–";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let mut page = String::from("# The bazaar beside its peers\n\n");
    let of = |verdict| report.rows.iter().filter(|row| row.verdict == verdict).count();
    let (met, missed, open) = (of(Verdict::Met), of(Verdict::NotMet), of(Verdict::Open));
    let unmeasured = of(Verdict::NotMeasured);
    let _ = writeln!(
        page,
        "Goals: {met} met, {missed} not met, {open} too close to tell, {unmeasured} not measured.\n"
    );
    page.push_str(&table(report));
    let _ = writeln!(page, "\n![how far each goal is](peers.svg)\n\n## How it was measured\n");
    let machine = &report.machine;
    let mut facts = vec![
        format!(
            "{}, {} processors, Linux {}, files on {}; begun {} at a load average of {}.",
            machine.model,
            machine.processors,
            machine.kernel,
            machine.file_system,
            machine.begun,
            machine.load_average
        ),
        format!(
            "{} rounds, {} s for each side and case, the sides in turns. A ratio is ours divided by theirs in the same \
             round, and the mean of these; in brackets the interval in which it lies (95 %). Other figures are medians.",
            report.rounds, report.seconds
        ),
        "Trades are asked by a closed loop of our own, on one thread, for all sides. A put is one key; a transaction \
         reads the stock and writes stock and order if the stock is unchanged, and tries again until it is. etcd is \
         asked over its HTTP gateway, at its leader. CPU and context switches are those of all processes of a side."
            .to_owned(),
    ];
    facts.extend(report.generator.map(|name| format!("The cached query is asked by {name}.")));
    let versions: Vec<_> = report.tools.iter().map(|found| found.version.trim()).collect();
    if !versions.is_empty() {
        facts.push(format!("Versions: {}.", versions.join("; ")));
    }
    for line in facts.iter().chain(&report.notes) {
        let _ = writeln!(page, "- {}", line.replace('\n', " "));
    }
    page
}

/// The table alone.
pub(crate) fn table(report: &Report) -> String {
    let mut table = String::from(
        "| what | figure | bazaar | beside | theirs | ratio | goal | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in &report.rows {
        let Row { case, figure, verdict, .. } = row;
        let with_unit =
            |value: f64| format!("{} {}", three_digits(value), row.unit).trim_end().to_owned();
        let ours = row.ours.map_or_else(|| NOTHING.to_owned(), |ours| with_unit(ours.value));
        let peer = row.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let theirs = match (row.peer, row.theirs) {
            (Some(_), theirs) => theirs.map_or_else(|| NOTHING.to_owned(), with_unit),
            (None, _) => String::new(),
        };
        let ratio = row.ratio.map(in_words).unwrap_or_default();
        let goal = row.goal.as_deref().unwrap_or_default();
        let verdict = verdict.words();
        let _ = writeln!(
            table,
            "| {case} | {figure} | {ours} | {peer} | {theirs} | {ratio} | {goal} | {verdict} |"
        );
    }
    table
}

fn in_words(estimate: Estimate) -> String {
    let value = three_digits(estimate.value);
    let interval = estimate.interval;
    let bounds = interval.map(|bounds| (three_digits(bounds.low), three_digits(bounds.high)));
    bounds.map_or_else(|| value.clone(), |(low, high)| format!("{value} ({low} to {high})"))
}

#[cfg(test)]
mod tests {
    use results::stats::Interval;

    use super::*;
    use crate::output::machine::Machine;
    use crate::sample::Side;

    fn report() -> Report {
        let measured = Row {
            case: "durable trade, 1 client".to_owned(),
            figure: "throughput".to_owned(),
            unit: "/s",
            ours: Some(Estimate::exact(240.0)),
            peer: Some(Side::EtcdPut),
            theirs: Some(300.0),
            ratio: Some(Estimate {
                value: 0.8,
                interval: Some(Interval { low: 0.75, high: 0.86 }),
            }),
            goal: Some("at least 1.25 × etcd put".to_owned()),
            distance: None,
            verdict: Verdict::NotMet,
            rounds: 3,
        };
        let missing = Row {
            ours: None,
            theirs: None,
            ratio: None,
            verdict: Verdict::NotMeasured,
            ..measured.clone()
        };
        Report {
            machine: Machine {
                begun: "2026-01-01T00:00:00Z".to_owned(),
                processors: 2,
                model: "A processor".to_owned(),
                kernel: "6.0".to_owned(),
                file_system: "ext4".to_owned(),
                load_average: 0.1,
            },
            rounds: 3,
            seconds: 5.0,
            generator: Some("wrk, one thread"),
            tools: Vec::new(),
            rows: vec![measured, missing],
            notes: vec!["something to know".to_owned()],
        }
    }

    #[test]
    fn a_row_says_both_sides_their_ratio_and_the_goal() {
        let table = table(&report());
        let mut lines = table.lines().skip(2);
        assert_eq!(
            lines.next().unwrap(),
            "| durable trade, 1 client | throughput | 240 /s | etcd put | 300 /s | 0.800 (0.750 to 0.860) | at least 1.25 × etcd put | not met |"
        );
        assert_eq!(
            lines.next().unwrap(),
            "| durable trade, 1 client | throughput | – | etcd put | – |  | at least 1.25 × etcd put | not measured |"
        );
    }

    #[test]
    fn the_page_begins_with_the_answer_and_ends_with_what_speaks_against_it() {
        let page = page(&report());
        assert!(page.contains("Goals: 0 met, 1 not met, 0 too close to tell, 1 not measured."));
        assert!(page.ends_with("- something to know\n"), "{page}");
        assert!(page.contains("The cached query is asked by wrk, one thread."));
    }
}
