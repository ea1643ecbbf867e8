//! Rule S1: another origin, or another host name, changes nothing and is told nothing.

use crate::services_under_test::Services;
use crate::talk::{ask, exchange, request, status};

const TRADE: &str = r#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1}"#;
const CATALOG_TRADE: &str = r#"{"stock_name":"Stock1","type":"Buy","quantity":1}"#;
/// A GET that trades, at an order replica: what an image's address can be.
const GET_TRADE: &str = "GET /trade?stock_name=Stock1&trade_type=Buy&quantity=1";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_neither_trades_nor_reads() {
    let services = Services::start().await;
    for headers in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1:2\r\n",
        // An image, a script or a link sends no origin.
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: http://127.0.0.1:1\r\nSec-Fetch-Site: cross-site\r\n",
    ] {
        let form = format!("{headers}Content-Type: text/plain\r\n");
        for (address, line, body) in [
            (services.front_end, "POST /orders", TRADE),
            (services.front_end, "GET /stocks/Stock1", ""),
            (services.front_end, "GET /rm?stock_name=Stock1", ""),
            (services.front_end, "OPTIONS /orders", ""),
            (services.catalog, "POST /trade", CATALOG_TRADE),
            (services.catalog, "GET /query?stock_name=Stock1", ""),
            (services.order, GET_TRADE, ""),
            (services.order, "GET /metrics", ""),
            (services.order, "GET /nothing", ""),
        ] {
            let answer = ask(address, line, &form, body).await;
            assert_eq!(status(&answer), 403, "{line} {headers}");
            assert!(answer.contains(r#""effect":"none""#), "{line} {headers}");
        }
    }
    assert_eq!(services.quantity().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_made_to_point_here_is_not_answered() {
    let services = Services::start().await;
    for host in ["evil.example", "evil.example:30001", "127.0.0.1.evil.example", "localhost.evil"] {
        for (address, line) in [
            (services.front_end, "GET /stocks/Stock1"),
            (services.catalog, "GET /query?stock_name=Stock1"),
            (services.order, GET_TRADE),
        ] {
            let sent = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            // For the browser it is of one origin with its page.
            let same = sent.replace("\r\n\r\n", "\r\nSec-Fetch-Site: same-origin\r\n\r\n");
            for sent in [sent, same] {
                assert_eq!(status(&exchange(address, sent.as_bytes()).await), 403, "{sent}");
            }
        }
    }
    assert_eq!(services.quantity().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_in_absolute_form_is_held_to_the_same() {
    let services = Services::start().await;
    for address in services.all() {
        let get = |target: &str, host: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        };
        let own = get(&format!("http://{address}/healthz"), &address.to_string());
        assert_eq!(status(&exchange(address, own.as_bytes()).await), 200);
        for (target, host) in [
            ("http://evil.example/healthz", address.to_string()),
            ("http://127.0.0.1/healthz", "evil.example".to_owned()),
        ] {
            let sent = get(target, &host);
            assert_eq!(status(&exchange(address, sent.as_bytes()).await), 403, "{sent}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_scripts_and_old_clients_go_on_as_before() {
    let services = Services::start().await;
    let port = services.front_end.port();
    for head in [
        // An old client, and one that is older still.
        "GET /stocks/Stock1 HTTP/1.0\r\n\r\n".to_owned(),
        "GET /stocks/Stock1 HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        format!(
            "GET /stocks/Stock1 HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        ),
        "GET /stocks/Stock1 HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n".to_owned(),
        // A name that was given by flag.
        "GET /stocks/Stock1 HTTP/1.1\r\nHost: bazaar.example\r\nConnection: close\r\n\r\n"
            .to_owned(),
        // Somebody typed the address into a browser.
        "GET /stocks/Stock1 HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: none\r\n\
         Connection: close\r\n\r\n"
            .to_owned(),
    ] {
        assert_eq!(status(&exchange(services.front_end, head.as_bytes()).await), 200, "{head}");
    }
    for content_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
        "application/json",
    ] {
        let headers = format!("Content-Type: {content_type}\r\nUser-Agent: curl/8\r\n");
        let sent = request("POST /orders", &headers, TRADE);
        let answer = exchange(services.front_end, &sent).await;
        assert_eq!(status(&answer), 200, "{content_type}: {answer}");
    }
    assert_eq!(services.quantity().await, 96);
}
