//! What the tests of this crate break instead of the real services, which it does not know:
//! a scripted HTTP server in-process, and a bazaar of processes that do as little as they can.
//!
//! The processes are this test binary itself: small shell scripts named like the services call it
//! with [`fake_process`] as its only test. So no binary has to be built for the tests alone.
//!
//! * `service`: the server.
//! * `process`: what one process does.

mod process;
mod service;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use nix::sys::{prctl, signal::Signal};
use records::{Event, EventKind, built_in};
use serde::Deserialize;
use supervisor::probe::{Probe, ProbeKind};
use supervisor::system::{Program, Shutdown, System, SystemPlan};
use supervisor::tree::GuardProgram;
use tokio::sync::mpsc;
use wire::configuration::History;

use crate::bazaar::{Bazaar, ServicePlan};
use crate::clock::Origin;
use crate::disk::DiskFaults;
use crate::dump::{DumpKind, DumpSource};
use crate::events::EventSink;
use crate::host_network::HostLinks;
use crate::http::{HttpClient, HttpError};
use crate::leadership::{Alive, Asking, Leaders, Leadership, NoLeader, Remembered};
use crate::ports::{Reservation, choose_more};
use crate::process::ProcessName;
use crate::relay::Relay;
use process::FakeProcess;
pub(crate) use process::IN_USE_ONCE;
pub(crate) use service::FakeService;

/// Set for the processes of a fake bazaar: the path of the script, and its arguments.
const PROCESS_VARIABLE: &str = "FAKE_PROCESS";
/// Set for a harness that is to be killed: the folder of its bazaar.
const HARNESS_VARIABLE: &str = "FAKE_HARNESS";

/// A folder with a bazaar's binaries, data and logs.
#[derive(Debug)]
pub(crate) struct FakeBazaar {
    folder: tempfile::TempDir,
    /// The ports of its plans, until it goes: tests run beside each other, and processes listen long after their ports were chosen.
    kept: Mutex<Vec<Reservation>>,
}

