//! Each rule left out, in the one place that keeps it: its story then comes true.

use std::time::Duration;

use services::http::Limits;
use services::planted::{Bug, Bugs, Planted};
use tokio::io::AsyncWriteExt;
use wire::bazaar::MAX_STOCKS;

use crate::connections::{narrow, pipelining, read_late};
use crate::desk::{Desk, patient};
use crate::services_under_test::Services;
use crate::talk::{WITH_TOKEN, ask, body, connect, exchange, rest, status};

/// The rule, and then its absence.
fn with_and_without(bug: Bug) -> [Bugs; 2] {
    [Bugs::default(), Bugs::default().with(bug)]
}

#[tokio::test]
async fn strangers_are_answered_if_they_may_be() {
    let other_host = b"GET /now HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    for (bugs, wanted) in with_and_without(Bug::AnswerStrangers).into_iter().zip([403, 200]) {
        let (_desk, address) = Desk::with_bugs(patient(), bugs).await;
        let answer = ask(address, "GET /now", "Origin: http://evil.example\r\n", "").await;
        assert_eq!(status(&answer), wanted, "another origin");
        assert_eq!(status(&exchange(address, other_host).await), wanted, "another host");
    }
}

#[tokio::test]
async fn what_is_internal_is_open_to_anybody_if_nobody_needs_the_token() {
    for (bugs, wanted) in with_and_without(Bug::AdmitAnybody).into_iter().zip([403, 200]) {
        let (_desk, address) = Desk::with_bugs(patient(), bugs).await;
        assert_eq!(status(&ask(address, "GET /internal", "", "").await), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invented_names_are_kept_without_end_if_there_is_none() {
    let named = |number: usize| format!(r#"{{"stock_name":"Invented{number}","version":1}}"#);
    let names: Vec<_> = (0..=MAX_STOCKS).map(named).collect();
    let push = format!(r#"{{"start":false,"stocks":[{}]}}"#, names.join(","));
    for (bugs, wanted) in with_and_without(Bug::KeepAnyFloor).into_iter().zip([507, 200]) {
        let services = Services::with(Planted { bugs, ..Planted::default() }).await;
        let answer = ask(services.front_end, "POST /invalidate", WITH_TOKEN, &push).await;
        assert_eq!(status(&answer), wanted, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_dawdles_over_a_header_or_a_body_stays_if_it_may() {
    let brief = Duration::from_millis(50);
    let limits = Limits { header_time: brief, body_time: brief, ..patient() };
    let begun = ["GET /now HTTP/1.1\r\nX-Half", "POST /now HTTP/1.1\r\nContent-Length: 1\r\n\r\n"];
    for (bugs, is_served) in with_and_without(Bug::KeepWhoIdles).into_iter().zip([false, true]) {
        let (desk, address) = Desk::with_bugs(limits, bugs).await;
        for (begun, end) in begun.into_iter().zip([": 1\r\nConnection: close\r\n\r\n", "1"]) {
            let mut stream = connect(address).await;
            stream.write_all(begun.as_bytes()).await.unwrap();
            tokio::time::sleep(10 * brief).await;
            // The server may have hung up.
            let _ = stream.write_all(end.as_bytes()).await;
            if end == "1" {
                // Another request says that this one is the last.
                let last = b"GET /now HTTP/1.1\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(last).await;
            }
            let said = rest(&mut stream).await;
            assert_eq!(said.starts_with("HTTP/1.1 200"), is_served, "{begun}: {said}");
        }
        drop(desk);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_reads_keeps_its_connection_if_it_may() {
    let limits = Limits { write_time: Duration::from_millis(50), ..patient() };
    for (bugs, is_kept) in with_and_without(Bug::KeepWhoNeverReads).into_iter().zip([false, true]) {
        let (desk, address) = Desk::with_bugs(limits, bugs).await;
        let stream = pipelining(address, "/big").await;
        let read = read_late(&desk, stream).await;
        assert_eq!(read >= 400 * 64 * 1024, is_kept, "{read}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_locked_out_by_clients_if_nothing_is_kept_for_them() {
    for (bugs, wanted) in with_and_without(Bug::NoReserve).into_iter().zip([200, 503]) {
        let (desk, address) = Desk::with_bugs(narrow(), bugs).await;
        for _ in 0..4 {
            tokio::spawn(ask(address, "GET /wait", "", ""));
        }
        desk.has_waiting(4).await;
        assert_eq!(status(&ask(address, "GET /internal", WITH_TOKEN, "").await), wanted);
        desk.open.send_replace(true);
    }
}

#[tokio::test]
async fn anybodys_epoch_counts_if_everybody_is_believed() {
    for (bugs, seen) in
        [(Bugs::default(), "None"), (Bugs::default().with(Bug::BelieveAnybody), "Some(Epoch(7))")]
    {
        let (_desk, address) = Desk::with_bugs(patient(), bugs).await;
        let answer = ask(address, "GET /epoch", "x-epoch: 7\r\n", "").await;
        assert_eq!(body(&answer), seen);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_holds_a_place_if_it_is_taken_first() {
    let limits = Limits { concurrent: 1, wait_for_place: Duration::from_millis(20), ..patient() };
    let bugs = Bugs::default().with(Bug::PlaceBeforeBody);
    let (_desk, address) = Desk::with_bugs(limits, bugs).await;
    let mut held = connect(address).await;
    held.write_all(b"POST /now HTTP/1.1\r\nContent-Length: 1\r\n\r\n").await.unwrap();
    while status(&ask(address, "GET /now", "", "").await) != 503 {}
    drop(held);
}
