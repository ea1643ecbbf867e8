use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};
use records::{CacheState, Outcome};
use serde_json::json;

use super::*;
use crate::order_no::OrderNo;
use crate::template::{Place, Setting};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn scope(kind: Kind, ports: &[&str]) -> Scope {
    let ports = ports.iter().map(|&port| port.to_owned()).collect();
    Scope::new(Place::Operation(kind.places()), Arc::new(ports), 3)
}

fn compile(kind: Kind, operation: &file::Operation) -> Operation {
    let scope = scope(kind, &["web"]);
    let compiled = Operation::compile(kind, operation, None, scope);
    compiled.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn wrong(kind: Kind, operation: &file::Operation) -> Vec<String> {
    let compiled = Operation::compile(kind, operation, Some(0), scope(kind, &[]));
    let problems = compiled.expect_err("it is wrong");
    problems.into_iter().map(|problem| problem.field).collect()
}

fn setting() -> Setting {
    Setting::new(BTreeMap::from([("web".to_owned(), 8080)]), "/scratch", 3, "/bin", "secret")
}

fn trade() -> file::Operation {
    file::Operation {
        method: text("POST"),
        url: "http://127.0.0.1:{{ port['web'] }}/orders".to_owned(),
        headers: BTreeMap::from([("idempotency-key".to_owned(), "{{ key }}".to_owned())]),
        body: text(
            r#"{"name":{{ stock | tojson }},"quantity":{{ quantity }},"type":{{ side | tojson }}}"#,
        ),
        order_no: text("int(body.data.transaction_number)"),
        outcome: file::Outcomes {
            ok: text("status == 200 && has(body.data)"),
            rejected: text("status == 404"),
            failed: text("status == 503 && body.applied == false"),
        },
        ..file::Operation::default()
    }
}

fn at(url: &str) -> file::Operation {
    file::Operation { url: url.to_owned(), ..file::Operation::default() }
}

fn places() -> Places<'static> {
    let (stock, side, quantity) = (Some("Tux"), Some("Buy"), Some(3));
    Places { stock, side, quantity, key: "k-1", client: 2, ..Places::default() }
}

fn read(operation: &Operation, status: u16, body: &str) -> Answer {
    operation.read_answer(status, &HeaderMap::new(), body.as_bytes(), &places())
}

fn outcome(operation: &Operation, status: u16, body: &str) -> (Outcome, String) {
    let answer = read(operation, status, body);
    (answer.outcome, answer.reason.unwrap_or_default())
}

