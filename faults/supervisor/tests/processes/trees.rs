//! Whole trees of real processes: started, paused, killed, and never left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use supervisor::tree::{GuardProgram, Limit, Limits, SignalError, Tree};

use crate::testing::*;

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

/// A child, a grandchild that has left the session and its parent, and one in a group of its own.
const FAMILY: &str = r#"
child()
if fork() == 0:
    os.setsid()
    if fork() == 0:
        child()
        say('pid', os.getpid())
        wait()
    os._exit(0)
if fork() == 0:
    os.setpgid(0, 0)
    say('pid', os.getpid())
    wait()
wait()
"#;
const FAMILY_SIZE: usize = 4;

#[tokio::test]
async fn a_pause_stops_everybody_and_a_resume_lets_everybody_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let tree = start(folder.path(), FAMILY).await;
    let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
    family.push(tree.pid());
    let done = tree.pause().await.unwrap();
    assert!(tree.started_monotonic_us() < done.at_monotonic_us);
    assert!(done.at_monotonic_us <= done.confirmed_monotonic_us);
    assert!(family.iter().all(|pid| state(*pid) == Some('T')));
    tree.resume().await.unwrap();
    assert!(family.iter().all(|pid| state(*pid).is_some_and(|state| state != 'T')));
    assert_eq!(tree.end(), None);
    tree.pause().await.unwrap();
    tree.kill().await.unwrap();
    assert!(all_gone(&family));
}

#[tokio::test]
async fn a_kill_is_confirmed_once_nobody_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let tree = start(folder.path(), FAMILY).await;
    let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
    family.push(tree.pid());
    tree.kill().await.unwrap();
    assert!(all_gone(&family));
    let end = tree.end().unwrap();
    assert!(end.asked);
    assert_eq!(end.describe(), "signal: 9 (SIGKILL)");
    assert_eq!(tree.kill().await, Err(SignalError::Ended));
    assert_eq!(tree.pause().await, Err(SignalError::Ended));
}

#[tokio::test]
async fn a_process_that_daemonises_lives_until_its_daemon_ends() {
    let folder = tempfile::tempdir().unwrap();
    let daemonise = "
if fork() == 0:
    os.setsid()
    if fork() == 0:
        say('pid', os.getpid())
        wait()
    os._exit(0)
os.wait()
";
    let tree = start(folder.path(), daemonise).await;
    let daemon = pids(&folder.path().join("log"), 1).await;
    assert!(tree.main_ended(SOON).await.unwrap().success());
    assert_eq!(tree.end(), None);
    tree.pause().await.unwrap();
    assert_eq!(state(daemon[0]), Some('T'));
    tree.resume().await.unwrap();
    send(daemon[0], Signal::SIGKILL);
    assert!(!tree.ended(SOON).await.unwrap().asked);
    assert!(tree.gone(SOON).await);
}

#[tokio::test]
async fn a_process_that_fails_has_ended_whatever_it_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let tree = start(folder.path(), "child()\nsys.exit(3)").await;
    let child = pids(&folder.path().join("log"), 1).await;
    let end = tree.ended(SOON).await.unwrap();
    assert_eq!((end.describe().as_str(), end.asked), ("exit status: 3", false));
    assert_eq!(end.over_limit, None);
    assert!(state(child[0]).is_some());
    tree.kill().await.unwrap();
    assert!(all_gone(&child));
    assert!(!tree.end().unwrap().asked);
}

#[tokio::test]
async fn who_obeys_sigterm_is_not_killed_even_if_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let polite = "
def end(*_):
    say('polite')
    os._exit(0)
signal.signal(signal.SIGTERM, end)
wait()
";
    let tree = start(folder.path(), polite).await;
    let log = folder.path().join("log");
    said(&log, "up").await;
    tree.pause().await.unwrap();
    let done = tree.terminate(Signal::SIGTERM, SOON).await.unwrap();
    assert!(!done.forced);
    let end = tree.end().unwrap();
    assert_eq!((end.describe().as_str(), end.asked), ("exit status: 0", true));
    assert_eq!(fs::read_to_string(&log).unwrap(), "up\npolite\n");
}

