//! Systems beside each other.

use std::fs;
use std::path::Path;

use campaign::engines::{
    Comparison, ComparisonRecord, RunOutcome, RunRecord, Step, SystemRecord, write,
};

use crate::made::{Change, run, text_of};

/// Two systems of which one loses orders, and one that is not installed; two rounds.
fn record(root: &Path) -> ComparisonRecord {
    let system = |name: &str, absent: Option<&str>| SystemRecord {
        name: name.to_owned(),
        absent: absent.map(str::to_owned),
    };
    let systems = vec![
        system("sound", None),
        system("lossy <async>", None),
        system("missing", Some("apt-get install missing")),
    ];
    let steps = vec![
        Step::Load { clients: 3 },
        Step::Faults { kind: "kill".to_owned() },
        Step::Faults { kind: "cut".to_owned() },
    ];
    let mut record = ComparisonRecord::new("double-trouble engines".to_owned(), systems, steps);
    record.rounds = 2;
    record.begun = "2026-11-29 21:00 UTC".to_owned();
    for round in 1..=2 {
        for (system, kept) in [["bench", "failover"], ["bench", "failed"]].into_iter().enumerate() {
            for (step, kept) in kept.into_iter().enumerate() {
                let folder = format!("round-{round}/{system}/{step}");
                let slower = u64::from(round) * (1 + system as u64);
                run(kept, &root.join(&folder), &Change { slower, ..Change::default() });
                record.runs.push(RunRecord {
                    system,
                    step,
                    round,
                    folder,
                    command: format!("double-trouble failover --seed {round}"),
                    outcome: RunOutcome::Recorded,
                });
            }
            record.runs.push(RunRecord {
                system,
                step: 2,
                round,
                folder: format!("round-{round}/{system}/2"),
                command: "double-trouble failover --plan engines-cut".to_owned(),
                outcome: RunOutcome::NotApplicable("it has no links".to_owned()),
            });
        }
    }
    record
}

#[test]
fn one_page_has_every_system_with_what_was_found_and_what_repeats_it() {
    let root = tempfile::tempdir().unwrap();
    let record = record(root.path());
    record.write(root.path()).unwrap();
    let read = ComparisonRecord::read(root.path()).unwrap();
    let comparison = Comparison::read(root.path(), read).unwrap();
    let page = write(&comparison, root.path()).unwrap();
    let text = text_of(&page);
    for part in [
        "3 systems beside each other",
        "A promise was broken at lossy <async>",
        "Not run: missing",
        "apt-get install missing",
        "sound, cut: it has no links",
        "lossy <async>: acknowledged-orders-survive",
        "round-1/1/1",
        "double-trouble failover --seed 1",
        "after kill, ms",
        "trades/s (3)",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let markdown = fs::read_to_string(root.path().join("engines.md")).unwrap();
    assert!(markdown.contains("lossy &lt;async&gt;") && markdown.contains("charts/outages.svg"));
    assert!(root.path().join("charts/by-clients.png").is_file());
}

#[test]
fn figures_are_those_of_the_runs_and_medians_and_most_are_over_all_faults_of_all_rounds() {
    let root = tempfile::tempdir().unwrap();
    let record = record(root.path());
    let comparison = Comparison::read(root.path(), record).unwrap();
    write(&comparison, root.path()).unwrap();
    let csv = fs::read_to_string(root.path().join("engines.csv")).unwrap();
    let value = |system: &str, step: &str, figure: &str, column: usize| -> f64 {
        let is_it = |line: &&str| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0], fields[1], fields[3]) == (system, step, figure)
        };
        let line =
            csv.lines().find(is_it).unwrap_or_else(|| panic!("{system} {step} {figure}: {csv}"));
        line.split(',').nth(column).unwrap().parse().unwrap_or_else(|_| panic!("{line}"))
    };
    // Everything takes twice as long in the second round, so each figure is sqrt(2) times the first round's.
    let first =
        fs::read_to_string(root.path().join("round-1/0/1/availability-overall.csv")).unwrap();
    let acks = first.lines().find(|line| line.contains("first_ack_ms")).unwrap();
    let fields: Vec<&str> = acks.split(',').collect();
    let (faults, max): (f64, f64) = (fields[2].parse().unwrap(), fields[7].parse().unwrap());
    assert_eq!(value("sound", "kill", "first_ack_ms", 4), 2.0 * faults);
    assert!((value("sound", "kill", "first_ack_ms", 8) - 2.0 * max).abs() < 0.01 * max);
    assert_eq!(value("sound", "all runs", "lost", 5), 0.0);
    assert!(value("lossy <async>", "all runs", "lost", 5) > 0.0);
    assert!(
        value("sound", "load", "trades_per_s", 5)
            > value("lossy <async>", "load", "trades_per_s", 5)
    );
}

#[test]
fn nobodys_name_or_command_becomes_markup_in_markdown() {
    let root = tempfile::tempdir().unwrap();
    let mut record = record(root.path());
    record.systems[1].name = "![x](http://y) ~~@team~~".to_owned();
    for run in &mut record.runs {
        run.command = "double-trouble failover --plan '```\n# a'".to_owned();
    }
    let comparison = Comparison::read(root.path(), record).unwrap();
    write(&comparison, root.path()).unwrap();
    let markdown = fs::read_to_string(root.path().join("engines.md")).unwrap();
    assert!(markdown.contains(r"\!\[x\](http:/&#47;y) \~\~\@team\~\~"), "{markdown}");
    assert!(!markdown.contains("![x]") && !markdown.contains("~~@team"), "{markdown}");
    // A row of backticks in a command does not end the block in which it stands.
    assert!(markdown.contains("````console\n$ double-trouble failover --plan '``` # a'\n````\n"));
    assert!(!markdown.contains("\n# a"), "{markdown}");
}
