//! Systems of real processes: started in order, ready or not, signalled, restarted, stopped.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use supervisor::Signal;
use supervisor::command::{self, Task};
use supervisor::probe::{Answer, Probe, ProbeKind};
use supervisor::system::{
    ActError, Action, Condition, ProcessState, Program, Restart, Shutdown, StartError, System,
    SystemPlan,
};

use crate::testing::*;

pub(crate) fn program(folder: &Path, name: &str, text: &str) -> Program {
    let shutdown = Shutdown { signal: Signal::SIGTERM, timeout: SOON };
    Program { role: "any".to_owned(), ..Program::new(name, python(text), folder, shutdown) }
}

pub(crate) fn probe(kind: ProbeKind) -> Option<Probe> {
    Some(Probe { kind, period: Duration::from_millis(10), timeout: SOON })
}

pub(crate) fn line(regex: &str) -> Option<Probe> {
    probe(ProbeKind::LogLine(Regex::new(regex).unwrap()))
}

pub(crate) fn plan(folder: &Path, programs: Vec<Program>) -> SystemPlan {
    SystemPlan { programs, logs: folder.join("logs"), log_bytes: LOG_BYTES, guard: guard() }
}

pub(crate) async fn started(folder: &Path, programs: Vec<Program>) -> System {
    System::start(plan(folder, programs)).await.unwrap()
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn ok() -> supervisor::probe::Expect {
    Arc::new(|answer: &Answer| Ok(answer.status == 200 && answer.body == b"fine"))
}

/// Answers 503 a few times, and 200 from then on, as HTTP/1.0 without a length.
const LATE: &str = "
import socket
server = socket.create_server(('127.0.0.1', int(sys.argv[1])))
for n in range(1000):
    connection, _ = server.accept()
    connection.recv(4096)
    status, text = ('503 Late', 'wait') if n < 3 else ('200 OK', 'fine')
    connection.sendall(f'HTTP/1.0 {status}\\r\\nX-Try: {n}\\r\\n\\r\\n{text}'.encode())
    connection.close()
";

#[tokio::test]
async fn a_process_is_started_once_those_that_it_needs_are_ready() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut db = program(folder.path(), "db", LATE);
    db.command.push(port.to_string().into());
    db.probe = probe(ProbeKind::HttpGet {
        url: format!("http://localhost:{port}/ping"),
        headers: vec![],
        expect: ok(),
    });
    let mut order = program(folder.path(), "order-1", "open('up', 'w').close()\nchild()\nwait()");
    order.depends_on.insert("db".to_owned(), Condition::Healthy);
    order.probe = probe(ProbeKind::Exec(["test", "-e", "up"].map(str::to_owned).to_vec()));
    let mut front = program(folder.path(), "front-end", "wait()");
    front.depends_on.insert("order-1".to_owned(), Condition::Healthy);
    front.depends_on.insert("db".to_owned(), Condition::Started);
    let system = started(folder.path(), vec![front, order, db]).await;
    let ready = |name| system.process(name).unwrap().ready_monotonic_us.unwrap();
    let begun = |name| system.process(name).unwrap().started_monotonic_us;
    assert!(begun("db") < ready("db") && ready("db") <= begun("order-1"));
    assert!(ready("order-1") <= begun("front-end"));
    system.stop().await;
    assert!(system.processes().iter().all(|process| process.state == ProcessState::Down));
    assert!(system.take_deaths().is_empty());
    assert!(matches!(system.restart("db").await, Err(ActError::Stopping)));
}

