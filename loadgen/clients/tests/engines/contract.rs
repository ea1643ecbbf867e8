//! What the harness may expect of every engine's client.

use serde_json::{Value as Json, json};

use crate::client::{Client, until};

pub(crate) fn trade(client: &mut Client, key: &str, side: &str, quantity: u32) -> Json {
    let stock = "Tux";
    client.ask(json!({"op": "trade", "client": 1, "stock": stock, "side": side, "quantity": quantity, "key": key}))
}

pub(crate) fn buy(client: &mut Client, key: &str, quantity: u32) -> Json {
    trade(client, key, "Buy", quantity)
}

fn quantity(client: &mut Client) -> Json {
    client.ask(json!({"op": "query", "client": 2, "stock": "Tux"}))
}

/// Prepares, trades, asks and reads all copies. The last order's number.
pub(crate) fn trades_once_per_key(client: &mut Client, processes: &[&str]) -> u64 {
    let prepared = client.ask(json!({"op": "prepare"}));
    assert_eq!(prepared["outcome"], "ok", "{prepared}");
    for number in 0..3 {
        let connected = client.ask(json!({"op": "connect", "client": number}));
        assert_eq!(connected["outcome"], "ok", "{connected}");
    }
    let first = buy(client, "a", 3);
    assert_eq!(first["outcome"], "ok", "{first}");
    assert_eq!(
        buy(client, "a", 3)["order_no"],
        first["order_no"],
        "the same key is the same order"
    );
    let answer = quantity(client);
    assert_eq!(answer["seen"], json!({"quantity": 97, "volume": 3}), "{answer}");
    let second = trade(client, "b", "Sell", 23);
    assert!(second["order_no"].as_u64() > first["order_no"].as_u64(), "{first} {second}");
    for (key, side, quantity) in [("c", "Buy", 121), ("d", "Sell", 1)] {
        let answer = trade(client, key, side, quantity);
        assert_eq!(answer["outcome"], "rejected", "{key}: {answer}");
    }
    let answer = client.ask(json!({"op": "query", "client": 2, "stock": "Nobody"}));
    assert_eq!(answer["outcome"], "rejected", "{answer}");
    let answer = client.ask(json!({"op": "lookup", "client": 2, "order_no": second["order_no"]}));
    assert_eq!(answer["seen"], json!({"stock": "Tux", "side": "Sell", "quantity": 23}), "{answer}");
    let answer = client.ask(json!({"op": "lookup", "client": 2, "order_no": 999_999_999}));
    assert_eq!(answer["outcome"], "rejected", "{answer}");
    at_the_same_time(client);
    let last = buy(client, "last", 1)["order_no"].as_u64().expect("a number");
    let fox = json!({"stock": "Fox", "quantity": 100, "volume": 0});
    let tux = json!({"stock": "Tux", "quantity": 99, "volume": 47});
    for process in processes {
        until(|| client.dump(process, "orders").is_ok_and(|orders| orders.len() == 23));
        let orders = client.dump(process, "orders").expect("its orders");
        let expected =
            json!({"order_no": first["order_no"], "stock": "Tux", "side": "Buy", "quantity": 3});
        assert_eq!(orders.first(), Some(&expected), "{process}");
        assert_eq!(
            orders.last().map(|order| order["order_no"].as_u64()),
            Some(Some(last)),
            "{process}"
        );
        assert_eq!(client.dump(process, "stocks"), Ok(vec![fox.clone(), tux.clone()]), "{process}");
    }
    assert!(client.dump("nobody", "orders").is_err());
    last
}

/// Twenty trades of five clients with two attempts each, all under way at once: each has one number.
fn at_the_same_time(client: &mut Client) {
    for attempt in 0..40 {
        client.send(json!({"op": "trade", "client": attempt % 5, "stock": "Tux", "side": "Buy", "quantity": 1,
            "key": format!("at once {}", attempt / 2)}));
    }
    let answers: Vec<Json> = (0..40).map(|_| client.read()).collect();
    let mut numbers: Vec<u64> =
        answers.iter().filter_map(|answer| answer["order_no"].as_u64()).collect();
    assert_eq!(numbers.len(), 40, "{answers:?}");
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
}

/// After a process's death: trades go on, nothing is lost, and the dead one has no copy to show.
pub(crate) fn goes_on(client: &mut Client, last: u64, living: &[&str], dead: &str) {
    let mut tries = 0;
    let mut order_no = None;
    until(|| {
        tries += 1;
        let answer = buy(client, &format!("after {tries}"), 1);
        order_no = answer["order_no"].as_u64();
        order_no.is_some()
    });
    assert!(order_no > Some(last), "{order_no:?} after {last}");
    for process in living {
        until(|| {
            client.dump(process, "orders").is_ok_and(|orders| {
                let has = |order_no: Option<u64>| {
                    orders.iter().any(|order| order["order_no"].as_u64() == order_no)
                };
                has(order_no) && has(Some(last))
            })
        });
    }
    let copy = client.dump(dead, "orders").expect_err("it is dead");
    assert_eq!(copy["outcome"], "failed", "{copy}");
}
