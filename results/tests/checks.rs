//! The consistency report from a run's files: written as a run writes them, torn as a killed one
//! leaves them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use results::checks::{ConsistencyReport, check_run, export_histories};
use results::records::RunFolder;
use results::run::Run;
use results::verdict::Verdict;
use tempfile::TempDir;

const MANIFEST: &str = r#"{
  "format": 1, "kind": "failover", "plan_name": "by-hand", "plan": "", "command": [],
  "seed": 7, "started_at": "2024-05-01T12:00:00Z", "origin_monotonic_us": 0, "commit": null,
  "version": "0.1.0", "machine": [], "replicas": 2, "durability": "flush",
  "converge_within_ms": 1000,
  "cells": [
    {"id": "c", "p": 0.5, "cache": true, "clients": 2, "trials": 1, "planned_faults": 1}
  ],
  "stocks": [
    {"stock_name": "Stock1", "price": 9.99, "quantity": 100, "trade_volume": 0, "cap": 100}
  ]
}"#;

const OBSERVATIONS: &str = "\
cell,trial,phase,client,seq,op,stock_name,trade_type,quantity,planned_us,start_us,end_us,latency_us,outcome,status,reason,order_no,seen_quantity,seen_volume,cache,request_id,attempts
c,1,load,1,1,query,Stock1,,,,100,200,100,ok,200,,,100,0,miss,,1
c,1,load,1,2,trade,Stock1,Buy,3,,300,900,600,ok,200,,1,,,,r1,1
c,1,load,2,1,query,Stock1,,,,1000,1100,100,ok,200,,,97,3,miss,,1
c,1,load,1,3,trade,Stock1,Sell,50,,1200,1500,300,rejected,404,Trade failed!,,,,,r2,1
c,1,load,2,2,trade,Stock1,Sell,1,,6000,6500,500,ok,200,,2,,,,r3,2
c,1,load,1,4,query,Stock1,,,,7000,7100,100,ok,200,,,98,4,hit,,1
c,1,lookup,1,5,lookup,Stock1,Buy,3,,8000,8100,100,ok,200,,1,,,,r1,1
c,1,lookup,2,3,lookup,Stock1,Sell,1,,8000,8100,100,ok,200,,2,,,,r3,1
";

const EVENTS: &str = "\
cell,trial,at_us,event,fault,planned_us,action,target,process,pid,epoch,version,leader,in_sync,suspected_us,unsent,detail
c,1,50,load-began,,,,,,,,,,,,,
c,1,60,planned,1,2000,kill,leader,,,,,,,,,
c,1,2000,injected,1,2000,kill,leader,order-2,41,,,,,,,
c,1,2050,confirmed,1,2000,kill,leader,order-2,41,,,,,,,
c,1,2100,leader-changed,,,,,,,2,2,1,1,2040,,
c,1,5000,injected,1,4900,restart,leader,order-2,42,,,,,,,
c,1,5050,confirmed,1,4900,restart,leader,order-2,42,,,,,,,
c,1,5500,healed,,,,,,,,,,,,,
c,1,5900,in-sync-changed,,,,,,,2,3,1,1 2,,,
c,1,8200,load-ended,,,,,,,,,,,,,
c,1,9000,converged,,,,,,,,,,,,,2 orders
c,1,9100,finished,,,,,,,,,,,,,
";

const FINAL: &str = "\
cell,trial,source,kind,order_no,epoch,request_id,stock_name,trade_type,quantity,version,quantity_after,volume_after,origin
c,1,order-1,source,2,2,,,,,,,,
c,1,order-1,order,1,1,r1,Stock1,Buy,3,,,,
c,1,order-1,order,2,2,r3,Stock1,Sell,1,,,,
c,1,order-2,source,2,2,,,,,,,,
c,1,order-2,order,1,1,r1,Stock1,Buy,3,,,,
c,1,order-2,order,2,2,r3,Stock1,Sell,1,,,,
c,1,catalog,source,,2,,,,,,,,
c,1,catalog,stock,,,,Stock1,,,2,98,4,
c,1,catalog,applied,,1,r1,Stock1,Buy,3,1,97,3,order
c,1,catalog,refused,,1,r2,Stock1,Sell,50,1,97,3,order
c,1,catalog,applied,,2,r3,Stock1,Sell,1,2,98,4,order
";

