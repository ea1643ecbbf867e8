//! A replica whose disk takes longer than anybody waits for it, or hangs: as a follower it costs what its
//! removal costs, once (rule G2), and as a leader it is replaced, once (rule G1). Needs services in which
//! a stretch can be planted.

use hyper::StatusCode;
use serde_json::json;
use services::http::Call;
use wire::configuration::{Cause, ConfigurationChange};
use wire::ids::ReplicaId;

use crate::bazaar::{ALL, Bazaar, Name, ORDERS};
use crate::history::History;

/// How long anybody waits for a replica. A busy machine does not take that long by itself...
const TIMEOUT: &str = "--ping-timeout-ms=1500";
/// ...and a write of the slow disk takes longer each time: from half of this to the whole.
const SLOW: &str = "--stretch=disk=4000";
/// A write of a disk that is late, and never so late that anybody gives up.
const LATE: &str = "--stretch=disk=160";
/// Rounds of trades, which with that disk take far longer than it takes to notice it.
const LATE_ROUNDS: usize = 8;
/// A flush that does not end before the test does.
const HANGS: &str = "--stretch=flush=60000";
/// What a client is told of a trade that nobody numbers, it is told soon.
const SOON_TOLD: &str = "--trade-timeout-ms=4000";
/// Orders between two looks.
const SOME: usize = 30;
/// How often the slow one is asked for a proof before it counts as never let in again.
const PROOFS: usize = 3;
/// How often it is removed where nothing is learnt from its removal.
const REMOVALS: usize = 4;
/// What a leader says that has asked a slow follower for a proof, and got none.
const NOT_PROVED: &str = "is_proved=false";

impl Bazaar {
    /// A bazaar in which processes are started with these flags too.
    async fn with_flags(flags: &[(Name, &str)]) -> Self {
        let mut bazaar = Self::prepare();
        for name in ALL.into_iter().filter(|name| *name != Name::Catalog) {
            bazaar.start_with(name, TIMEOUT);
        }
        for (name, flag) in flags {
            bazaar.start_with(*name, flag);
        }
        bazaar.launch_all();
        bazaar.whole().await;
        bazaar
    }

    /// Replica 1 follows with a slow disk from now on; how many changes there were before.
    async fn has_a_slow_follower(&mut self) -> usize {
        self.kill(Name::Order(1));
        self.start_with(Name::Order(1), SLOW);
        self.launch(Name::Order(1));
        // As long as there is nothing to write it keeps up with everybody.
        self.whole().await;
        self.changes().await.len()
    }

    /// How often all leaders together have asked for a proof in vain.
    fn proofs_in_vain(&self) -> usize {
        ORDERS.map(|name| self.times_said(name, NOT_PROVED)).iter().sum()
    }
}

/// How often replica 1 went, and how often it came back.
fn went_and_came(changes: &[ConfigurationChange]) -> (usize, usize) {
    let is_member = |change: &ConfigurationChange| change.configuration.has_member(ReplicaId(1));
    let turns = |from: bool| {
        changes
            .windows(2)
            .filter(move |two| (is_member(&two[0]), is_member(&two[1])) == (from, !from))
    };
    (turns(true).count(), turns(false).count())
}

/// It was removed and added again at every trade.
#[tokio::test]
async fn a_follower_whose_disk_is_slow_is_removed_once_and_not_again_at_every_trade() {
    let mut bazaar = Bazaar::with_flags(&[]).await;
    let mut history = History::default();
    history.trade(&bazaar, SOME).await;
    let before = bazaar.has_a_slow_follower().await;
    let mut proofs = 0;
    while proofs < PROOFS {
        history.trade(&bazaar, SOME).await;
        // Trading pauses, until it could have come back.
        let before = proofs;
        proofs = bazaar
            .until("the slow one is asked for a proof", async |bazaar| {
                let proofs = bazaar.proofs_in_vain();
                if proofs > before { Ok(proofs) } else { Err(format!("{proofs} so far")) }
            })
            .await;
    }
    history.trade(&bazaar, SOME).await;
    let changes = bazaar.changes().await;
    assert_eq!(went_and_came(&changes[before - 1..]), (1, 0), "{changes:#?}");
    assert!(bazaar.runs(Name::Order(1)));
}