#[tokio::test]
async fn a_process_that_never_gets_ready_is_named_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let port = answering("200 OK", "fine").await;
    let mut never = program(folder.path(), "order-1", "");
    let text = "echo cannot find the catalog; exec sleep 60";
    never.command = ["sh", "-c", text].map(Into::into).to_vec();
    let refuse = Arc::new(|_: &Answer| Ok(false));
    let kind = ProbeKind::HttpGet {
        url: format!("http://127.0.0.1:{port}/"),
        headers: vec![],
        expect: refuse,
    };
    // Time enough for one answer, which nothing has to be started for.
    never.probe =
        Some(Probe { kind, period: Duration::from_millis(50), timeout: Duration::from_secs(4) });
    never.depends_on.insert("front-end".to_owned(), Condition::Healthy);
    let mut other = program(folder.path(), "front-end", "child()\nwait()");
    other.probe = line("^pid ");
    let error =
        System::start(plan(folder.path(), vec![never, other])).await.unwrap_err().to_string();
    let parts = [
        "order-1 is not ready after 4000 ms",
        "the probe http_get http://127.0.0.1",
        "status 200: \"fine\"",
        "\n  | cannot find the catalog",
    ];
    for part in parts {
        assert!(error.contains(part), "{error}");
    }
    let other = pids(&folder.path().join("logs/front-end.log"), 1).await;
    assert!(all_gone(&other), "nothing is left of a start that failed");
}

#[tokio::test]
async fn a_process_that_ends_before_it_is_ready_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut dies = program(folder.path(), "order-1", "say('no disk')\nsys.exit(3)");
    dies.probe = line("never");
    let error = System::start(plan(folder.path(), vec![dies])).await.unwrap_err().to_string();
    assert!(error.contains("order-1 ended before it was ready (exit status: 3;"), "{error}");
    assert!(error.ends_with("it wrote last:\n  | no disk"), "{error}");
}

#[tokio::test]
async fn a_plan_without_sense_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut lonely = program(folder.path(), "front-end", "wait()");
    lonely.depends_on.insert("nobody".to_owned(), Condition::Started);
    let error = System::start(plan(folder.path(), vec![lonely])).await.unwrap_err();
    assert!(matches!(&error, StartError::Plan(problems) if problems.len() == 1), "{error}");
    assert!(!folder.path().join("logs").exists());
}

#[tokio::test]
async fn acts_are_confirmed_and_fit_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let serve = format!(
        "import socket\nserver = socket.create_server(('127.0.0.1', {port}))\nsay('new')\nchild()\nwait()"
    );
    let mut order = program(folder.path(), "order-1", &serve);
    order.restart = Some(Restart {
        command: python(&serve.replace("'new'", "'old', os.environ['AGAIN']")),
        environment: BTreeMap::from([("AGAIN".to_owned(), "yes".to_owned())]),
    });
    order.probe = probe(ProbeKind::Tcp(format!("127.0.0.1:{port}")));
    let system = started(folder.path(), vec![order]).await;
    let log = folder.path().join("logs/order-1.log");
    let child = pids(&log, 1).await;
    let state_now = || system.process("order-1").unwrap().state;

    assert!(matches!(
        system.resume("order-1").await,
        Err(ActError::State { is: ProcessState::Running, .. })
    ));
    assert!(matches!(
        system.restart("order-1").await,
        Err(ActError::State { action: Action::Restart, .. })
    ));
    assert!(matches!(system.kill("nobody").await, Err(ActError::Unknown(_))));
    let paused = system.pause("order-1").await.unwrap();
    assert!(paused.at_monotonic_us <= paused.confirmed_monotonic_us);
    assert_eq!((state_now(), state(child[0])), (ProcessState::Paused, Some('T')));
    system.resume("order-1").await.unwrap();
    assert_eq!(state_now(), ProcessState::Running);
    system.pause("order-1").await.unwrap();
    let killed = system.kill("order-1").await.unwrap();
    assert_eq!((state_now(), killed.pid), (ProcessState::Down, paused.pid));
    assert!(all_gone(&child));
    assert!(matches!(
        system.pause("order-1").await,
        Err(ActError::State { is: ProcessState::Down, .. })
    ));

    let restarted = system.restart("order-1").await.unwrap();
    assert!(killed.confirmed_monotonic_us <= restarted.at_monotonic_us);
    assert!(restarted.at_monotonic_us <= system.wait_ready("order-1").await.unwrap());
    said(&log, "old yes").await;
    assert!(system.take_deaths().is_empty(), "a kill is no death by itself");
}