/// The folder of a run in which a leader's death cost nothing.
fn run() -> (TempDir, RunFolder) {
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    let files = [
        ("manifest.json", MANIFEST),
        ("observations.csv", OBSERVATIONS),
        ("events.csv", EVENTS),
        ("final.csv", FINAL),
    ];
    for (name, text) in files {
        write(&root.path().join(name), text);
    }
    let folder = RunFolder::new(root.path());
    (root, folder)
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file in a temporary folder can be written");
}

fn edit(folder: &RunFolder, name: &str, from: &str, to: &str) {
    let path = folder.path(name);
    let text = fs::read_to_string(&path).expect("the run's files are there");
    assert!(text.contains(from), "{name} has no {from:?}");
    write(&path, &text.replace(from, to));
}

fn check(folder: &RunFolder) -> ConsistencyReport {
    check_run(&open(folder)).expect("the run can be checked")
}

fn open(folder: &RunFolder) -> Run {
    Run::open(folder).expect("the run's files can be read")
}

fn append(folder: &RunFolder, name: &str, text: &str) {
    let mut file =
        OpenOptions::new().append(true).open(folder.path(name)).expect("the run's files are there");
    file.write_all(text.as_bytes()).expect("a file in a temporary folder can be written");
}

/// Adds what a run needs so that its silence means something: load around the fault, and thirty
/// trades with a read after each, all of a third client.
fn make_it_enough(folder: &RunFolder) {
    let mut observations = "\
c,1,load,3,1,query,Stock1,,,,1600,1700,100,ok,200,,,97,3,hit,,1
c,1,load,3,2,query,Stock1,,,,3000,3100,100,ok,200,,,97,3,hit,,1
"
    .to_owned();
    let (mut lookups, mut orders, mut applied) = (String::new(), String::new(), String::new());
    for step in 0..30_u64 {
        let (number, version, volume) = (step + 3, step + 3, step + 5);
        let (kind, left) = if step % 2 == 0 { ("Buy", 97) } else { ("Sell", 98) };
        let (at, looked_up_at) = (7_200 + step * 20, 8_000 + step * 6);
        observations += &format!(
            "c,1,load,3,{},trade,Stock1,{kind},1,,{at},{},5,ok,200,,{number},,,,e{step},1\n\
             c,1,load,3,{},query,Stock1,,,,{},{},5,ok,200,,,{left},{volume},miss,,1\n",
            3 + 2 * step,
            at + 5,
            4 + 2 * step,
            at + 10,
            at + 15,
        );
        lookups += &format!(
            "c,1,lookup,3,{},lookup,Stock1,{kind},1,,{looked_up_at},{},5,ok,200,,{number},,,,e{step},1\n",
            63 + step,
            looked_up_at + 5,
        );
        orders += &format!("c,1,order-0,order,{number},2,e{step},Stock1,{kind},1,,,,\n");
        applied += &format!(
            "c,1,catalog,applied,,2,e{step},Stock1,{kind},1,{version},{left},{volume},order\n"
        );
    }
    append(folder, "observations.csv", &(observations + &lookups));
    let stock = "c,1,catalog,stock,,,,Stock1,,,";
    edit(folder, "final.csv", &format!("{stock}2,98,4,"), &format!("{stock}32,98,34,"));
    for replica in ["order-1", "order-2"] {
        let source = format!("c,1,{replica},source,");
        edit(folder, "final.csv", &format!("{source}2,"), &format!("{source}32,"));
        let last = format!("c,1,{replica},order,2,2,r3,Stock1,Sell,1,,,,\n");
        edit(folder, "final.csv", &last, &(last.clone() + &orders.replace("order-0", replica)));
    }
    append(folder, "final.csv", &applied);
}

