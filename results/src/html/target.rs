//! What is known of a target that is not ours: what it promises, and what it tells. Verdicts rest on both: what a target
//! neither promises nor tells is not judged.

use super::format::or_none;
use crate::records::{
    Acknowledged, Fact, Model, Numbering, Promises, Replication, Restock, Sides, Target,
};

/// What is known of a target.
pub(super) struct TargetLines {
    /// What it is, in a line; empty if its file does not say.
    pub(super) description: String,
    /// What it promises, a sentence each.
    pub(super) promises: Vec<String>,
    /// The names of the facts that it gives.
    pub(super) told: String,
    /// The names of those that it does not give.
    pub(super) untold: String,
}

impl TargetLines {
    pub(super) fn new(target: &Target) -> Self {
        let names = |is_told: bool| {
            let keeps_keys = target.model() != Model::Stocks;
            // What a model knows nothing of is not told as lacking.
            let of_all = [Fact::StatusCodes, Fact::Leader, Fact::LeaderHistory, Fact::InSyncSets];
            let is_of = |fact: &Fact| match keeps_keys {
                true => fact.is_of_keys() || of_all.contains(fact),
                false => !fact.is_of_keys(),
            };
            let given = Fact::ALL.into_iter().filter(|fact| !fact.is_promise()).filter(is_of);
            let names = given.filter(|&fact| target.has(fact) == is_told).map(Fact::as_str);
            names.collect::<Vec<_>>().join(", ")
        };
        let told = Some(names(true)).filter(|names| !names.is_empty());
        Self {
            description: target.description.clone(),
            promises: promises(target),
            told: or_none(told, |names| names),
            untold: names(false),
        }
    }
}

/// Nothing is said of what there is none of: of replicas where one process holds all, of orders without trades.
fn promises(target: &Target) -> Vec<String> {
    let promised = target.promises();
    let deadline = target.deadline_ms();
    let mut lines = Vec::new();
    if target.has(Fact::Trades) {
        lines.push(numbers(promised));
        lines.push(acknowledged(promised.acknowledged).to_owned());
        lines.push(sides(promised.sides).to_owned());
    }
    if target.orders_of().len() > 1 {
        lines.push(replicated(promised.replicated_orders, "orders"));
    }
    if target.stocks_of().len() > 1 {
        lines.push(replicated(promised.replicated_stocks, "stocks"));
    }
    if target.model() == Model::Stocks {
        lines.push(restock(promised.restock).to_owned());
    } else {
        lines.push(acknowledged(promised.acknowledged).to_owned());
        if target.keys_of().len() > 1 {
            lines.push(replicated_keys(target.model(), promised.replicated_keys));
        }
    }
    lines.extend(deadline.map(|ms| format!("Every operation is answered within {ms} ms.")));
    lines
}

fn numbers(promised: &Promises) -> String {
    let order = match promised.order_no {
        Numbering::Sequence => "Later orders have larger numbers",
        Numbering::Unique => "Every order has a number of its own",
    };
    let gaps = if promised.gapless { ", and none is left out" } else { "" };
    format!("{order}, from {}{gaps}.", promised.first_order_no)
}

fn acknowledged(promised: Acknowledged) -> &'static str {
    match promised {
        Acknowledged::Durable => "What was acknowledged is not lost.",
        Acknowledged::MayBeLost => "What was acknowledged may be lost.",
    }
}

fn sides(promised: Sides) -> &'static str {
    match promised {
        Sides::Both => "Some trades take from a stock, some add to it.",
        Sides::Takes => "Every trade takes from a stock.",
        Sides::Adds => "Every trade adds to a stock.",
    }
}

fn replicated(promised: Replication, what: &str) -> String {
    match promised {
        Replication::Identical => {
            format!("All who hold {what} hold the same in the end, in the same order.")
        }
        Replication::SameSet => {
            format!("All who hold {what} hold the same in the end, in any order.")
        }
        Replication::Partitioned => format!("Each of those who hold {what} holds a part of them."),
        Replication::None => format!("Of those who hold {what} nothing is promised."),
    }
}

/// Values of registers stand in no order.
fn replicated_keys(model: Model, promised: Replication) -> String {
    match (model, promised.is_full()) {
        (Model::Log, _) => replicated(promised, "the log"),
        (_, true) => "All who hold registers hold the same in the end.".to_owned(),
        (_, false) => replicated(promised, "registers"),
    }
}

fn restock(promised: Restock) -> &'static str {
    match promised {
        Restock::None => "Stocks change by trades alone.",
        Restock::Unmodelled => "Stocks change by themselves, too.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_queries_alone_says_nothing_of_orders_and_replicas() {
        let target = Target::new("toy", [Fact::Queries], Promises::default());
        let lines = TargetLines::new(&target);
        assert_eq!(lines.promises, ["Stocks change by trades alone."]);
        assert_eq!(lines.told, "queries");
        assert!(lines.untold.starts_with("trades, lookups, ") && !lines.untold.contains("gapless"));
    }

    #[test]
    fn each_promise_is_a_sentence_and_so_is_what_is_not_promised() {
        let promises = Promises {
            order_no: Numbering::Unique,
            first_order_no: 0,
            gapless: false,
            acknowledged: Acknowledged::MayBeLost,
            replicated_orders: Replication::SameSet,
            replicated_stocks: Replication::None,
            replicated_keys: Replication::None,
            sides: Sides::Takes,
            restock: Restock::Unmodelled,
        };
        let two = || vec!["a".to_owned(), "b".to_owned()];
        let target = Target::new("toy", [Fact::Trades], promises).holding(two(), two());
        assert_eq!(
            TargetLines::new(&target.with_deadline_ms(6_000)).promises,
            [
                "Every order has a number of its own, from 0.",
                "What was acknowledged may be lost.",
                "Every trade takes from a stock.",
                "All who hold orders hold the same in the end, in any order.",
                "Of those who hold stocks nothing is promised.",
                "Stocks change by themselves, too.",
                "Every operation is answered within 6000 ms.",
            ]
        );
    }

    #[test]
    fn of_several_copies_of_registers_or_logs_it_is_said_how_alike_they_are() {
        let said = |model, replicated_keys| {
            let promises = Promises { replicated_keys, ..Promises::default() };
            let target = Target::new("toy", [Fact::Reads], promises);
            let copies = vec!["a".to_owned(), "b".to_owned()];
            TargetLines::new(&target.keeping(model, copies, None)).promises.pop().unwrap()
        };
        let registers = "All who hold registers hold the same in the end.";
        assert_eq!(said(Model::Register, Replication::Identical), registers);
        let log = "All who hold the log hold the same in the end, in the same order.";
        assert_eq!(said(Model::Log, Replication::Identical), log);
        assert!(said(Model::Log, Replication::None).ends_with("nothing is promised."));
    }
}