#[tokio::test]
async fn a_slow_follower_that_is_readmitted_at_once_is_removed_again_and_again() {
    let at_once = ORDERS.map(|name| (name, "--plant=readmit-at-once"));
    let mut bazaar = Bazaar::with_flags(&at_once).await;
    let mut history = History::default();
    history.trade(&bazaar, SOME).await;
    let before = bazaar.has_a_slow_follower().await;
    for _ in 0..REMOVALS {
        history.trade(&bazaar, 1).await;
        bazaar.whole().await;
    }
    let changes = bazaar.changes().await;
    let (went, came) = went_and_came(&changes[before - 1..]);
    assert!(went >= REMOVALS && came >= REMOVALS, "{went} {came} {changes:#?}");
}

/// Every trade waited for it.
#[tokio::test]
async fn a_follower_that_answers_and_always_late_is_removed_once() {
    let mut bazaar = Bazaar::with_flags(&[(Name::Order(1), LATE)]).await;
    let mut history = History::default();
    let changes = bazaar.changes().await.len();
    while bazaar.changes().await.len() == changes {
        history.trade(&bazaar, SOME).await;
    }
    history.trade(&bazaar, SOME).await;
    let after = bazaar.changes().await;
    assert_eq!(went_and_came(&after[changes - 1..]), (1, 0), "{after:#?}");
    assert!(bazaar.runs(Name::Order(1)));
    history.is_shown(&bazaar).await;
}

#[tokio::test]
async fn a_follower_that_is_always_late_stays_if_nobody_looks_how_late() {
    let keeps = ORDERS.map(|name| (name, "--plant=keep-who-drags"));
    let flags: Vec<_> = keeps.into_iter().chain([(Name::Order(1), LATE)]).collect();
    let bazaar = Bazaar::with_flags(&flags).await;
    let mut history = History::default();
    let before = bazaar.changes().await.len();
    // Far more than the one that looks needs.
    for _ in 0..LATE_ROUNDS {
        history.trade(&bazaar, SOME).await;
    }
    assert_eq!(bazaar.changes().await.len(), before);
}

/// Its pings were answered, so it stayed; or it was chosen again and again, as the highest id.
#[tokio::test]
async fn a_leader_whose_flush_hangs_is_replaced_once_and_stays_so() {
    let mut bazaar = Bazaar::with_flags(&[(Name::Order(3), HANGS)]).await;
    let mut history = History::default();
    assert_eq!(bazaar.leader().await, Name::Order(3));
    let before = bazaar.changes().await.len();
    // The first trade is the last that it tries to write.
    for _ in 0..5 {
        history.trade(&bazaar, SOME).await;
    }
    assert!(bazaar.runs(Name::Order(3)));
    let changes = bazaar.changes().await;
    let leaders = leaders(&changes[before..]);
    assert!(matches!(leaders[..], [(Cause::GrayFailure, 1 | 2)]), "{changes:#?}");

    // And when the healthy one dies, the other healthy one leads.
    let healthy = bazaar.leader().await;
    bazaar.kill(healthy);
    history.trade(&bazaar, SOME).await;
    let next = bazaar.leader().await;
    assert!(next != healthy && next != Name::Order(3), "{next}");
    history.is_shown(&bazaar).await;
}

#[tokio::test]
async fn a_leader_whose_flush_hangs_stays_if_whoever_answers_pings_is_trusted() {
    let trusting = [(Name::FrontEnd, "--plant=trust-whoever-answers"), (Name::FrontEnd, SOON_TOLD)];
    let hangs = (Name::Order(3), HANGS);
    let bazaar = Bazaar::with_flags(&[trusting[0], trusting[1], hangs]).await;
    let before = bazaar.changes().await;
    let trade = json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 1});
    let told = bazaar.ask(&Call::post("/orders", &trade)).await.unwrap();
    assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(leaders(&bazaar.changes().await[before.len()..]), []);
}

/// Each leadership among these changes: why, and whose.
fn leaders(changes: &[ConfigurationChange]) -> Vec<(Cause, u8)> {
    let leaderships =
        changes.iter().filter(|change| !matches!(change.cause, Cause::Add | Cause::Remove));
    leaderships.map(|change| (change.cause, change.configuration.leader.0)).collect()
}
