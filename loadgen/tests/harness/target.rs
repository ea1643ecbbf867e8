//! `target`: a service that somebody wrote in an hour, described, started, asked, read and broken.
//!
//! The service needs python3, as do most of those that people will describe; where there is none these tests say so and
//! try nothing.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use nix::sys::signal::Signal;

use results::records::EventKind;

use crate::common::{Running, assert_gone, ended, eventually, harness, latest, names, plan, run};
use crate::zoo::running_in;

/// One process, one file with its orders, and what it is told to do wrong. It ends when its parent does, and after two
/// minutes in any case.
const SERVICE: &str = r#"
import json, os, sqlite3, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
port, path, fault = int(sys.argv[1]), sys.argv[2], sys.argv[3]
threading.Timer(120, lambda: os._exit(9)).start()
parent = os.getppid()
def watch():
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(9)
threading.Thread(target=watch, daemon=True).start()
with open(os.path.join(os.path.dirname(path), "pids"), "a") as pids:
    print(os.getpid(), file=pids)
if fault == "never-ready":
    print("still thinking about it")
    time.sleep(120)
lock = threading.Lock()
stock, orders = {"Tux": 0, "Fox": 5}, []
if os.path.exists(path) and fault != "forgets":
    for line in open(path):
        number, name, side, quantity = line.strip().split(",")
        stock[name] += int(quantity) if side == "Sell" else -int(quantity)
        orders.append((int(number), name, side, int(quantity)))
if fault == "forgets":
    open(path, "w").close()
def keep_stocks():
    with sqlite3.connect(path + ".db") as database:
        database.execute("CREATE TABLE IF NOT EXISTS stocks (name TEXT PRIMARY KEY, quantity INTEGER)")
        database.executemany("INSERT OR REPLACE INTO stocks VALUES (?, ?)", stock.items())
keep_stocks()
class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        kind, _, name = self.path.strip("/").partition("/")
        with lock:
            if kind == "ping":
                self.answer(200, {})
            elif kind == "stocks" and name in stock:
                self.answer(200, {"quantity": stock[name]})
            elif kind == "orders":
                found = [order for order in orders if str(order[0]) == name]
                self.answer(200 if found else 404, found[0] if found else {})
            else:
                self.answer(404, {})
    def do_POST(self):
        trade = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            change = trade["quantity"] if trade["side"] == "Sell" else -trade["quantity"]
            if stock[trade["stock"]] + change < 0:
                return self.answer(404, {"error": "sold out"})
            stock[trade["stock"]] += change
            order = (len(orders) + 1, trade["stock"], trade["side"], trade["quantity"])
            orders.append(order)
            with open(path, "a") as file:
                print(*order, sep=",", file=file)
                file.flush()
                os.fsync(file.fileno())
            keep_stocks()
            self.answer(200, {"number": order[0]})
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"#;

/// Its description; FAULT is replaced, and FOLDER, where it tells its pids and keeps its orders.
const DESCRIPTION: &str = r#"name = "hour"

[ports]
shop = "free"

[processes.shop]
command = ["python3", "-B", "hour.py", "{{ port.shop }}", "FOLDER/orders.csv", "FAULT"]
readiness_probe = { http_get = "http://127.0.0.1:{{ port.shop }}/ping", period_ms = 20, timeout_seconds = SECONDS }

[operations.query]
url = "http://127.0.0.1:{{ port.shop }}/stocks/{{ stock }}"
quantity = "body.quantity"

[operations.trade]
method = "POST"
url = "http://127.0.0.1:{{ port.shop }}/orders"
body = '{"stock": {{ stock | tojson }}, "side": {{ side | tojson }}, "quantity": {{ quantity }}}'
order_no = "body.number"
outcome.rejected = "status == 404"

[operations.lookup]
url = "http://127.0.0.1:{{ port.shop }}/orders/{{ order_no }}"
stock = "body[1]"
side = "body[2]"
quantity = "body[3]"

[stocks]
names = ["Tux", "Fox"]

[leader]
guess = "highest"
role = "shop"

