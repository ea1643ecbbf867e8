//! What a row of `observations.csv` says by being one of its kind.
//!
//! A client writes down what it asked for, and of an ok answer what that showed: it is none without. So a
//! row that lacks some of it was not written by a client, and says nothing of the services. What a target's
//! answers do not tell is not asked for.

use super::malformed::MalformedRow;
use super::rows::Operation;
use crate::records::{Fact, Keyed, Observation, Op, Outcome, Phase, Row as _, Target};

/// Whether the row has everything that its kind promises, as far as the target tells it.
pub(super) fn hold(operation: &Operation, target: &Target) -> Result<(), MalformedRow> {
    let Some((field, kind)) = lacking(&operation.row, target) else { return Ok(()) };
    let reason = format!("{kind} needs the field `{field}`");
    Err(MalformedRow { file: Observation::FILE, line: operation.line, reason })
}

/// A value of an operation that has everything that its kind promises.
pub(super) fn to_be_there<T>(value: Option<T>) -> T {
    value.expect("a history is made of operations that have what their kind promises")
}

/// The first field that it lacks, and what needs that.
fn lacking(row: &Observation, target: &Target) -> Option<(&'static str, &'static str)> {
    let is_ok = row.outcome == Outcome::Ok;
    let has = |what: bool, field: &'static str| (!what).then_some(field);
    let told = |fact, what: bool, field| has(what || !target.has(fact), field);
    let stock = has(row.stock_name.is_some(), "stock_name");
    let content = stock
        .or(has(row.trade_type.is_some(), "trade_type"))
        .or(has(row.quantity.is_some(), "quantity"));
    let request = has(row.request_id.is_some(), "request_id");
    let number = told(Fact::OrderNumbers, row.order_no.is_some(), "order_no");
    let shown = told(Fact::Quantity, row.seen_quantity.is_some(), "seen_quantity")
        .or_else(|| told(Fact::Volume, row.seen_volume.is_some(), "seen_volume"));
    match row.op {
        Op::Query if is_ok => stock.or(shown).map(|field| (field, "a query that is ok")),
        Op::Query => stock.map(|field| (field, "a query")),
        Op::Trade if is_ok => {
            content.or(request).or(number).map(|field| (field, "a trade that is ok"))
        }
        Op::Trade => content.or(request).map(|field| (field, "a trade")),
        Op::Read | Op::Write | Op::CompareAndSet | Op::Append => of_key(row, target),
        Op::Lookup => {
            let content = content.filter(|_| is_ok && target.has(Fact::OrderContents));
            let request = request.filter(|_| row.phase == Phase::Lookup);
            number.or(content).or(request).map(|field| (field, "a lookup"))
        }
    }
}

/// The same of an operation on a register or a log.
fn of_key(row: &Observation, target: &Target) -> Option<(&'static str, &'static str)> {
    let is_ok = row.outcome == Outcome::Ok;
    let has = |what: bool, field: &'static str| (!what).then_some(field);
    let told = |fact, what: bool, field| has(what || !(is_ok && target.has(fact)), field);
    let Keyed { key, value, expected, position } =
        row.keyed.as_deref().cloned().unwrap_or_default();
    let key = has(key.is_some(), "key");
    let (lacking, kind) = match row.op {
        Op::Read => (key.or(told(Fact::Values, value.is_some(), "value")), "a read"),
        Op::Append => {
            let place = told(Fact::Positions, position.is_some(), "position");
            (key.or(has(value.is_some(), "value")).or(place), "an append")
        }
        Op::CompareAndSet => {
            let values = has(value.is_some(), "value").or(has(expected.is_some(), "expected"));
            (key.or(values), "a compare-and-set")
        }
        _ => (key.or(has(value.is_some(), "value")), "a write"),
    };
    lacking.map(|field| (field, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Numbered;

    fn row(op: Op) -> Observation {
        Observation {
            stock_name: Some("Stock1".into()),
            trade_type: Some(wire::bazaar::TradeType::Buy),
            quantity: Some(1),
            order_no: Some(1),
            seen_quantity: Some(1),
            seen_volume: Some(1),
            request_id: Some("r1".into()),
            ..Observation::new("c", 1, op, 1, 2)
        }
    }

    type Change = fn(&mut Observation);

    #[test]
    fn each_kind_of_row_needs_what_was_asked_and_what_was_shown() {
        let changes: [(&str, Change); 7] = [
            ("stock_name", |row| row.stock_name = None),
            ("trade_type", |row| row.trade_type = None),
            ("quantity", |row| row.quantity = None),
            ("order_no", |row| row.order_no = None),
            ("seen_quantity", |row| row.seen_quantity = None),
            ("seen_volume", |row| row.seen_volume = None),
            ("request_id", |row| row.request_id = None),
        ];
        let asked: [&[&str]; 3] = [
            &["stock_name"],
            &["stock_name", "trade_type", "quantity", "request_id"],
            &["order_no", "request_id"],
        ];
        let shown: [&[&str]; 3] = [
            &["seen_quantity", "seen_volume"],
            &["order_no"],
            &["stock_name", "trade_type", "quantity"],
        ];
        for (index, op) in [Op::Query, Op::Trade, Op::Lookup].into_iter().enumerate() {
            for outcome in [Outcome::Ok, Outcome::Failed] {
                for (field, blank) in changes {
                    let mut row = Observation { outcome, ..row(op) };
                    blank(&mut row);
                    let is_ok = outcome == Outcome::Ok;
                    let needed =
                        asked[index].contains(&field) || (is_ok && shown[index].contains(&field));
                    let held = hold(&Numbered { line: 7, row }, &Target::bazaar(3));
                    assert_eq!(held.is_err(), needed, "{op:?} {outcome:?} {field}");
                    if let Err(malformed) = held {
                        assert_eq!((malformed.file, malformed.line), ("observations.csv", 7));
                        assert!(malformed.reason.contains(&format!("needs the field `{field}`")));
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_target_does_not_tell_is_not_asked_for() {
        let silent = Target::new("toy", [Fact::Trades, Fact::Queries], Default::default());
        for op in [Op::Query, Op::Trade, Op::Lookup] {
            let row =
                Observation { order_no: None, seen_quantity: None, seen_volume: None, ..row(op) };
            let row = Numbered { line: 7, row };
            assert_eq!(hold(&row, &silent), Ok(()));
            assert!(hold(&row, &Target::bazaar(3)).is_err());
        }
    }
}
