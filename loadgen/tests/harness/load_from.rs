//! Clients that are on other hosts: this machine, reached through a command as others are, and network namespaces.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use results::records::{EventKind, Observation, Phase};

use crate::common::{
    Running, assert_gone, ended, eventually, harness, latest, names, pids_under_load, plan, run,
};
use crate::host_networks::CANNOT;
use crate::hosts::{a_day_ahead, agents};

/// The bazaar's own file, with its processes here and clients on n6 and n7. Each host's agent makes its folder below that host's in
/// `folder`; the way to n6 begins with `words`.
fn target(folder: &Path, words: &[&str]) -> String {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/bazaar.toml");
    let mut text = fs::read_to_string(own).unwrap();
    text.push_str("\n[load]\nfrom = [\"n6\", \"n7\"]\n");
    for (host, words) in [("n6", words), ("n7", &[])] {
        let own = folder.join(host);
        fs::create_dir_all(&own).unwrap();
        let words = words.iter().map(|word| format!("\"{word}\", ")).collect::<String>();
        text.push_str(&format!(
            "[hosts.{host}]\nconnect = [{words}\"env\", \"TMPDIR={}\"]\naddress = \"127.0.0.1\"\n",
            own.display()
        ));
    }
    let path = folder.join("load-from.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Asserts that no agent runs, and none has left a folder.
fn assert_nothing_left(folder: &Path) {
    for host in ["n6", "n7"] {
        assert_eq!(names(&folder.join(host)), [] as [&Path; 0]);
        assert!(agents(&folder.join(host)).is_empty());
    }
}

/// The rows of the load that clients with odd numbers did, which are on n6, or the others.
fn of_clients(rows: &[Observation], are_odd: bool) -> impl Iterator<Item = &Observation> {
    let is_odd = move |row: &&Observation| (row.client % 2 == 1) == are_odd;
    rows.iter().filter(|row| row.phase == Phase::Load).filter(is_odd)
}

const LOAD: &str =
    "[load]\nclients = 4\np = [0.6]\nwarm_up_s = 0.2\nduration_s = 4\n[system]\ncache = [\"on\"]\n";

#[test]
fn what_clients_on_a_host_with_another_clock_see_is_on_ours_within_its_bound_and_is_judged() {
    let Some(way) = a_day_ahead() else { return };
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &way);
    let faults =
        "[[faults]]\nat_ms = 1000\naction = \"kill\"\ntarget = \"leader\"\nfor_ms = 1000\n";
    let plan = plan(folder.path(), &format!("{LOAD}{faults}"));
    let arguments = ["failover", "--target", &target, "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    let (events, rows) = (run_folder.events().unwrap(), run_folder.observations().unwrap());
    let end_us = events.iter().find(|event| event.event == EventKind::Finished).unwrap().at_us;
    assert!(rows.iter().all(|row| row.start_us <= row.end_us && row.end_us <= end_us));
    // By that clock an operation may have lasted for longer than it took; by ours for as long as it did.
    let is_open = |row: &Observation| row.end_us - row.start_us > row.latency_us;
    assert!(rows.iter().all(|row| row.end_us - row.start_us >= row.latency_us));
    assert!(of_clients(&rows, true).any(is_open), "none was sent from n6");
    assert!(of_clients(&rows, false).count() > 50 && !of_clients(&rows, false).any(is_open));
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    let ended: Vec<_> = of(EventKind::SenderEnded)
        .map(|event| (event.target.clone().unwrap(), event.bound_us.unwrap() > 0))
        .collect();
    assert_eq!(of(EventKind::SenderReady).count(), 2);
    assert!(ended.contains(&("n6".to_owned(), true)) && ended.contains(&("n7".to_owned(), false)));
    assert!(stdout.contains("127.0.0.1: clients 1, 3; its wall clock is"), "{stdout}");
    assert!(stdout.contains("127.0.0.1: clients 2, 4; the same clock as the harness's"));
    // The plan that repeats the run says where the clients were.
    assert!(fs::read_to_string(run_folder.path("manifest.json")).unwrap().contains("n7"));
    assert_nothing_left(folder.path());
}

#[test]
fn a_host_of_clients_whose_agent_is_killed_is_told_and_the_run_goes_on_to_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[]);
    let plan = plan(folder.path(), LOAD);
    let running = Running::start(folder.path(), &["bench", "--target", &target, "--plan", &plan]);
    let pids = pids_under_load(folder.path());
    let agent = eventually("the agent of n6", || agents(&folder.path().join("n6")).pop());
    kill(Pid::from_raw(agent.0.cast_signed()), Signal::SIGKILL).unwrap();
    let (code, stdout) = running.wait();
    // What the services did is known, and was right; a machine that is loaded to the brim may have stalled some of it.
    let stalled = stdout.contains("and the machine stalled the harness");
    assert!(code == Some(0) || code == Some(2) && stalled, "{stdout}");
    assert!(!stdout.contains("with all that ran there"), "{stdout}");
    assert!(stdout.contains("A host of clients was lost 1 time; the first: n6 at"), "{stdout}");
    let run_folder = latest(folder.path());
    let (events, rows) = (run_folder.events().unwrap(), run_folder.observations().unwrap());
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    let lost: Vec<_> = of(EventKind::SenderLost).collect();
    assert_eq!((lost.len(), lost[0].target.as_deref()), (1, Some("n6")));
    assert!(lost[0].suspected_us.unwrap() <= lost[0].at_us);
    let why = lost[0].detail.as_deref().unwrap();
    assert!(why.contains("its host was lost: the connection to its agent ended"), "{why}");
    assert_eq!((of(EventKind::HostLost).count(), of(EventKind::Finished).count()), (0, 1));
    assert_eq!(of(EventKind::SenderEnded).count(), 1, "n7 went on");
    // Nobody on n6 asked any more, and those on n7 did.
    let begun_later = |are_odd| {
        of_clients(&rows, are_odd).filter(|row| row.start_us > lost[0].at_us + 100_000).count()
    };
    assert_eq!(begun_later(true), 0);
    assert!(begun_later(false) > 50);
    // What those on n6 were told is done is looked up all the same.
    assert!(rows.iter().any(|row| row.phase == Phase::Lookup && row.client == 1));
    let (again, said, _) = ended(&run(folder.path(), &["check", "results/runs/latest"]));
    assert_eq!(again, code, "{said}");
    assert_gone(&pids);
    assert_nothing_left(folder.path());
}

