//! Faults at a service that is not ours: a toy in Python, of which nothing is known but what its plan says.

use std::fs;
use std::path::Path;
use std::time::Duration;

use records::{Event, Process, Roles};
use supervisor::probe::{Probe, ProbeKind};

use super::*;
use crate::disk::DiskFaults;
use crate::injector::{self, Injection};
use crate::ports::{Reservation, choose_more};
use crate::schedule::{Flood, PlannedFault, Schedule};
use crate::testing::{Untold, drain, events, guard, runs, sh_program};

/// Listens, counts into a file that it flushes, and has a child that does nothing. Each ends by itself after two minutes.
const TOY: &str = r"
import os, signal, socket, sys, threading, time
signal.alarm(120)
child = os.fork()
if child == 0:
    signal.alarm(120)
    while True:
        signal.pause()
print('child', child, flush=True)
def count():
    number = 0
    while True:
        try:
            with open(os.path.join(sys.argv[2], 'orders.csv'), 'w') as orders:
                number += 1
                orders.write(str(number))
                orders.flush()
                os.fsync(orders.fileno())
        except OSError:
            pass
        time.sleep(0.005)
threading.Thread(target=count, daemon=True).start()
server = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=128)
connections = []
while True:
    connections.append(server.accept()[0])
";

/// A generous bound, reached only when a test fails.
const SOON: Duration = Duration::from_secs(30);

fn shop() -> ProcessName {
    "shop".parse().unwrap()
}

fn quiet() -> ProcessName {
    "quiet".parse().unwrap()
}

/// A shop, and a process that says nothing of itself. Its port is the shop's for as long as the reservation lasts.
fn plan(folder: &Path) -> (ServicePlan, Reservation) {
    let (addresses, reservation) = choose_more(1).unwrap();
    let (address, data) = (addresses[0], folder.join("data"));
    fs::create_dir_all(&data).unwrap();
    let list = [(shop(), "shop"), (quiet(), "helper")];
    let list = list.map(|(name, role)| Process { name, role: role.parse().unwrap() });
    let mut toy = sh_program(folder, "shop", "");
    toy.command = ["python3", "-c", TOY, &address.port().to_string(), data.to_str().unwrap()]
        .map(Into::into)
        .to_vec();
    let (kind, period) = (ProbeKind::Tcp(address.to_string()), Duration::from_millis(10));
    toy.probe = Some(Probe { kind, period, timeout: Duration::from_secs(30) });
    let plan = ServicePlan {
        processes: Processes::new(list.into(), Roles::default()),
        programs: vec![toy, sh_program(folder, "quiet", "exec sleep 120")],
        logs: folder.join("logs"),
        log_bytes: 1 << 20,
        guard: guard(),
        leaders: Arc::new(Untold),
        addresses: [(shop(), address)].into(),
        hosts: BTreeMap::new(),
        data: [(shop(), vec![data])].into(),
        flood_connections: 20,
        disk_faults: DiskFaults { processes: [shop()].into(), power_cuts: true },
        relays: None,
        host_links: crate::host_network::HostLinks::None,
        uses_all_links: false,
        dumps: Vec::new(),
        body_paths: BTreeMap::new(),
        cache: None,
        copies: folder.join("copies"),
        own_faults: BTreeMap::new(),
    };
    (plan, reservation)
}

