//! What an answer costs: the expressions of a trade's answer, on the JSON as it is and through the engine.
//!
//! `cargo run --release -p targets --example expressions`

use std::hint::black_box;
use std::time::Instant;

use serde_json::Value;
use targets::expression::{Bound, Expression, ExpressionError, Variables};

const ROUNDS: u32 = 20_000;
const NAMES: [&str; 2] = ["status", "body"];
const ANSWER: &[u8] =
    br#"{"data":{"transaction_number":4711,"stock":"Tux","quantity":3,"type":"Buy"},"took":"1.3 ms"}"#;

fn main() -> Result<(), ExpressionError> {
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
