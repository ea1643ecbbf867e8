//! What the console breaks for a time.

use serde_json::{Value, json};

use super::{Served, leads, of, replaced, serve};
use crate::common::eventually;

impl Served {
    /// Has something broken for a time. Returns what was answered.
    fn fault(&self, fault: &Value) -> String {
        let answer = self.post("/fault", fault);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["done"].as_str().unwrap().to_owned()
    }

    /// Waits for a mark, and returns the state with it.
    fn marked(&self, label: &str, kind: &str) -> Value {
        self.state_when(label, |state| {
            let marks = state["marks"].as_array().unwrap();
            marks.iter().any(|mark| mark["label"] == label && mark["kind"] == kind)
        })
    }
}

fn texts(state: &Value) -> impl Iterator<Item = &str> {
    state["marks"].as_array().unwrap().iter().filter_map(|mark| mark["text"].as_str())
}

/// What the newest mark of a leader says.
fn newest_leader(state: &Value) -> &str {
    texts(state).filter(|text| text.contains(" leads in epoch ")).last().unwrap()
}

#[test]
fn disks_power_and_links_break_for_a_time_and_the_page_hears_of_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    served.state_when("order-3 leads", |state| leads(state, 3));
    assert_eq!(served.post("/load", &json!({"on": true, "p": 1})).status, 200);
    let fault = |fault: Value| served.fault(&fault);
    let marked = |label: &str, kind: &str| served.marked(label, kind);
    let done = fault(json!({"action": "stall-disk", "target": "leader", "for_ms": 3000}));
    assert_eq!(done, "stall-disk leader for 3.0 s");
    let stalled = marked("stall-disk order-3", "fault");
    assert_eq!(of(&stalled, "order-3")["faults"], json!(["stall-disk"]));
    let after = served.state_when("another leads", replaced);
    assert!(newest_leader(&after).ends_with(" ms after stall-disk order-3"), "{after}");
    let whole = marked("recover order-3", "mended");
    assert_eq!(of(&whole, "order-3")["faults"], json!([]));

    let cut = json!({"action": "cut", "link": "order-1 <-> order-2", "for_ms": 400});
    assert_eq!(fault(cut), "cut order-1 <-> order-2 for 0.4 s");
    let cut = marked("cut order-1 <-> order-2", "fault");
    assert_eq!(cut["links"], json!(["cut order-1 <-> order-2"]));
    assert_eq!(marked("heal order-1 <-> order-2", "mended")["links"], json!([]));

    let before = served.process("catalog")["pid"].clone();
    fault(json!({"action": "power-cut", "target": "catalog", "for_ms": 200}));
    marked("restart catalog", "mended");
    let again =
        served.state_when("the catalog is up", |state| of(state, "catalog")["state"] == "up");
    assert_ne!(of(&again, "catalog")["pid"], before);
    served.stop();
}

#[test]
fn processes_are_slow_or_flooded_for_a_time_and_the_page_hears_of_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    served.state_when("order-3 leads", |state| leads(state, 3));
    assert_eq!(served.post("/load", &json!({"on": true, "p": 1})).status, 200);
    let slow = json!({"action": "slow", "target": "follower", "for_ms": 4000});
    assert_eq!(served.fault(&slow), "slow follower for 4.0 s");
    let flood = json!({"action": "flood", "target": "catalog", "kind": "slow-bodies", "connections": 30, "for_ms": 4000});
    assert_eq!(served.fault(&flood), "flood catalog for 4.0 s");
    let slowed = served.marked("slow order-2", "fault");
    assert_eq!(of(&slowed, "order-2")["faults"], json!(["slow"]));
    let flooded = served.marked("flood catalog", "fault");
    assert_eq!(of(&flooded, "catalog")["faults"], json!(["flood"]));
    assert!(texts(&flooded).any(|text| text == "flood catalog (30 connections, slow bodies)"));
    for name in ["order-2", "catalog"] {
        let whole = served.marked(&format!("recover {name}"), "mended");
        assert_eq!(of(&whole, name)["faults"], json!([]), "{name}");
    }

    // Who is slow and is killed by another press is dead, and slow no more.
    served.fault(&json!({"action": "slow", "target": "order-1", "percent": 50, "for_ms": 60_000}));
    served.marked("slow order-1", "fault");
    let killed = served.post("/fault", &json!({"action": "kill", "target": "order-1"}));
    assert_eq!(killed.status, 200, "{}", killed.body);
    let dead = served.process("order-1");
    assert_eq!((&dead["state"], &dead["faults"]), (&json!("dead"), &json!([])));
    served.stop();
}

