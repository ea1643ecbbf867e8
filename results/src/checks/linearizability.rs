//! Each stock's history is linearizable: some order of its operations, each at one moment between
//! its call and its answer, explains everything that every client was told.
//!
//! The other checks each look for one way to be wrong. This one looks for an order, and so finds
//! whatever leaves none, also what nobody has thought of: a refusal that was not due, a read from
//! the future, two trades that saw each other half. It needs no dump but for trades that no client
//! recorded. How the order is looked for, and within which bounds, stands in
//! [`linear`](crate::linear).

use std::collections::BTreeSet;

use super::check::{Check, Finding};
use super::evidence::{Violation, nearest_fault};
use super::history::History;
use super::inconclusive::InconclusiveReason;
use super::part::Part;
use super::run_file::{PICTURES, RunFile};
use super::stock_histories::{Origin, StockTrial, Stocks};
use super::text;
use super::trial_name::TrialName;
use crate::linear::picture::{self, Band, Scene};
use crate::linear::{Budget, Decision, Explanation, Model as _, Stock, explain, search};
use crate::parallel;
use crate::records::Fact;
use crate::timeline::Fault;

pub(super) const CHECK: Check = Check {
    name: "linearizable",
    claim: "each stock's history is linearizable",
    parts: &[Part::whole(&[
        Fact::Queries,
        Fact::Trades,
        Fact::Quantity,
        Fact::Volume,
        Fact::InitialStocks,
        Fact::NoRestock,
        Fact::DurableAcknowledgement,
    ])],
    needs: &[],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    examine_within(history, Budget::default(), finding);
}

fn examine_within(history: &History<'_>, budget: Budget, finding: &mut Finding) {
    // Of a trial without its end and without a dump, trades may be missing that reads show.
    if !history.timeline.finished && history.catalog.is_none() {
        return finding.examined("operations on stocks", 0);
    }
    let stocks = Stocks::new(history);
    let judged = parallel::map(stocks.len(), |place| {
        Judged::new(history, &stocks.history_of(place), budget)
    });
    let mut names = BTreeSet::new();
    let (mut operations, mut unknown) = (0, 0);
    for Judged { name, operations: of_stock, unknown: of_them, outcome } in judged {
        operations += of_stock;
        unknown += of_them;
        match outcome {
            Judgement::Linearizable => {}
            Judgement::Undecided(why) => {
                finding.inconclusive(InconclusiveReason::Undecided { stock: name.to_owned(), why });
            }
            Judgement::NotLinearizable { violation, picture } => {
                let file = file_name(history, name, &mut names);
                finding.violation(|| violation.picture(&file));
                finding.files.push(RunFile { name: file, contents: picture });
            }
        }
    }
    finding.examined("operations on stocks", operations);
    finding.examined("stocks", stocks.len());
    finding.examined("trades that may or may not have taken effect", unknown);
}

/// Why nothing is said of a history that has no order. It does not happen: to explain it is begun with the
/// search that found none, within the same bounds.
const NOT_EXPLAINED: &str = "more work to explain than it may cost";

/// What was found of one stock.
struct Judged<'a> {
    name: &'a str,
    operations: usize,
    /// How many of the operations may or may not have taken effect.
    unknown: usize,
    outcome: Judgement,
}

