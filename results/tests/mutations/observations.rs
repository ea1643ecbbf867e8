//! What can become of `observations.csv`: the run is an open loop at two rates, without faults.

use crate::change::Change::*;
use crate::mutation::Must::*;
use crate::mutation::{Mutation, hold};
use crate::run::File::Observations as O;
use crate::run::Run;
use crate::table::{Where, nth};

const READ: Where = "op=query phase=load";
const TRADE: Where = "op=trade phase=load outcome=ok";
const REFUSED: Where = "op=trade phase=load outcome=rejected";
const LOOKUP: Where = "op=lookup phase=lookup";

macro_rules! list {
    ($($what:literal: $changes:expr => $as_it_is:ident, $made_good:ident;)*) => {
        &[$(Mutation {
            what: $what, changes: &$changes, as_it_is: $as_it_is, made_good: $made_good,
        }),*]
    };
}
pub(crate) use list;

/// Rows that are missing, too many, or in another place.
const ROWS: &[Mutation] = list! {
    "a read is missing": [Drop(O, nth(7, READ))] => Error, Pass;
    "a trade is missing": [Drop(O, nth(7, TRADE))] => Error, Fail;
    "a refused trade is missing": [Drop(O, nth(2, REFUSED))] => Error, Pass;
    "a lookup is missing": [Drop(O, nth(9, LOOKUP))] => Error, Inconclusive;
    "all lookups are missing": [DropAll(O, LOOKUP)] => Inconclusive, Inconclusive;
    "all lookups but one are missing": [KeepOne(O, LOOKUP)] => Inconclusive, Inconclusive;
    "the last hundred rows are missing": [DropLast(O, 100)] => Inconclusive, Inconclusive;
    "the last row is missing": [DropLast(O, 1)] => Inconclusive, Inconclusive;
    "half of all reads are missing": [DropEvery(O, 2, READ)] => Error, Pass;
    "the reads of one stock are missing": [DropAll(O, "op=query stock_name=Stock1")] => Error, Pass;
    "the warm-up is missing": [DropAll(O, "phase=warm-up")] => Error, Fail;
    "all trades are missing": [DropAll(O, "op=trade")] => Error, Fail;
    "half of all trades are missing": [DropEvery(O, 2, TRADE)] => Error, Fail;
    "one client is missing": [DropAll(O, "client=3")] => Inconclusive, Fail;
    "the first row of every client is missing": [DropAll(O, "seq=1")] => Error, Pass;
    "the second trial is missing": [DropAll(O, "cell=p0.3-cache-on-r300")] => Inconclusive, Fail;
    "every row is missing": [DropAll(O, "")] => Inconclusive, Fail;
    "a read is there twice": [Double(O, nth(7, READ))] => Error, Error;
    "a trade is there twice": [Double(O, nth(7, TRADE))] => Error, Error;
    "a lookup is there twice": [Double(O, nth(9, LOOKUP))] => Error, Error;
    "two rows of one client change places":
        [Swap(O, nth(3, "client=3"), nth(4, "client=3"))] => Error, Error;
    "the first and the last row of a client change places":
        [Swap(O, nth(0, "client=3"), nth(20, "client=3"))] => Error, Error;
};

/// Trades that say something else.
const TRADES: &[Mutation] = list! {
    "an acknowledged trade has no number": [Set(O, nth(7, TRADE), "order_no", "")] => Error, Error;
    "an acknowledged trade has the next number":
        [Shift(O, nth(7, TRADE), "order_no", 1)] => Fail, Fail;
    "an acknowledged trade has number 0": [Set(O, nth(7, TRADE), "order_no", "0")] => Fail, Fail;
    "two trades have each other's numbers":
        [Exchange(O, nth(7, TRADE), nth(8, TRADE), "order_no")] => Fail, Fail;
    "a trade was of one more": [Shift(O, nth(7, TRADE), "quantity", 1)] => Fail, Fail;
    "a trade was of 0": [Set(O, nth(7, TRADE), "quantity", "0")] => Fail, Fail;
    "a trade was of nobody knows how many": [Set(O, nth(7, TRADE), "quantity", "")] => Error, Error;
    "a trade was of a negative number": [Set(O, nth(7, TRADE), "quantity", "-1")] => Error, Error;
    "a trade was of another stock":
        [Exchange(O, nth(0, "op=trade outcome=ok stock_name=Stock1"),
                  nth(0, "op=trade outcome=ok stock_name=Stock2"), "stock_name")] => Fail, Fail;
    "a trade was of no stock": [Set(O, nth(7, TRADE), "stock_name", "")] => Error, Error;
    "a Buy was a Sell":
        [Set(O, nth(4, "op=trade outcome=ok trade_type=Buy"), "trade_type", "Sell")] => Fail, Fail;
    "a trade was neither": [Set(O, nth(7, TRADE), "trade_type", "")] => Error, Error;
    "a trade was something else": [Set(O, nth(7, TRADE), "trade_type", "Hold")] => Error, Error;
    "a trade has no request id": [Set(O, nth(7, TRADE), "request_id", "")] => Error, Error;
    "a trade has another request id":
        [Set(O, nth(7, TRADE), "request_id", "nobody's")] => Fail, Fail;
    "two trades have each other's request ids":
        [Exchange(O, nth(7, TRADE), nth(8, TRADE), "request_id")] => Fail, Fail;
    "an acknowledged trade was refused":
        [Set(O, nth(7, TRADE), "outcome", "rejected")] => Fail, Fail;
    "an acknowledged trade has failed": [Set(O, nth(7, TRADE), "outcome", "failed")] => Fail, Fail;
    "an acknowledgement could not be read":
        [Set(O, nth(7, TRADE), "outcome", "unknown")] => Fail, Fail;
    "a refused trade was acknowledged": [Set(O, nth(2, REFUSED), "outcome", "ok")] => Error, Error;
    "a trade has no outcome": [Set(O, nth(7, TRADE), "outcome", "")] => Error, Error;
    "a trade has an outcome that there is not":
        [Set(O, nth(7, TRADE), "outcome", "good")] => Error, Error;
    "19 of 20 trades were refused by the front-end":
        [SetEvery(O, 20, TRADE, "phase", "warm-up"),
         SetAll(O, TRADE, "status", "503"), SetAll(O, TRADE, "outcome", "unknown")] => Fail, Fail;
    "no trade of one stock was answered":
        [SetAll(O, "op=trade stock_name=Stock1", "status", "500"),
         SetAll(O, "op=trade stock_name=Stock1", "outcome", "unknown")] => Fail, Fail;
};

