//! Hosts that are network namespaces, and what a holder does to the network of one. Where this machine lets nobody make hosts, or has
//! no `nft`, that is said, and left out.
//!
//! What runs on the hosts is this test program again, with one of its [`part`]s. A part ends with its standard input or with the
//! hosts, whichever is first.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Running, ended, eventually, harness, names};

/// Says which part this program is, on a host or among them.
const PART: &str = "HOSTS_PART";
/// The port of the server, for its client.
const PORT: &str = "HOSTS_PORT";
/// The connect command.
const TO: &str = "/run/double-trouble/to";
/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing must come through what is cut: a packet takes a hundredth of a millisecond.
const SILENCE: Duration = Duration::from_millis(300);
/// What is said where nobody may make hosts.
pub(crate) const CANNOT: [&str; 4] =
    ["can be made here", "cannot mount", "there is no ip", "Operation not permitted"];

/// Runs a command among hosts; nothing if this machine lets nobody do so.
fn among_hosts(hosts: &str, command: &[&str], part: &str) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["hosts", "--count", hosts, "--"][..], command].concat();
    let mut command = harness(folder.path(), &arguments);
    command.env(PART, part).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It ends with this test, whatever ends that.
    let _until_the_end = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(3) && CANNOT.iter().any(|one| said.contains(one)) {
        eprintln!("left out: {said}");
        return None;
    }
    Some(output)
}

/// This program as a part: the words that start it.
fn this_program() -> [String; 4] {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    [program, "--exact".to_owned(), "host_networks::part".to_owned(), "--nocapture".to_owned()]
}

#[test]
fn a_command_among_hosts_reaches_each_and_its_exit_code_is_the_programs() {
    let script = "for host in n1 n2 n3; do /run/double-trouble/to $host ip -o -4 address show dev eth0; done; exit 2";
    let Some(output) = among_hosts("3", &["sh", "-c", script], "") else { return };
    let (code, stdout, stderr) = ended(&output);
    assert_eq!((code, stdout.lines().count()), (Some(2), 3), "{stderr}");
    for (line, number) in stdout.lines().zip(1..) {
        assert!(line.contains(&format!("inet 10.77.0.{number}/24")), "{line}");
    }
    let Some(output) = among_hosts("1", &["/no/such/program"], "") else { return };
    let (code, _, stderr) = ended(&output);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("cannot run /no/such/program"), "{stderr}");
}

#[test]
fn what_a_program_on_a_host_leaves_is_in_a_folder_that_goes_with_the_hosts() {
    let Some(_) = among_hosts("1", &["true"], "") else { return };
    let folder = tempfile::tempdir().unwrap();
    let script =
        "/run/double-trouble/to n1 sh -c 'mktemp -d \"${TMPDIR:-/tmp}/double-trouble-XXXXXXXX\"'";
    let words = ["hosts", "--count", "1", "--", "sh", "-c", script];
    let output = harness(folder.path(), &words).env("TMPDIR", folder.path()).output().unwrap();
    let (code, stdout, stderr) = ended(&output);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("/run/double-trouble/tmp/double-trouble-"), "{stdout}");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn nothing_on_a_host_outlives_the_program_that_made_the_hosts() {
    let script = "/run/double-trouble/to n1 sleep 60 & echo up; wait";
    let Some(_) = among_hosts("1", &["true"], "") else { return };
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["hosts", "--count", "1", "--", "sh", "-c", script];
    // Who is killed leaves its temporary folder.
    let own = ("TMPDIR", folder.path().to_str().unwrap());
    let mut running = Running::start_in(folder.path(), &arguments, &[own]);
    running.read_until("up");
    running.signal(Signal::SIGKILL);
    // The end of its output comes once the last process has ended that could write to it: the sleeper.
    assert_eq!(running.wait(), (None, String::new()));
}

#[test]
fn a_command_among_hosts_is_asked_to_end_as_the_program_is() {
    let script = "trap 'echo asked; exit 1' TERM; sleep 60 & echo up; wait";
    let Some(_) = among_hosts("1", &["true"], "") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut running =
        Running::start(folder.path(), &["hosts", "--count", "1", "--", "sh", "-c", script]);
    running.read_until("up");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.wait(), (Some(1), "asked\n".to_owned()));
}

#[test]
fn who_asks_for_the_end_while_hosts_are_being_made_is_heard_and_nothing_is_left() {
    let Some(_) = among_hosts("1", &["true"], "") else { return };
    let folder = tempfile::tempdir().unwrap();
    // An `ip` that never ends, so that the hosts are never there.
    let making = folder.path().join("making");
    let ip = folder.path().join("ip");
    std::fs::write(&ip, format!("#!/bin/sh\necho $$ > {}\nexec sleep 60\n", making.display()))
        .unwrap();
    std::fs::set_permissions(&ip, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let arguments =
            ["hosts", "--count", "1", "--by", "nsenter", "--by", "nsenter", "--", "echo", "up"];
        let running = Running::start_in(folder.path(), &arguments, &[("PATH", &path)]);
        eventually("ip", || {
            std::fs::read_to_string(&making).is_ok_and(|pid| pid.ends_with('\n')).then_some(())
        });
        running.signal(signal);
        // The end of its output comes once the last process has ended that could write to it.
        assert_eq!(running.wait(), (Some(3), String::new()), "{signal}");
        std::fs::remove_file(&making).unwrap();
    }
}