enum Judgement {
    Linearizable,
    Undecided(&'static str),
    NotLinearizable { violation: Box<Violation>, picture: String },
}

impl<'a> Judged<'a> {
    fn new(history: &History<'_>, stock: &StockTrial<'a>, budget: Budget) -> Self {
        let all = &stock.history.operations;
        let outcome = match search(&stock.history, budget) {
            Decision::Linearizable(_) => Judgement::Linearizable,
            Decision::Undecided(why) => Judgement::Undecided(why),
            Decision::NotLinearizable => {
                let explanation = explain(&stock.history, budget);
                explanation.map_or(Judgement::Undecided(NOT_EXPLAINED), |explanation| {
                    Judgement::NotLinearizable {
                        violation: Box::new(violation(history, stock, &explanation)),
                        picture: picture::html(&scene(history, stock, &explanation)),
                    }
                })
            }
        };
        let unknown = all.iter().filter(|operation| operation.is_optional()).count();
        Self { name: stock.name, operations: all.len(), unknown, outcome }
    }
}

fn violation(
    history: &History<'_>,
    stock: &StockTrial<'_>,
    explanation: &Explanation<Stock>,
) -> Violation {
    let culprit = stock.history.operations[explanation.culprit];
    let at_us = culprit.return_us.unwrap_or(culprit.call_us);
    let part = &explanation.part;
    let what = format!(
        "no order of the operations on {} explains that client {} was told that {}; without that \
         answer there is one. Beginning with quantity {}, volume {}, the rows below show it{}",
        stock.name,
        culprit.client,
        Stock::told(culprit.action),
        part.initial.quantity,
        part.initial.volume,
        match part.optional.len() {
            0 => String::new(),
            1 => ", whether or not another trade had taken effect by then".to_owned(),
            several => {
                format!(", whichever of {several} other trades had taken effect by then")
            }
        },
    );
    let others = part.required.iter().copied().filter(|&place| place != explanation.culprit);
    let places = std::iter::once(explanation.culprit).chain(part.anchor).chain(others);
    let mut violation = Violation::new(history, what).at(history, at_us);
    for place in places {
        violation = match stock.origins[place] {
            Origin::Observed(operation) => {
                violation.operation(operation).story_of(history, operation)
            }
            Origin::Applied(applied) => violation.held(applied.row),
        };
    }
    violation.state(history, stock.name, part.initial.volume)
}

fn scene<'a>(
    history: &History<'_>,
    stock: &'a StockTrial<'_>,
    explanation: &'a Explanation<Stock>,
) -> Scene<'a, Stock> {
    let culprit = stock.history.operations[explanation.culprit];
    let end_us = culprit.return_us.unwrap_or(culprit.call_us);
    Scene {
        trial: TrialName { cell: history.cell.id.clone(), trial: history.trial }.to_string(),
        name: stock.name.to_owned(),
        history: &stock.history,
        explanation,
        sources: stock.sources(),
        bands: bands(history),
        nearest_fault: nearest(history, end_us),
    }
}

/// When something was broken, for a picture.
pub(super) fn bands(history: &History<'_>) -> Vec<Band> {
    let faults = history.timeline.faults().iter();
    let band = |fault: &Fault| Band {
        from_us: fault.injected.at_us,
        to_us: fault.over_us.unwrap_or(u64::MAX),
        label: history.timeline.describe(fault),
    };
    faults.map(band).collect()
}

/// The fault nearest to a moment, in words; empty without faults.
pub(super) fn nearest(history: &History<'_>, at_us: u64) -> String {
    nearest_fault(history, at_us).as_ref().map(text::beside).unwrap_or_default()
}

