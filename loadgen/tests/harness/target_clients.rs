//! Services that are reached through a client program of their own: in checks, runs and while they are served; and programs that
//! do what they must not do.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use results::records::{EventKind, FinalKind, Op, Outcome};

use crate::common::{Running, ended, harness, latest, names, plan, run};
use crate::target::has_python;
use crate::zoo::{Story, running_in, told};

fn zoo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/tests/zoo").join(name)
}

const LOAD: &str = "[load]\nclients = 4\np = [0.5]\nduration_s = 2.0\nwarm_up_s = 0.1\n";

#[test]
fn what_a_client_program_does_and_dumps_passes_line_by_line() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["target", "check", zoo("tcp.toml").to_str().unwrap()].map(str::to_owned);
    let output = harness(folder.path(), &arguments.each_ref().map(String::as_str))
        .env("TMPDIR", folder.path())
        .output();
    let (code, stdout, stderr) = ended(&output.unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let ok = [
        ("client", "says hello, and that it can do query, trade, lookup, prepare, dump"),
        ("client prepare", "is done"),
        ("client connect", "client 1 is connected"),
        ("query", "of Tux: quantity 100, volume 0"),
        ("trade", "Buy 1 of Tux: order 1"),
        ("quantity", "100 of Tux, 99 after Buy 1"),
        ("lookup", "of order 1: stock Tux, side Buy, quantity 1"),
        ("orders at shop", "1 row, order 1 is there"),
        ("stocks at shop", "3 rows, 99 of Tux"),
        ("order 1 after it", "still there: shop, lookup"),
    ];
    for (subject, seen) in ok {
        let line = format!("ok       {subject:<22} {seen}");
        assert!(stdout.lines().any(|said| said.starts_with(&line)), "{line}: {stdout}");
    }
    assert!(running_in(folder.path()).is_empty());
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn a_service_without_http_passes_and_survives_a_kill() {
    if has_python() {
        told("tcp", Story::Load).passed("tcp");
        told("tcp", Story::Kill).passed("tcp");
    }
}

#[test]
fn a_client_program_that_does_what_it_must_not_do_is_named_and_nobody_else_is_accused() {
    let bad = [
        ("client_twice", " twice; what became of "),
        ("client_wrong_id", ", which was never sent; "),
        ("client_nonsense", "client-1: it wrote `Traceback (most recent call last):`"),
        ("client_dies", "client-1: it ended: exit status: 3; "),
    ];
    for (service, said) in bad {
        if has_python() {
            let seen = told(service, Story::Load);
            assert!(seen.failed.is_empty(), "{service}: {:?}: {}", seen.failed, seen.said);
            let named = "The target's client program broke ";
            let line = seen.said.lines().find(|line| line.starts_with(named)).unwrap_or_default();
            assert!(line.contains(said), "{service}: {}", seen.said);
        }
    }
}

#[test]
fn a_program_that_died_is_started_again_and_its_clients_trade_on() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), &LOAD.replace("2.0", "4.0"));
    let file = zoo("client_dies.toml");
    let arguments = ["bench", "--target", file.to_str().unwrap(), "--plan", &plan];
    let (_, stdout, stderr) = ended(&run(folder.path(), &arguments));
    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let of_clients = events
        .iter()
        .filter(|event| matches!(event.event, EventKind::ClientBroke | EventKind::ClientReady));
    let mut of_clients = of_clients.map(|event| (event.event, event.at_us));
    let (broke, broke_us) = of_clients.next().expect("it died");
    let (ready, ready_us) = of_clients.next().expect("it is back");
    assert_eq!((broke, ready), (EventKind::ClientBroke, EventKind::ClientReady));
    let observations = run_folder.observations().unwrap();
    let trades = || observations.iter().filter(|row| row.op == Op::Trade);
    let owed = trades().filter(|row| (row.start_us..=row.end_us).contains(&broke_us));
    let owed: Vec<_> = owed.collect();
    assert!(!owed.is_empty(), "a trade was under way: {stdout}{stderr}");
    for row in owed {
        assert_eq!(row.outcome, Outcome::Unknown, "{row:?}");
        let why = "the client program: it ended: exit status: 3";
        assert_eq!(row.reason.as_deref(), Some(why));
    }
    assert!(
        trades().any(|row| row.start_us >= ready_us && row.outcome == Outcome::Ok),
        "{stdout}{stderr}"
    );
    let between = broke_us + 1..ready_us;
    assert!(
        !observations.iter().any(|row| between.contains(&row.start_us)),
        "between two lives clients wait for the next"
    );
}