#[test]
fn a_run_in_which_too_little_happened_is_inconclusive_and_says_what_was_too_little() {
    let (_root, folder) = run();
    let report = check(&folder);
    let text = report.to_text();
    assert_eq!(report.verdict.exit_code(), 2, "{text}");
    for said in [
        "Consistency: inconclusive. Nothing wrong was found, but too little happened for 5 gates.",
        "load-before-faults: in the kill of order-2 at 2.000 ms of c trial 1, 4 operations \
         succeeded before it; it needs 5 or more.",
        "load-during-faults: in the kill of order-2 at 2.000 ms of c trial 1, 0 operations were \
         tried during it; it needs 1 or more.",
        "enough-trades: in the whole run, 2 trades were acknowledged; it needs 30 or more.",
    ] {
        assert!(text.contains(said), "nothing says {said:?}:\n{text}");
    }
}

#[test]
fn a_run_without_violations_passes() {
    let (_root, folder) = run();
    make_it_enough(&folder);
    let report = check(&folder);
    let text = report.to_text();
    assert_eq!(report.verdict, Verdict::Pass, "{text}");
    let judged = report.checks.iter().filter(|check| check.verdict.is_some()).count();
    let unasked = report.checks.iter().filter(|check| check.verdict.is_none());
    let unasked: Vec<&str> = unasked.map(|check| check.claim.as_str()).collect();
    let all = judged + unasked.len();
    let looked = if unasked.is_empty() {
        format!("All {judged} checks looked, and found nothing wrong.")
    } else {
        let unasked = unasked.join("; ");
        format!("{judged} of {all} checks looked, and found nothing wrong. Not asked: {unasked}.")
    };
    assert!(judged > 12 && text.starts_with(&format!("Consistency: pass. {looked}\n")), "{text}");
    assert!(text.contains("order-1 = order-2"), "{text}");
}