[[state.orders]]
process = "shop"
file = "orders.csv"
format = "csv"
row = { order_no = "int(col[0])", stock = "col[1]", side = "col[2]", quantity = "int(col[3])" }

[model]
kind = "stocks"
"#;

/// A folder with the service and its description.
fn described(fault: &str, seconds: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hour.py"), SERVICE).unwrap();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    let text = DESCRIPTION
        .replace("FOLDER", folder.path().to_str().unwrap())
        .replace("FAULT", fault)
        .replace("SECONDS", &seconds.to_string());
    fs::write(folder.path().join("hour.toml"), text).unwrap();
    folder
}

/// Whether the tests can be done; says so if not.
pub(crate) fn has_python() -> bool {
    let has =
        Command::new("python3").arg("--version").output().is_ok_and(|ran| ran.status.success());
    if !has {
        eprintln!("skipped: there is no python3");
    }
    has
}

fn check(folder: &Path) -> Output {
    harness(folder, &["target", "check", "hour.toml"])
        .env("TMPDIR", folder.join("tmp"))
        .output()
        .unwrap()
}

/// The pids that the service told, each of which must be gone.
fn pids(folder: &Path) -> Vec<u32> {
    let told = fs::read_to_string(folder.join("pids")).unwrap_or_default();
    told.lines().map(|pid| pid.parse().unwrap()).collect()
}

/// The word that a line about `subject` begins with.
fn word<'a>(stdout: &'a str, subject: &str) -> Vec<&'a str> {
    let about = |line: &&str| line.get(9..).is_some_and(|rest| rest.starts_with(subject));
    stdout.lines().filter(about).filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn a_service_that_does_what_its_file_says_passes_line_by_line() {
    if !has_python() {
        return;
    }
    let folder = described("none", 20);
    let (code, stdout, stderr) = ended(&check(folder.path()));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert_eq!(stderr.matches("runs commands as you").count(), 1, "{stderr}");
    let ok = [
        "ports",
        "start of shop",
        "query",
        "trade",
        "quantity",
        "lookup",
        "leader",
        "orders at shop",
        "restart of shop",
        "order 1 after it",
    ];
    for subject in ok {
        assert!(word(&stdout, subject).starts_with(&["ok"]), "{subject}: {stdout}");
    }
    assert_eq!(word(&stdout, "state.stocks"), ["missing"], "{stdout}");
    // Nothing can be bought of the first stock, so the other side is tried before a trade is called broken.
    assert!(stdout.contains("Sell 1 of Tux: order 1"), "{stdout}");
    assert!(stdout.contains("1 row, order 1 is there"), "{stdout}");
    let pids = pids(folder.path());
    assert_eq!(pids.len(), 2, "one start, one restart");
    assert_gone(&pids);
    assert!(names(&folder.path().join("tmp")).is_empty());
}

#[test]
fn a_database_is_read_and_a_leader_that_a_command_names_is_known() {
    if !has_python() {
        return;
    }
    let folder = described("none", 20);
    let file = folder.path().join("hour.toml");
    let told = "exec = ['python3', '-c', 'print(\"shop\")']\nprocess = 'text.trim()'";
    let text = fs::read_to_string(&file).unwrap().replace("guess = \"highest\"", told);
    let stocks = "\n[[state.stocks]]\nprocess = \"shop\"\nsqlite = \"orders.csv.db\"\n\
                  query = \"SELECT name AS stock, quantity FROM stocks ORDER BY name\"\n";
    fs::write(&file, text + stocks).unwrap();
    let (code, stdout, stderr) = ended(&check(folder.path()));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("2 rows, 5 of Fox"), "{stdout}");
    assert_eq!(word(&stdout, "leader"), ["ok"], "{stdout}");
    assert!(!stdout.contains("a guess"), "{stdout}");
    assert_gone(&pids(folder.path()));
}

