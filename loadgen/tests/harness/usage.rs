//! Bad usage gets one clear line that names the field and the fix, and exit code 3.

use std::fs;

use crate::common::{ended, names, plan, run};

#[test]
fn help_says_everything_and_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["--help"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for command in ["serve", "client", "bench", "failover", "prove", "check", "report", "Examples:"]
    {
        assert!(stdout.contains(command), "{command}");
    }
    for command in [
        "serve", "client", "bench", "failover", "prove", "check", "report", "compare", "target",
        "lab", "engines", "history",
    ] {
        let (code, stdout, _) = ended(&run(folder.path(), &[command, "--help"]));
        assert_eq!(code, Some(0));
        assert!(stdout.contains("Examples:"), "{command}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_be_understood_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let refused: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["bensh"], "bensh"),
        (&["bench", "--seed", "one"], "--seed"),
        (&["bench", "--duration", "-1"], "load.duration_s: is -1, must be from 0.1 to 3600"),
        (&["bench", "--duration", "nan"], "load.duration_s: is NaN, must be"),
        (&["bench", "--p", "-0.5"], "load.p: holds -0.5, must hold probabilities"),
        (&["bench", "--seed", "-1"], "invalid value '-1' for '--seed <N>'"),
        (&["bench", "--format", "junit", "--json"], "cannot be used with"),
        (&["client", "trade", "Stock1", "Buy", "-3"], "must be a whole number from 1"),
        (&["client", "--port", "shop", "check"], "must be a port's name and its number"),
        (&["client", "--port", "shop=1", "check"], "name its file with --target"),
        (&["serve", "--variant", "fast"], "--target"),
        (&["serve", "--target", "x.toml", "--cache", "off"], "cannot be used with"),
        (&["serve", "--target", "x.toml", "--base-port", "41000"], "cannot be used with"),
        (&["serve", "--target", "none.toml"], "none.toml"),
        (&["bench", "--clients", "0"], "load.clients: is 0, must be from 1 to 1000"),
        (&["bench", "--p", "0.5,2"], "load.p: holds 2, must hold probabilities from 0 to 1"),
        (&["bench", "--plan", "none.toml"], "none.toml"),
        (&["bench", "--rate", "0"], "load.rate: holds 0, must hold iterations per second"),
        (&["bench", "--arrivals", "poisson"], "load.arrivals: needs an open loop"),
        (&["bench", "--against", "nowhere"], "--against nowhere: there is no front-end"),
        (&["serve", "--replicas", "0"], "--replicas"),
        (&["serve", "--cache", "maybe"], "--cache"),
        (&["client", "trade", "Stock1", "Hold", "3"], "SIDE: is \"Hold\", must be Buy or Sell"),
        (&["client", "trade", "Stock1", "Buy", "0"], "must be a whole number from 1"),
        (&["client", "trade", "Stock1", "Buy", "1", "--key", "a b"], "--key"),
        (&["client", "query-stock", "Stock1", "--address", "nowhere"], "nowhere"),
        (&["prove", "--bug", "nothing"], "--bug nothing: no such bug; there are"),
        (&["check", "nowhere"], "RUN: nowhere is no run's folder"),
        (&["engines"], "Usage"),
        (&["history", "nowhere"], "nowhere: not compared: it is no run's folder"),
        (&["report", "."], "RUN: . is no run's folder"),
        (&["compare", "nowhere"], "RUN_A: nowhere is no run's folder"),
    ];
    for (arguments, named) in refused {
        let (code, stdout, stderr) = ended(&run(folder.path(), arguments));
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(named), "{arguments:?}: {stderr}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn every_mistake_of_a_plan_has_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "[load]\nclients = 0\ntrials = 0\n[system]\nreplicas = 0\n");
    let (code, _, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    assert_eq!(code, Some(3));
    let fields: Vec<_> = stderr.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(fields, ["load.clients", "load.trials", "system.replicas"], "{stderr}");
}

#[test]
fn a_failover_without_faults_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "");
    let (code, _, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(3));
    assert!(stderr.contains("faults: there are none"), "{stderr}");
}

#[test]
fn bugs_are_not_planted_in_services_that_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_double-trouble"));
    let bin_dir = program.parent().unwrap().to_str().unwrap();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["prove", "--bin-dir", bin_dir]));
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    assert!(stderr.contains("was built without the feature planted-bugs"), "{stderr}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "kept").unwrap();
    for (arguments, option) in [
        (["bench", "--out", "file/runs"], "--out"),
        (["serve", "--data-dir", "file/data"], "--data-dir"),
    ] {
        let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(option) && stderr.contains(arguments[2]), "{stderr}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "kept");
}
