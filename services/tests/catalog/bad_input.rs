//! Bad input of every kind gets its clear answer and changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use services::catalog::{self, Config};
use services::http::{Call, Peers};
use services::storage::Durability;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::running::{LONG, Running, configuration, nobody};

const GOOD: &str = r#"{"stock_name":"Stock1","type":"Buy","quantity":1}"#;

#[tokio::test]
async fn a_bad_trade_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let before = catalog.dump().await;
    let long = format!(r#"{{"stock_name":"{}","type":"Buy","quantity":1}}"#, "x".repeat(65536));
    let padded = format!("{GOOD}{}", " ".repeat(65536));
    for (sent, status, named) in [
        ("", 400, "body"),
        ("{", 400, "body"),
        ("[]", 400, "body"),
        ("null", 400, "body"),
        ("\u{0}\u{1}", 400, "body"),
        (r#"{"type":"Buy","quantity":1}"#, 400, "stock_name"),
        (r#"{"stock_name":"Stock1","quantity":1}"#, 400, "type"),
        (r#"{"stock_name":"Stock1","type":"Buy"}"#, 400, "quantity"),
        (r#"{"stock_name":1,"type":"Buy","quantity":1}"#, 400, "string"),
        (r#"{"stock_name":"Stock1","type":"Hold","quantity":1}"#, 400, "Buy"),
        (r#"{"stock_name":"Stock1","type":"Buy","quantity":0}"#, 400, "whole number"),
        (r#"{"stock_name":"Stock1","type":"Buy","quantity":-1}"#, 400, "quantity: must be"),
        (r#"{"stock_name":"Stock1","type":"Buy","quantity":1.5}"#, 400, "whole number"),
        (r#"{"stock_name":"Stock1","type":"Buy","quantity":"1e3"}"#, 400, "whole number"),
        (r#"{"stock_name":"Stock1","type":"Buy","quantity":4294967296}"#, 400, "whole number"),
        (r#"{"stock_name":"Stock1","type":"Buy","quantity":null}"#, 400, "whole number"),
        (&long, 413, "65536"),
        (&padded, 413, "65536"),
    ] {
        let (found, answer) = catalog.send("POST /trade", "", sent.as_bytes()).await;
        let shown = &sent[..sent.len().min(80)];
        assert_eq!(found, status, "{shown}: {answer}");
        assert_eq!(answer["error"]["code"], status, "{shown}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(named), "{shown}: {message}");
    }
    assert_eq!(catalog.dump().await, before);
}

#[tokio::test]
async fn bytes_that_are_not_text_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    assert_eq!(catalog.send("POST /trade", "", b"\xff\xfe{}").await.0, 400);
    assert_eq!(catalog.send("GET /query?stock_name=%ff", "", b"").await.0, 400);
    assert_eq!(catalog.send("GET /query", "", b"").await.0, 400);
}

#[tokio::test]
async fn bad_headers_are_refused_by_name_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let before = catalog.dump().await;
    let too_long = format!("x-request-id: {}\r\nx-epoch: 1\r\n", "x".repeat(129));
    for (headers, named) in [
        ("x-request-id: a\r\n", "x-epoch: missing"),
        ("x-epoch: 1\r\n", "x-request-id: missing"),
        ("x-request-id: a\r\nx-epoch: one\r\n", "x-epoch: "),
        ("x-request-id: a\r\nx-epoch: -1\r\n", "x-epoch: "),
        ("x-request-id: a\r\nx-epoch: 18446744073709551615\r\n", "x-epoch: must be at most"),
        ("x-request-id: two words\r\nx-epoch: 1\r\n", "x-request-id: "),
        ("x-request-id:\r\nx-epoch: 1\r\n", "x-request-id: "),
        (&too_long, "x-request-id: "),
    ] {
        let (status, answer) = catalog.send("POST /trade", headers, GOOD.as_bytes()).await;
        assert_eq!(status, 400, "{headers}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(named), "{headers}: {message}");
    }
    let fill = catalog.send("GET /query?stock_name=Stock1", "x-min-version: v\r\n", b"").await;
    assert_eq!(fill.0, 400);
    let rest = r#""log_end":0,"floor":0,"by_everybody":true,"limit":9"#;
    for list in [
        "{}".to_owned(),
        r#"{"epoch":1}"#.to_owned(),
        format!(r#"{{"epoch":-1,"after":{{"place":0,"entry":null}},{rest}}}"#),
        format!(r#"{{"epoch":1,"after":{{"place":18446744073709551615,"entry":null}},{rest}}}"#),
        format!(r#"{{"epoch":9223372036854775808,"after":{{"place":0,"entry":null}},{rest}}}"#),
    ] {
        assert_eq!(catalog.send("POST /unnumbered", "", list.as_bytes()).await.0, 400, "{list}");
    }
    let entry = r#""stock_name":"Stock1","trade_type":"Buy","quantity":1,"request_id":"r1""#;
    for fill in [
        "{}".to_owned(),
        r#"{"epoch":9223372036854775808,"incarnation":"c1","entries":[]}"#.to_owned(),
        r#"{"epoch":1,"incarnation":"two words","entries":[]}"#.to_owned(),
        format!(
            r#"{{"epoch":1,"incarnation":"c1","entries":[{{"order_no":9223372036854775808,"epoch":1,{entry}}}]}}"#
        ),
    ] {
        assert_eq!(catalog.send("POST /fill", "", fill.as_bytes()).await.0, 400, "{fill}");
    }
    let mut told = serde_json::to_value(configuration(1, "b")).unwrap();
    told["epoch"] = 9_223_372_036_854_775_808_u64.into();
    let told = told.to_string();
    assert_eq!(catalog.send("POST /configuration", "", told.as_bytes()).await.0, 400);
    assert_eq!(catalog.dump().await, before);
}

#[tokio::test]
async fn unknown_paths_are_404_and_wrong_methods_405() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for (line, status) in [
        ("GET /", 404),
        ("GET /trades", 404),
        ("POST /trade/1", 404),
        ("GET /trade", 405),
        ("POST /query?stock_name=Stock1", 405),
        ("DELETE /query?stock_name=Stock1", 405),
        ("PUT /dump", 405),
    ] {
        let (found, answer) = catalog.send(line, "", GOOD.as_bytes()).await;
        assert_eq!((found, &answer["error"]["code"]), (status, &status.into()), "{line}");
    }
}

#[tokio::test]
async fn garbage_on_the_port_hurts_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    // One that never finishes its request stays connected to the end of the test.
    let mut unfinished = TcpStream::connect(catalog.address).await.unwrap();
    unfinished.write_all(b"POST /trade HTTP/1.1\r\ncontent-length: 50\r\n\r\n{").await.unwrap();
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], b"\0\0\r\n\r\n"] {
        let mut stream = TcpStream::connect(catalog.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let mut rest = Vec::new();
        // It ends with a 400 or a reset; either will do.
        let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await.unwrap();
    }
    assert_eq!(catalog.stock("Stock1").await.quantity, 100);
    drop(unfinished);
    assert!(catalog.dump().await.trades.is_empty());
}

/// A catalog with a token, that listens on `listen`.
async fn with_token(dir: &Path, listen: &str) -> SocketAddr {
    let listener = TcpListener::bind(listen).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let nobody = nobody();
    let config = Config {
        data_dir: PathBuf::from(dir),
        durability: Durability::Os,
        http: services::http::HttpConfig::default(),
        planted: services::planted::Planted::default(),
        front_end: nobody.local_addr().unwrap(),
        stocks: None,
        cap: 100,
    };
    let running = catalog::run(listener, config, Some(SECRET.into()), std::future::pending());
    tokio::spawn(async move {
        let _nobody = nobody;
        running.await
    });
    SocketAddr::from(([127, 0, 0, 1], port))
}

const SECRET: &str = "open-sesame";
const INTERFACE: [&str; 3] = ["/query?stock_name=Stock1", "/healthz", "/metrics"];

async fn status(address: SocketAddr, path: &str, secret: Option<&str>) -> u16 {
    let peers = Peers::new(secret.map(Arc::from));
    peers.call(address, &Call::get(path), LONG).await.unwrap().status.as_u16()
}

#[tokio::test]
async fn everything_demands_the_token_off_loopback() {
    let dir = tempfile::tempdir().unwrap();
    let address = with_token(dir.path(), "0.0.0.0:0").await;
    for path in INTERFACE.iter().chain(&["/dump", "/ping"]) {
        assert_eq!(status(address, path, None).await, 403, "{path}");
        assert_eq!(status(address, path, Some("open-sesamE")).await, 403, "{path}");
        assert_ne!(status(address, path, Some(SECRET)).await, 403, "{path}");
    }
}

#[tokio::test]
async fn on_loopback_only_what_is_internal_demands_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let address = with_token(dir.path(), "127.0.0.1:0").await;
    for path in INTERFACE {
        assert_ne!(status(address, path, None).await, 403, "{path}");
    }
    assert_eq!(status(address, "/dump", None).await, 403);
    assert_ne!(status(address, "/dump", Some(SECRET)).await, 403);
}
