//! Each rule left out, in the one place that keeps it: its story then comes true.

use std::time::Duration;

use services::http::Limits;
use services::planted::{Bug, Bugs};
use tokio::io::AsyncWriteExt;

use crate::desk::{Desk, patient};
use crate::talk::{ask, body, connect, status};

#[tokio::test]
async fn strangers_are_answered_if_they_may_be() {
    let bugs = Bugs::default().with(Bug::AnswerStrangers);
    let (_desk, address) = Desk::with_bugs(patient(), bugs).await;
    let answer = ask(address, "GET /now", "Origin: http://evil.example\r\n", "").await;
    assert_eq!(status(&answer), 200);
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
