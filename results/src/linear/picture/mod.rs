//! A violation as a page that people can read: who did what when, how far an order goes, and what
//! cannot be placed.
//!
//! One self-contained file, without scripts and without anything from elsewhere, so that it opens
//! from a run's folder, from a mail or from an archive. Light or dark as the reader has it. What
//! differs in colour differs in its border and in words as well.

mod axis;
mod lanes;
mod page;

use std::collections::BTreeSet;

use super::explain::Explanation;
use super::model::{Action, Operation, Stock, StockHistory};

/// How many placed operations are drawn: the last ones. What matters stands at the end, and a page
/// of thousands of bars cannot be read.
const MAX_PLACED: usize = 80;
/// How many are drawn at least, if there are so many: what the clients were doing is worth seeing
/// also where two operations would do to show what is wrong.
const MIN_PLACED: usize = 20;
/// How many trades that were under way, or whose outcome is unknown, are drawn beside them.
const MAX_OPEN: usize = 40;

/// What a page is about.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The trial, as people call it.
    pub trial: String,
    /// The stock's name.
    pub stock_name: String,
    /// What happened to the stock.
    pub history: &'a StockHistory,
    /// Why it has no order.
    pub explanation: &'a Explanation,
    /// Per operation of the history, where it is written down.
    pub sources: Vec<Source>,
    /// Faults, in the order of time.
    pub bands: Vec<Band>,
    /// The fault that is nearest to the culprit, in words; empty without faults.
    pub nearest_fault: String,
}

/// Where an operation is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File and line.
    pub row: String,
    /// The trade's name.
    pub request_id: Option<String>,
}

/// A time during which something was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Since when.
    pub from_us: u64,
    /// Until when.
    pub to_us: u64,
    /// What was done to whom.
    pub label: String,
}

impl Band {
    /// Whether any of it lies between these moments.
    fn overlaps(&self, first_us: u64, last_us: u64) -> bool {
        self.from_us <= last_us && self.to_us >= first_us
    }
}

/// The page.
#[must_use]
pub fn html(scene: &Scene<'_>) -> String {
    page::render(scene, &Drawing::new(scene))
}

/// What an operation is in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It cannot be placed.
    Culprit,
    /// It stands in the order, and is part of the small proof.
    Key,
    /// It stands in the order.
    Placed,
    /// It has no answer that binds it, and the order does without it.
    Open,
}

/// An operation that is drawn.
#[derive(Clone, Copy, Debug)]
struct Shown {
    /// Its place in the history.
    place: usize,
    operation: Operation,
    role: Role,
    /// Its number in the order, from 1, if it has one.
    step: Option<usize>,
    /// The stock after it.
    after: Option<Stock>,
}

/// What is drawn of a scene.
#[derive(Debug)]
struct Drawing {
    /// The placed ones in their order, then the culprit, then the open ones.
    shown: Vec<Shown>,
    /// The stock before the first step that is drawn.
    before: Stock,
    /// The stock after the last step.
    last: Stock,
    /// How many steps come before the first that is drawn.
    earlier: usize,
    /// When the culprit's answer arrived, which is where the picture ends.
    end_us: u64,
    /// How many open operations are not drawn.
    hidden: usize,
}

impl Drawing {
    fn new(scene: &Scene<'_>) -> Self {
        let Scene { history, explanation, .. } = scene;
        let Explanation { culprit, prefix, part } = explanation;
        let key: BTreeSet<usize> = part.required.iter().copied().chain(part.anchor).collect();
        let earlier = first_step(prefix, part.anchor, &key);
        let mut shown = Vec::new();
        let (mut stock, mut before) = (history.initial, history.initial);
        for (index, &place) in prefix.iter().enumerate() {
            let operation = history.operations[place];
            if index == earlier {
                before = stock;
            }
            stock = stock.after(operation.action).unwrap_or(stock);
            if index >= earlier {
                let role = if key.contains(&place) { Role::Key } else { Role::Placed };
                let step = Some(index - earlier + 1);
                shown.push(Shown { place, operation, role, step, after: Some(stock) });
            }
        }
        let operation = history.operations[*culprit];
        let unplaced =
            |place, operation, role| Shown { place, operation, role, step: None, after: None };
        shown.push(unplaced(*culprit, operation, Role::Culprit));

        let placed: BTreeSet<usize> = prefix.iter().copied().collect();
        let open: Vec<usize> =
            part.optional.iter().copied().filter(|place| !placed.contains(place)).collect();
        for &place in open.iter().rev().take(MAX_OPEN) {
            shown.push(unplaced(place, history.operations[place], Role::Open));
        }
        Self {
            shown,
            before,
            last: stock,
            earlier,
            end_us: operation.return_us.unwrap_or(operation.call_us),
            hidden: open.len().saturating_sub(MAX_OPEN),
        }
    }
}

