//! What can become of `final.csv`: the run is an open loop at two rates, without faults.

use crate::change::Change::*;
use crate::mutation::Must::*;
use crate::mutation::{Mutation, hold};
use crate::observations::list;
use crate::run::File::{Final as F, Observations as O};
use crate::run::Run;
use crate::table::{Where, nth};

const ORDER: Where = "source=order-2 kind=order";
const APPLIED: Where = "kind=applied";
const STOCK: Where = "kind=stock";
const TRADE: Where = "op=trade phase=load outcome=ok";

const ROWS: &[Mutation] = list! {
    "a replica lacks an order": [Drop(F, nth(7, ORDER))] => Error, Fail;
    "a replica lacks its last order": [Drop(F, nth(61, ORDER))] => Error, Fail;
    "a replica lacks all orders": [DropAll(F, ORDER)] => Error, Fail;
    "every replica lacks an order": [DropRequest(F, "kind=order", nth(7, TRADE))] => Error, Fail;
    "nobody has heard of a trade": [DropRequest(F, "", nth(7, TRADE))] => Error, Fail;
    "the catalog lacks a trade": [Drop(F, nth(7, APPLIED))] => Error, Fail;
    "the catalog lacks a refusal": [Drop(F, nth(2, "kind=refused"))] => Error, Pass;
    "the catalog lacks a stock": [Drop(F, nth(2, STOCK))] => Error, Fail;
    "a replica was not dumped": [DropAll(F, "source=order-2")] => Error, Inconclusive;
    "the catalog was not dumped": [DropAll(F, "source=catalog")] => Error, Inconclusive;
    "a dump has no first row": [DropAll(F, "source=order-2 kind=source")] => Error, Error;
    "the last trial's dumps are missing":
        [DropAll(F, "cell=p0.3-cache-on-r300")] => Inconclusive, Inconclusive;
    "every row is missing": [DropAll(F, "")] => Inconclusive, Inconclusive;
    "the last fifty rows are missing": [DropLast(F, 50)] => Inconclusive, Fail;
    "a replica has an order twice": [Double(F, nth(7, ORDER))] => Error, Error;
    "the catalog has a trade twice": [Double(F, nth(7, APPLIED))] => Error, Fail;
    "the catalog has a stock twice": [Double(F, nth(2, STOCK))] => Error, Error;
    "two orders of one replica change places":
        [Swap(F, nth(3, "source=order-1 kind=order"), nth(9, "source=order-1 kind=order"))]
        => Error, Error;
    "two replicas' orders change places":
        [Swap(F, nth(0, "source=order-1 kind=order"), nth(0, "source=order-3 kind=order"))]
        => Error, Error;
    "a replica was dumped twice": [Double(F, nth(0, "source=order-2 kind=source"))] => Error, Error;
};

