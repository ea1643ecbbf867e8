//! What can become of `events.csv`: the run is a soak, in a closed loop, with seventeen faults, a kill among
//! them.

use crate::change::Change::*;
use crate::mutation::Must::*;
use crate::mutation::{Mutation, hold};
use crate::observations::list;
use crate::run::File::{Events as E, Observations as O};
use crate::run::Run;
use crate::table::{Where, nth};

const KILL: Where = "fault=11 action=kill event!=planned";
const FINISHED: Where = "event=finished";

const EVENTS: &[Mutation] = list! {
    "nobody says that it finished": [DropAll(E, FINISHED)] => Inconclusive, Inconclusive;
    "nobody says that it was healed": [DropAll(E, "event=healed")] => Error, Inconclusive;
    "nobody says that all became equal": [DropAll(E, "event=converged")] => Error, Inconclusive;
    "nobody says when the load ended": [DropAll(E, "event=load-ended")] => Error, Pass;
    "every event is missing": [DropAll(E, "")] => Inconclusive, Inconclusive;
    "every fault is missing": [DropAll(E, "fault!=")] => Error, Inconclusive;
    "every fault was left out, and nobody was answered all the same":
        [DropAll(E, "event=confirmed"), SetAll(E, "event=injected", "event", "skipped")]
        => Error, Fail;
    "the plan's one fault is missing": [DropAll(E, "fault=1")] => Error, Inconclusive;
    "the plan's one fault was not confirmed":
        [DropAll(E, "fault=1 event=confirmed action=pause")] => Error, Inconclusive;
    "the kill was not confirmed":
        [DropAll(E, "fault=11 event=confirmed action=kill")] => Error, Inconclusive;
    "the kill is missing, and its restart is there": [DropAll(E, KILL)] => Error, Inconclusive;
    "a fault could not be confirmed":
        [Set(E, nth(0, "fault=11 event=confirmed action=kill"), "event", "not-confirmed")]
        => Inconclusive, Inconclusive;
    "it was interrupted":
        [Set(E, nth(0, FINISHED), "event", "interrupted")] => Inconclusive, Inconclusive;
    "it was interrupted and finished":
        [Add(E, nth(0, "event=load-ended"), &[("event", "interrupted")])] => Error, Inconclusive;
    "a process died by itself":
        [Add(E, nth(0, "event=healed"), &[("event", "died"), ("process", "catalog"), ("pid", "1")])]
        => Error, Fail;
    "the kill was a death": [DropAll(E, "fault=11 action=kill event!=injected"),
        Set(E, nth(0, KILL), "event", "died")] => Error, Fail;
    "the replicas did not become equal":
        [Set(E, nth(0, "event=converged"), "event", "not-converged")] => Fail, Fail;
    "the replicas became equal too late": [ShiftAll(E, "event=converged", "at_us", 20_000_000),
        ShiftAll(E, FINISHED, "at_us", 20_000_000)] => Fail, Fail;
    "a replica was in sync again too late":
        [Set(E, nth(0, "event=in-sync-changed in_sync=1_2_3"), "at_us", "35000000"),
         Set(E, nth(0, "event=healed"), "at_us", "18000000")] => Fail, Fail;
    "no trade after the last fault was answered":
        [SetEvery(O, 1, "op=trade phase=load", "outcome", "unknown"),
         SetEvery(O, 1, "op=trade phase=load", "status", "500")] => Fail, Fail;
    "an event has no time": [Set(E, nth(20, ""), "at_us", "")] => Error, Error;
    "an event happened at some word": [Set(E, nth(20, ""), "at_us", "later")] => Error, Error;
    "an event is nothing": [Set(E, nth(20, ""), "event", "")] => Error, Error;
    "an event is something else": [Set(E, nth(20, ""), "event", "lunch")] => Error, Error;
    "an event is of another cell": [Set(E, nth(20, ""), "cell", "p9")] => Error, Error;
    "an event is of another trial": [Set(E, nth(20, ""), "trial", "4")] => Error, Error;
    "something else was done": [Set(E, nth(0, KILL), "action", "tickle")] => Error, Error;
    "it was done to nobody of the bazaar":
        [Set(E, nth(0, KILL), "process", "the_moon")] => Error, Error;
    "somebody else was killed": [SetAll(E, KILL, "process", "order-2")] => Pass, Pass;
};

const MANIFEST: &[Mutation] = list! {
    "there were five replicas": [Manifest("/replicas", "5")] => Inconclusive, Inconclusive;
    "there were to be two trials": [Manifest("/cells/0/trials", "2")] => Inconclusive, Inconclusive;
    "there were to be twenty faults":
        [Manifest("/cells/0/planned_faults", "20")] => Inconclusive, Inconclusive;
    "the cell had another name": [Manifest("/cells/0/id", "\"p9\"")] => Error, Error;
    "there were no cells": [Manifest("/cells", "[]")] => Error, Error;
    "a stock began with one less": [Manifest("/stocks/0/quantity", "99")] => Fail, Fail;
    "a stock began with a volume": [Manifest("/stocks/0/trade_volume", "1")] => Fail, Fail;
    "a stock had another name": [Manifest("/stocks/0/stock_name", "\"Stock99\"")] => Fail, Fail;
    "a stock could not be sold so often": [Manifest("/stocks/0/cap", "90")] => Fail, Fail;
    "there was no time to become equal": [Manifest("/converge_within_ms", "0")] => Fail, Fail;
    "the format is a newer one": [Manifest("/format", "99")] => Error, Error;
    "the format is no number": [Manifest("/format", "\"two\"")] => Error, Error;
};

/// All of them.
pub(crate) const LISTS: &[&[Mutation]] = &[EVENTS, MANIFEST, SKIPPED];

/// A plan whose only fault was left out, of a run that went well.
const SKIPPED: &[Mutation] = list! {
    "a plan's only fault was left out":
        [Add(E, nth(0, "event=load-began"), &[("event", "skipped"), ("fault", "1"), ("action", "kill")])]
        => Error, Inconclusive;
    "a plan's only fault came to nothing":
        [Add(E, nth(0, "event=load-began"), &[("event", "planned"), ("fault", "1"), ("action", "kill")])]
        => Error, Inconclusive;
};

#[test]
fn a_plan_without_any_fault_in_the_end_is_inconclusive() {
    hold(&Run::kept("rates"), SKIPPED);
}

#[test]
fn events_that_are_missing_or_tell_of_harm_are_never_a_pass() {
    hold(&Run::kept("soak-closed"), EVENTS);
}

#[test]
fn a_manifest_of_another_run_is_never_a_pass() {
    hold(&Run::kept("soak-closed"), MANIFEST);
}
