//! `[operations]`: what a request and its answer's expressions must keep to is known by [`Operation::compile`]; here are the
//! rules between operations, and between them and the rest of the file.

use std::collections::BTreeMap;

use super::checker::{Checker, MAX_PERIOD_MS};
use crate::document::join;
use crate::file::{self, ModelKind, TargetFile};
use crate::operation::{Kind, Operation};
use crate::target::Operations;
use crate::template::Place;

pub(super) fn check(checker: &mut Checker<'_>, file: &TargetFile) -> Operations {
    let mut each = BTreeMap::new();
    for (name, operation) in file.operations.each() {
        if let Some(operation) = check_one(checker, name, operation) {
            each.insert(name, operation);
        }
    }
    check_lookup(checker, file);
    check_kind(checker, file);
    let operations = Operations { each };
    check_keys(checker, file, &operations);
    operations
}

/// A read must show something, and a place to read from must be known to somebody.
fn check_keys(checker: &mut Checker<'_>, file: &TargetFile, operations: &Operations) {
    let kind = file.model.as_ref().map(|model| model.kind);
    if !matches!(kind, Some(ModelKind::Register | ModelKind::Log)) {
        return;
    }
    if file.operations.each().next().is_none() && file.client.is_none() {
        let fix = "describe operations.read, and write or append";
        checker.add("operations", "describe nothing that clients could do", fix);
    }
    let read = operations.get(Kind::Read);
    if read.is_some_and(|read| !read.shows("value")) {
        let fix = "give an expression to what was read, as value = \"body.value\"";
        checker.add("operations.read.value", "is missing: nothing would be known of a read", fix);
    }
    let tells = operations.get(Kind::Append).is_some_and(|append| append.shows("position"));
    if read.is_some_and(|read| read.uses("position")) && !(tells || file.client.is_some()) {
        let fix = "give operations.append.position, or read all of the log";
        checker.add("operations.read", "reads from a position, and nothing tells any", fix);
    }
    for (kind, place) in [
        (Kind::Write, "value"),
        (Kind::CompareAndSet, "value"),
        (Kind::CompareAndSet, "expected"),
        (Kind::Append, "value"),
    ] {
        if operations.get(kind).is_some_and(|operation| !operation.uses(place)) {
            let field = join("operations", kind.name());
            let fix = format!(
                "put {{{{ {place} }}}} into its url or body, as {{{{ {place} | tojson }}}}"
            );
            checker.add(&field, format!("does not say the {place}"), fix);
        }
    }
}

fn check_one(
    checker: &mut Checker<'_>,
    name: &'static str,
    operation: &file::Operation,
) -> Option<Operation> {
    let field = join("operations", name);
    let of = |part: &str| format!("{field}.{part}");
    checker.is_url(&of("url"), &operation.url);
    let deadline_ms = operation.deadline_ms.as_ref();
    let deadline_ms = deadline_ms.and_then(|given| checker.count(&of("deadline_ms"), given));
    if let Some(deadline_ms) = deadline_ms.filter(|given| *given > MAX_PERIOD_MS) {
        checker.within(&of("deadline_ms"), deadline_ms, 1, MAX_PERIOD_MS);
    }
    if name == Kind::Trade.name() && operation.outcome.rejected.is_none() {
        let fix = "say which answers change nothing, as outcome.rejected = \"status == 404\", or \"false\" if none does: \
                   many services answer 400 to what they have applied";
        checker.add(&of("outcome.rejected"), "is missing, and has no default for a trade", fix);
    }
    if name == Kind::List.name() && operation.names.is_none() {
        let fix = "give an expression to the list of the stocks' names";
        checker.add(&of("names"), "is missing", fix);
    }
    let kind = Kind::named(name)?;
    let scope = checker.scope(Place::Operation(kind.places()), None);
    match Operation::compile(kind, operation, deadline_ms, scope) {
        Ok(operation) => {
            checker.of_plan.extend(operation.of_plan().map(str::to_owned));
            Some(operation)
        }
        Err(problems) => {
            checker.add_all(&field, problems);
            None
        }
    }
}

/// A register is not traded, and a shop is not appended to.
fn check_kind(checker: &mut Checker<'_>, file: &TargetFile) {
    let kind = file.model.as_ref().map(|model| model.kind);
    let of_stocks = ["query", "trade", "lookup", "list"];
    for (name, _) in file.operations.each() {
        let fits = match kind {
            None | Some(ModelKind::Stocks) => of_stocks.contains(&name),
            Some(ModelKind::Register) => ["read", "write", "compare-and-set"].contains(&name),
            Some(ModelKind::Log) => ["append", "read"].contains(&name),
            Some(ModelKind::None) => true,
        };
        if !fits {
            let fix = "write [model] kind = \"register\" (read, write, compare-and-set) or \"log\" (append, read)";
            checker.add(&join("operations", name), "does not fit the model", fix);
        }
    }
}

/// An order is looked up by its number, so somebody must tell it.
fn check_lookup(checker: &mut Checker<'_>, file: &TargetFile) {
    let Some(lookup) = &file.operations.lookup else { return };
    let uses_number = [Some(&lookup.url), lookup.body.as_ref()];
    let mut texts = uses_number.into_iter().flatten().chain(lookup.headers.values());
    if !texts.any(|text| text.contains("order_no")) {
        let fix = "put {{ order_no }} into its url or body";
        checker.add("operations.lookup", "does not say which order is looked up", fix);
    }
    match &file.operations.trade {
        // What the client program answers has the number.
        None if file.client.is_some() => {}
        Some(trade) if trade.order_no.is_none() => {
            let fix =
                "give it, as order_no = \"int(body.order_no)\", or take operations.lookup out";
            checker.add(
                "operations.trade.order_no",
                "is missing, and orders are looked up by it",
                fix,
            );
        }
        None => {
            let fix = "describe operations.trade, or take it out";
            checker.add("operations.lookup", "there is no trade that could be looked up", fix);
        }
        Some(_) => {}
    }
}
