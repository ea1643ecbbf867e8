//! Can it be believed? Why the verdict is what it is, each reason with the place of its evidence.

use super::consistency::doubt_lines;
use super::format::{anchor, counted};
use super::input::PageInput;
use crate::checks::{ConsistencyReport, Gate};
use crate::text::capitalised;
use crate::verdict::Verdict;

/// The answer to that, and its reasons.
pub(super) struct VerdictReasons {
    /// In a few words.
    pub(super) short: &'static str,
    /// Why.
    pub(super) reasons: Vec<Reason>,
}

/// A reason and where to read on.
pub(super) struct Reason {
    /// In a sentence.
    pub(super) text: String,
    /// The id of the element that shows it, if one does.
    pub(super) anchor: Option<String>,
}

impl Reason {
    fn new(text: String, anchor: &str) -> Self {
        Self { text, anchor: Some(anchor.to_owned()) }
    }
}

/// How many reasons of a kind are told before the rest is left to the sections below.
const TOLD: usize = 4;

impl VerdictReasons {
    pub(super) fn new(material: &PageInput<'_>) -> Self {
        let consistency = material.consistency;
        let (short, mut reasons) = match material.verdict() {
            Verdict::Pass => ("Yes, as far as this run goes.", Vec::new()),
            Verdict::Fail => ("Yes: what is broken is shown with its evidence.", broken(material)),
            Verdict::Inconclusive => {
                ("Not by itself: something could have stayed unseen.", Vec::new())
            }
        };
        let mut doubts = unjudged(consistency);
        doubts.extend(doubted(consistency));
        doubts.extend(shut(consistency));
        doubts.extend(thresholds(material, Verdict::Inconclusive, "Not measured"));
        let hidden = doubts.len().saturating_sub(TOLD);
        reasons.extend(doubts.into_iter().take(TOLD));
        if hidden > 0 {
            let more = counted(hidden as u64, "more reason", "more reasons");
            reasons.push(Reason::new(format!("{more} to doubt it."), "doubts"));
        }
        reasons.extend(examined(consistency));
        Self { short, reasons }
    }
}

fn broken(material: &PageInput<'_>) -> Vec<Reason> {
    let broken = material.consistency.checks.iter().filter(|check| check.violations > 0);
    broken
        .map(|check| {
            let violations = counted(check.violations, "violation", "violations");
            Reason::new(format!("Broken: {} ({violations}).", check.claim), &anchor(&check.name))
        })
        .chain(thresholds(material, Verdict::Fail, "Broken"))
        .collect()
}

fn thresholds(
    material: &PageInput<'_>,
    verdict: Verdict,
    word: &'static str,
) -> impl Iterator<Item = Reason> {
    let held = material.thresholds.iter().filter(move |held| held.verdict == verdict);
    held.map(move |held| {
        Reason::new(format!("{word}: {} ({}).", held.threshold, held.reason), "thresholds")
    })
}

fn unjudged(consistency: &ConsistencyReport) -> Vec<Reason> {
    let text =
        "So little applies to this target that nothing was judged but that it lives and answers.";
    let is_so = consistency.nothing_judged();
    is_so.then(|| Reason::new(text.to_owned(), "checks")).into_iter().collect()
}

fn doubted(consistency: &ConsistencyReport) -> Vec<Reason> {
    doubt_lines(&consistency.checks)
        .into_iter()
        .map(|doubt| Reason::new(format!("{}.", capitalised(&doubt.reason)), "doubts"))
        .collect()
}

fn shut(consistency: &ConsistencyReport) -> Vec<Reason> {
    let shut = consistency.gates.iter().filter_map(Gate::why_shut);
    shut.map(|why| Reason::new(format!("{}.", capitalised(&why)), "gates")).collect()
}

fn examined(consistency: &ConsistencyReport) -> Vec<Reason> {
    let run = &consistency.run;
    let judged = consistency.checks.iter().filter(|check| check.verdict.is_some()).count();
    let mut reasons = vec![Reason::new(
        format!(
            "{} looked at {} and {}.",
            counted(judged as u64, "check", "checks"),
            counted(run.acknowledged_trades, "acknowledged trade", "acknowledged trades"),
            counted(run.reads, "read", "reads")
        ),
        "checks",
    )];
    if run.trials == run.finished_trials {
        let trials = counted(u64::from(run.trials), "trial was", "trials were");
        reasons.push(Reason { text: format!("{trials} recorded to the end."), anchor: None });
    }
    if run.lost_senders > 0 {
        let times = counted(run.lost_senders, "time", "times");
        let text = format!("A host of clients was lost {times}: the load was less from then on.");
        reasons.push(Reason::new(text, "limits"));
    }
    let asked: Vec<_> = consistency.gates.iter().filter(|gate| gate.places > 0).collect();
    if !asked.is_empty() && asked.iter().all(|gate| gate.is_open()) {
        reasons.push(Reason::new(
            "There was enough load, and enough that could have gone wrong, for a mistake to show."
                .to_owned(),
            "gates",
        ));
    }
    reasons.push(Reason::new("What the figures do not say is at the end.".to_owned(), "limits"));
    reasons
}