#[test]
fn who_asks_for_the_end_is_heard_at_whatever_moment() {
    let Some(_) = among_hosts("1", &["true"], "") else { return };
    let folder = tempfile::tempdir().unwrap();
    // From before the hosts' init is there to when the command runs.
    for wait_us in [0, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 80_000] {
        let running =
            Running::start(folder.path(), &["hosts", "--count", "3", "--", "sleep", "60"]);
        thread::sleep(Duration::from_micros(wait_us));
        running.signal(Signal::SIGTERM);
        let (code, said) = running.wait();
        // Before it listens at all, the signal itself is its end.
        assert!(matches!(code, None | Some(3)) && said.is_empty(), "after {wait_us} us: {code:?}");
    }
}

#[test]
fn a_fault_of_a_hosts_network_is_taken_back_whatever_ends() {
    let words = this_program();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(output) = among_hosts("2", &words, "faults") else { return };
    let (code, stdout, stderr) = ended(&output);
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    eprint!("{stderr}");
}

/// No test by itself: what runs among the hosts, or on one.
#[test]
fn part() {
    match std::env::var(PART).as_deref() {
        Ok("faults") => {
            thread::spawn(end_with_input);
            faults();
        }
        Ok("server") => serve(),
        Ok("client") => {
            let port = std::env::var(PORT).unwrap();
            let mut connection = connect(port.parse().unwrap());
            assert_eq!(connection.echo("c"), Some("c".to_owned()));
        }
        _ => {}
    }
}

/// Echoes, until its standard input ends.
fn serve() {
    let listener = TcpListener::bind("10.77.0.2:0").unwrap();
    println!("port {}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                let mut copy = connection.try_clone().unwrap();
                let _ = std::io::copy(&mut connection, &mut copy);
            });
        }
    });
    end_with_input();
}

/// Nothing is ever written, so what can be read is the end.
fn end_with_input() {
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(1);
}

struct Connection(TcpStream);

