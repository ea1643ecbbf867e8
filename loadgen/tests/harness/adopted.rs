//! A service that the test itself runs, adopted by the harness: broken while it lasts, and left running whatever happens.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use results::records::{EventKind, RunFolder};

use crate::common::{Running, ended, eventually, harness, latest, plan};
use crate::ports;
use crate::target::has_python;

/// The healthy shop of the zoo, in a folder with a file that adopts it. It ends with the test's own process.
struct Shop {
    folder: tempfile::TempDir,
    process: Child,
}

impl Shop {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/tests/zoo");
        let [address]: [_; 1] = ports::reserved(Ipv4Addr::LOCALHOST);
        let port = address.port().to_string();
        let mut command = Command::new("python3");
        command.args(["-B".as_ref(), zoo.join("shop.py").as_os_str(), port.as_ref()]);
        command.arg(folder.path().join("orders")).stdin(Stdio::null());
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pid = process.id().to_string();
        fs::write(folder.path().join("pid"), pid).unwrap();
        let shop = fs::read_to_string(zoo.join("shop.toml")).unwrap();
        let begin = shop.find("command = ").unwrap();
        let end = begin + shop[begin..].find('\n').unwrap();
        let adopts = "adopt.pid = [\"cat\", \"pid\"]\nlistens = [\"shop\"]";
        let text = format!("{}{adopts}{}", &shop[..begin], &shop[end..]);
        let text = text.replace("shop = \"free\"", &format!("shop = {port}"));
        fs::write(folder.path().join("adopts.toml"), text).unwrap();
        Self { folder, process }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }

    fn is_left_running(&self) -> bool {
        !"TZX".contains(self.state())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const PAUSE: &str = "\
[load]
clients = 3
p = [0.5]
duration_s = 2.5
warm_up_s = 0.1
[checks]
converge_within_ms = 3000
[[faults]]
at_ms = 600
action = \"pause\"
target = \"shop\"
for_ms = 400
";

#[test]
fn a_service_that_runs_is_checked_paused_and_left_running_and_no_kill_is_tried() {
    if !has_python() {
        return;
    }
    let shop = Shop::start();
    let check = ["target", "check", "adopts.toml"];
    let output = harness(shop.path(), &check).env("TMPDIR", shop.path()).output().unwrap();
    let (code, stdout, stderr) = ended(&output);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let pid = shop.process.id();
    assert!(stdout.contains(&format!("pid {pid}, which ran before")), "{stdout}");
    assert!(stdout.contains("adopt has no start, so no fault may kill it"), "{stdout}");
    assert!(shop.is_left_running());

    // The first has an order now, which no run knows of.
    let shop = Shop::start();
    let pid = shop.process.id();
    let text = PAUSE.to_owned()
        + "[[faults]]\nat_ms = 1500\naction = \"kill\"\ntarget = \"shop\"\nfor_ms = 100\n";
    let plan = plan(shop.path(), &text);
    let run = ["failover", "--target", "adopts.toml", "--plan", &plan];
    let (code, stdout, stderr) = ended(&harness(shop.path(), &run).output().unwrap());
    assert_eq!(code, Some(2), "a fault could not be done: {stdout}{stderr}");
    assert!(stdout.contains("its `adopt` has no `start`"), "{stdout}");
    let events = latest(shop.path()).events().unwrap();
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    assert_eq!(of(EventKind::Confirmed).count(), 2, "a pause and its end: {events:?}");
    let started: Vec<_> = of(EventKind::Started).map(|event| event.pid).collect();
    assert_eq!(started, [Some(pid)]);
    assert!(shop.is_left_running());
}

#[test]
fn a_service_that_is_paused_goes_on_when_the_harness_is_killed() {
    if !has_python() {
        return;
    }
    let shop = Shop::start();
    // It would end long after the test has.
    let plan = plan(shop.path(), &PAUSE.replace("for_ms = 400", "").replace("2.5", "100"));
    let run =
        Running::start(shop.path(), &["failover", "--target", "adopts.toml", "--plan", &plan]);
    eventually("a paused service", || {
        let folder = fs::canonicalize(shop.path().join("results/runs/latest")).ok()?;
        let events = RunFolder::new(folder).events().ok()?;
        events.iter().any(|event| event.event == EventKind::Confirmed).then_some(())
    });
    assert_eq!(shop.state(), 'T');
    run.signal(Signal::SIGKILL);
    drop(run);
    eventually("a service that goes on", || shop.is_left_running().then_some(()));
}