#[test]
fn what_is_answered_too_late_stays_unknown_and_is_told() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), LOAD);
    let file = zoo("client_late.toml");
    let arguments = ["bench", "--target", file.to_str().unwrap(), "--plan", &plan];
    let (_, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert!(
        stdout.contains(" of the target's client program came after the deadline."),
        "{stdout}{stderr}"
    );
    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let late = events.iter().find(|event| event.event == EventKind::LateAnswer).unwrap();
    let detail = late.detail.as_deref().unwrap();
    let key = detail.strip_prefix("client-1: trade ").and_then(|rest| rest.split(": ").next());
    let observations = run_folder.observations().unwrap();
    let row = observations.iter().find(|row| row.request_id.as_deref() == key).unwrap();
    assert_eq!((row.outcome, row.reason.as_deref()), (Outcome::Unknown, Some("timed out")));
    assert!(row.end_us <= late.at_us, "{row:?} {late:?}");
    assert!(!events.iter().any(|event| event.event == EventKind::ClientBroke), "late is not twice");
}

#[test]
fn what_the_file_describes_goes_over_http_and_the_rest_through_the_program() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for script in ["shop.py", "client.py"] {
        fs::copy(zoo(script), folder.path().join(script)).unwrap();
    }
    let text = fs::read_to_string(zoo("client.toml")).unwrap();
    let query = "\n[operations.query]\nurl = \"http://127.0.0.1:{{ port.shop }}/stocks/{{ stock }}\"\n\
                 quantity = \"body.quantity\"\n";
    fs::write(folder.path().join("both.toml"), text + query).unwrap();
    let plan = plan(folder.path(), LOAD);
    let (code, stdout, stderr) =
        ended(&run(folder.path(), &["bench", "--target", "both.toml", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    for row in run_folder.observations().unwrap() {
        let expected = (row.op == Op::Query).then_some(200);
        assert_eq!(row.status, expected, "{row:?}");
    }
    let rows = run_folder.final_rows().unwrap();
    for kind in [FinalKind::Order, FinalKind::Stock] {
        assert!(rows.iter().any(|row| row.kind == kind), "what is dumped is kept");
    }
}

#[test]
fn a_client_program_that_says_no_hello_is_quoted_before_there_is_a_load() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = 'mute'\n[processes.shop]\ncommand = 'sleep 100'\n\
                [client]\ncommand = ['sh', '-c', 'echo no library >&2; exit 4']\n[stocks]\nnames = ['Tux']\n";
    fs::write(folder.path().join("mute.toml"), text).unwrap();
    let plan = plan(folder.path(), LOAD);
    let arguments = ["bench", "--target", "mute.toml", "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(3), "{stdout}{stderr}");
    let why = "[client]: client-1: it ended: exit status: 4; its log is ";
    let log = stderr.split(why).nth(1).and_then(|rest| rest.lines().next());
    let log = log.unwrap_or_else(|| panic!("{stderr}")).trim();
    assert_eq!(fs::read_to_string(log).unwrap(), "no library\n");
}

#[test]
fn a_service_that_is_served_is_traded_with_by_hand_through_a_program_of_its_own() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let file = zoo("tcp.toml");
    let arguments = ["serve", "--target", file.to_str().unwrap()];
    let environment = [("TMPDIR", temporary.to_str().unwrap())];
    let mut running = Running::start_in(folder.path(), &arguments, &environment);
    let lines = running.read_until("Ctrl-C stops it.");
    let told = lines.iter().find_map(|line| line.strip_prefix("Try: double-trouble ")).unwrap();
    let arguments: Vec<_> = told.split_whitespace().collect();
    let by_hand = harness(folder.path(), &arguments).envs(environment).output().unwrap();
    let (code, stdout, stderr) = ended(&by_hand);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("8 operations: 8 ok"), "{stdout}");
    assert_eq!(names(&temporary).len(), 1, "only what is served has a folder still");
    running.signal(Signal::SIGINT);
    let (code, stdout) = running.wait();
    assert_eq!(code, Some(0), "{stdout}");
    assert!(running_in(folder.path()).is_empty());
    assert!(names(&temporary).is_empty());
}
