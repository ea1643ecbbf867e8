//! `[model]` and `[stocks]`: promises that can be held to something, and stocks that there are.

use std::collections::{BTreeMap, BTreeSet};

use super::checker::Checker;
use crate::document::join;
use crate::file::{ModelKind, OrderNumbers, Replication, TargetFile};
use crate::name;
use crate::operation::Kind;
use crate::target::{Model, Stocks, StocksFrom};

/// The most that a trade moves: sums of all trades of a run are far from where they would overflow.
const MAX_QUANTITY: u32 = 1_000_000_000;
/// The most stocks that a target may have: each has a history of its own.
const MAX_STOCKS: usize = 10_000;

pub(super) fn check(checker: &mut Checker<'_>, file: &TargetFile) -> Model {
    let given = file.model.clone().unwrap_or_default();
    let kind = if file.model.is_some() { given.kind } else { ModelKind::None };
    let sides = given.sides.unwrap_or_else(|| vec!["Buy".to_owned(), "Sell".to_owned()]);
    check_sides(checker, &sides);
    let [least, most] = given.quantities.unwrap_or([1, 10]);
    if least == 0 || least > most || most > MAX_QUANTITY {
        let fix = format!("give the least and the most, from 1 to {MAX_QUANTITY}");
        checker.add("model.quantities", format!("is [{least}, {most}]"), fix);
    }
    if given.order_no != OrderNumbers::Sequence {
        let of_sequences = [
            ("gapless", given.gapless == Some(true)),
            ("first_order_no", given.first_order_no.is_some()),
        ];
        for (name, is_given) in of_sequences {
            if is_given {
                let fix = "write order_no = \"sequence\", or take it out";
                checker.add(&join("model", name), "order numbers are no sequence", fix);
            }
        }
    }
    let captures_volume =
        file.operations.query.as_ref().is_some_and(|query| query.volume.is_some());
    if given.volume == Some(true) && !captures_volume && file.client.is_none() {
        let fix = "give operations.query.volume, or write volume = false";
        checker.add("model.volume", "no query tells a volume", fix);
    }
    let promised = [
        ("orders", given.replicated.orders, file.state.orders.len()),
        ("stocks", given.replicated.stocks, file.state.stocks.len()),
    ];
    for (name, replication, places) in promised {
        if replication != Replication::None && places == 0 {
            let fix = format!("say in [[state.{name}]] how each copy is read, or write \"none\"");
            checker.add(&format!("model.replicated.{name}"), "nobody can see the copies", fix);
        }
    }
    Model {
        kind,
        sides,
        quantities: (least, most),
        order_no: given.order_no,
        first_order_no: given.first_order_no.unwrap_or(1),
        gapless: given.gapless.unwrap_or(false),
        volume: given.volume.unwrap_or(captures_volume),
        restock: given.restock,
        acknowledged: given.acknowledged,
        replicated: given.replicated,
    }
}

fn check_sides(checker: &mut Checker<'_>, sides: &[String]) {
    if !(1..=2).contains(&sides.len()) {
        let fix = "give one or two: the first takes from a stock, the second adds to it";
        checker.add("model.sides", format!("has {} sides", sides.len()), fix);
    }
    for side in sides {
        if let Some(problem) = name::problem(side) {
            checker.add("model.sides", problem, "give the word that {{ side }} stands for");
        }
    }
    if let [one, other] = sides
        && one == other
    {
        checker.add(
            "model.sides",
            format!("both are `{one}`"),
            "give two words, or one side alone",
        );
    }
}

pub(super) fn stocks(checker: &mut Checker<'_>, file: &TargetFile) -> Option<Stocks> {
    let Some(stocks) = &file.stocks else {
        let is_shop = file.model.as_ref().is_some_and(|model| model.kind == ModelKind::Stocks);
        let names_stocks = [&file.operations.query, &file.operations.trade]
            .into_iter()
            .flatten()
            .any(|operation| {
                let texts = [Some(&operation.url), operation.body.as_ref()].into_iter().flatten();
                texts.chain(operation.headers.values()).any(|text| text.contains("stock"))
            });
        if is_shop && (names_stocks || file.client.is_some()) {
            checker.add(
                "stocks",
                "nothing says which stocks there are",
                "give [stocks] with names, or with from = \"list\"",
            );
        }
        return None;
    };
    let from = match (&stocks.from, stocks.names.is_empty()) {
        (Some(_), false) => {
            checker.add("stocks.from", "there are `names` as well", "take one of them out");
            StocksFrom::Names(stocks.names.clone())
        }
        (None, true) => {
            checker.add("stocks", "names no stock", "give names = [...], or from = \"list\"");
            StocksFrom::Names(Vec::new())
        }
        (None, false) => StocksFrom::Names(stocks.names.clone()),
        (Some(operation), true) => {
            if operation != "list" || file.operations.list.is_none() {
                let fix = "write from = \"list\", and describe operations.list with names";
                checker.add(
                    "stocks.from",
                    format!("there is no operation `{operation}` that lists stocks"),
                    fix,
                );
            }
            StocksFrom::Operation(Kind::List)
        }
    };
    let mut seen = BTreeSet::new();
    for stock in &stocks.names {
        if let Some(problem) = name::problem(stock) {
            checker.add("stocks.names", problem, "give each stock a short name");
        }
        if !seen.insert(stock.as_str()) {
            checker.add("stocks.names", format!("`{stock}` is there twice"), "name each once");
        }
    }
    if stocks.names.len() > MAX_STOCKS {
        checker.add(
            "stocks.names",
            format!("has {} stocks", stocks.names.len()),
            format!("{MAX_STOCKS} are the most"),
        );
    }
    let cap = stocks.cap.as_ref().and_then(|cap| checker.count("stocks.cap", cap));
    let mut initial = BTreeMap::new();
    for (stock, quantity) in &stocks.initial {
        let field = join("stocks.initial", stock);
        if !stocks.names.is_empty() && !seen.contains(stock.as_str()) {
            checker.add_unknown(&field, "stock", stock, seen.iter().copied());
        }
        let Some(quantity) = checker.count(&field, quantity) else { continue };
        initial.insert(stock.clone(), quantity);
        if let Some(cap) = cap.filter(|cap| quantity > *cap) {
            checker.add(
                &field,
                format!("is {quantity}, more than the cap of {cap}"),
                "raise stocks.cap, or begin with less",
            );
        }
    }
    for stock in stocks.prices.keys().filter(|stock| !seen.contains(stock.as_str())) {
        checker.add_unknown(&join("stocks.prices", stock), "stock", stock, seen.iter().copied());
    }
    Some(Stocks { from, initial, cap, prices: stocks.prices.clone() })
}