/// The pid of the child that the shop said last, once it is in the log: who listens already may have said it just now.
async fn child(folder: &Path) -> u32 {
    let said = || {
        let log = fs::read_to_string(folder.join("logs/shop.log")).unwrap();
        let mut said = log.lines().filter_map(|line| line.strip_prefix("child ")?.parse().ok());
        said.next_back()
    };
    let waiting = async {
        loop {
            match said() {
                Some(child) => break child,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("the shop says its child's pid")
}

async fn inject(bazaar: &Arc<Bazaar>, plan: &str) -> (Vec<Injection>, Vec<Event>) {
    let plan: Vec<PlannedFault> = serde_json::from_str(plan).unwrap();
    let schedule = Schedule::expand(&plan, bazaar.system()).unwrap();
    let (sink, mut received) = events();
    let began_us = sink.origin().elapsed_us();
    let never = std::future::pending();
    let done = injector::run(Arc::clone(bazaar), schedule, began_us, sink, never).await;
    (done, drain(&mut received))
}

#[tokio::test]
async fn every_fault_of_a_process_reaches_the_whole_tree_of_a_service_that_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _reservation) = plan(folder.path());
    let bazaar = Arc::new(Bazaar::start(whole).await.unwrap());
    let children: Vec<u32> = vec![child(folder.path()).await];
    for (plan, acts) in [
        (
            r#"[{"at_ms":0,"action":"kill","target":"shop","for_ms":50}]"#,
            vec![Action::Kill, Action::Restart],
        ),
        (
            r#"[{"at_ms":0,"action":"pause","target":"shop","for_ms":50}]"#,
            vec![Action::Pause, Action::Resume],
        ),
        (
            r#"[{"at_ms":0,"action":"slow","target":"shop","percent":30,"for_ms":3000}]"#,
            vec![Action::Slow, Action::Recover],
        ),
        (
            r#"[{"at_ms":0,"action":"flood","target":"shop","kind":"idle","connections":20,"for_ms":3000}]"#,
            vec![Action::Flood, Action::Recover],
        ),
        (
            r#"[{"at_ms":0,"action":"stall-disk","target":"shop","for_ms":1500}]"#,
            vec![Action::StallDisk, Action::Recover],
        ),
        (
            r#"[{"at_ms":0,"action":"power-cut","target":"shop","for_ms":50}]"#,
            vec![Action::PowerCut, Action::Restart],
        ),
        (
            r#"[{"at_ms":1500,"action":"kill","target":"shop"},
                {"at_ms":1500,"action":"old-files","target":"shop","copied_at_ms":0},
                {"at_ms":2500,"action":"restart","target":"shop"}]"#,
            vec![Action::Kill, Action::OldFiles, Action::Restart],
        ),
        (
            r#"[{"at_ms":0,"action":"kill","target":"shop"},
                {"at_ms":0,"action":"lose-files","target":"shop"}]"#,
            vec![Action::Kill, Action::LoseFiles],
        ),
    ] {
        let (done, told) = inject(&bazaar, plan).await;
        let seen: Vec<_> = done.iter().map(|done| (done.action, done.confirmed)).collect();
        let expected: Vec<_> = acts.into_iter().map(|action| (action, true)).collect();
        assert_eq!(seen, expected, "{told:?}");
    }
    assert!(!runs(children[0]), "who was killed took its child along");
    assert!(!runs(child(folder.path()).await));
    assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 0);
    let quiet = bazaar.process(quiet()).unwrap();
    bazaar.stop().await;
    assert!(!runs(quiet.pid) && bazaar.take_deaths().is_empty());
}

#[tokio::test]
async fn what_a_target_does_not_declare_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _reservation) = plan(folder.path());
    let bazaar = Bazaar::start(whole).await.unwrap();
    let flood: Flood = serde_json::from_str::<Vec<PlannedFault>>(
        r#"[{"at_ms":0,"action":"flood","target":"quiet","kind":"idle","for_ms":1}]"#,
    )
    .map(|plan| {
        let schedule = Schedule::expand(&plan, bazaar.system()).unwrap();
        match schedule.faults()[0].action {
            crate::schedule::FaultAction::Flood(flood) => flood,
            other => panic!("{other:?}"),
        }
    })
    .unwrap();
    let route = "shop -> quiet".parse::<records::Subject>().unwrap();
    let records::Subject::Link(route) = route else { panic!("{route:?}") };
    let cut = crate::schedule::LinkFault::Cut(crate::schedule::CutMode::Reset);
    let refused = [
        bazaar.flood(1, quiet(), flood).unwrap_err().to_string(),
        bazaar.lose_files(quiet()).await.unwrap_err().to_string(),
        bazaar.copy_files(quiet(), folder.path()).await.unwrap_err().to_string(),
        bazaar.cut_power(quiet()).await.unwrap_err().to_string(),
        bazaar.inject_link_fault(2, route, cut).await.unwrap_err().to_string(),
        bazaar.switch_cache(true).await.unwrap_err().to_string(),
    ];
    let reasons = [
        "cannot flood quiet: the target does not say where it listens",
        "the target names no files of quiet, so none can be copied, lost or put back",
        "the target names no files of quiet, so none can be copied, lost or put back",
        "the bazaar was not started with faults of the disk of quiet",
        "no relay stands between the processes of this run, so no link of theirs can be broken",
        "the target has no cache that can be switched",
    ];
    assert_eq!(refused, reasons);
}

#[tokio::test]
async fn a_plan_that_contradicts_itself_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut unlisted, _reservation) = plan(folder.path());
    unlisted.programs[1].name = "other".to_owned();
    let error = Bazaar::start(unlisted).await.unwrap_err().to_string();
    assert!(error.contains("other is listed and not started, or"), "{error}");
    let (mut nowhere, _reservation) = plan(folder.path());
    nowhere.data.clear();
    let error = Bazaar::start(nowhere).await.unwrap_err().to_string();
    assert!(error.ends_with("the target does not say where the data of shop is"), "{error}");
    assert!(!folder.path().join("logs").exists());
}
