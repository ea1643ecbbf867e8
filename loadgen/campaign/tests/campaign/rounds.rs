//! The rounds of a soak.

use campaign::RunDigest;
use campaign::rounds::{Round, RoundFigures, Soak, write};
use results::records::{Model, RunFolder};
use results::verdict::Verdict;

use crate::made::{Change, run, text_of};

fn round(number: u32, verdict: Verdict, figures: RoundFigures) -> Round {
    let reasons = match verdict {
        Verdict::Pass => Vec::new(),
        _ => vec!["conservation: 1 violations: Stock1 lacks 3".to_owned()],
    };
    Round {
        number,
        folder: format!("round-{number:03}"),
        verdict,
        settings: "p 0.4, 5 clients".to_owned(),
        faults: "2 × kill leader".to_owned(),
        operations: 12_345,
        acknowledged: 300,
        figures,
        reasons,
        again: format!("double-trouble soak --seed 7 --round {number}"),
    }
}

#[test]
fn the_page_has_every_round_in_order_with_its_figures_and_what_repeats_one_that_failed() {
    let root = tempfile::tempdir().unwrap();
    let kept = root.path().join("kept");
    run("failover", &kept, &Change::default());
    std::fs::remove_file(kept.join("observations.csv")).unwrap();
    let figures = RoundFigures::of(&RunDigest::read(&RunFolder::new(&kept)).unwrap());
    assert!(figures.accepted_per_s.is_some_and(|rate| rate > 1.0), "{figures:?}");
    assert!(figures.longest_gap_ms >= figures.first_ack_ms.map(|_| 0.0), "{figures:?}");
    let soak = Soak {
        title: "3 rounds of seed 7".to_owned(),
        model: Model::Stocks,
        verdict: Verdict::Fail,
        summary: vec!["rounds 3 of 3: 2 passed, 1 failed, 0 inconclusive".to_owned()],
        command: "double-trouble soak --seed 7".to_owned(),
        rounds: vec![
            round(1, Verdict::Pass, figures),
            round(2, Verdict::Fail, figures),
            round(3, Verdict::Pass, RoundFigures::default()),
        ],
    };
    let text = text_of(&write(&soak, root.path()).unwrap());
    for part in [
        "3 rounds of seed 7",
        "2 passed, 1 failed",
        "Round 2: fail",
        "Stock1 lacks 3",
        "double-trouble soak --seed 7 --round 2",
        "2 × kill leader",
        "12,345",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("--round 1"), "{text}");
    assert!(root.path().join("charts/rounds.svg").is_file());
}