/// Reads that say something else.
const READS: &[Mutation] = list! {
    "a read shows one more volume": [Shift(O, nth(90, READ), "seen_volume", 1)] => Fail, Fail;
    "a read shows one less volume":
        [Shift(O, nth(90, "op=query phase=load seen_volume!=0"), "seen_volume", -1)] => Fail, Fail;
    "a read shows one more": [Shift(O, nth(90, READ), "seen_quantity", 1)] => Fail, Fail;
    "a read shows no volume": [Set(O, nth(90, READ), "seen_volume", "")] => Error, Error;
    "a read shows no quantity": [Set(O, nth(90, READ), "seen_quantity", "")] => Error, Error;
    "a read shows a quantity that no number holds":
        [Set(O, nth(90, READ), "seen_quantity", "4294967296")] => Error, Error;
    "a read shows what there was at first":
        [Set(O, nth(30, "op=query phase=load stock_name=Stock1 seen_volume!=0"), "seen_volume", "0"),
         Set(O, nth(29, "op=query phase=load stock_name=Stock1 seen_volume!=0"), "seen_quantity", "100")]
        => Fail, Fail;
    "a read is of a stock that there is not":
        [Set(O, nth(90, READ), "stock_name", "Stock99")] => Fail, Fail;
    "a read is of no stock": [Set(O, nth(90, READ), "stock_name", "")] => Error, Error;
    "a stock was not found": [Set(O, nth(90, READ), "outcome", "rejected"),
                              Set(O, nth(90, READ), "status", "404")] => Fail, Fail;
    "an answer was about another stock": [Set(O, nth(90, READ), "outcome", "failed")] => Fail, Fail;
    "one read in a thousand was an error": [Set(O, nth(90, READ), "status", "500"),
        Set(O, nth(90, READ), "outcome", "failed")] => Fail, Fail;
    "every read of nine stocks was an error":
        [SetAll(O, "op=query stock_name!=Stock1", "status", "500"),
         SetAll(O, "op=query stock_name!=Stock1", "outcome", "failed")] => Fail, Fail;
    "every read of one stock was an error":
        [SetAll(O, "op=query stock_name=Stock3", "status", "500"),
         SetAll(O, "op=query stock_name=Stock3", "outcome", "failed")] => Fail, Fail;
    "every second read was an error":
        [SetEvery(O, 2, READ, "status", "500"),
         SetEvery(O, 2, READ, "outcome", "failed")] => Fail, Fail;
    "no read was answered at all, nor a trade":
        [SetAll(O, "phase=load", "status", ""), SetAll(O, "phase=load", "outcome", "unknown"),
         SetAll(O, "phase=load op=query", "outcome", "failed")] => Fail, Fail;
};

