//! Broken fake bazaars, made whole again.

use records::built_in;
use std::time::Duration;

use super::*;
use crate::converge::{converge, keep};
use crate::testing::{FakeBazaar, drain, events, kinds};

#[tokio::test]
async fn whatever_is_paused_or_down_runs_again() {
    use EventKind::{Confirmed, Converged, Healed, Injected, Ready};
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    let order_3 = built_in::order(3);
    bazaar.pause(built_in::front_end()).await.unwrap().confirm().await.unwrap();
    bazaar.kill(order_3).await.unwrap().confirm().await.unwrap();
    let kill = Injection {
        fault: 4,
        action: Action::Kill,
        process: Some(order_3),
        at_us: 0,
        done: true,
        confirmed: true,
    };
    let (sink, mut received) = events();
    heal(&bazaar, &[kill], &sink).await.unwrap();
    assert!(bazaar.processes().iter().all(|process| process.state == ProcessState::Running));
    let told = drain(&mut received);
    assert_eq!(kinds(&told), [Injected, Confirmed, Injected, Confirmed, Ready, Healed]);
    assert_eq!((told[0].action, told[0].fault), (Some(Action::Resume), None));
    assert_eq!((told[2].action, told[2].fault), (Some(Action::Restart), Some(4)));
    assert_eq!(told[2].ends.to_string(), "4");
    assert_eq!(told[4].process, Some(order_3.into()));

    let converged = converge(&bazaar, Duration::from_secs(20), &sink).await.unwrap();
    let mut sources = Vec::new();
    keep(&bazaar, &converged, async |_, page, is_first| sources.push((page, is_first)))
        .await
        .unwrap();
    assert_eq!(sources.len(), 4);
    assert!(sources.iter().all(|(_, is_first)| *is_first));
    assert_eq!(kinds(&drain(&mut received)), [Converged]);
}

#[tokio::test]
async fn a_bazaar_that_is_whole_is_left_alone() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    let before = bazaar.processes();
    let (sink, mut received) = events();
    heal(&bazaar, &[], &sink).await.unwrap();
    assert_eq!(kinds(&drain(&mut received)), [EventKind::Healed]);
    assert_eq!(bazaar.processes(), before);
}

#[tokio::test]
async fn what_cannot_be_brought_back_is_told() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    bazaar.kill(built_in::catalog()).await.unwrap().confirm().await.unwrap();
    std::fs::remove_file(fake.path().join("bin/catalog")).unwrap();
    let (sink, mut received) = events();
    let error = heal(&bazaar, &[], &sink).await.unwrap_err().to_string();
    assert!(
        error.starts_with("catalog could not be brought back: cannot start catalog"),
        "{error}"
    );
    assert_eq!(kinds(&drain(&mut received)), [EventKind::NotConfirmed]);
}
