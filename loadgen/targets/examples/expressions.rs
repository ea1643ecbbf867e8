//! What an answer costs: the expressions of a trade's answer, on the JSON as it is and through the engine; then each operation of
//! the bazaar's file, its request put together and its answer read.
//!
//! `cargo run --release -p targets --example expressions`

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use targets::expression::{Bound, Expression, Variables};
use targets::operation::{Kind, Places};
use targets::order_no::OrderNo;
use targets::template::Setting;
use targets::{BAZAAR, read_text};

const ROUNDS: u32 = 20_000;
const NAMES: [&str; 2] = ["status", "body"];
const ANSWER: &[u8] =
    br#"{"data":{"transaction_number":4711,"stock":"Tux","quantity":3,"type":"Buy"},"took":"1.3 ms"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    for text in [
        "status == 200 && has(body.data)",
        "int(body.data.transaction_number)",
        "body.data.type in ['Buy', 'Sell']",
        "'order-' + string(body.data.quantity)",
    ] {
        let chosen = Expression::compile(text, &NAMES)?;
        let engine = Expression::compile_for_engine(text, &NAMES)?;
        let name = if chosen.is_direct() { "direct" } else { "engine" };
        println!("{:7.2} us {name}, {:7.2} us engine   {text}", cost_us(&chosen), cost_us(&engine));
    }
    operations()
}

/// The bazaar's operations, and what a client asks and is answered.
fn operations() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let bazaar = read_text(BAZAAR, Path::new("bazaar.toml"), 1)?;
    println!("{:7.2} ms   the bazaar's file, read", began.elapsed().as_secs_f64() * 1e3);
    let ports = BTreeMap::from([("front-end".to_owned(), 30001)]);
    let setting = Setting::new(ports, "", 1, "", "");
    let order_no = OrderNo::Number(7);
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("content-type", "application/json"), ("x-cache", "hit"), ("x-attempts", "1")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let places = Places {
        stock: Some("Stock1"),
        side: Some("Buy"),
        quantity: Some(3),
        order_no: Some(&order_no),
        key: "s7/p0.2-cache-on/1/3/4711",
        client: 3,
        ..Places::default()
    };
    for (kind, answer) in [
        (Kind::Query, r#"{"stock_name":"Stock1","price":9.99,"trade_volume":3,"quantity":97}"#),
        (Kind::Trade, r#"{"order_no":7}"#),
        (
            Kind::Lookup,
            r#"{"data":{"order_no":7,"stock_name":"Stock1","trade_type":"Buy","quantity":3}}"#,
        ),
    ] {
        let operation = bazaar.operations.get(kind).ok_or("it is in the file")?;
        let (began, body) = (Instant::now(), answer.as_bytes());
        for _ in 0..ROUNDS {
            black_box(operation.request(black_box(&setting), black_box(&places)))?;
        }
        let request_us = began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
        let began = Instant::now();
        for _ in 0..ROUNDS {
            black_box(operation.read_answer(200, black_box(&headers), black_box(body), &places));
        }
        let answer_us = began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
        println!("{request_us:7.2} us request, {answer_us:7.2} us answer   {}", kind.name());
    }
    Ok(())
}

/// The mean cost of parsing the answer and evaluating `expression` of it.
fn cost_us(expression: &Expression) -> f64 {
    let began = Instant::now();
    for _ in 0..ROUNDS {
        let body = serde_json::from_slice(black_box(ANSWER)).unwrap_or(Value::Null);
        let variables =
            Variables::new().with("status", Bound::Int(200)).with("body", Bound::Json(&body));
        let _ = black_box(expression.json(&variables));
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}
