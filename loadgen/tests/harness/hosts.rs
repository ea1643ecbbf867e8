//! The bazaar on hosts: this machine, reached through a command as others are, with an address for each host.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use results::records::{Action, EventKind, FinalKind, FinalRow};

use crate::common::{
    Running, assert_gone, ended, eventually, harness, latest, names, pids_under_load, plan, run,
};

/// Whatever names a port of a process on 127.0.0.1, at the address of its host instead.
fn addressed(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:{{ port");
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (key, rest) = part.split_once(" }}").unwrap();
        whole.push_str(&format!("{{{{ address{key} }}}}:{{{{ port{key} }}}}{rest}"));
    }
    whole
}

/// The bazaar's own file with its processes on three hosts, whose agents make their folders below `folder`.
fn target(folder: &Path) -> String {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/bazaar.toml");
    let mut text = addressed(&fs::read_to_string(own).unwrap());
    for (process, host) in
        [("front-end", "n1"), ("catalog", "n1"), ("\"order-{{ n }}\"", "n{{ n }}")]
    {
        let table = format!("[processes.{process}]\n");
        assert!(text.contains(&table), "{table}");
        text = text.replace(&table, &format!("{table}host = \"{host}\"\n"));
    }
    for n in 1..=3 {
        let scratch = folder.display();
        text.push_str(&format!(
            "\n[hosts.n{n}]\nconnect = [\"env\", \"TMPDIR={scratch}\"]\naddress = \"127.0.0.{}\"\n",
            n + 1
        ));
    }
    let path = folder.join("hosts.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What a command begins with that is run by a clock a day ahead, where anybody may have one: a time that is not mapped lies far beyond the run.
pub(crate) fn a_day_ahead() -> Option<[&'static str; 5]> {
    let way = ["unshare", "--time", "--monotonic", "86400", "--fork"];
    let allowed = Command::new(way[0]).args(&way[1..]).arg("true").output();
    let is_allowed = allowed.is_ok_and(|output| output.status.success());
    if !is_allowed {
        eprintln!("left out: this machine lets nobody have another clock");
    }
    is_allowed.then_some(way)
}

/// What agents have left.
fn agents_folders(folder: &Path) -> Vec<PathBuf> {
    let is_agents = |name: &PathBuf| name.to_string_lossy().starts_with("double-trouble-");
    names(folder).into_iter().filter(is_agents).collect()
}

/// The agents that run, each with its folder.
pub(crate) fn agents(folder: &Path) -> Vec<(u32, String)> {
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let below = folder.to_string_lossy().into_owned();
    let agent = |pid: u32| {
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        let words: Vec<&str> = command.split('\0').collect();
        let place = words.iter().position(|word| *word == "kept")?;
        let own = words.get(place.checked_sub(1)?)?;
        own.starts_with(&below).then(|| (pid, (*own).to_owned()))
    };
    pids.filter_map(agent).collect()
}

/// What a run has kept of what `host` had in its scratch folder.
fn kept(run: &Path, host: &str, file: &str) -> Vec<PathBuf> {
    let trials = names(&run.join("data")).into_iter();
    let kept = trials.map(|trial| {
        run.join("data").join(trial).join("hosts").join(host).join("scratch").join(file)
    });
    kept.filter(|file| file.is_file()).collect()
}

const LOAD: &str =
    "[load]\nclients = 4\np = [0.6]\nwarm_up_s = 0.2\nduration_s = 5\n[system]\ncache = [\"on\"]\n";

#[test]
fn every_process_on_a_host_is_checked_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path());
    let output =
        harness(folder.path(), &["target", "check", &target]).env("TMPDIR", folder.path()).output();
    let (code, stdout, stderr) = ended(&output.unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for said in ["host n1", "host n3", "start of order-3", "orders at order-2", "stocks at catalog"]
    {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    assert!(agents_folders(folder.path()).is_empty() && agents(folder.path()).is_empty());
}

#[test]
fn a_leader_on_a_host_is_killed_and_restarted_there_and_nothing_is_lost_or_left() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path());
    let faults = "[[faults]]\nat_ms = 1000\naction = \"kill\"\ntarget = \"leader\"\nfor_ms = 1000\n\
                  [[faults]]\nat_ms = 3200\naction = \"pause\"\ntarget = \"follower\"\nfor_ms = 500\n";
    let plan = plan(folder.path(), &format!("{LOAD}{faults}"));
    let arguments = ["failover", "--target", &target, "--plan", &plan, "--keep-data"];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    let acts: Vec<_> = of(EventKind::Confirmed).map(|event| event.action.unwrap()).collect();
    assert_eq!(acts, [Action::Kill, Action::Restart, Action::Pause, Action::Resume]);
    // One kernel has one clock, so the bound is known, and nothing.
    assert!(of(EventKind::Confirmed).all(|event| event.bound_us == Some(0)));
    let mut reached: Vec<_> = of(EventKind::HostReached)
        .map(|it| format!("{} at {}", it.process.unwrap(), it.target.clone().unwrap()))
        .collect();
    reached.sort_unstable();
    let places =
        ["catalog at n1", "front-end at n1", "order-1 at n1", "order-2 at n2", "order-3 at n3"];
    assert_eq!(reached, places);
    assert!(stdout.contains("127.0.0.2: catalog, front-end, order-1"), "{stdout}");
    let file = |host, file| match kept(run_folder.root(), host, file).as_slice() {
        [one] => one.clone(),
        kept => panic!("{file} of {host}: {kept:?}"),
    };
    let orders =
        [("n1", "order-1.db"), ("n2", "order-2.db"), ("n3", "order-3.db")].map(|(host, name)| {
            let database = rusqlite::Connection::open(file(host, name)).unwrap();
            let count = "SELECT count(*) FROM orders";
            database.query_row(count, [], |row| row.get::<_, usize>(0)).unwrap()
        });
    let held = |name: &str| {
        let rows = run_folder.final_rows().unwrap();
        let is_held = |row: &&FinalRow| row.source == *name && row.kind == FinalKind::Order;
        rows.iter().filter(is_held).count()
    };
    assert!(orders[0] > 0 && orders == ["order-1", "order-2", "order-3"].map(held), "{orders:?}");
    let private = fs::metadata(file("n1", "catalog.db").ancestors().nth(2).unwrap()).unwrap();
    assert_eq!(private.permissions().mode() & 0o777, 0o700);
    assert!(agents_folders(folder.path()).is_empty() && agents(folder.path()).is_empty());
}

#[test]
fn what_a_host_with_another_clock_sees_is_told_on_ours_within_its_bound() {
    let Some(way) = a_day_ahead() else { return };
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path());
    let words = way.map(|word| format!("\"{word}\", ")).concat();
    let text = fs::read_to_string(&target).unwrap();
    fs::write(&target, text.replace("connect = [", &format!("connect = [{words}"))).unwrap();
    let faults =
        "[[faults]]\nat_ms = 1000\naction = \"kill\"\ntarget = \"leader\"\nfor_ms = 1000\n";
    let plan = plan(folder.path(), &format!("{LOAD}{faults}"));
    let arguments = ["failover", "--target", &target, "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let events = latest(folder.path()).events().unwrap();
    let end_us = events.iter().find(|event| event.event == EventKind::Finished).unwrap().at_us;
    assert!(events.iter().all(|event| event.at_us <= end_us), "a time was not mapped");
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    for event in of(EventKind::Injected) {
        let (planned_us, bound_us) = (event.planned_us.unwrap(), event.bound_us.unwrap());
        assert!(bound_us > 0 && event.at_us + bound_us >= planned_us, "{event:?}");
    }
    assert!(of(EventKind::LeaderChanged).count() >= 2, "the history is on our clock as well");
    assert!(agents_folders(folder.path()).is_empty() && agents(folder.path()).is_empty());
}

#[test]
fn an_agent_that_is_killed_in_mid_run_is_told_and_the_run_goes_on_to_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path());
    let plan = plan(folder.path(), &format!("{LOAD}[checks]\nconverge_within_ms = 1000\n"));
    let arguments = ["bench", "--target", &target, "--plan", &plan];
    let running = Running::start(folder.path(), &arguments);
    let pids = pids_under_load(folder.path());
    let killed = eventually("the agent of n2", || {
        let agents = agents(folder.path());
        // Its guard, whose parent it is, keeps order-2.
        agents
            .into_iter()
            .find(|(_, own)| fs::metadata(Path::new(own).join("scratch/order-2.db")).is_ok())
    });
    kill(Pid::from_raw(killed.0.cast_signed()), Signal::SIGKILL).unwrap();
    let (code, stdout) = running.wait();
    assert_eq!(code, Some(2), "{stdout}");
    let events = latest(folder.path()).events().unwrap();
    let lost: Vec<_> = events.iter().filter(|event| event.event == EventKind::HostLost).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].target.as_deref(), Some("n2"));
    assert_eq!(lost[0].process.unwrap().to_string(), "order-2");
    assert!(events.iter().any(|event| event.event == EventKind::HostBack));
    assert!(events.iter().any(|event| event.event == EventKind::Finished), "the run went on");
    assert!(!events.iter().any(|event| event.event == EventKind::Died));
    let said = fs::read_to_string(latest(folder.path()).path("consistency.json")).unwrap();
    assert!(
        said.contains("a host was lost") && said.contains("\"verdict\": \"inconclusive\""),
        "{said}"
    );
    assert_gone(&pids);
    // The run did not pass, so what can be had is kept.
    let run_folder = latest(folder.path());
    assert_eq!(kept(run_folder.root(), "n3", "order-3.db").len(), 1);
    assert!(kept(run_folder.root(), "n2", "order-2.db").is_empty());
    assert!(agents_folders(folder.path()).is_empty() && agents(folder.path()).is_empty());
}

#[test]
fn a_host_that_cannot_be_reached_is_said_with_what_its_way_said() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path());
    let text = fs::read_to_string(&target).unwrap();
    let way = "connect = [\"sh\", \"-c\", \"echo no route to it >&2; exit 255\"]";
    let far = text.rsplit_once("connect = ").map(|(before, after)| {
        let (_, after) = after.split_once('\n').unwrap();
        format!("{before}{way}\n{after}")
    });
    fs::write(&target, far.unwrap()).unwrap();
    let plan = plan(folder.path(), LOAD);
    let arguments = ["bench", "--target", &target, "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(3), "{stdout}{stderr}");
    assert!(stderr.contains("hosts.n3") && stderr.contains("no route to it"), "{stderr}");
    assert!(agents_folders(folder.path()).is_empty() && agents(folder.path()).is_empty());
}
