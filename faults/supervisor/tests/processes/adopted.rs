//! Processes that something else keeps, here the test itself: found, paused, killed, started again, and handed back.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use supervisor::system::{ActError, ProcessState, Program, StartError, System};
use supervisor::tree::{Adopt, AdoptCommand, SignalError, Surroundings, Tree};

use crate::systems::{plan, program};
use crate::testing::*;

/// Two children, of which one is in a group of its own and has a child, too.
const FAMILY: &str = r#"
open('pid', 'w').write(str(os.getpid()))
child()
if fork() == 0:
    os.setpgid(0, 0)
    child()
    say('pid', os.getpid())
    wait()
wait()
"#;
const FAMILY_SIZE: usize = 3;

/// A service that somebody runs in a folder: its pid is in `pid`, what it says in `log`. Ended with the test.
struct Service {
    folder: tempfile::TempDir,
    family: Vec<u32>,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        start_in(folder.path());
        let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
        family.push(pid_in(folder.path()).unwrap());
        Self { folder, family }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn pid(&self) -> u32 {
        self.family[FAMILY_SIZE]
    }

    fn is_stopped(&self) -> bool {
        self.family.iter().all(|pid| state(*pid) == Some('T'))
    }

    /// Everybody lives, and nobody is stopped.
    fn runs(&self) -> bool {
        self.family.iter().all(|pid| state(*pid).is_some_and(|state| state != 'T'))
    }

    /// The program of a system that adopts it.
    fn program(&self, adopt: Adopt) -> Program {
        Program { command: Vec::new(), adopt: Some(adopt), ..program(self.path(), "shop", "") }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Of a second life the pid is in the file alone.
        for pid in self.family.iter().copied().chain(pid_in(self.path())).filter(|pid| *pid > 1) {
            let pid = Pid::from_raw(pid.cast_signed());
            let _ = killpg(pid, Signal::SIGKILL);
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

fn start_in(folder: &Path) {
    let words = python_words(FAMILY);
    let log = fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(folder).process_group(0);
    let mut child = command.stdin(Stdio::null()).stdout(log).spawn().unwrap();
    // Somebody has to take notice of its end.
    std::thread::spawn(move || child.wait());
}

fn pid_in(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join("pid")).ok()?.parse().ok()
}

fn words(words: &[&str]) -> Vec<std::ffi::OsString> {
    words.iter().map(Into::into).collect()
}

fn by_signals() -> Adopt {
    Adopt { pid: words(&["cat", "pid"]), start: None, kill: None, pause: None, resume: None }
}

/// What starts the service, and leaves it running.
fn with_start() -> Adopt {
    let daemon =
        format!("if fork() == 0:\n    os.setsid()\n    {}", FAMILY.trim().replace('\n', "\n    "));
    Adopt { start: Some(python(&daemon)), ..by_signals() }
}

fn command(folder: &Path, adopt: Adopt) -> AdoptCommand {
    let surroundings = Surroundings::new(folder, folder.join("adopted.log"), LOG_BYTES);
    AdoptCommand { adopt, was_down: None, surroundings }
}

async fn adopted(service: &Service, adopt: Adopt) -> Tree {
    Tree::adopt(&guard(), command(service.path(), adopt)).await.unwrap()
}

async fn refused(folder: &Path, pid: &[&str]) -> String {
    let adopt = Adopt { pid: words(pid), ..by_signals() };
    Tree::adopt(&guard(), command(folder, adopt)).await.unwrap_err().to_string()
}

#[tokio::test]
async fn the_whole_tree_is_paused_and_resumed_and_goes_on_when_it_is_handed_back() {
    let service = Service::start().await;
    let tree = adopted(&service, by_signals()).await;
    assert_eq!((tree.pid(), tree.was_found()), (service.pid(), true));
    tree.pause().await.unwrap();
    assert!(service.is_stopped());
    assert_eq!(tree.halt().await, Err(SignalError::Paused));
    tree.resume().await.unwrap();
    assert!(service.runs());
    tree.halt().await.unwrap();
    assert!(service.is_stopped());
    tree.go().await.unwrap();
    assert!(service.runs());
    assert!(tree.release().await);
    assert!(service.runs() && tree.end().is_some_and(|end| end.asked));
}

#[tokio::test]
async fn what_is_paused_or_halted_goes_on_when_its_tree_is_dropped() {
    let service = Service::start().await;
    let tree = adopted(&service, by_signals()).await;
    tree.pause().await.unwrap();
    drop(tree);
    assert!(service.runs());
    let tree = adopted(&service, by_signals()).await;
    tree.halt().await.unwrap();
    drop(tree);
    assert!(service.runs());
}

/// A harness that has adopted and paused the service: its own pid, and that of its guard.
async fn paused_by_a_harness(service: &Service) -> (std::process::Child, u32) {
    let arguments = [Path::new("adopt"), service.path(), Path::new("cat"), Path::new("pid")];
    let mut command = Command::new(harness());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), service.pid().to_string());
    assert!(service.is_stopped());
    let harness = child.id();
    let all = || {
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|one| one.ok()?.file_name().to_str()?.parse().ok())
    };
    let guard =
        eventually("the guard", || all().find(|pid| stat_parent(*pid) == Some(harness))).await;
    (child, guard)
}

fn stat_parent(pid: u32) -> Option<u32> {
    state(pid).map(|_| parent(pid))
}

