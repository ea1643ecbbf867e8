//! What may become of a run's files without a word about it: other order, other form, times that nothing
//! hangs on, fields that no check asks about.

use crate::change::Change::*;
use crate::mutation::Must::{Error, Pass};
use crate::mutation::{Mutation, hold};
use crate::observations::list;
use crate::run::File::{Events as E, Final as F, Observations as O};
use crate::run::Run;
use crate::table::{Where, nth};

const READ: Where = "op=query phase=load";
const TRADE: Where = "op=trade phase=load outcome=ok";
const LOOKUP: Where = "op=lookup phase=lookup";

#[expect(clippy::unnecessary_wraps, reason = "it is one of several")]
fn windows_lines(text: &str) -> Option<String> {
    Some(text.replace('\n', "\r\n"))
}

/// Every field in quotation marks.
#[expect(clippy::unnecessary_wraps, reason = "it is one of several")]
fn quoted(text: &str) -> Option<String> {
    let lines = text.lines().map(|line| {
        let fields: Vec<_> = line.split(',').map(|field| format!("\"{field}\"")).collect();
        format!("{}\n", fields.join(","))
    });
    Some(lines.collect())
}

/// The JSON over many lines.
fn pretty(text: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&json).ok()
}

const OPEN: &[Mutation] = list! {
    "nothing": [] => Pass, Pass;
    "the first rows of two clients change places":
        [Swap(O, nth(0, "seq=1"), nth(1, "seq=1"))] => Pass, Pass;
    "each client's rows stand together": [Sort(O, "client")] => Pass, Pass;
    "each trial's rows stand together": [Sort(F, "cell")] => Pass, Pass;
    "a read ends 1 us later":
        [Shift(O, nth(30, READ), "end_us", 1), Shift(O, nth(30, READ), "latency_us", 1)]
        => Pass, Pass;
    "a read begins 1 us earlier":
        [Shift(O, nth(30, READ), "start_us", -1), Shift(O, nth(30, READ), "latency_us", 1)]
        => Pass, Pass;
    "a trade ends 1 us later":
        [Shift(O, nth(9, TRADE), "end_us", 1), Shift(O, nth(9, TRADE), "latency_us", 1)]
        => Pass, Pass;
    "every lookup ends 1 us later":
        [ShiftAll(O, LOOKUP, "end_us", 1), ShiftAll(O, LOOKUP, "latency_us", 1)] => Pass, Pass;
    "an operation was due 1 us earlier": [Shift(O, nth(30, READ), "planned_us", -1)] => Pass, Pass;
    "all times of the second trial are 1 us later":
        [ShiftAll(O, "cell=p0.3-cache-on-r300", "start_us", 1),
         ShiftAll(O, "cell=p0.3-cache-on-r300", "end_us", 1),
         ShiftAll(E, "cell=p0.3-cache-on-r300", "at_us", 1)] => Pass, Pass;
    "a hit was a miss": [SetAll(O, "cache=hit", "cache", "miss")] => Pass, Pass;
    "nobody says which read was a hit": [SetAll(O, "", "cache", "")] => Pass, Pass;
    "a trade was sent thrice": [Set(O, nth(9, TRADE), "attempts", "3")] => Pass, Pass;
    "a refusal says why in other words":
        [SetAll(O, "outcome=rejected op=trade", "reason", "no, \"thanks\"\nreally")] => Pass, Pass;
    "two trades of the catalog change places":
        [Swap(F, nth(3, "kind=applied"), nth(9, "kind=applied"))] => Pass, Pass;
    "two stocks change places": [Swap(F, nth(1, "kind=stock"), nth(2, "kind=stock"))] => Pass, Pass;
    "no refusal was kept": [DropAll(F, "kind=refused")] => Error, Pass;
    "nobody knows the processes' ids": [SetAll(E, "", "pid", "")] => Pass, Pass;
    "two events change places": [Swap(E, nth(2, ""), nth(3, ""))] => Pass, Pass;
    "a leader says nothing": [DropAll(E, "event=leader-serves")] => Error, Pass;
    "other words about the replicas":
        [SetAll(E, "event=converged", "detail", "fine")] => Pass, Pass;
    "the observations have lines as on Windows":
        [Text("observations.csv", windows_lines)] => Pass, Pass;
    "final.csv has lines as on Windows": [Text("final.csv", windows_lines)] => Pass, Pass;
    "events.csv has lines as on Windows": [Text("events.csv", windows_lines)] => Pass, Pass;
    "every field of the observations is quoted": [Text("observations.csv", quoted)] => Pass, Pass;
    "every field of final.csv is quoted": [Text("final.csv", quoted)] => Pass, Pass;
    "every field of events.csv is quoted": [Text("events.csv", quoted)] => Pass, Pass;
    "the manifest is laid out": [Text("manifest.json", pretty)] => Pass, Pass;
    "the plan had another name": [Manifest("/plan_name", "\"other\"")] => Pass, Pass;
    "the seed was another": [Manifest("/seed", "77")] => Pass, Pass;
    "nobody knows the machine": [Manifest("/machine", "[]")] => Pass, Pass;
    "the commit is known": [Manifest("/commit", "\"abc\"")] => Pass, Pass;
    "a stock cost more": [Manifest("/stocks/0/price", "10.5")] => Pass, Pass;
    "there was no threshold": [Manifest("/thresholds", "[]")] => Pass, Pass;
    "it began a year earlier": [Manifest("/started_at", "\"2025-11-28T11:15:50Z\"")] => Pass, Pass;
};

const SOAK: &[Mutation] = list! {
    "nothing": [] => Pass, Pass;
    "the plan of each fault is missing": [DropAll(E, "event=planned")] => Error, Pass;
    "a kill was seen to have worked 1 us later":
        [Shift(E, nth(0, "fault=11 action=kill event=confirmed"), "at_us", 1)] => Pass, Pass;
    "a leader was doubted 1 us earlier":
        [Shift(E, nth(0, "suspected_us!="), "suspected_us", -1)] => Pass, Pass;
    "one of two hundred reads was an error": [Set(O, nth(300, READ), "outcome", "failed"),
        Set(O, nth(300, READ), "status", "503")] => Pass, Pass;
};

/// All of them.
pub(crate) const LISTS: &[&[Mutation]] = &[OPEN, SOAK];

#[test]
fn what_nothing_hangs_on_stays_a_pass() {
    hold(&Run::kept("rates"), OPEN);
}

#[test]
fn what_nothing_hangs_on_stays_a_pass_with_faults() {
    hold(&Run::kept("soak-closed"), SOAK);
}