#[test]
fn all_links_of_a_leader_are_cut_at_once_and_another_leads() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    served.state_when("order-3 leads", |state| leads(state, 3));
    let throttle = json!({"action": "throttle", "link": "front-end <-> any", "bytes_per_s": 1_000_000, "for_ms": 1000});
    assert_eq!(served.fault(&throttle), "throttle front-end <-> any for 1.0 s");
    let throttled = served.marked("throttle front-end <-> any", "fault");
    assert_eq!(throttled["links"], json!(["throttle front-end <-> any"]));
    assert_eq!(served.marked("heal front-end <-> any", "mended")["links"], json!([]));

    let cut = json!({"action": "cut", "link": "leader <-> any", "for_ms": 60_000});
    assert_eq!(served.fault(&cut), "cut leader <-> any for 60.0 s");
    let after = served.state_when("another leads", replaced);
    assert_eq!(after["links"], json!(["cut order-3 <-> any"]));
    assert!(newest_leader(&after).ends_with(" ms after cut order-3 <-> any"), "{after}");
    served.stop();
}

/// Whether everything is up and in sync.
fn whole(state: &Value) -> bool {
    let processes = state["processes"].as_array().unwrap();
    state["leader"]["serves"] == true
        && processes.iter().all(|one| one["state"] == "up" && one["in_sync"] != false)
}

/// Has files lost or old as soon as everything is whole after what was done to others: until then it is refused.
fn changed_files(served: &Served, fault: &Value) -> String {
    eventually("everything is whole", || {
        let answer = served.post("/fault", fault);
        let done =
            (answer.status == 200).then(|| answer.json()["done"].as_str().unwrap().to_owned());
        assert!(done.is_some() || answer.status == 409, "{}", answer.body);
        done
    })
}

#[test]
fn files_are_lost_or_old_and_their_process_comes_back_without_losing_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    served.state_when("order-3 leads", |state| leads(state, 3));
    assert_eq!(served.post("/load", &json!({"on": true, "p": 1})).status, 200);
    served.state_when("trades", |state| state["totals"]["acknowledged"].as_u64() > Some(20));

    // Idle, all are in sync whatever else the machine does.
    assert_eq!(served.post("/load", &json!({"on": false})).status, 200);

    let lose = |target: &str| json!({"action": "lose-files", "target": target, "for_ms": 500});
    assert_eq!(changed_files(&served, &lose("leader")), "lose-files leader for 0.5 s");
    served.marked("lose-files order-3", "fault");
    let after = served.state_when("another leads", replaced);
    assert!(newest_leader(&after).ends_with(" ms after kill order-3"), "{after}");
    served.marked("restart order-3", "mended");

    // Refused until the file is whole again, and then done.
    let follower = if leads(&after, 1) { "order-2" } else { "order-1" };
    changed_files(&served, &lose(follower));
    served.marked(&format!("lose-files {follower}"), "fault");
    served.marked(&format!("restart {follower}"), "mended");

    let old = json!({"action": "old-files", "target": "order-3", "for_ms": 500, "back_ms": 3000});
    assert_eq!(changed_files(&served, &old), "old-files order-3 for 0.5 s, 3.0 s older");
    let again = served.post("/fault", &lose("order-1"));
    let message = "files are being changed already; that must be over first";
    assert_eq!((again.status, &again.json()["error"]["message"]), (409, &json!(message)));
    served.marked("old-files order-3", "fault");
    let restarted = |state: &Value| texts(state).filter(|text| *text == "restart order-3").count();
    served.state_when("order-3 is restarted", |state| restarted(state) == 2);

    let whole = served.state_when("everything is whole", whole);
    assert!(texts(&whole).all(|text| !text.contains("-files order-3: ")), "{whole}");
    let looked_up = whole["totals"]["looked_up"].as_u64();
    assert_eq!(served.post("/load", &json!({"on": true})).status, 200);
    let later = served.state_when("more orders are looked up", |state| {
        state["totals"]["looked_up"].as_u64() > looked_up
    });
    assert_eq!(later["totals"]["missing"], 0);
    served.stop();
}