/// A process beside a child that does nothing and fifty that come and go, one after another.
const CHURN: &str = "
child()
for _ in range(50):
    if fork() == 0:
        if fork() == 0:
            time.sleep(0.002)
        os._exit(0)
    os.wait()
wait()
";

#[tokio::test]
async fn who_comes_and_goes_hides_nobody_from_an_order_to_end() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let tree = start(folder.path(), CHURN).await;
        pids(&folder.path().join("log"), 1).await;
        assert!(!tree.terminate(Signal::SIGTERM, SOON).await.unwrap().forced);
    }
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let tree =
        start(folder.path(), "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nchild()\nwait()")
            .await;
    said(&folder.path().join("log"), "up").await;
    let child = pids(&folder.path().join("log"), 1).await;
    let done = tree.terminate(Signal::SIGTERM, Duration::from_millis(50)).await.unwrap();
    assert!(done.forced && all_gone(&child) && all_gone(&[tree.pid()]));
    assert!(tree.end().unwrap().asked);
}

/// Each forks the next and ends, fifty times at most; each takes a hundredth of a second, so fifty take half a second.
const CHAIN: &str = "
for step in range(50):
    with open('steps', 'a') as steps:
        steps.write(f'step {step}\\n')
    if fork() != 0:
        os._exit(0)
    time.sleep(0.01)
open('end', 'w').close()
";

async fn started_chain(folder: &Path) -> (Tree, impl Fn() -> String) {
    let tree = start(folder, CHAIN).await;
    let steps = folder.join("steps");
    let steps = move || fs::read_to_string(&steps).unwrap_or_default();
    eventually("some steps", || (steps().lines().count() >= 3).then_some(())).await;
    (tree, steps)
}

#[tokio::test]
async fn a_chain_of_forks_is_caught_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, steps) = started_chain(folder.path()).await;
    tree.pause().await.unwrap();
    let before = steps();
    tree.kill().await.unwrap();
    assert_eq!(before, steps(), "nobody of a paused chain goes on");
    assert!(!folder.path().join("end").exists());
    assert!(tree.gone(SOON).await);
}

#[tokio::test]
async fn a_chain_of_forks_that_nobody_paused_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, _) = started_chain(folder.path()).await;
    tree.kill().await.unwrap();
    assert!(!folder.path().join("end").exists());
    assert!(tree.gone(SOON).await);
}

#[tokio::test]
async fn a_process_that_does_not_read_its_input_and_fills_its_pipes_is_not_held_up() {
    let folder = tempfile::tempdir().unwrap();
    let fills = "
import fcntl
for pipe in (1, 2):
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    for _ in range(100):
        os.write(pipe, b'x' * 4096)
say()
child()
say('through')
wait()
";
    let tree = start(folder.path(), fills).await;
    said(&folder.path().join("log"), "through").await;
    tree.kill().await.unwrap();
}

#[tokio::test]
async fn a_flood_of_output_neither_blocks_nor_fills_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let flood = "
for _ in range(1000):
    os.write(1, b'x' * 79 + b'\\n')
    os.write(1, b'y' * 20000)
    os.write(2, b'z' * 10000 + b'\\n')
os.write(1, b'over')
";
    let tree = start(folder.path(), flood).await;
    let end = tree.ended(SOON).await.unwrap();
    assert_eq!(end.describe(), "exit status: 0");
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!((LOG_BYTES..LOG_BYTES + 1000).contains(&(log.len() as u64)), "{}", log.len());
    assert!(log.ends_with("what follows is not kept]\n"));
}

#[tokio::test]
async fn too_much_memory_ends_a_tree() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tree_command(
        folder.path(),
        python("if fork() == 0:\n    hoard = bytearray(os.urandom(1)) * (96 << 20)\nwait()"),
    );
    command.limits = Limits { memory_mb: Some(64), processes: None };
    let tree = Tree::start(&guard(), command).await.unwrap();
    let end = tree.ended(SOON).await.unwrap();
    assert_eq!((end.asked, end.over_limit), (false, Some(Limit::Memory)));
    assert!(end.describe().contains("MiB of memory, and 64 are allowed"), "{end:?}");
    assert!(tree.gone(SOON).await);
}

