//! A violation as a page that people can read: who did what when, how far an order goes, and what
//! cannot be placed.
//!
//! One self-contained file, without scripts and without anything from elsewhere, so that it opens
//! from a run's folder, from a mail or from an archive. Light or dark as the reader has it. What
//! differs in colour differs in its border and in words as well.

mod axis;
mod drawing;
mod lanes;
mod page;
mod scene;
mod words;

pub use scene::{Band, Scene, Source};

use super::model::Model;
use drawing::Drawing;

/// The page.
#[must_use]
pub fn html<M: Model>(scene: &Scene<'_, M>) -> String {
    page::render(scene, &Drawing::new(scene))
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
            name: "Stock<1>".to_owned(),
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