#[tokio::test]
async fn what_is_paused_goes_on_whether_the_harness_is_killed_or_the_guard() {
    let service = Service::start().await;
    let (mut harness, _) = paused_by_a_harness(&service).await;
    harness.kill().unwrap();
    harness.wait().unwrap();
    eventually("going on after the harness's death", || service.runs().then_some(())).await;
    let (mut harness, guard) = paused_by_a_harness(&service).await;
    kill(Pid::from_raw(guard.cast_signed()), Signal::SIGKILL).unwrap();
    eventually("going on after the guard's death", || service.runs().then_some(())).await;
    drop(harness.stdin.take());
    harness.wait().unwrap();
    assert!(service.runs());
}

#[tokio::test]
async fn a_kill_leaves_nobody_and_a_restart_finds_the_process_that_was_started() {
    let service = Service::start().await;
    let adopt = with_start();
    let system = System::start(plan(service.path(), vec![service.program(adopt)])).await.unwrap();
    let found = system.process("shop").unwrap();
    assert_eq!((found.pid, found.was_found), (service.pid(), true));
    system.kill("shop").await.unwrap();
    assert!(all_gone(&service.family));
    let restarted = system.restart("shop").await.unwrap();
    assert_ne!(restarted.pid, service.pid());
    assert_eq!(pid_in(service.path()), Some(restarted.pid));
    assert!(system.process("shop").unwrap().was_found, "it is handed back all the same");
    assert!(system.take_deaths().is_empty());
    system.stop().await;
    assert!(state(restarted.pid).is_some(), "it is not ours to end");
}

#[tokio::test]
async fn what_was_down_before_is_down_again_whoever_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service { folder, family: vec![0; FAMILY_SIZE + 1] };
    let program = || service.program(with_start());
    let system = System::start(plan(service.path(), vec![program()])).await.unwrap();
    let started = system.process("shop").unwrap();
    assert!(!started.was_found && state(started.pid).is_some());
    system.kill("shop").await.unwrap();
    let again = system.restart("shop").await.unwrap().pid;
    drop(system);
    assert!(all_gone(&[started.pid, again]));
    let system = System::start(plan(service.path(), vec![program()])).await.unwrap();
    let third = system.process("shop").unwrap().pid;
    system.stop().await;
    assert!(all_gone(&[third]));
}

#[tokio::test]
async fn what_was_killed_runs_again_once_the_system_has_stopped() {
    let service = Service::start().await;
    let adopt = with_start();
    let system = System::start(plan(service.path(), vec![service.program(adopt)])).await.unwrap();
    system.kill("shop").await.unwrap();
    system.stop().await;
    let again = pid_in(service.path()).unwrap();
    assert!(again != service.pid() && state(again).is_some());
}

#[tokio::test]
async fn one_that_nobody_can_start_again_is_not_killed() {
    let service = Service::start().await;
    let program = service.program(by_signals());
    let system = System::start(plan(service.path(), vec![program])).await.unwrap();
    assert!(matches!(system.kill("shop").await, Err(ActError::NoStart { .. })));
    assert!(service.runs());
    system.kill_all().await;
    drop(system);
    assert!(service.runs());
}

#[tokio::test]
async fn a_death_of_its_own_is_told_and_its_keepers_restart_is_found() {
    let service = Service::start().await;
    let program = service.program(by_signals());
    let system = System::start(plan(service.path(), vec![program])).await.unwrap();
    kill(Pid::from_raw(service.pid().cast_signed()), Signal::SIGKILL).unwrap();
    let incarnation = system.incarnation("shop").unwrap();
    assert!(!incarnation.ended(SOON).await.unwrap().asked);
    assert_eq!(system.take_deaths().len(), 1);
    let error = system.restart("shop").await.unwrap_err();
    assert!(matches!(&error, ActError::Start(StartError::Tree { .. })), "{error}");
    assert!(error.to_string().contains("nothing says how to start it"), "{error}");
    start_in(service.path());
    let back =
        eventually("another life", || pid_in(service.path()).filter(|pid| *pid != service.pid()));
    let back = back.await;
    assert_eq!(system.restart("shop").await.unwrap().pid, back);
    assert_eq!(system.process("shop").unwrap().state, ProcessState::Running);
}

#[tokio::test]
async fn commands_do_what_the_file_gives_them_for_and_say_why_they_do_not() {
    let service = Service::start().await;
    let touch = |name: &str| Some(words(&["touch", name]));
    let adopt = Adopt {
        pause: touch("paused"),
        resume: touch("resumed"),
        kill: Some(words(&["false"])),
        ..with_start()
    };
    let tree = adopted(&service, adopt).await;
    tree.pause().await.unwrap();
    assert!(service.path().join("paused").exists() && service.runs());
    let refused = tree.kill().await.unwrap_err().to_string();
    assert_eq!(refused, "`false` failed (exit status: 1)");
    drop(tree);
    assert!(service.path().join("resumed").exists() && service.runs());
}

#[tokio::test]
async fn who_cannot_be_found_is_not_adopted() {
    let folder = tempfile::tempdir().unwrap();
    for nobody in ["0", "", "999999999"] {
        let error = refused(folder.path(), &["echo", nobody]).await;
        assert!(error.contains("does not run") && error.contains("names nobody"), "{error}");
    }
    let error = refused(folder.path(), &["echo", "shop"]).await;
    assert_eq!(error, "`echo shop` printed \"shop\", no process id");
    let own = std::process::id().to_string();
    let error = refused(folder.path(), &["echo", &own]).await;
    assert!(error.ends_with("which the harness itself hangs on"), "{error}");
    let error = refused(folder.path(), &["no-such-program"]).await;
    assert!(error.contains("cannot run no-such-program"), "{error}");
}