impl FakeBazaar {
    pub(crate) fn new() -> Self {
        let fake = Self { folder: tempfile::tempdir().unwrap(), kept: Mutex::default() };
        write_binaries(fake.path());
        fake
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn plan(&self) -> ServicePlan {
        plan(self.path(), false, &mut self.kept.lock().unwrap())
    }

    /// The same, whose processes are told of relays.
    pub(crate) fn plan_with_relays(&self) -> ServicePlan {
        plan(self.path(), true, &mut self.kept.lock().unwrap())
    }

    pub(crate) async fn start(&self) -> Bazaar {
        Bazaar::start(self.plan()).await.unwrap()
    }
}

/// How many replicas a fake bazaar has.
const REPLICAS: usize = 3;

/// A fake bazaar, whose processes are told of `relays`, if there are to be any. Its ports are `kept`.
fn plan(folder: &Path, relays: bool, kept: &mut Vec<Reservation>) -> ServicePlan {
    let mut choose = |needed| {
        let (addresses, reservation) = choose_more(needed).unwrap();
        kept.push(reservation);
        addresses
    };
    // Where the processes listen, in the order of the list.
    let ports = choose(REPLICAS + 2);
    let processes = built_in::processes(u8::try_from(REPLICAS).unwrap());
    let names: Vec<_> = processes.names().collect();
    let data = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    let mut links = Vec::new();
    let programs = names.iter().zip(&ports).enumerate().map(|(index, (name, own))| {
        let is_order = name.as_str().starts_with("order-");
        let program = folder.join("bin").join(if is_order { "order" } else { name.as_str() });
        let mut command: Vec<String> = vec![program.to_str().unwrap().to_owned()];
        let mut add = |flag: &str, value: String| command.extend([flag.to_owned(), value]);
        add("--data-dir", data.to_str().unwrap().to_owned());
        add("--listen", own.to_string());
        add("--id", (index.max(1) - 1).to_string());
        for (other, (to, target)) in names.iter().zip(&ports).enumerate() {
            // As the bazaar's catalog, which asks the front-end alone.
            let dials = other != index && (name.as_str() != "catalog" || other == 0);
            let relay = (relays && dials).then(|| choose(1)[0]);
            links.extend(relay.map(|address| Relay {
                from: *name,
                to: *to,
                address,
                target: *target,
            }));
            if let Some(id) = to.as_str().strip_prefix("order-") {
                add("--replica", format!("{id}={}", relay.unwrap_or(*target)));
            }
        }
        let mut program = sh_program(folder, name.as_str(), "");
        program.command = command.into_iter().map(Into::into).collect();
        let (period, timeout) = (Duration::from_millis(10), Duration::from_secs(30));
        let kind = ProbeKind::Health(format!("http://{own}/healthz"));
        program.probe = Some(Probe { kind, period, timeout });
        program
    });
    let programs: Vec<_> = programs.collect();
    let at = |name: &ProcessName| ports[names.iter().position(|one| one == name).unwrap()];
    let dumps = names.iter().skip(1).map(|name| DumpSource {
        name: *name,
        kind: if name.as_str() == "catalog" { DumpKind::Stocks } else { DumpKind::Orders },
        address: at(name),
        path: "/dump".to_owned(),
        headers: Vec::new(),
    });
    ServicePlan {
        programs,
        logs: folder.join("logs"),
        log_bytes: 1 << 20,
        guard: guard(),
        leaders: Arc::new(AskedLeaders { http: HttpClient::new(), front_end: ports[0] }),
        addresses: names.iter().map(|name| (*name, at(name))).collect(),
        hosts: BTreeMap::new(),
        data: names.iter().map(|name| (*name, vec![data.join(format!("{name}.db"))])).collect(),
        flood_connections: 0,
        disk_faults: DiskFaults::default(),
        own_faults: BTreeMap::new(),
        relays: relays.then_some(links),
        host_links: HostLinks::None,
        uses_all_links: true,
        dumps: dumps.collect(),
        body_paths: BTreeMap::new(),
        cache: None,
        copies: data,
        processes,
    }
}

#[test]
fn no_process_and_no_relay_of_fake_bazaars_is_given_the_port_of_another() {
    let fakes: Vec<_> = (0..16).map(|_| FakeBazaar::new()).collect();
    let mut ports = Vec::new();
    for fake in &fakes {
        let plan = fake.plan_with_relays();
        ports.extend(plan.addresses.values().map(SocketAddr::port));
        ports.extend(plan.relays.iter().flatten().map(|relay| relay.address.port()));
    }
    let chosen = ports.len();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), chosen);
}

/// Asks a front-end who leads, and what changed, as the bazaar's answers.
#[derive(Debug)]
pub(crate) struct AskedLeaders {
    pub(crate) http: HttpClient,
    pub(crate) front_end: SocketAddr,
}

/// What counts of the answer.
#[derive(Deserialize)]
struct Led {
    leader: u8,
    epoch: u64,
    in_sync: Vec<u8>,
}

impl Leaders for AskedLeaders {
    fn look_up<'a>(&'a self, _alive: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>> {
        Box::pin(async {
            let within = Duration::from_secs(10);
            let asked = self.http.get_json::<Led>(self.front_end, "/leader", within).await;
            let Led { leader, epoch, in_sync } =
                asked.map_err(|error| NoLeader::Unanswered(error.to_string()))?;
            let in_sync = Some(in_sync.into_iter().map(built_in::order).collect());
            let (leader, epoch) = (built_in::order(leader), Some(epoch));
            Ok(Leadership { leader, epoch, in_sync, rivals: Vec::new() })
        })
    }

    fn history(&self) -> Asking<'_, Remembered> {
        Box::pin(async {
            let within = Duration::from_secs(10);
            match self.http.get_json::<History>(self.front_end, "/history", within).await {
                Ok(history) => Remembered::Changes(history),
                Err(HttpError::Status { status: StatusCode::NOT_FOUND, .. }) => Remembered::Nothing,
                Err(_) => Remembered::NoAnswer,
            }
        })
    }

    fn period(&self) -> Duration {
        Duration::from_millis(50)
    }
}

