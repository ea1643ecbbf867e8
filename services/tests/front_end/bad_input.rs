//! Malformed requests: a clear answer, and nothing else happens.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::running::{Bazaar, Wish, exchange, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_trade_is_400_and_goes_nowhere() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let long =
        format!(r#"{{"stock_name":"{}","trade_type":"Buy","quantity":1}}"#, "x".repeat(2000));
    let cases: &[(&[u8], &str)] = &[
        (b"", "body"),
        (b"{", "body"),
        (b"\xff\xfe\x00", "body"),
        (b"[]", "body"),
        (br#""Stock1""#, "body"),
        (br#"{"trade_type":"Buy","quantity":1}"#, "stock_name"),
        (br#"{"stock_name":"Stock1","quantity":1}"#, "trade_type"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy"}"#, "quantity"),
        (br#"{"stock_name":"","trade_type":"Buy","quantity":1}"#, "stock_name"),
        (br#"{"stock_name":7,"trade_type":"Buy","quantity":1}"#, "string"),
        (br#"{"stock_name":"Stock1","trade_type":"Hold","quantity":1}"#, "Buy"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":0}"#, "whole number"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":-1}"#, "quantity: must be"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1.5}"#, "whole number"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":"many"}"#, "whole number"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":4294967296}"#, "whole number"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":null}"#, "whole number"),
        (br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1} x"#, "trailing"),
        (long.as_bytes(), "stock_name"),
    ];
    for (body, part) in cases {
        let answer = send(bazaar.address, "POST", "/orders", &[], body).await;
        let case = String::from_utf8_lossy(body);
        assert_eq!(answer.status, 400, "{case}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], 400, "{case}");
        assert!(error["message"].as_str().unwrap().contains(part), "{case}: {error}");
    }
    assert!(bazaar.log.attempts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_a_name_is_400() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let body = br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1}"#;
    let long = "x".repeat(129);
    for key in ["two words", long.as_str(), "", "schlüssel"] {
        let headers = [("idempotency-key", key)];
        let answer = send(bazaar.address, "POST", "/orders", &headers, body).await;
        assert_eq!(answer.status, 400, "{key}");
        assert!(answer.body.contains("idempotency-key"), "{key}");
    }
    assert!(bazaar.log.attempts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_named() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let cases = [
        ("GET", "/stocks", 400),
        ("GET", "/stocks?stock_name=", 400),
        ("GET", "/stocks?stock_name=%ff", 400),
        ("GET", "/stocks/", 404),
        ("GET", "/stocks/a/b", 404),
        ("POST", "/stocks", 405),
        ("GET", "/orders", 400),
        ("GET", "/orders?order_no=", 400),
        ("GET", "/orders/0", 400),
        ("GET", "/orders/-1", 400),
        ("GET", "/orders/one", 400),
        ("GET", "/orders/99999999999999999999", 400),
        ("DELETE", "/orders/1", 405),
        ("PUT", "/orders", 405),
        ("GET", "/rm", 400),
        ("GET", "/invalidate", 405),
        ("POST", "/leader", 405),
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("BREW", "/stocks", 405),
    ];
    for (method, path, status) in cases {
        let answer = send(bazaar.address, method, path, &[], b"").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["error"]["code"], status, "{method} {path}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{method} {path}");
    }
    assert!(bazaar.catalog.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_64_kib_is_413() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let body = vec![b' '; 64 * 1024 + 1];
    let answer = send(bazaar.address, "POST", "/orders", &[], &body).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (413, json!(413)));
    let mut chunked =
        b"POST /orders HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    chunked.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let answer = exchange(bazaar.address, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_internal_messages_change_nothing() {
    let bazaar = Bazaar::start(Wish::default()).await;
    bazaar.get("/stocks/Stock1").await;
    for body in ["", "{}", r#"{"stocks":[{"stock_name":"Stock1"}]}"#] {
        let answer = send(bazaar.address, "POST", "/invalidate", &[], body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(bazaar.get("/stocks/Stock1").await.header("x-cache"), Some("hit"));
    let before = bazaar.changes().await;
    let path = "/configuration/members";
    for body in ["", "{}", r#"{"epoch":1,"version":1,"change":"promote","member":2}"#] {
        let answer = send(bazaar.address, "POST", path, &[], body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(bazaar.changes().await.len(), before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_port_hurts_nobody() {
    let bazaar = Bazaar::start(Wish::default()).await;
    // Half a request that never goes on, kept open.
    let mut half = TcpStream::connect(bazaar.address).await.unwrap();
    half.write_all(b"POST /orders HTTP/1.1\r\nContent-Le").await.unwrap();
    let noise: Vec<u8> =
        (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for garbage in [&noise[..], b"\0\0\0\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02"]
    {
        let mut stream = TcpStream::connect(bazaar.address).await.unwrap();
        // The front-end may hang up in the middle of it.
        let _ = stream.write_all(garbage).await;
    }
    assert_eq!(bazaar.get("/stocks/Stock1").await.status, 200);
    assert_eq!(bazaar.trade("key").await.unwrap().status, 200);
    drop(half);
}