const FIELDS: &[Mutation] = list! {
    "a replica counts one order more":
        [Shift(F, nth(0, "source=order-2 kind=source"), "order_no", 1)] => Fail, Pass;
    "a replica has an order under the next number":
        [Shift(F, nth(7, ORDER), "order_no", 1)] => Error, Error;
    "a replica has two orders under each other's numbers":
        [Exchange(F, nth(7, ORDER), nth(8, ORDER), "order_no")] => Error, Error;
    "a replica has an order under number 0":
        [Set(F, nth(7, ORDER), "order_no", "0")] => Error, Error;
    "a replica has an order under no number":
        [Set(F, nth(7, ORDER), "order_no", "")] => Error, Error;
    "a replica has an order in another epoch": [Shift(F, nth(7, ORDER), "epoch", 1)] => Fail, Fail;
    "a replica has another request":
        [Set(F, nth(7, ORDER), "request_id", "nobody's")] => Fail, Fail;
    "a replica has no request": [Set(F, nth(7, ORDER), "request_id", "")] => Error, Error;
    "a replica has two requests the other way round":
        [Exchange(F, nth(7, ORDER), nth(8, ORDER), "request_id")] => Fail, Fail;
    "a replica has another stock": [Set(F, nth(7, ORDER), "stock_name", "Stock99")] => Fail, Fail;
    "a replica has no stock": [Set(F, nth(7, ORDER), "stock_name", "")] => Error, Error;
    "a replica has a Sell":
        [Set(F, nth(4, "source=order-2 trade_type=Buy"), "trade_type", "Sell")] => Fail, Fail;
    "a replica has neither": [Set(F, nth(7, ORDER), "trade_type", "")] => Error, Error;
    "a replica has one more": [Shift(F, nth(7, ORDER), "quantity", 1)] => Fail, Fail;
    "a replica has nobody knows how many": [Set(F, nth(7, ORDER), "quantity", "")] => Error, Error;
    "an order is a fourth replica's": [Set(F, nth(7, ORDER), "source", "order-4")] => Error, Error;
    "an order is another replica's": [Set(F, nth(7, ORDER), "source", "order-1")] => Error, Error;
    "an order is nobody's": [Set(F, nth(7, ORDER), "source", "")] => Error, Error;
    "an order is the catalog's": [Set(F, nth(7, ORDER), "kind", "applied")] => Error, Error;
    "an order is of no kind": [Set(F, nth(7, ORDER), "kind", "")] => Error, Error;
    "an order is of another cell": [Set(F, nth(7, ORDER), "cell", "p9")] => Error, Error;
    "an order is of another trial": [Set(F, nth(7, ORDER), "trial", "7")] => Error, Error;
    "the catalog has one more version": [Shift(F, nth(7, APPLIED), "version", 1)] => Fail, Fail;
    "the catalog has one more left": [Shift(F, nth(7, APPLIED), "quantity_after", 1)] => Fail, Fail;
    "the catalog has one more volume": [Shift(F, nth(7, APPLIED), "volume_after", 1)] => Fail, Fail;
    "the catalog applied one more": [Shift(F, nth(7, APPLIED), "quantity", 1)] => Fail, Fail;
    "the catalog applied another request":
        [Set(F, nth(7, APPLIED), "request_id", "nobody's")] => Fail, Fail;
    "the catalog applied a Sell":
        [Set(F, nth(4, "kind=applied trade_type=Buy"), "trade_type", "Sell")] => Fail, Fail;
    "the catalog applied to another stock":
        [Set(F, nth(7, APPLIED), "stock_name", "Stock99")] => Fail, Fail;
    "the catalog applied by hand": [Set(F, nth(7, APPLIED), "origin", "by_hand")] => Fail, Fail;
    "the catalog does not say for whom": [Set(F, nth(7, APPLIED), "origin", "")] => Error, Error;
    "the catalog does not say in which version":
        [Set(F, nth(7, APPLIED), "version", "")] => Error, Error;
    "the catalog does not say what was left":
        [Set(F, nth(7, APPLIED), "quantity_after", "")] => Error, Error;
    "the catalog does not say which volume":
        [Set(F, nth(7, APPLIED), "volume_after", "")] => Error, Error;
    "the catalog applied what it had refused":
        [Set(F, nth(2, "kind=refused"), "kind", "applied")] => Fail, Fail;
    "the catalog refused what it had applied":
        [Set(F, nth(7, APPLIED), "kind", "refused")] => Fail, Fail;
    "a stock ends with one more": [Shift(F, nth(2, STOCK), "quantity_after", 1)] => Fail, Fail;
    "a stock ends with one more volume": [Shift(F, nth(2, STOCK), "volume_after", 1)] => Fail, Fail;
    "a stock ends with one more version": [Shift(F, nth(2, STOCK), "version", 1)] => Fail, Fail;
    "a stock has no name": [Set(F, nth(2, STOCK), "stock_name", "")] => Error, Error;
    "a stock has another name": [Set(F, nth(2, STOCK), "stock_name", "Stock99")] => Fail, Fail;
    "every replica and the catalog have one more":
        [ShiftAll(F, "request_id=s1/p0.3-cache-on-r150/1/14/2 kind=order", "quantity", 1)]
        => Fail, Fail;
    "nobody was told of a trade that everybody has":
        [DropRequest(O, "", nth(7, TRADE))] => Error, Fail;
};

/// All of them.
pub(crate) const LISTS: &[&[Mutation]] = &[ROWS, FIELDS];

#[test]
fn dumps_that_lack_rows_or_have_too_many_are_never_a_pass() {
    hold(&Run::kept("rates"), ROWS);
}

#[test]
fn dumps_that_say_something_else_are_noticed() {
    hold(&Run::kept("rates"), FIELDS);
}