#[test]
fn an_order_that_a_restart_loses_is_said() {
    if !has_python() {
        return;
    }
    let folder = described("forgets", 20);
    let (code, stdout, stderr) = ended(&check(folder.path()));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    let lost = "acknowledged before shop was killed, and not found any more: at shop; by lookup";
    assert_eq!(word(&stdout, "order 1 after it"), ["fails"], "{stdout}");
    assert!(stdout.contains(lost), "{stdout}");
    assert!(stdout.ends_with("1 fails\n"), "{stdout}");
    // The logs stay where something failed, and are named.
    let kept = names(&folder.path().join("tmp"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(stderr.contains(kept[0].to_str().unwrap()), "{stderr}");
    assert_gone(&pids(folder.path()));
}

#[test]
fn a_service_that_is_never_ready_is_ended_and_quoted() {
    if !has_python() {
        return;
    }
    let folder = described("never-ready", 3);
    let (code, stdout, stderr) = ended(&check(folder.path()));
    assert_eq!(code, Some(3), "{stdout}{stderr}");
    assert!(stderr.contains("shop is not ready after 3000 ms"), "{stderr}");
    assert!(stderr.contains("| still thinking about it"), "{stderr}");
    assert_gone(&pids(folder.path()));
}

#[test]
fn a_check_that_is_interrupted_leaves_nothing() {
    if !has_python() {
        return;
    }
    let folder = described("never-ready", 100);
    let temporary = folder.path().join("tmp");
    let running = Running::start_in(
        folder.path(),
        &["target", "check", "hour.toml"],
        &[("TMPDIR", temporary.to_str().unwrap())],
    );
    let pids = eventually("the service's start", || {
        Some(pids(folder.path())).filter(|pids| !pids.is_empty())
    });
    running.signal(Signal::SIGINT);
    assert_eq!(running.wait().0, Some(2));
    assert_gone(&pids);
    assert!(names(&temporary).is_empty());
}

#[test]
fn a_bad_file_gets_all_its_problems_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"x\"\n[ports]\nshop = 0\n[processes.shop]\ncomand = \"true\"\n";
    fs::write(folder.path().join("bad.toml"), text).unwrap();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["target", "check", "bad.toml"]));
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    for line in ["bad.toml:3: ports.shop: ", "bad.toml:5: processes.shop.comand: "] {
        assert!(stderr.lines().any(|said| said.starts_with(line)), "{line}: {stderr}");
    }
    assert!(!stderr.contains("runs commands as you"), "{stderr}");
}

/// Writes `taken.toml`, of a target whose port this process has. Returns who has it for as long as it lives, and how that is said.
fn taken(folder: &Path) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text =
        format!("name = \"x\"\n[ports]\nshop = {port}\n[processes.shop]\ncommand = \"true\"\n");
    fs::write(folder.join("taken.toml"), text).unwrap();
    (listener, format!("ports.shop: {port} is taken, by pid {}: ", std::process::id()))
}

#[test]
fn a_port_that_is_taken_is_said_with_its_holder_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let (_listener, said) = taken(folder.path());
    let mut command = harness(folder.path(), &["target", "check", "taken.toml"]);
    let (code, stdout, stderr) = ended(&command.env("TMPDIR", folder.path()).output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    assert!(stderr.contains(&said), "{stderr}");
    assert_eq!(names(folder.path()), [Path::new("taken.toml")]);
}

#[test]
fn a_port_that_somebody_else_has_is_the_machines_fault_and_no_submissions() {
    let folder = tempfile::tempdir().unwrap();
    let (_listener, said) = taken(folder.path());
    let bench = ["bench", "--target", "taken.toml", "--plan", "quick"];
    let (code, _, stderr) = ended(&harness(folder.path(), &bench).output().unwrap());
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains(&said), "{stderr}");
    let grade = ["grade", "--target", "taken.toml"];
    let (code, stdout, stderr) = ended(&harness(folder.path(), &grade).output().unwrap());
    assert_eq!(code, Some(3), "{stdout}{stderr}");
    let not_graded =
        format!("not graded: it was not run, since this machine was in the way: {said}");
    assert!(stdout.contains(&not_graded) || stderr.contains(&not_graded), "{stdout}{stderr}");
}

