//! `[operations]`: requests that can be sent, and answers that can be told apart.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answers::ANSWER;
use super::checker::Checker;
use crate::document::join;
use crate::file::{self, ModelKind, TargetFile};
use crate::target::{Operation, Operations, Request};
use crate::template::{Place, Scope, Template};

/// After how long without an answer an outcome is unknown if nothing is said: longer than any service takes that
/// means to answer.
const DEADLINE_MS: u64 = 6000;
/// The methods of HTTP, and PATCH.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// What an operation can say of itself, in its request and in its expressions.
fn own_values(operation: &str) -> &'static [&'static str] {
    match operation {
        "query" => &["stock", "key", "client"],
        "trade" => &["stock", "side", "quantity", "key", "client"],
        "lookup" => &["order_no", "key", "client"],
        "read" => &["register", "key", "client"],
        "write" | "append" => &["register", "value", "key", "client"],
        "compare-and-set" => &["register", "value", "expected", "key", "client"],
        _ => &["key", "client"],
    }
}

/// What an operation can capture.
fn captures_of(operation: &str) -> &'static [&'static str] {
    match operation {
        "query" => &["quantity", "volume", "price"],
        "trade" => &["order_no"],
        "lookup" => &["stock", "side", "quantity"],
        "list" => &["names"],
        "read" => &["value"],
        "append" => &["position"],
        _ => &[],
    }
}

pub(super) fn check(checker: &mut Checker<'_>, file: &TargetFile) -> Operations {
    let mut each = BTreeMap::new();
    for (name, operation) in file.operations.each() {
        each.insert(name, check_one(checker, name, operation));
    }
    check_lookup(checker, file);
    check_kind(checker, file);
    let told_by_status = !each.is_empty() && each.values().all(is_told_by_status);
    let longest_deadline = each.values().map(|operation| operation.deadline).max();
    Operations { each, told_by_status, longest_deadline: longest_deadline.unwrap_or_default() }
}

fn is_told_by_status(operation: &Operation) -> bool {
    let outcomes = [&operation.ok, &operation.rejected, &operation.failed];
    let uses = |name| {
        outcomes.iter().any(|outcome| outcome.as_ref().is_some_and(|outcome| outcome.uses(name)))
    };
    !uses("body") && !uses("text") && !uses("headers")
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

fn check_one(
    checker: &mut Checker<'_>,
    name: &'static str,
    operation: &file::Operation,
) -> Operation {
    let field = join("operations", name);
    let of = |part: &str| join(&field, part);
    let scope = checker.scope(Place::Operation(own_values(name)), None);
    let request = checker.request(
        &field,
        operation.method.as_deref(),
        &operation.url,
        &operation.headers,
        operation.body.as_deref(),
        &scope,
    );
    let deadline: Duration =
        checker.milliseconds(&of("deadline_ms"), operation.deadline_ms, DEADLINE_MS);
    let names: Vec<&str> = ANSWER.iter().chain(own_values(name)).copied().collect();
    let outcome = &operation.outcome;
    let mut outcome_of = |part: &str, text: Option<&String>| {
        text.and_then(|text| {
            checker.operation_expression(&of(&format!("outcome.{part}")), text, &names)
        })
    };
    let ok = outcome_of("ok", outcome.ok.as_ref());
    let rejected = outcome_of("rejected", outcome.rejected.as_ref());
    let failed = outcome_of("failed", outcome.failed.as_ref());
    if name == "trade" && outcome.rejected.is_none() {
        let fix = "say which answers change nothing, as outcome.rejected = \"status == 404\", or \"false\" if none does: \
                   many services answer 400 to what they have applied";
        checker.add(&of("outcome.rejected"), "is missing, and has no default for a trade", fix);
    }
    let mut captures = BTreeMap::new();
    for (capture, text) in operation.captures() {
        if captures_of(name).contains(&capture) {
            if let Some(expression) = checker.operation_expression(&of(capture), text, &names) {
                captures.insert(capture, expression);
            }
        } else {
            let fix = match captures_of(name) {
                [] => "take it out".to_owned(),
                some => format!("it captures {}", some.join(", ")),
            };
            checker.add(&of(capture), format!("a {name} does not capture this"), fix);
        }
    }
    if name == "list" && operation.names.is_none() {
        checker.add(
            &of("names"),
            "is missing",
            "give an expression to the list of the stocks' names",
        );
    }
    Operation { request, deadline, ok, rejected, failed, captures }
}

impl Checker<'_> {
    /// A URL that HTTP can be spoken to.
    pub(super) fn url(&mut self, field: &str, text: &str, scope: &Scope) -> Template {
        let is_http = text.starts_with("http://") || text.trim_start().starts_with("{{");
        if !is_http {
            let fix = "it begins with http://, as http://127.0.0.1:{{ port['front-end'] }}/";
            self.add(field, format!("`{text}` is no URL that can be asked"), fix);
        } else if text.contains(char::is_control) {
            self.add(field, "has a control character", "write it in one line");
        }
        self.template(field, text, scope)
    }

    /// A request.
    pub(super) fn request(
        &mut self,
        field: &str,
        method: Option<&str>,
        url: &str,
        headers: &BTreeMap<String, String>,
        body: Option<&str>,
        scope: &Scope,
    ) -> Request {
        let method = method.unwrap_or("GET").to_owned();
        if !METHODS.contains(&method.as_str()) {
            let fix = format!("there are {}", METHODS.join(", "));
            self.add(&join(field, "method"), format!("`{method}` is no method"), fix);
        }
        for (name, value) in headers {
            let field = join(&join(field, "headers"), name);
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                self.add(
                    &field,
                    format!("`{name}` is no header's name"),
                    "letters, digits and - are taken",
                );
            }
            if value.contains(|c: char| c.is_control() && c != '\t') {
                self.add(&field, "has a control character", "write it in one line");
            }
        }
        let url = self.url(&join(field, "url"), url, scope);
        let headers = self.templates(&join(field, "headers"), headers, scope);
        let body = body.map(|body| self.template(&join(field, "body"), body, scope));
        Request { method, url, headers, body }
    }
}