/// The first step that is drawn: where the small proof begins, if that is not too long ago.
fn first_step(prefix: &[usize], anchor: Option<usize>, key: &BTreeSet<usize>) -> usize {
    let begins = prefix
        .iter()
        .position(|place| anchor.map_or_else(|| key.contains(place), |anchor| *place == anchor))
        .unwrap_or(0);
    let last = |count| prefix.len().saturating_sub(count);
    begins.clamp(last(MAX_PLACED), last(MIN_PLACED))
}

/// What was done, in few words.
fn label(action: Action) -> String {
    match action {
        Action::Read { quantity, volume } => format!("read {quantity}/{volume}"),
        Action::Trade { trade_type, quantity } => format!("{trade_type} {quantity}"),
        Action::Refused { trade_type, quantity } => format!("{trade_type} {quantity} refused"),
        Action::NotFound => "not found".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::History;
    use super::super::{Budget, explain};
    use super::*;
    use wire::bazaar::TradeType::{Buy, Sell};

    fn page(history: &History, bands: Vec<Band>) -> String {
        let history = history.get();
        let explanation = explain(&history, Budget::default()).unwrap();
        let sources = (0..history.operations.len())
            .map(|place| Source {
                row: format!("observations.csv:{}", place + 2),
                request_id: Some(format!("r<{place}>")),
            })
            .collect();
        html(&Scene {
            trial: "p0.8-cache-on trial 1".to_owned(),
            stock_name: "Stock<1>".to_owned(),
            history: &history,
            explanation: &explanation,
            sources,
            bands,
            nearest_fault: "0.010 ms after the kill of order-3".to_owned(),
        })
    }

    fn stale() -> History {
        let mut history = History::new();
        history.trade(1, Buy, 3, (10, 20));
        history.read(2, 97, 3, (25, 30));
        history.unknown(4, Buy, 9, 26);
        history.trade(1, Sell, 1, (40, 50));
        history.read(3, 97, 3, (60, 70));
        history
    }

    #[test]
    fn the_page_names_what_cannot_be_placed_and_everything_in_the_order() {
        let band = Band { from_us: 35, to_us: 65, label: "order-3 killed".to_owned() };
        let page = page(&stale(), vec![band]);
        for said in [
            "no order explains every answer",
            "Stock&lt;1&gt;",
            "observations.csv:6",
            "r&lt;3&gt;",
            "cannot be placed",
            "order-3 killed",
            "quantity 98, volume 4",
            "client 4",
        ] {
            assert!(page.contains(said), "nothing says {said:?}:\n{page}");
        }
    }

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let page = page(&stale(), Vec::new());
        for outside in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(!page.contains("<1>"), "names are escaped");
    }

    #[test]
    fn of_a_long_history_the_end_is_drawn() {
        let mut history = History::new();
        for step in 0..1_000 {
            let (from_us, to_us) = (step * 10, step * 10 + 5);
            history.trade(1, if step % 2 == 0 { Buy } else { Sell }, 1, (from_us, to_us));
        }
        history.read(2, 100, 1_001, (20_000, 20_001));
        let page = page(&history, Vec::new());
        assert!(page.contains("The last 80 of 1000"), "{page}");
        assert!(page.len() < 200_000, "{} bytes", page.len());
    }
}