/// Lookups that say something else.
const LOOKUPS: &[Mutation] = list! {
    "a lookup asks for another order":
        [Exchange(O, nth(9, LOOKUP), nth(10, LOOKUP), "order_no")] => Fail, Fail;
    "a lookup is of another request":
        [Exchange(O, nth(9, LOOKUP), nth(10, LOOKUP), "request_id")] => Inconclusive, Inconclusive;
    "a lookup is of no request": [Set(O, nth(9, LOOKUP), "request_id", "")] => Error, Error;
    "a lookup shows one more": [Shift(O, nth(9, LOOKUP), "quantity", 1)] => Fail, Fail;
    "a lookup shows a Sell":
        [Set(O, nth(3, "op=lookup trade_type=Buy"), "trade_type", "Sell")] => Fail, Fail;
    "a lookup shows another stock":
        [Exchange(O, nth(0, "op=lookup stock_name=Stock1"), nth(0, "op=lookup stock_name=Stock2"),
                  "stock_name")] => Fail, Fail;
    "a lookup shows half of an order": [Set(O, nth(9, LOOKUP), "quantity", "")] => Error, Error;
    "an order is not found": [Set(O, nth(9, LOOKUP), "outcome", "rejected")] => Fail, Fail;
    "a lookup is an error": [Set(O, nth(9, LOOKUP), "outcome", "failed"),
                             Set(O, nth(9, LOOKUP), "status", "500")] => Fail, Fail;
    "a lookup is lost while others are served":
        [Set(O, nth(9, LOOKUP), "outcome", "failed"),
         Set(O, nth(9, LOOKUP), "status", "")] => Fail, Fail;
    "no lookup is answered, and nobody was served meanwhile":
        [SetAll(O, LOOKUP, "outcome", "failed"),
         SetAll(O, LOOKUP, "status", "")] => Inconclusive, Inconclusive;
    "every lookup but one is an error":
        [SetAll(O, LOOKUP, "outcome", "failed"), SetAll(O, LOOKUP, "status", "500"),
         Set(O, nth(9, LOOKUP), "outcome", "ok"), Set(O, nth(9, LOOKUP), "status", "200")] => Fail, Fail;
    "no order is found": [SetAll(O, LOOKUP, "outcome", "rejected")] => Fail, Fail;
};

/// Fields that every row has.
const FIELDS: &[Mutation] = list! {
    "a row ends before it begins": [Shift(O, nth(50, ""), "end_us", -9_000_000)] => Error, Error;
    "a latency is 1 us too long": [Shift(O, nth(50, ""), "latency_us", 1)] => Error, Error;
    "a row has no beginning": [Set(O, nth(50, ""), "start_us", "")] => Error, Error;
    "a row has no end": [Set(O, nth(50, ""), "end_us", "")] => Error, Error;
    "a row begins before everything": [Set(O, nth(50, ""), "start_us", "-5")] => Error, Error;
    "a row begins at some word": [Set(O, nth(50, ""), "start_us", "soon")] => Error, Error;
    "a row ends in a year":
        [Shift(O, nth(50, ""), "end_us", 30_000_000_000_000),
         Shift(O, nth(50, ""), "latency_us", 30_000_000_000_000)] => Error, Error;
    "a client's rows overlap":
        [Shift(O, nth(5, "client=3"), "end_us", 900_000),
         Shift(O, nth(5, "client=3"), "latency_us", 900_000)] => Error, Error;
    "a row has no client": [Set(O, nth(50, ""), "client", "")] => Error, Error;
    "a row is a client's that there is not":
        [Set(O, nth(50, ""), "client", "999")] => Error, Inconclusive;
    "a row has no place in its client's order": [Set(O, nth(50, ""), "seq", "")] => Error, Pass;
    "a row is its client's 0th": [Set(O, nth(50, ""), "seq", "0")] => Error, Pass;
    "a row is its client's 900th": [Set(O, nth(50, ""), "seq", "900")] => Error, Pass;
    "a row is of no cell": [Set(O, nth(50, ""), "cell", "")] => Error, Error;
    "a row is of a cell that there is not": [Set(O, nth(50, ""), "cell", "p9")] => Error, Error;
    "a row is of a trial that there is not": [Set(O, nth(50, ""), "trial", "2")] => Error, Error;
    "a row is of trial 0": [Set(O, nth(50, ""), "trial", "0")] => Error, Error;
    "a row is of the other cell":
        [Set(O, nth(50, ""), "cell", "p0.3-cache-on-r300")] => Error, Error;
    "a row is of no phase": [Set(O, nth(50, ""), "phase", "")] => Error, Error;
    "a row is of another phase": [Set(O, nth(50, ""), "phase", "lunch")] => Error, Error;
    "a row is of no kind": [Set(O, nth(50, ""), "op", "")] => Error, Error;
    "a row is of another kind": [Set(O, nth(50, ""), "op", "steal")] => Error, Error;
    "a row has no attempts": [Set(O, nth(50, ""), "attempts", "")] => Error, Error;
    "a status is no number": [Set(O, nth(50, ""), "status", "fine")] => Error, Error;
};

/// All of them.
pub(crate) const LISTS: &[&[Mutation]] = &[ROWS, TRADES, READS, LOOKUPS, FIELDS];

#[test]
fn rows_that_are_missing_doubled_or_misplaced_are_never_a_pass() {
    hold(&Run::kept("rates"), ROWS);
}

#[test]
fn trades_that_say_something_else_are_noticed() {
    hold(&Run::kept("rates"), TRADES);
}

#[test]
fn reads_that_say_something_else_are_noticed() {
    hold(&Run::kept("rates"), READS);
}

#[test]
fn lookups_that_say_something_else_are_noticed() {
    hold(&Run::kept("rates"), LOOKUPS);
}

#[test]
fn fields_that_no_row_can_have_are_errors() {
    hold(&Run::kept("rates"), FIELDS);
}