/// A name for the picture that any file system takes, and that no other stock of the trial has.
pub(super) fn file_name(
    history: &History<'_>,
    stock: &str,
    taken: &mut BTreeSet<String>,
) -> String {
    let plain = |text: &str| -> String {
        text.chars()
            .map(
                |c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' },
            )
            .collect()
    };
    let stem =
        format!("{PICTURES}{}-trial{}-{}", plain(&history.cell.id), history.trial, plain(stock));
    let numbered = (2_u32..).map(|number| format!("{stem}-{number}.html"));
    let mut names = std::iter::once(format!("{stem}.html")).chain(numbered);
    // There are more numbers than stocks.
    let name = names.find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::{CHECK, Check, Finding, History, examine_within};
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::linear::Budget;
    use crate::records::Action;
    use crate::records::{EventKind, Outcome};
    use wire::bazaar::TradeType::{Buy, Sell};
    use wire::internal::Origin;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.read(2, "Stock1", (15, 30));
        trial.trade(1, "r2", Sell, 1, "Stock1", (40, 50));
        trial.read(2, "Stock2", (60, 70));
        trial
    }

    #[test]
    fn a_history_with_an_order_passes() {
        let result = trial().check(&CHECK);
        assert_passes(&result);
        let counts: Vec<_> = result.examined.iter().map(|count| count.count).collect();
        assert_eq!(counts, [4, 2, 0]);
    }

    #[test]
    fn a_stale_read_is_shown_with_rows_requests_logs_and_a_picture() {
        let mut trial = trial();
        trial.show(3, "Stock1", 100, 0, (80, 90));
        trial.fault(85, Action::Kill, "order-3");
        let report = trial.report();
        let result = report.checks.iter().find(|check| check.name == CHECK.name).unwrap();
        assert_fails(result, "client 3 was told that there are 100 after a volume of 0");
        let violation = &result.evidence[0];
        assert_eq!(violation.nearest_fault.as_ref().map(|fault| fault.distance_us), Some(5));
        let lines: Vec<_> = violation.operations.iter().map(|row| row.line).collect();
        assert_eq!(lines[0], 6, "what cannot be placed comes first");
        assert_eq!(violation.request_ids, ["r1"], "the trade behind what another client read");
        assert!(violation.held.iter().any(|row| row.held.source == "order-3"));
        assert!(violation.held.iter().any(|row| row.held.source == "catalog"));
        let name = "linearizability-p0.5-cache-on-trial1-Stock1.html";
        assert_eq!(violation.picture.as_deref(), Some(name));
        assert_eq!(report.files.iter().map(|file| &file.name).collect::<Vec<_>>(), [name]);
        assert!(report.files[0].contents.contains("observations.csv:6"));
    }

    #[test]
    fn an_unknown_trade_is_taken_both_ways() {
        for (quantity, volume) in [(98, 4), (97, 5)] {
            let mut trial = trial();
            trial.attempt(3, "r3", Outcome::Unknown, (51, 55));
            trial.show(2, "Stock1", quantity, volume, (60, 70));
            assert_passes(&trial.check(&CHECK));
        }
    }

    #[test]
    fn what_has_failed_had_no_effect() {
        let mut trial = trial();
        trial.attempt(3, "r3", Outcome::Failed, (51, 55));
        assert_passes(&trial.check(&CHECK));
        trial.show(2, "Stock1", 97, 5, (60, 70));
        assert_fails(&trial.check(&CHECK), "there are 97 after a volume of 5");
    }

    #[test]
    fn a_refusal_must_have_been_due_at_some_moment() {
        let mut refused = Trial::new();
        refused.attempt(1, "r1", Outcome::Rejected, (10, 20));
        refused.observations[0].trade_type = Some(Sell);
        refused.read(2, "Stock1", (30, 40));
        assert_passes(&refused.check(&CHECK));
        refused.observations[0].trade_type = Some(Buy);
        assert_fails(&refused.check(&CHECK), "its Buy of 1 is not possible");
    }

    #[test]
    fn a_stock_of_the_run_is_always_found() {
        let mut trial = trial();
        trial.read(2, "Stock1", (80, 90));
        let read = trial.observations.last_mut().unwrap();
        (read.outcome, read.seen_quantity, read.seen_volume) = (Outcome::Rejected, None, None);
        assert_fails(&trial.check(&CHECK), "there is no such stock");

        let mut trade = self::trial();
        trade.attempt(2, "r3", Outcome::Rejected, (80, 90));
        trade.observations.last_mut().unwrap().reason = Some("Stock not found!".into());
        assert_fails(&trade.check(&CHECK), "there is no such stock");
    }

    #[test]
    fn a_request_that_was_sent_twice_is_one_trade() {
        let mut trial = trial();
        let mut again = trial.observations[2].clone();
        trial.observations[2].outcome = Outcome::Unknown;
        (again.seq, again.start_us, again.end_us) = (99, 100, 110);
        trial.observations.push(again);
        trial.show(4, "Stock1", 98, 4, (60, 70));
        assert_passes(&trial.check(&CHECK));
        trial.show(4, "Stock1", 97, 3, (120, 130));
        assert_fails(&trial.check(&CHECK), "there are 97 after a volume of 3");
    }

    #[test]
    fn trades_by_hand_took_effect_at_some_time() {
        let mut trial = trial();
        trial.apply("by-hand", Buy, 5, "Stock1", Origin::ByHand);
        trial.show(2, "Stock1", 98, 4, (60, 70));
        trial.show(2, "Stock1", 93, 9, (80, 90));
        assert_passes(&trial.check(&CHECK));
        trial.show(2, "Stock1", 98, 4, (100, 110));
        assert_fails(&trial.check(&CHECK), "there are 98 after a volume of 4");
    }

    #[test]
    fn rows_that_a_killed_recorder_lost_are_no_violation() {
        let mut trial = trial();
        trial.show(2, "Stock1", 90, 20, (80, 90));
        trial.unfinish();
        trial.finals.clear();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }

    #[test]
    fn what_could_not_be_decided_is_inconclusive_and_says_why() {
        const HASTY: Check = Check {
            examine: |history: &History<'_>, finding: &mut Finding| {
                examine_within(history, Budget { work: 2, states: 2 }, finding);
            },
            ..CHECK
        };
        let mut trial = trial();
        trial.event(1, EventKind::LoadBegan);
        let why = "whether the history of Stock1 is linearizable was not decided: the search would \
                   take more";
        assert_inconclusive(&trial.check(&HASTY), why);
    }

    #[test]
    fn stocks_whose_names_look_alike_have_pictures_of_their_own() {
        let mut trial = Trial::new();
        trial.manifest.stocks[0].stock_name = "A/1".to_owned();
        trial.manifest.stocks[1].stock_name = "A 1".to_owned();
        trial.finals.clear();
        trial.show(1, "A/1", 1, 1, (10, 20));
        trial.show(1, "A 1", 1, 1, (30, 40));
        let mut names: Vec<_> = trial.report().files.into_iter().map(|file| file.name).collect();
        names.sort();
        assert_eq!(names.len(), 2);
        assert!(names[0].ends_with("A_1-2.html") && names[1].ends_with("A_1.html"), "{names:?}");
    }
}