#[test]
fn a_report_ends_with_the_command_that_runs_the_schedule_again() {
    let (root, folder) = run();
    edit(&folder, "manifest.json", r#""plan": """#, r#""plan": "name = \"by-hand\"\n""#);
    let report = check(&folder);
    let plan = root.path().join("plan.toml");
    let command = format!("double-trouble failover --plan {} --seed 7\n", plan.display());
    assert!(report.to_text().ends_with(&command), "{}", report.to_text());
    report.write(&folder).expect("the report can be written");
    assert_eq!(fs::read_to_string(plan).expect("the plan was written"), "name = \"by-hand\"\n");
}

#[test]
fn a_picture_of_each_history_without_an_order_is_written_and_an_old_one_removed() {
    let (_root, folder) = run();
    let picture = folder.path("linearizability-c-trial1-Stock1.html");
    write(&folder.path("linearizability-c-trial1-Stock2.html"), "from an earlier check");
    edit(&folder, "observations.csv", ",ok,200,,,98,4,hit", ",ok,200,,,97,3,hit");
    check(&folder).write(&folder).expect("the report can be written");
    let html = fs::read_to_string(&picture).expect("the picture was written");
    assert!(html.contains("observations.csv:7") && html.contains("restart of order-2"), "{html}");
    assert!(!folder.path("linearizability-c-trial1-Stock2.html").exists());

    edit(&folder, "observations.csv", ",ok,200,,,97,3,hit", ",ok,200,,,98,4,hit");
    check(&folder).write(&folder).expect("the report can be written");
    assert!(!picture.exists(), "what it shows is no longer so");
}

#[test]
fn histories_are_exported_line_by_line() {
    let (root, folder) = run();
    let to = root.path().join("history.jsonl");
    let count = export_histories(&open(&folder), &to).expect("the histories can be written");
    let text = fs::read_to_string(&to).expect("they were written");
    assert_eq!((count, text.lines().count()), (6, 7), "{text}");
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let trade = r#""op":"sell","outcome":"refused","quantity":50,"row":"observations.csv:5""#;
    assert!(text.contains(trade), "{text}");
}

#[test]
fn a_violation_is_told_with_its_rows_and_the_nearest_fault() {
    let (_root, folder) = run();
    edit(&folder, "observations.csv", ",ok,200,,,98,4,hit", ",ok,200,,,97,3,hit");
    let report = check(&folder);
    assert_eq!(report.verdict.exit_code(), 1);
    let text = report.to_text();
    for said in [
        "checks found 2 violations: 0 orders lost, 0 doubled, 1 stale read.",
        "Violated: each stock's history is linearizable (1 violation)",
        "picture: linearizability-c-trial1-Stock1.html",
        "Violated: no read is older than an acknowledged trade (1 violation)",
        "A read of Stock1 shows volume 3, but r3 had been acknowledged 0.500 ms before it began",
        "requests: r3",
        "at 7.000 ms, 2.000 ms after the restart of order-2 (fault 1)",
        "observations.csv:7  client 1 query Stock1 quantity 97 volume 3 ok 7.000 to 7.100 ms",
        "observations.csv:6  client 2 trade Sell 1 Stock1 #2 ok 6.000 to 6.500 ms",
        "final.csv:12  catalog applied r3 Sell 1 Stock1 epoch 2 version 2 quantity 98 volume 4",
    ] {
        assert!(text.contains(said), "nothing says {said:?}:\n{text}");
    }
}

#[test]
fn what_is_written_to_the_folder_reads_back_the_same() {
    let (_root, folder) = run();
    edit(&folder, "final.csv", "order-2,order,2,2,r3", "order-2,order,2,2,r4");
    let report = check(&folder);
    report.write(&folder).expect("the report can be written");
    let json = fs::read(folder.path("consistency.json")).expect("the report was written");
    let again: ConsistencyReport = serde_json::from_slice(&json).expect("the report can be read");
    assert_eq!(again, report);
    assert_eq!(again.verdict, Verdict::Fail);
}

#[test]
fn a_run_that_was_killed_while_it_wrote_is_inconclusive() {
    let (_root, folder) = run();
    let finished = "c,1,9100,finished,,,,,,,,,,,,,\n";
    edit(&folder, "events.csv", finished, "c,1,91");
    edit(&folder, "final.csv", "c,1,catalog,applied,,2,r3,Stock1,Sell,1,2,98,4,order\n", "c,1,cat");
    edit(&folder, "observations.csv", "8000,8100,100,ok,200,,2,,,,r3,1\n", "8000,8");
    let report = check(&folder);
    let text = report.to_text();
    assert_eq!(report.verdict, Verdict::Inconclusive, "{text}");
    assert_eq!(report.verdict.exit_code(), 2);
    assert!(text.contains("In c trial 1, the recorder did not finish"), "{text}");
    assert!(text.contains("Concerns every check."), "{text}");
}

#[test]
fn a_violation_in_a_run_that_was_killed_is_still_a_failure() {
    let (_root, folder) = run();
    edit(&folder, "events.csv", "c,1,9100,finished,,,,,,,,,,,,,\n", "");
    edit(&folder, "observations.csv", ",ok,200,,,98,4,hit", ",ok,200,,,97,3,hit");
    assert_eq!(check(&folder).verdict, Verdict::Fail);
}

#[test]
fn a_run_without_its_last_dump_is_inconclusive() {
    let (_root, folder) = run();
    fs::remove_file(folder.path("final.csv")).expect("the file is there");
    assert_eq!(check(&folder).verdict, Verdict::Inconclusive);
}

#[test]
fn files_that_are_missing_or_wrong_are_named_with_the_line() {
    let complaint = |folder: &RunFolder| {
        let checked = Run::open(folder).and_then(|run| check_run(&run));
        let message = checked.map(|report| report.verdict).unwrap_err().to_string();
        message.rsplit('/').next().unwrap_or_default().to_owned()
    };

    let (_root, folder) = run();
    edit(&folder, "observations.csv", "c,1,load,2,1,query", "c,one,load,2,1,query");
    assert_eq!(
        complaint(&folder),
        "observations.csv:4: field `trial`: invalid digit found in string"
    );

    let (_root, folder) = run();
    edit(&folder, "final.csv", "order-2,order,1,1,r1", "order-2,order,1,1,");
    assert_eq!(complaint(&folder), "final.csv:6: an order needs the field `request_id`");

    let (_root, folder) = run();
    let mut events =
        OpenOptions::new().append(true).open(folder.path("events.csv")).expect("it is there");
    events.write_all(b"d,1,9200,finished,,,,,,,,,,,,,\n").expect("it can be written");
    assert_eq!(complaint(&folder), "events.csv:14: the manifest has no trial 1 of a cell `d`");

    let (_root, folder) = run();
    fs::remove_file(folder.path("observations.csv")).expect("the file is there");
    assert!(complaint(&folder).starts_with("observations.csv: No such file"));
}