#[tokio::test]
async fn a_death_that_nobody_asked_for_is_told_once_and_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let dies = format!(
        "import socket\nserver = socket.create_server(('127.0.0.1', {port}))\nchild()\nwhile not os.path.exists('die'):\n    time.sleep(0.01)\nsys.exit(4)"
    );
    let system = started(folder.path(), vec![program(folder.path(), "order-1", &dies)]).await;
    let log = folder.path().join("logs/order-1.log");
    let child = pids(&log, 1).await;
    fs::write(folder.path().join("die"), "").unwrap();
    let death = eventually("a death", || system.take_deaths().pop()).await;
    assert_eq!((death.name.as_str(), death.status.as_str()), ("order-1", "exit status: 4"));
    assert!(system.take_deaths().is_empty());
    // Its child has the socket still, and goes before the restart.
    fs::remove_file(folder.path().join("die")).unwrap();
    system.restart("order-1").await.unwrap();
    assert!(all_gone(&child));
    pids(&log, 2).await;
    assert_eq!(system.process("order-1").unwrap().state, ProcessState::Running);
}

#[tokio::test]
async fn a_stop_comes_in_reverse_order_and_forces_who_does_not_hear() {
    let folder = tempfile::tempdir().unwrap();
    let polite = "
def end(*_):
    with open('ends', 'a') as ends:
        ends.write(sys.argv[1] + '\\n')
    os._exit(0)
signal.signal(signal.SIGINT, end)
wait()
";
    let names = ["db", "order-1", "front-end"];
    let mut programs: Vec<_> =
        names.iter().map(|name| program(folder.path(), name, polite)).collect();
    for (at, name) in names.iter().enumerate() {
        programs[at].command.push((*name).into());
        programs[at].probe = line("^up$");
        programs[at].shutdown.signal = Signal::SIGINT;
        if at > 0 {
            programs[at].depends_on.insert(names[at - 1].to_owned(), Condition::Started);
        }
    }
    let mut deaf = program(
        folder.path(),
        "deaf",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nchild()\nwait()",
    );
    deaf.probe = line("^up$");
    deaf.shutdown.timeout = Duration::from_millis(50);
    programs.push(deaf);
    let system = started(folder.path(), programs).await;
    let child = pids(&folder.path().join("logs/deaf.log"), 1).await;
    system.pause("order-1").await.unwrap();
    system.stop().await;
    assert_eq!(fs::read_to_string(folder.path().join("ends")).unwrap(), "front-end\norder-1\ndb\n");
    assert!(all_gone(&child));
    assert!(system.processes().iter().all(|process| process.state == ProcessState::Down));
}

#[tokio::test]
async fn commands_run_one_after_another_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let task = |text: &str| Task {
        command: python_words(text),
        environment: BTreeMap::from([("STEP".to_owned(), "setup".to_owned())]),
        working_dir: folder.path().to_owned(),
        user: None,
    };
    let log = folder.path().join("setup.log");
    let tasks = [
        task("say(os.environ['STEP'])\nchild()\ntime.sleep(0.2)"),
        task("say('no compiler')\nsys.exit(2)"),
        task("say('three')"),
    ];
    let error = command::run_all(&guard(), &tasks, &log, SOON).await.unwrap_err().to_string();
    assert!(
        error.contains("failed (exit status: 2;") && error.ends_with("| no compiler"),
        "{error}"
    );
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.starts_with("setup\n") && !text.contains("three"), "{text}");
    assert!(all_gone(&pids(&log, 1).await));
    command::run_all(&guard(), &tasks[..1], &log, SOON).await.unwrap();
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task {
        // A shell has started its child long before that, on a busy machine too.
        command: ["sh", "-c", "sleep 60 & echo pid $!; wait"].map(str::to_owned).to_vec(),
        environment: BTreeMap::new(),
        working_dir: folder.path().to_owned(),
        user: None,
    };
    let log = folder.path().join("reset.log");
    let error = command::run(&guard(), &task, &log, Duration::from_secs(3)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("did not end within 3000 ms and was killed"), "{error}");
    assert!(all_gone(&pids(&log, 1).await));
}
