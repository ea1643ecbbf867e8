//! The two evaluations against each other, and what is refused when a file is read.

use serde_json::json;

use super::names::{FUNCTIONS, QUALIFIED};
use super::*;

const NAMES: [&str; 5] = ["status", "text", "body", "headers", "col"];

/// Evaluated on the JSON as it is. Each of them is compared with the engine for every body below.
const DIRECT: [&str; 75] = [
    "true",
    "null",
    "1",
    "1u",
    "1.5",
    "'a'",
    "status",
    "text",
    "body",
    "body.a",
    "body.a.b",
    "body['a']",
    "body['a']['b']",
    "body[0]",
    "body[1].a",
    "body[-1]",
    "body[0.0]",
    "body[0.5]",
    "body[body]",
    "[1, 'a', body][2]",
    "[1, 2][5]",
    "has(body.a)",
    "has(body.a.b)",
    "!has(body.a)",
    "int(body)",
    "int(body.a)",
    "int('12')",
    "int('-12')",
    "int('+12')",
    "int(' 12')",
    "int('1.0')",
    "int('')",
    "int(1.9)",
    "int(-1.9)",
    "int(1e30)",
    "int(18446744073709551615u)",
    "int(true)",
    "int(null)",
    "body == 1",
    "body == 1.0",
    "body == 1u",
    "1 == body",
    "body == 'x'",
    "body == null",
    "body == true",
    "body == body",
    "body.a == body.b",
    "body == [1, 2]",
    "[1.0, 2.0] == body",
    "body != 'x'",
    "body.a != null",
    "body < 2",
    "body <= 2.5",
    "body > 'a'",
    "body >= true",
    "2 > body",
    "2.5 > body",
    "1u <= body",
    "body < body",
    "1 in body",
    "1.0 in body",
    "'a' in body",
    "null in body",
    "body in [1, 'x', null]",
    "body.a in [1, 2]",
    "body in 'x'",
    "body.a > 0 && body.b > 0",
    "body.a > 0 || body.b > 0",
    "body && false",
    "body || true",
    "!body",
    "body ? 1 : 2",
    "has(body.a) ? body.a : -1",
    "status == 200 && has(body.a) && int(body.a) > 0",
    "text.contains('b') && text.startsWith('a') || text.endsWith('7')",
];

/// Texts with a pattern; direct as well.
const PATTERNS: [&str; 7] = [
    "find(text, 'b([0-9]+)')",
    "find(text, 'b[0-9]+')",
    "find(text, 'zz')",
    r"int(find(text, r'(\d+)'))",
    "text.find('a(.)')",
    "matches(text, '^ab')",
    "body.a.matches('x') || matches(body, 'x')",
];

/// Those that only the engine has.
const ENGINE: [&str; 17] = [
    "'order-' + string(body.a)",
    "text.split('b')[1]",
    "text.trim().lowerAscii()",
    "size(body)",
    "body.size() > 1",
    "body.exists(x, x == 1)",
    "body.all(x, x > 0)",
    "body.filter(x, x > 1)",
    "body.map(x, [x, x])",
    "double(body) / 2.0",
    "type(body) == int",
    "math.greatest(1, 2, 3)",
    "body + 1",
    "body % 2 == 1",
    "{'a': body}",
    "find(text, 'b' + string(1))",
    "matches(text, string(body))",
];

fn bodies() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-3),
        json!(18_446_744_073_709_551_615_u64),
        json!(1.0),
        json!(2.5),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("12"),
        json!([]),
        json!([1, 2]),
        json!([1.0, "x", null, [1]]),
        json!([{"a": 1}, {"a": "x"}]),
        json!({}),
        json!({"a": 1}),
        json!({"a": "17", "b": 0}),
        json!({"a": {"b": 1}, "b": {"b": 1.0}}),
        json!({"a": [1, {"c": 2}], "b": [1.0, {"c": 2u64}]}),
        json!({"a": null, "x": true}),
    ]
}