#[test]
fn a_request_has_its_places_filled_in() {
    let operation = compile(Kind::Trade, &trade());
    let request = operation.request(&setting(), &places()).expect("it can be sent");
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.url, "http://127.0.0.1:8080/orders");
    assert_eq!(request.headers[0].0, "idempotency-key");
    assert_eq!(request.headers[0].1, "k-1");
    assert_eq!(request.body.as_deref(), Some(r#"{"name":"Tux","quantity":3,"type":"Buy"}"#));
    assert_eq!(request.deadline.as_secs(), 6);
}

#[test]
fn what_has_no_placeholder_is_sent_as_it_is() {
    let url = "http://x/a?b&&c=%20[1]";
    let operation = compile(Kind::List, &at(url));
    let request = operation.request(&setting(), &Places::default()).expect("it can be sent");
    assert!(matches!(request.url, std::borrow::Cow::Borrowed(sent) if sent == url));
    assert_eq!((request.method, request.body), (&Method::GET, None));
}

#[test]
fn an_order_number_may_be_a_text() {
    let operation = compile(Kind::Lookup, &at("http://x/orders/{{ order_no }}"));
    for (order_no, sent) in [
        (OrderNo::Number(7), "http://x/orders/7"),
        (OrderNo::Text("a-7".to_owned()), "http://x/orders/a-7"),
    ] {
        let places = Places { order_no: Some(&order_no), ..Places::default() };
        assert_eq!(operation.request(&setting(), &places).expect("it can be sent").url, sent);
    }
}

#[test]
fn names_of_the_service_cannot_smuggle_anything_into_a_request() {
    let headers = BTreeMap::from([("x-stock".to_owned(), "{{ key }}".to_owned())]);
    let operation = file::Operation { headers, ..at("http://x/{{ stock }}") };
    let operation = compile(Kind::Query, &operation);
    for stock in ["a\r\nx: y", "", &"x".repeat(65)] {
        let places = Places { stock: Some(stock), ..Places::default() };
        let error = operation.request(&setting(), &places).expect_err(stock);
        assert!(matches!(error, RequestError::Name { place: "stock", .. }), "{error}");
    }
    let places = Places { stock: Some("Tux"), key: "a\nb", ..Places::default() };
    let error = operation.request(&setting(), &places).expect_err("a line break");
    let (part, text) = ("x-stock".to_owned(), "a b".to_owned());
    assert_eq!(error, RequestError::Control { part, text });
}

#[test]
fn the_first_outcome_that_holds_decides() {
    let operation = compile(Kind::Trade, &trade());
    let ok = read(&operation, 200, r#"{"data":{"transaction_number":"12"}}"#);
    assert_eq!((ok.outcome, ok.captures.order_no), (Outcome::Ok, Some(OrderNo::Number(12))));
    let rejected = outcome(&operation, 404, "no such stock\n");
    assert_eq!(rejected, (Outcome::Rejected, "status 404: no such stock".to_owned()));
    assert_eq!(outcome(&operation, 503, r#"{"applied":false}"#).0, Outcome::Failed);
}

#[test]
fn what_no_outcome_describes_is_unknown() {
    let operation = compile(Kind::Trade, &trade());
    // An error that is answered with 200, as services do.
    let (seen, reason) = outcome(&operation, 200, r#"{"error":"x"}"#);
    assert_eq!((seen, reason.as_str()), (Outcome::Unknown, r#"status 200: {"error":"x"}"#));
    assert_eq!(outcome(&operation, 500, ""), (Outcome::Unknown, "status 500".to_owned()));
    let (seen, reason) = outcome(&operation, 503, "<html>");
    assert_eq!(seen, Outcome::Unknown);
    assert!(reason.starts_with("status 503: <html>; outcome.failed: `status == 503"), "{reason}");
}

#[test]
fn an_outcome_that_cannot_be_evaluated_does_not_hold_and_the_next_is_looked_at() {
    let (ok, rejected) = (text("body.ok"), text("status == 200"));
    let outcome_table = file::Outcomes { ok, rejected, failed: None };
    let operation = compile(Kind::Trade, &file::Operation { outcome: outcome_table, ..trade() });
    assert_eq!(outcome(&operation, 200, "[]").0, Outcome::Rejected);
}

#[test]
fn a_capture_that_cannot_be_evaluated_on_an_ok_answer_makes_it_unknown() {
    let operation = compile(Kind::Trade, &trade());
    let (seen, reason) = outcome(&operation, 200, r#"{"data":{}}"#);
    assert_eq!(seen, Outcome::Unknown);
    let expected = "order_no: `int(body.data.transaction_number)`: no such key: transaction_number";
    assert_eq!(reason, expected);
    let null = r#"{"data":{"transaction_number":null}}"#;
    assert_eq!(outcome(&operation, 200, null).0, Outcome::Unknown);
}

#[test]
fn only_a_trade_has_no_default_for_rejected() {
    for (kind, rejected) in [(Kind::Query, Outcome::Rejected), (Kind::Trade, Outcome::Unknown)] {
        let operation = compile(kind, &at("http://x"));
        assert_eq!(outcome(&operation, 204, "").0, Outcome::Ok);
        assert_eq!(outcome(&operation, 400, "").0, rejected);
        assert_eq!(outcome(&operation, 302, "").0, Outcome::Unknown);
        assert_eq!(outcome(&operation, 7, "").0, Outcome::Unknown);
    }
}

#[test]
fn captures_have_their_types() {
    let with = |kind, capture: fn(&mut file::Operation)| {
        let mut operation = at("http://x");
        capture(&mut operation);
        let body = r#"{"n":7,"p":9.5,"s":"Tux","l":["a","b"],"bad":"a\n"}"#;
        read(&compile(kind, &operation), 200, body)
    };
    let query = with(Kind::Query, |o| {
        (o.quantity, o.volume, o.price) = (text("body.n"), text("body.n + 1"), text("body.p"));
    });
    let captures = query.captures;
    assert_eq!((captures.quantity, captures.volume, captures.price), (Some(7), Some(8), Some(9.5)));
    let lookup = with(Kind::Lookup, |o| (o.stock, o.side) = (text("body.s"), text("'Buy'")));
    assert_eq!((lookup.captures.stock, lookup.captures.side), (text("Tux"), text("Buy")));
    let list = with(Kind::List, |o| o.names = text("body.l"));
    assert_eq!(list.captures.names, Some(vec!["a".to_owned(), "b".to_owned()]));
    let value = with(Kind::Read, |o| o.value = text("body.l")).captures.value;
    assert_eq!(value, Some(json!(["a", "b"])));
    let append = with(Kind::Append, |o| o.position = text("body.n"));
    assert_eq!(append.captures.position, Some(7));
    for unreadable in [
        with(Kind::Query, |o| o.quantity = text("body.p")),
        with(Kind::Query, |o| o.price = text("body.s")),
        with(Kind::Lookup, |o| o.stock = text("body.bad")),
        with(Kind::List, |o| o.names = text("[body.bad]")),
        with(Kind::Trade, |o| o.order_no = text("body.p")),
    ] {
        assert_eq!(unreadable.outcome, Outcome::Unknown, "{unreadable:?}");
        assert_eq!(unreadable.captures, Captures::default());
    }
}

#[test]
fn expressions_see_the_headers_the_text_and_what_was_asked() {
    let outcome = file::Outcomes { ok: text("headers['x-kind'] == 'a, b'"), ..Default::default() };
    let quantity = text(r"int(find(text, stock + ': (\\d+)'))");
    let operation = compile(Kind::Query, &file::Operation { quantity, outcome, ..at("http://x") });
    assert!(operation.shows("quantity") && !operation.shows("volume"));
    let mut headers = HeaderMap::new();
    headers.append("X-Kind", HeaderValue::from_static("a"));
    headers.append("X-Kind", HeaderValue::from_static("b"));
    let answer = operation.read_answer(200, &headers, b"\xff Tux: 17 left", &places());
    assert_eq!((answer.outcome, answer.captures.quantity), (Outcome::Ok, Some(17)));
}

#[test]
fn a_message_that_an_answer_has_is_the_reason() {
    let operation = compile(Kind::Trade, &trade());
    for (body, reason) in [
        (r#"{"message":"sold out"}"#, "sold out"),
        (r#"{"error":{"code":1,"message":"no\nsuch stock"}}"#, "no such stock"),
        (r#"{"message":""}"#, r#"status 404: {"message":""}"#),
        (r#"{"message":7}"#, r#"status 404: {"message":7}"#),
        ("[]", "status 404: []"),
    ] {
        assert_eq!(outcome(&operation, 404, body), (Outcome::Rejected, reason.to_owned()));
    }
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(1000));
    assert_eq!(outcome(&operation, 404, &long).1.len(), 200);
}

#[test]
fn an_ok_that_compares_with_what_was_asked_is_still_told_by_the_status() {
    let of = |kind, ok: &str, rejected: Option<&str>| {
        let (ok, rejected) = (text(ok), rejected.map(str::to_owned));
        let outcome = file::Outcomes { ok, rejected, failed: None };
        compile(kind, &file::Operation { outcome, ..at("http://x") }).is_ok_by_status()
    };
    assert!(compile(Kind::Query, &at("http://x")).is_ok_by_status());
    for ok in [
        "status == 200",
        "status == 200 && body.name == stock",
        "stock == body.name && status in [200, 201]",
    ] {
        assert!(of(Kind::Query, ok, None), "{ok}");
    }
    for ok in [
        "has(body.data)",
        "status == 200 && has(body.data)",
        "status == 200 || body.name == stock",
        "status == 200 && body.name != stock",
        "status == 200 && text.contains(stock)",
        "status == 200 && size(body) > 0",
    ] {
        assert!(!of(Kind::Query, ok, None), "{ok}");
    }
    let to_the_point = "status == 200 && body.name == stock";
    assert!(of(Kind::Query, to_the_point, Some("status == 404 && has(body.error)")));
    assert!(!of(Kind::Query, to_the_point, Some("has(body.error)")), "an error may come with 200");
}

#[test]
fn what_the_target_tells_besides_is_read_of_any_answer() {
    let names = answer::NAMES;
    let expression = |text| Expression::compile_for_operation(text, &names).ok().map(Arc::new);
    let capabilities = Capabilities {
        cache_hit: expression("headers['x-cache'] == 'hit'"),
        attempts: expression("int(headers['x-attempts'])"),
        ..Capabilities::default()
    };
    let told = |kind, status, said: &[(&'static str, &'static str)]| {
        let operation = file::Operation { outcome: trade().outcome, ..at("http://x") };
        let operation = compile(kind, &operation).telling(&capabilities);
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let answer = operation.read_answer(status, &headers, b"", &places());
        (answer.cache, answer.attempts)
    };
    let both = [("x-cache", "miss"), ("x-attempts", "3")];
    assert_eq!(told(Kind::Query, 503, &both), (Some(CacheState::Miss), None));
    assert_eq!(told(Kind::Trade, 503, &both), (None, Some(3)));
    assert_eq!(told(Kind::Lookup, 200, &both), (None, Some(3)));
    assert_eq!(told(Kind::Query, 200, &[("x-cache", "hit")]), (Some(CacheState::Hit), None));
    assert_eq!(told(Kind::Query, 200, &[]), (None, None));
    assert_eq!(told(Kind::Trade, 200, &[("x-attempts", "-1")]), (None, None));
}

#[test]
fn answers_beyond_the_bounds_are_unknown() {
    let operation = compile(Kind::Query, &at("http://x"));
    assert_eq!(outcome(&operation, 200, &"x".repeat(MAX_ANSWER_BYTES)).0, Outcome::Ok);
    let (seen, reason) = outcome(&operation, 200, &"x".repeat(MAX_ANSWER_BYTES + 1));
    let expected = "the answer is longer than 65536 bytes";
    assert_eq!((seen, reason.as_str()), (Outcome::Unknown, expected));
    let mut headers = HeaderMap::new();
    let long = HeaderValue::from_bytes(&[b'x'; MAX_HEADER_BYTES - 1]).expect("it is a value");
    headers.insert("a", long);
    let answer = |headers: &HeaderMap| operation.read_answer(200, headers, b"", &places()).outcome;
    assert_eq!(answer(&headers), Outcome::Ok);
    headers.insert("b", HeaderValue::from_static(""));
    assert_eq!(answer(&headers), Outcome::Unknown);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_field() {
    let operation = file::Operation {
        method: text("P OST"),
        headers: BTreeMap::from([
            ("a b".to_owned(), String::new()),
            ("ok".to_owned(), "{{ nobody }}".to_owned()),
        ]),
        body: text("{{ stock"),
        outcome: file::Outcomes {
            ok: text("stauts == 200"),
            rejected: text("order_no == 1"),
            failed: text("body.exists(x, body.exists(y, x == y))"),
        },
        quantity: text("1"),
        order_no: text("int("),
        ..at("http://x/{{ order_no }}")
    };
    let fields = [
        "method",
        "url",
        "headers.a b",
        "headers.ok",
        "body",
        "deadline_ms",
        "outcome.ok",
        "outcome.rejected",
        "outcome.failed",
        "quantity",
        "order_no",
    ];
    assert_eq!(wrong(Kind::Trade, &operation), fields);
}

#[test]
fn every_kind_is_found_by_its_name_in_the_file() {
    let one = Some(file::Operation::default());
    let operations = file::Operations {
        query: one.clone(),
        trade: one.clone(),
        lookup: one.clone(),
        list: one.clone(),
        read: one.clone(),
        write: one.clone(),
        compare_and_set: one.clone(),
        append: one,
    };
    for (name, _) in operations.each() {
        assert_eq!(Kind::named(name).map(Kind::name), Some(name));
    }
    assert_eq!(Kind::named("buy"), None);
}

#[test]
fn an_operation_is_shared_by_all_clients() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&compile(Kind::Trade, &trade()));
}