#[test]
fn a_new_file_reads_without_problems_and_none_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let new = ["target", "new", "toy-store", "--out", "toy.toml"];
    let (code, stdout, stderr) = ended(&run(folder.path(), &new));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("double-trouble target check toy.toml"), "{stdout}");
    let written = fs::read_to_string(folder.path().join("toy.toml")).unwrap();
    assert!(written.contains("name = \"toy-store\""), "{written}");
    let (code, printed, _) = ended(&run(folder.path(), &["target", "new", "toy-store"]));
    assert_eq!((code, printed), (Some(0), written));
    let (code, _, stderr) = ended(&run(folder.path(), &new));
    assert_eq!(code, Some(3));
    assert!(stderr.contains("--out toy.toml: name a file that is not there yet"), "{stderr}");
    let wrong = ["target", "check", "toy.toml", "--variant", "none"];
    let (code, _, stderr) = ended(&run(folder.path(), &wrong));
    assert_eq!(code, Some(3));
    assert!(stderr.contains("--variant none: "), "{stderr}");
}

#[test]
fn the_schema_is_json_and_describes_the_fields() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["target", "schema"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(schema["properties"]["processes"]["description"].is_string(), "{stdout}");
}

#[test]
fn a_trial_that_outlives_its_limit_is_ended_with_what_was_paused_in_it_and_is_inconclusive() {
    if !has_python() {
        return;
    }
    let folder = described("none", 20);
    let file = folder.path().join("hour.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + "\n[limits]\nseconds = 4\n").unwrap();
    // The pause ends long after the limit.
    let plan = plan(
        folder.path(),
        "[load]\np = [0.5]\nclients = 2\nduration_s = 90.0\nwarm_up_s = 0.1\n\
         [[faults]]\nat_ms = 500\naction = 'pause'\ntarget = 'shop'\nfor_ms = 60000\n",
    );
    let arguments = ["failover", "--target", "hour.toml", "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    let why = "the target's processes had lived for 4 s, which is all that limits.seconds allows";
    assert!(stdout.contains(&format!("The run was cut short: {why}.")), "{stdout}");
    let events = latest(folder.path()).events().unwrap();
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    assert_eq!(of(EventKind::Confirmed).count(), 1, "the pause: {events:?}");
    let told: Vec<_> = of(EventKind::Interrupted).map(|event| event.detail.as_deref()).collect();
    assert_eq!(told, [Some(why)]);
    assert_gone(&pids(folder.path()));
}

/// A service of the zoo, how its check ends, and a text that the check says.
const ZOO: [(&str, i32, &str); 9] = [
    ("shop", 0, "0 fail"),
    ("http10_no_length", 0, "0 fail"),
    ("form_bodies", 0, "0 fail"),
    ("numbers_by_time", 0, "0 fail"),
    ("daemonises", 0, "0 fail"),
    ("ignores_sigterm", 0, "0 fail"),
    ("never_ready", 3, "shop is not ready after"),
    ("memory_only", 1, "acknowledged before shop was killed, and not found any more"),
    ("stale_second", 1, "a stale answer"),
];

#[test]
fn services_of_the_zoo_are_handled_or_found_by_what_they_do_and_none_leaves_a_process() {
    if !has_python() {
        return;
    }
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/tests/zoo");
    let folder = tempfile::tempdir().unwrap();
    for (name, expected, said) in ZOO {
        let file = zoo.join(name).with_extension("toml");
        let arguments = ["target", "check", file.to_str().unwrap()];
        let output = harness(folder.path(), &arguments).env("TMPDIR", folder.path()).output();
        let (code, stdout, stderr) = ended(&output.unwrap());
        assert_eq!(code, Some(expected), "{name}: {stdout}{stderr}");
        assert!(stdout.contains(said) || stderr.contains(said), "{name}: {stdout}{stderr}");
        let left = running_in(folder.path());
        assert!(left.is_empty(), "{name} has left {left:?}");
    }
}
