//! The in-sync set: changed by the leader only, one version after the other.

use serde_json::{Value, json};

use crate::running::{Bazaar, Response, Wish};

fn request(epoch: u64, version: u64, change: &str, member: u8) -> Value {
    let identity = format!("disk-{member}");
    json!({"epoch": epoch, "version": version, "change": change, "member": member,
           "identity": identity})
}

/// What matters here of a configuration.
fn essence(answer: &Response) -> Value {
    let body = answer.json();
    let in_sync: Vec<Value> =
        body["in_sync"].as_array().unwrap().iter().map(|member| member["id"].clone()).collect();
    json!({"version": body["version"], "epoch": body["epoch"], "leader": body["leader"],
           "in_sync": in_sync})
}

/// Asks for a change of the in-sync set, as the leader does.
pub(crate) async fn ask(
    bazaar: &Bazaar,
    epoch: u64,
    version: u64,
    change: &str,
    member: u8,
) -> Response {
    bazaar.post("/configuration/members", &request(epoch, version, change, member)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_removes_and_adds_members() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let removed = ask(&bazaar, 1, 1, "remove", 2).await;
    assert_eq!(removed.status, 200);
    assert_eq!(
        essence(&removed),
        json!({"version": 2, "epoch": 1, "leader": 3, "in_sync": [1, 3]})
    );
    assert_eq!(bazaar.get("/leader").await.json()["in_sync"], json!([1, 3]));
    let added = ask(&bazaar, 1, 2, "add", 2).await;
    assert_eq!(
        essence(&added),
        json!({"version": 3, "epoch": 1, "leader": 3, "in_sync": [1, 2, 3]})
    );
    let causes: Vec<Value> = bazaar.get("/history").await.json()["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["cause"].clone())
        .collect();
    assert_eq!(causes, ["first", "remove", "add"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_makes_a_delayed_add_fail_and_the_answer_shows_why() {
    let bazaar = Bazaar::start(Wish::default()).await;
    ask(&bazaar, 1, 1, "remove", 2).await;
    assert_eq!(ask(&bazaar, 1, 2, "remove", 2).await.json()["version"], 3);
    let delayed = ask(&bazaar, 1, 2, "add", 2).await;
    assert_eq!(delayed.status, 409);
    assert_eq!(
        essence(&delayed),
        json!({"version": 3, "epoch": 1, "leader": 3, "in_sync": [1, 3]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_itself_and_strangers_are_400() {
    let bazaar = Bazaar::start(Wish::default()).await;
    for (change, member) in [("remove", 3), ("add", 3), ("add", 9), ("remove", 9)] {
        let answer = ask(&bazaar, 1, 1, change, member).await;
        assert_eq!(answer.status, 400, "{change} {member}");
        assert!(answer.body.contains("member"), "{}", answer.body);
    }
    assert_eq!(bazaar.changes().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_out_of_sync_replica_is_never_chosen_however_alive_it_is() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    ask(&bazaar, 1, 1, "remove", 2).await;
    ask(&bazaar, 1, 2, "remove", 1).await;
    bazaar.replica(3).kill();
    bazaar.eventually(async || bazaar.get("/healthz").await.status == 503).await;
    assert_eq!(bazaar.trade("one").await.unwrap().status, 503);
    let leader = bazaar.get("/leader").await;
    assert_eq!(leader.body, r#"{"leader":3,"epoch":1,"in_sync":[3]}"#, "the last one stays");
    bazaar.replica(3).start();
    bazaar.is_led_by(3, 2).await;
    assert_eq!(bazaar.trade("two").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_requests_based_on_the_same_version_one_wins() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let (a, b) = tokio::join!(ask(&bazaar, 1, 1, "remove", 1), ask(&bazaar, 1, 1, "remove", 2));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(a.json(), b.json(), "the loser is told what the winner made of it");
}