#[test]
fn a_check_of_the_file_asks_once_from_each_host_of_clients() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[]);
    let output =
        harness(folder.path(), &["target", "check", &target]).env("TMPDIR", folder.path()).output();
    let (code, stdout, stderr) = ended(&output.unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for said in ["host n6", "load from n6", "load from n7"] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    assert_nothing_left(folder.path());
}

#[test]
fn clients_on_hosts_of_their_own_see_a_leader_killed_on_another_and_nothing_is_lost_or_left() {
    let folder = tempfile::tempdir().unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/hosts/bazaar.toml");
    let faults =
        "[[faults]]\nat_ms = 1500\naction = \"kill\"\ntarget = \"leader\"\nfor_ms = 1000\n";
    let load = LOAD.replace("[load]\n", "[load]\nfrom = [\"n6\", \"n7\"]\n");
    let plan = plan(folder.path(), &format!("{load}{faults}"));
    let program = env!("CARGO_BIN_EXE_double-trouble");
    let (hosts, target) = (["hosts", "--count", "7", "--"], own.to_str().unwrap());
    let words = [program, "failover", "--target", target, "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &[&hosts[..], &words].concat()));
    if code == Some(3) && CANNOT.iter().any(|one| stderr.contains(one)) {
        eprintln!("left out: {stderr}");
        return;
    }
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    let (events, rows) = (run_folder.events().unwrap(), run_folder.observations().unwrap());
    for are_odd in [true, false] {
        assert!(of_clients(&rows, are_odd).filter(|row| row.outcome.is_answer()).count() > 20);
    }
    let mut from: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::SenderReady)
        .map(|event| event.detail.clone().unwrap())
        .collect();
    from.sort_unstable();
    assert_eq!(from.len(), 2);
    assert!(from[0].starts_with("10.77.0.6: clients 1, 3;"), "{from:?}");
    assert!(from[1].starts_with("10.77.0.7: clients 2, 4;"), "{from:?}");
}

#[test]
fn clients_on_hosts_that_the_target_does_not_have_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "[load]\nfrom = [\"n1\"]\n");
    let (code, _, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("load.from: holds n1, and the target has no [hosts]"), "{stderr}");
}
