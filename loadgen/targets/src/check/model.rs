//! `[model]` and `[stocks]`: promises that can be held to something, and stocks that there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::checker::Checker;
use crate::document::join;
use crate::file::{Initial, Keys, ModelKind, OrderNumbers, Replication, TargetFile};
use crate::name;
use crate::operation::Kind;
use crate::target::{Model, Stocks, StocksFrom};

/// The most that a trade moves: sums of all trades of a run are far from where they would overflow.
const MAX_QUANTITY: u32 = 1_000_000_000;
/// How many registers there are, if the file does not say: few enough that clients meet at each.
const REGISTERS: u32 = 10;
/// The most registers or logs: each has a history of its own, and clients shall meet.
const MAX_KEYS: usize = 1_000;
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
        ("registers", given.replicated.registers, file.state.registers.len()),
        ("log", given.replicated.log, file.state.log.len()),
    ];
    for (name, replication, places) in promised {
        if replication != Replication::None && places == 0 {
            let fix = format!("say in [[state.{name}]] how each copy is read, or write \"none\"");
            checker.add(&format!("model.replicated.{name}"), "nobody can see the copies", fix);
        }
    }
    let keys = keys(checker, file, kind, given.keys.as_ref());
    if given.initial.is_some() && kind != ModelKind::Register {
        checker.add("model.initial", "only registers hold something at first", "take it out");
    }
    let initial = given.initial.map(|initial| match initial {
        Initial::Number(number) => Json::from(number),
        Initial::Text(text) => Json::from(text),
    });
    Model {
        kind,
        keys,
        initial,
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

/// The registers, or the logs.
fn keys(
    checker: &mut Checker<'_>,
    file: &TargetFile,
    kind: ModelKind,
    given: Option<&Keys>,
) -> Vec<String> {
    let is_named = file.client.is_some()
        || file.operations.each().any(|(_, operation)| {
            let texts = [Some(&operation.url), operation.body.as_ref()].into_iter().flatten();
            texts.chain(operation.headers.values()).any(|text| text.contains("register"))
        });
    let (prefix, default) = match kind {
        ModelKind::Register if is_named => ("k", REGISTERS),
        ModelKind::Register => ("k", 1),
        ModelKind::Log => ("log", 1),
        ModelKind::Stocks | ModelKind::None => {
            if given.is_some() {
                let fix = "write kind = \"register\" or \"log\", or take it out";
                checker.add("model.keys", "only registers and logs have keys", fix);
            }
            return Vec::new();
        }
    };
    let named = |count: u32| (1..=count).map(|number| format!("{prefix}{number}")).collect();
    let keys: Vec<String> = match given {
        None => named(default),
        Some(Keys::Count(count)) => named((*count).min(MAX_KEYS as u32 + 1)),
        Some(Keys::Names(names)) => names.clone(),
    };
    let mut seen = BTreeSet::new();
    for key in &keys {
        if let Some(problem) = name::problem(key) {
            checker.add("model.keys", problem, "give each a short name");
        }
        if !seen.insert(key.as_str()) {
            checker.add("model.keys", format!("`{key}` is there twice"), "name each once");
        }
    }
    if keys.is_empty() || keys.len() > MAX_KEYS {
        let fix = format!("give a number from 1 to {MAX_KEYS}, or names");
        checker.add("model.keys", format!("are {}", keys.len()), fix);
    }
    if keys.len() > 1 && !is_named {
        let fix = "put {{ register }} into each operation, or write keys = 1";
        checker.add("model.keys", "no operation says which is meant", fix);
    }
    keys
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