fn connect(port: u16) -> Connection {
    let stream = TcpStream::connect(("10.77.0.2", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    Connection(stream)
}

impl Connection {
    /// Sends something, and waits for it to come back; nothing if nothing does for a while.
    fn echo(&mut self, text: &str) -> Option<String> {
        self.0.write_all(text.as_bytes()).unwrap();
        self.read(SILENCE)
    }

    fn read(&mut self, within: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(within)).unwrap();
        let mut byte = [0];
        match self.0.read_exact(&mut byte) {
            Ok(()) => Some(char::from(byte[0]).to_string()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A program on a host.
fn on(host: &str, words: &[&str]) -> Command {
    let mut command = Command::new(TO);
    command.arg(host).args(words);
    command
}

fn printed(host: &str, words: &[&str]) -> String {
    let output = on(host, words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// How many tables of faults are on the host with the server.
fn tables() -> usize {
    printed("n2", &["nft", "list", "tables", "inet"]).matches("double_trouble_").count()
}

/// A holder on the host with the server.
struct Holder {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Holder {
    fn start() -> Self {
        let program = env!("CARGO_BIN_EXE_double-trouble");
        let mut command = on("n2", &[program, "holder-of-a-network-fault"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    fn tell(&mut self, line: &str) -> String {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.told()
    }

    fn told(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Gets ready for a fault of what comes from everybody but n1, or goes to them. A host that is not there has an address of the
    /// other family, so that `nft` takes rules for both.
    fn prepare(&mut self, effect: &str, way: &str, port: u16) -> String {
        self.tell(&format!(
            r#"{{"prepare":{{"token":"test","fault":1,"effect":{effect},"flows":[{{"way":"{way}","peer":{{"anybody-but":["10.77.0.1","fd00::1"]}},"ports":{{"here":[{port}],"there":[]}}}}]}}}}"#
        ))
    }

    fn cut(port: u16) -> Self {
        let mut holder = Self::start();
        assert_eq!(holder.prepare("\"drop\"", "in", port), "\"ready\"");
        assert_eq!(holder.tell("\"apply\""), "\"applied\"");
        holder
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// How many packets it says that the fault has met.
    fn undone(&mut self) -> u64 {
        let counted = self.counted();
        counted.parse().unwrap_or_else(|_| panic!("{counted}"))
    }

    /// What it says of the packets that the fault has met.
    fn counted(&mut self) -> String {
        let told = self.told();
        let packets =
            told.strip_prefix(r#"{"undone":{"packets":"#).and_then(|rest| rest.strip_suffix("}}"));
        let packets = packets.unwrap_or_else(|| panic!("{told}")).to_owned();
        assert!(self.child.wait().unwrap().success());
        packets
    }
}

/// Each guard of a fault: this program's processes in the namespaces of the hosts are all of them.
fn guards() -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
    let is_guard = |pid: &i32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains("guard-of-a-process")
    };
    pids.filter(is_guard).map(Pid::from_raw).collect()
}

/// Everything that can end a fault, one after the other: a machine's hosts are made once for all of it.
#[expect(clippy::zombie_processes, reason = "the init of the hosts waits for the server")]
fn faults() {
    let words = this_program();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut server = on("n2", &words)
        .env(PART, "server")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let _until_the_end = server.stdin.take();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let port =
        said.find_map(|line| line.unwrap().strip_prefix("port ").map(str::to_owned)).unwrap();
    let port: u16 = port.parse().unwrap();
    let mut connection = connect(port);
    assert_eq!(connection.echo("a"), Some("a".to_owned()));

    let mut holder = Holder::start();
    let told = holder.prepare("\"drop\"", "in", port);
    if told.contains("the host has no nft") {
        eprintln!("left out: {told}");
        return;
    }
    assert_eq!((told.as_str(), tables()), ("\"ready\"", 1));
    assert_eq!(connection.echo("b"), Some("b".to_owned()), "it is prepared, and not applied");
    assert_eq!(holder.tell("\"apply\""), "\"applied\"");
    assert_eq!(connection.echo("c"), None);
    let client = on("n1", &words).env(PART, "client").env(PORT, port.to_string()).output().unwrap();
    assert!(client.status.success(), "n1 is not cut off: {client:?}");
    holder.input = None;
    assert!(holder.undone() > 0);
    assert_eq!(connection.read(PATIENCE), Some("c".to_owned()), "it was held back, and not lost");
    assert_eq!(tables(), 0);

    let mut holder = Holder::cut(port);
    assert_eq!(connection.echo("d"), None);
    kill(holder.pid(), Signal::SIGTERM).unwrap();
    assert!(holder.undone() > 0);
    assert_eq!(connection.read(PATIENCE), Some("d".to_owned()));

    let mut holder = Holder::cut(port);
    assert_eq!(connection.echo("e"), None);
    kill(holder.pid(), Signal::SIGKILL).unwrap();
    assert_eq!(connection.read(PATIENCE), Some("e".to_owned()), "its guard has taken it back");
    assert!(!holder.child.wait().unwrap().success());

    let mut holder = Holder::cut(port);
    assert_eq!(connection.echo("f"), None);
    for pid in guards().into_iter().chain([holder.pid()]) {
        kill(pid, Signal::SIGKILL).unwrap();
    }
    holder.child.wait().unwrap();
    assert_eq!(tables(), 1, "nobody is left who could take it back");
    let mut other = Holder::start();
    assert_eq!((other.prepare("\"drop\"", "in", 1), tables()), ("\"ready\"".to_owned(), 1));
    assert_eq!(connection.read(PATIENCE), Some("f".to_owned()), "whoever comes next does");
    other.input = None;
    assert_eq!((other.undone(), tables()), (0, 0));

    let mut holder = Holder::cut(port);
    printed("n2", &["nft", "flush", "ruleset"]);
    holder.input = None;
    assert_eq!(holder.counted(), "null", "who has removed it has not said how many it was");

    let mut holder = Holder::start();
    let told = holder.prepare("\"reset\"", "in", port);
    assert_eq!((told.as_str(), holder.tell("\"apply\"").as_str()), ("\"ready\"", "\"applied\""));
    connection.0.write_all(b"g").unwrap();
    let reset = connection.0.read(&mut [0]).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    holder.input = None;
    assert!(holder.undone() > 0);

    let mut connection = connect(port);
    for (effect, queue) in
        [(r#"{"rate":{"bytes_per_s":1000000}}"#, "tbf"), (r#"{"delay":{"ms":20}}"#, "netem")]
    {
        let mut holder = Holder::start();
        let told = holder.prepare(effect, "out", port);
        if told.contains("kernel has no") {
            eprintln!("left out: {told}");
            assert!(holder.child.wait().unwrap().success());
        } else {
            let queues = || printed("n2", &["tc", "qdisc", "show", "dev", "eth0"]);
            assert_eq!((told.as_str(), queues().contains(queue)), ("\"ready\"", true));
            // Two at a time share the queue.
            let mut other = Holder::start();
            assert_eq!(other.prepare(effect, "out", 1), "\"ready\"");
            assert_eq!(holder.tell("\"apply\""), "\"applied\"");
            assert_eq!(connection.echo("h"), Some("h".to_owned()));
            holder.input = None;
            assert!(holder.undone() > 0);
            assert!(queues().contains(queue), "the other one's is still there");
            other.input = None;
            other.undone();
            assert!(!queues().contains("d700:"), "{}", queues());
        }
        assert_eq!(tables(), 0);
    }
}