fn write_binaries(folder: &Path) {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    let test_binary = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n{PROCESS_VARIABLE}=\"$0 $*\" exec '{}' {} --exact --nocapture\n",
        test_binary.display(),
        "testing::fake_process",
    );
    for name in ["front-end", "catalog", "order"] {
        // Written by another process: a child that a neighbouring test forks just now would
        // inherit our handle for a moment, and a file that is open for writing cannot be run.
        let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
        let mut writer = std::process::Command::new("sh");
        writer.args(["-c", write, "sh", &script]).arg(bin.join(name));
        assert!(writer.status().unwrap().success());
    }
}

/// A sink, and where its events arrive.
pub(crate) fn events() -> (EventSink, mpsc::UnboundedReceiver<Event>) {
    let (rows, received) = mpsc::unbounded_channel();
    (EventSink::new("cell", 1, Origin::now(), rows), received)
}

/// Everything that has arrived.
pub(crate) fn drain(received: &mut mpsc::UnboundedReceiver<Event>) -> Vec<Event> {
    std::iter::from_fn(|| received.try_recv().ok()).collect()
}

/// The kinds of events, in the order in which they were emitted.
pub(crate) fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| event.event).collect()
}

/// Whether a process runs; one that only waits to be reaped does not.
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

/// The parent of a process.
pub(crate) fn parent(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Whether every thread of a process is stopped.
pub(crate) fn seen_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stats = threads.filter_map(|one| fs::read_to_string(one.ok()?.path().join("stat")).ok());
    stats.collect::<Vec<_>>().iter().all(|stat| stat.rsplit_once(") ").unwrap().1.starts_with('T'))
}

/// The example `guard`, which cargo builds beside the tests, as a guard's program.
pub(crate) fn guard() -> GuardProgram {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/guard");
    GuardProgram::new(path, [""; 0])
}

/// A program in the shell, which runs in `folder`.
pub(crate) fn sh_program(folder: &Path, name: &str, text: &str) -> Program {
    let command = ["sh", "-c", text].map(Into::into).to_vec();
    let shutdown =
        Shutdown { signal: supervisor::Signal::SIGTERM, timeout: Duration::from_secs(10) };
    Program { role: "any".to_owned(), ..Program::new(name, command, folder, shutdown) }
}

/// One process, a program in the shell.
pub(crate) async fn sh(folder: &Path, name: &str, text: &str) -> System {
    let programs = vec![sh_program(folder, name, text)];
    let plan = SystemPlan { programs, logs: folder.to_owned(), log_bytes: 1 << 20, guard: guard() };
    System::start(plan).await.unwrap()
}

/// A process of a fake bazaar. As a test it does nothing.
#[test]
fn fake_process() {
    let Ok(call) = std::env::var(PROCESS_VARIABLE) else { return };
    prctl::set_pdeathsig(Signal::SIGKILL).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(FakeProcess::parse(&call).run());
    eprintln!("error: {error}");
    std::process::exit(3);
}

/// A harness with a bazaar, to be killed. As a test it does nothing.
#[tokio::test]
async fn fake_harness() {
    let Ok(folder) = std::env::var(HARNESS_VARIABLE) else { return };
    let mut kept = Vec::new();
    let bazaar = Bazaar::start(plan(Path::new(&folder), false, &mut kept)).await.unwrap();
    let pids: Vec<_> = bazaar.processes().iter().map(|process| process.pid.to_string()).collect();
    println!("pids: {}", pids.join(" "));
    std::future::pending::<()>().await;
}

/// The command that runs [`fake_harness`].
pub(crate) fn fake_harness_command(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["testing::fake_harness", "--exact", "--nocapture"]);
    command.env(HARNESS_VARIABLE, folder);
    command
}

/// Of a target that does not say who leads.
#[derive(Debug)]
pub(crate) struct Untold;

impl Leaders for Untold {
    fn look_up<'a>(&'a self, _alive: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>> {
        Box::pin(std::future::ready(Err(NoLeader::Untold)))
    }

    fn period(&self) -> Duration {
        Duration::from_millis(50)
    }
}