#[test]
fn files_stay_while_anything_else_is_broken_and_the_page_is_told_why() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    served.state_when("order-3 leads", |state| leads(state, 3));
    let lose = json!({"action": "lose-files", "target": "order-1", "for_ms": 500});
    let refused = |what: &str| {
        eventually(what, || {
            let answer = served.post("/fault", &lose);
            assert_eq!(answer.status, 409, "{}", answer.body);
            let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
            message.starts_with(what).then_some(())
        });
    };
    let act = |action: &str, target: &str| {
        let answer = served.post("/fault", &json!({"action": action, "target": target}));
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    act("pause", "catalog");
    refused("catalog is paused; files are changed only while everything is up and in sync");
    act("resume", "catalog");
    served.fault(&json!({"action": "cut", "link": "order-2 <-> catalog", "for_ms": 60_000}));
    served.marked("cut order-2 <-> catalog", "fault");
    refused("cut order-2 <-> catalog is not over; files are changed only");

    // Nobody but order-1 holds the orders any more once the others are removed.
    assert_eq!(served.post("/load", &json!({"on": true, "p": 1})).status, 200);
    act("kill", "order-2");
    act("kill", "order-3");
    refused("order-1 is the only in-sync replica that holds its log; without it orders are lost");
    assert_eq!(served.process("order-1")["state"], "up");
    served.stop();
}

#[test]
fn a_fault_that_makes_no_sense_is_refused_with_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    for (body, hint) in [
        (json!({"action": "stall-disk", "target": "order-3"}), "for_ms: is missing"),
        (json!({"action": "stall-disk", "target": "order-3", "for_ms": 0}), "for_ms: must be"),
        (
            json!({"action": "stall-disk", "target": "order-3", "for_ms": 600_001}),
            "for_ms: must be",
        ),
        (json!({"action": "stall-disk", "target": "order-3", "for_ms": 0.5}), "for_ms: invalid"),
        (json!({"action": "slow-disk", "target": "order-3", "for_ms": 9}), "by_ms: is missing"),
        (json!({"action": "cut", "target": "order-3", "for_ms": 9}), "link: is missing"),
        (
            json!({"action": "cut", "link": "any <-> any", "for_ms": 9}),
            "link: any <-> any names nobody",
        ),
        (
            json!({"action": "throttle", "link": "leader <-> any", "for_ms": 9}),
            "bytes_per_s: is missing",
        ),
        (
            json!({"action": "slow", "target": "leader", "percent": 100, "for_ms": 9}),
            "percent: must be",
        ),
        (
            json!({"action": "kill", "target": "leader", "percent": 10, "for_ms": 9}),
            "percent: belongs to slow",
        ),
        (json!({"action": "flood", "target": "leader", "for_ms": 9}), "kind: is missing"),
        (
            json!({"action": "flood", "target": "leader", "kind": "loud", "for_ms": 9}),
            "kind: unknown",
        ),
        (
            json!({"action": "flood", "target": "leader", "kind": "idle", "connections": 10_000, "for_ms": 9}),
            "connections: must be",
        ),
        (json!({"action": "kill", "target": "order-9", "for_ms": 9}), "no order-9"),
        (json!({"action": "lose-files", "target": "order-3"}), "for_ms: is missing"),
        (json!({"action": "lose-files", "target": "order-9", "for_ms": 9}), "no order-9"),
        (json!({"action": "lose-files", "target": "order-3", "for_ms": 0}), "for_ms: must be"),
        (json!({"action": "old-files", "target": "order-3", "for_ms": 9}), "back_ms: is missing"),
        (json!({"action": "kill", "target": "leader", "for_ms": 9, "at_ms": 3}), "at_ms: belongs"),
    ] {
        let refused = served.post("/fault", &body);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(refused.status == 400 && message.contains(hint), "{body}: {message}");
    }
    served.stop();
}