fn compile(text: &str) -> Expression {
    Expression::compile(text, &NAMES).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> ExpressionError {
    match Expression::compile_for_operation(text, &NAMES) {
        Ok(_) => panic!("{text} was not refused"),
        Err(error) => error,
    }
}

#[test]
fn both_evaluations_mean_the_same_values_and_errors_alike() {
    let (headers, col) = (json!({"x-cache": "hit"}), json!(["7", "Tux"]));
    let (mut values, mut errors) = (0, 0);
    for text in DIRECT.iter().chain(&PATTERNS) {
        let direct = compile(text);
        let engine = Expression::compile_for_engine(text, &NAMES).expect("it compiled before");
        assert!(direct.is_direct(), "{text} goes to the engine");
        for body in bodies() {
            for answer in ["ab17", ""] {
                let variables = Variables::new()
                    .with("status", Bound::Int(200))
                    .with("text", Bound::Text(answer))
                    .with("body", Bound::Json(&body))
                    .with("headers", Bound::Json(&headers))
                    .with("col", Bound::Json(&col));
                match (direct.json(&variables), engine.json(&variables)) {
                    (Ok(direct), Ok(engine)) => {
                        assert_eq!(direct, engine, "{text} of {body}");
                        values += 1;
                    }
                    (Err(_), Err(_)) => errors += 1,
                    (direct, engine) => panic!("{text} of {body}: {direct:?} and {engine:?}"),
                }
            }
        }
    }
    assert!(values > 1000 && errors > 500, "{values} values and {errors} errors compare little");
}

#[test]
fn headers_are_looked_up_where_they_are_as_a_map_of_them_would_be() {
    let mut headers = http::HeaderMap::new();
    for (name, value) in [("x-cache", "hit"), ("x-kind", "a"), ("x-kind", "b"), ("x-n", "7")] {
        headers.append(name, http::HeaderValue::from_static(value));
    }
    let json = json!({"x-cache": "hit", "x-kind": "a, b", "x-n": "7"});
    for text in [
        "headers",
        "headers['x-cache'] == 'hit'",
        "headers['x-kind']",
        "int(headers['x-n'])",
        "headers['x-none']",
        "headers[text]",
        "headers[0]",
        "has(headers.server)",
        "headers == headers",
        "headers == body",
        "body == headers",
        "'x-n' in headers",
        "1 in headers",
        "null in headers",
        "headers < 1",
        "size(headers)",
        "headers.map(name, headers[name]).size()",
    ] {
        for (body, text_of) in [(&json, "X-Cache"), (&Json::Null, "x-cache")] {
            let all =
                Variables::new().with("text", Bound::Text(text_of)).with("body", Bound::Json(body));
            let direct = all.clone().with("headers", Bound::Headers(&headers));
            let map = all.with("headers", Bound::Json(&json));
            for compiled in [compile(text), Expression::compile_for_engine(text, &NAMES).unwrap()] {
                let (direct, map) = (compiled.json(&direct), compiled.json(&map));
                assert_eq!(direct.is_ok(), map.is_ok(), "{text}: {direct:?} and {map:?}");
                assert!(direct.is_err() || direct == map, "{text}: {direct:?} and {map:?}");
            }
        }
    }
}

#[test]
fn what_only_the_engine_has_is_a_value_or_an_error_and_never_a_panic() {
    for text in ENGINE {
        let expression = compile(text);
        assert!(!expression.is_direct(), "{text}");
        for body in bodies() {
            let variables =
                Variables::new().with("body", Bound::Json(&body)).with("text", Bound::Text("ab17"));
            let _ = expression.json(&variables);
        }
    }
}

fn of_body(text: &str, body: &Json) -> Result<Json, String> {
    let variables = Variables::new()
        .with("status", Bound::Int(200))
        .with("text", Bound::Text("order b17 done"))
        .with("body", Bound::Json(body));
    compile(text).json(&variables).map_err(|error| error.to_string())
}

#[test]
fn the_engine_has_the_extensions() {
    let body = json!({"leader": 3, "rows": [{"n": 1}, {"n": 2}]});
    for (text, expected) in [
        ("'order-' + string(body.leader)", json!("order-3")),
        ("' A b '.trim().lowerAscii().split(' ')", json!(["a", "b"])),
        ("body.rows.map(r, r.n)", json!([1, 2])),
        ("body.rows.filter(r, r.n > 1).map(r, r.n)", json!([2])),
        ("body.rows.exists(r, r.n == 2)", json!(true)),
        ("math.least(3, 2)", json!(2)),
        ("math.abs(-2)", json!(2)),
        ("double('1.5') * 2.0", json!(3.0)),
        ("int(find(text, 'b(' + '[0-9]+)'))", json!(17)),
        ("size(body.rows)", json!(2)),
        ("lists.range(3)", json!([0, 1, 2])),
    ] {
        assert_eq!(of_body(text, &body), Ok(expected), "{text}");
    }
}

#[test]
fn integers_of_json_stay_integers() {
    let body = json!({"n": 9_007_199_254_740_993_i64});
    assert_eq!(of_body("body.n", &body), Ok(json!(9_007_199_254_740_993_i64)));
    assert_eq!(of_body("body.n + 1", &body), Ok(json!(9_007_199_254_740_994_i64)));
}

#[test]
fn an_error_says_which_expression_and_why() {
    let body = json!({"a": "x"});
    for (text, reason) in [
        ("body.b", "no such key: b"),
        ("int(body.a)", "int: \"x\" is no integer"),
        ("find(text, 'zz')", "no match of /zz/"),
        ("body.a.c", "a string has no `.c`"),
        ("size(body.b)", "no such key: b"),
    ] {
        let error = of_body(text, &body).expect_err(text);
        assert_eq!(error, format!("`{text}`: {reason}"));
    }
}

#[test]
fn a_typed_reading_demands_its_type() {
    let body = json!({"n": 1, "t": "x", "l": [1]});
    let variables = Variables::new().with("body", Bound::Json(&body));
    assert_eq!(compile("body.n").int(&variables), Ok(1));
    assert_eq!(compile("body.t").string(&variables), Ok("x".to_owned()));
    assert!(matches!(compile("body.l").list(&variables), Ok(Cow::Borrowed([_]))));
    assert!(
        matches!(compile("body.l + [2]").list(&variables), Ok(Cow::Owned(list)) if list.len() == 2)
    );
    assert_eq!(compile("body.n == 1").holds(&variables), Ok(true));
    let error = compile("body.n").holds(&variables).expect_err("an int");
    assert_eq!(error.reason, "it is an int where bool is needed");
    compile("body.t").int(&variables).expect_err("a string");
    compile("body.n").string(&variables).expect_err("an int");
    compile("body.t").list(&variables).expect_err("a string");
    compile("double('NaN')").json(&variables).expect_err("no number of JSON");
}

#[test]
fn only_what_is_used_has_to_be_there() {
    let expression = compile("status == 200");
    assert!(expression.uses("status") && !expression.uses("body"));
    assert_eq!(expression.holds(&Variables::new().with("status", Bound::Int(200))), Ok(true));
    expression.holds(&Variables::new()).expect_err("no status");
    let of_elements = compile("body.exists(x, x == status)");
    assert!(of_elements.uses("body") && of_elements.uses("status") && !of_elements.uses("x"));
}

#[test]
fn unknown_names_are_errors_with_their_place() {
    for (text, column, problem, hint) in [
        ("stauts == 200", 1, "unknown name `stauts`", "did you mean `status`?"),
        ("status == 200 && bdy.a", 18, "unknown name `bdy`", "did you mean `body`?"),
        (
            "status == quantity",
            11,
            "unknown name `quantity`",
            "there are status, text, body, headers, col",
        ),
        (
            "body.map(x, x) == y",
            19,
            "unknown name `y`",
            "there are status, text, body, headers, col",
        ),
        (
            "x || body.exists(x, x)",
            1,
            "unknown name `x`",
            "there are status, text, body, headers, col",
        ),
        ("strng(body)", 6, "unknown function `strng`", "did you mean `string`?"),
        ("text.startswith('a')", 16, "unknown function `startswith`", "did you mean `startsWith`?"),
        ("math.flor(1.0)", 10, "unknown function `math.flor`", "did you mean `math.floor`?"),
        ("duration('1s')", 9, "unknown function `duration`", ""),
        ("has(body)", 5, "", ""),
        (
            "headers['X-Cache']",
            9,
            "the names of headers are lower case here",
            "write headers['x-cache']",
        ),
        (
            "headers.Server",
            8,
            "the names of headers are lower case here",
            "write headers['server']",
        ),
    ] {
        let error = refused(text);
        if !problem.is_empty() {
            assert_eq!((error.problem.as_str(), error.hint.as_str()), (problem, hint), "{text}");
        }
        assert_eq!((error.line, error.column), (1, column), "{text}: {error}");
    }
}

#[test]
fn bad_syntax_and_bad_patterns_are_errors_with_their_place() {
    for text in [
        "",
        "status ==",
        "status === 200",
        "(status",
        "'abc",
        "body.?a",
        "a b",
        "\u{0}",
        "[[[[",
        "1 +* 2",
    ] {
        let error = refused(text);
        assert!(!error.problem.is_empty(), "{text}");
    }
    let error = refused("status == 200 && text.matches('(')");
    assert_eq!((error.line, error.column), (1, 31));
    assert!(error.problem.contains("unclosed group"), "{error}");
    let error = refused("find(text, '(a{1000}){1000}') == ''");
    assert!(error.problem.contains("needs more than"), "{error}");
    let error = refused("status == 200 &&\n  bdy");
    assert_eq!((error.line, error.column), (2, 3));
    let error = refused(&"a".repeat(MAX_EXPRESSION_BYTES + 1));
    assert!(error.problem.contains("longer than"), "{error}");
    for deep in [
        format!("{}1{}", "(".repeat(1000), ")".repeat(1000)),
        format!("{}1{}", "[".repeat(1000), "]".repeat(1000)),
        format!("status{}", "+1".repeat(1000)),
        format!("body{}", ".a".repeat(1000)),
        format!("{}1", "true?1:".repeat(250)),
    ] {
        Expression::compile(&deep, &NAMES).expect_err("as deep as the length allows");
    }
}

#[test]
fn comprehensions_may_follow_each_other_but_not_nest_in_operations() {
    let nested = "body.exists(x, body.exists(y, x == y))";
    assert_eq!(refused(nested).problem, "a comprehension within another is refused here");
    Expression::compile(nested, &NAMES).expect("elsewhere they may");
    Expression::compile_for_operation("body.filter(x, x > 1).map(x, x + 1)", &NAMES)
        .expect("one after the other costs the sum, not the product");
}

#[test]
fn the_engine_knows_every_function_that_the_check_knows() {
    let body = json!(1);
    let variables = Variables::new().with("body", Bound::Json(&body));
    for name in
        FUNCTIONS.iter().filter(|name| !["all", "exists", "filter", "has", "map"].contains(name))
    {
        let unknown = |text: String| match Expression::compile_for_engine(&text, &NAMES) {
            Ok(expression) => expression
                .json(&variables)
                .is_err_and(|error| error.reason.contains("Undeclared reference")),
            Err(error) => panic!("{text}: {error}"),
        };
        assert!(!unknown(format!("{name}(body)")) || !unknown(format!("body.{name}()")), "{name}");
    }
    for name in QUALIFIED {
        let expression =
            Expression::compile_for_engine(&format!("{name}(body)"), &NAMES).expect(name);
        let error = expression.json(&variables).err();
        assert!(error.is_none_or(|error| !error.reason.contains("Undeclared")), "{name}");
    }
}