#[tokio::test]
async fn too_many_processes_end_a_tree() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        tree_command(folder.path(), python("for _ in range(8):\n    child()\nwait()"));
    command.limits = Limits { memory_mb: None, processes: Some(8) };
    let tree = Tree::start(&guard(), command).await.unwrap();
    let end = tree.ended(SOON).await.unwrap();
    assert_eq!((end.asked, end.over_limit), (false, Some(Limit::Processes)));
    assert!(end.describe().contains("it had 9 processes, and 8 are allowed"), "{end:?}");
    assert!(tree.gone(SOON).await);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut commands = [(); 3].map(|()| tree_command(folder.path(), vec!["true".into()]));
    commands[0].command = vec!["no-such-program".into()];
    commands[1].surroundings.working_dir = PathBuf::from("/no/such/folder");
    commands[2].surroundings.user = Some("no-such-user".to_owned());
    let reasons =
        ["cannot run no-such-program: No such file", "/no/such/folder", "no user no-such-user"];
    for (command, reason) in commands.into_iter().zip(reasons) {
        let error = Tree::start(&guard(), command).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    for no_guard in ["/no/such/guard", "true"] {
        let no_guard = GuardProgram::new(no_guard, [""; 0]);
        let command = tree_command(folder.path(), vec!["true".into()]);
        assert!(Tree::start(&no_guard, command).await.is_err());
    }
}

#[tokio::test]
async fn a_process_has_its_folder_environment_and_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let program = "say(os.getcwd(), os.environ['PLACE'], repr(sys.stdin.read()), os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid())";
    let mut command = tree_command(folder.path(), python(program));
    command.surroundings.environment.insert("PLACE".to_owned(), "here".to_owned());
    let tree = Tree::start(&guard(), command).await.unwrap();
    tree.ended(SOON).await.unwrap();
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let there = folder.path().canonicalize().unwrap();
    assert_eq!(log, format!("{} here '' True False\n", there.display()));
}

#[tokio::test]
async fn a_process_runs_as_the_user_that_it_is_given() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("left out: only root may run a process as somebody else");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = tree_command(
        folder.path(),
        ["sh", "-c", "id -un; id -G; echo $USER"].map(Into::into).to_vec(),
    );
    let around = &mut command.surroundings;
    (around.user, around.working_dir) = (Some("nobody".to_owned()), PathBuf::from("/"));
    let tree = Tree::start(&guard(), command).await.unwrap();
    tree.ended(SOON).await.unwrap();
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert!(lines.len() == 3 && lines[0] == "nobody" && lines[2] == "nobody", "{log}");
    assert!(!lines[1].split(' ').any(|group| group == "0"), "it has left root's groups: {log}");
}

#[tokio::test]
async fn nothing_is_left_of_a_tree_that_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let tree = start(folder.path(), FAMILY).await;
    let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
    family.extend([tree.pid(), parent(tree.pid())]);
    drop(tree);
    assert!(all_gone(&family));
}

#[tokio::test]
async fn nothing_is_left_when_the_guard_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let tree = start(folder.path(), FAMILY).await;
    let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
    family.push(tree.pid());
    send(parent(tree.pid()), Signal::SIGKILL);
    let end = tree.ended(SOON).await.unwrap();
    assert_eq!((end.reason.as_deref(), end.asked), (Some("its guard was killed"), false));
    assert!(tree.gone(SOON).await && all_gone(&family));
}

#[tokio::test]
async fn a_guard_that_is_told_to_end_ends_its_tree_first() {
    let folder = tempfile::tempdir().unwrap();
    let tree = start(folder.path(), FAMILY).await;
    let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
    family.push(tree.pid());
    send(parent(tree.pid()), Signal::SIGTERM);
    assert!(!tree.ended(SOON).await.unwrap().asked);
    assert!(tree.gone(SOON).await && all_gone(&family));
}

#[tokio::test]
async fn nothing_is_left_when_the_harness_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = Command::new(harness())
        .arg(folder.path())
        .args(python(FAMILY))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(harness.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid: u32 = line.trim().parse().unwrap();
    let mut family = pids(&folder.path().join("log"), FAMILY_SIZE).await;
    family.extend([pid, parent(pid)]);
    harness.kill().unwrap();
    harness.wait().unwrap();
    eventually("the end of everybody", || all_gone(&family).then_some(())).await;
}
