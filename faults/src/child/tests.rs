//! Real processes, signalled.

use super::*;
use records::built_in;

const SOON: Duration = Duration::from_secs(10);

fn child(program: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null());
    Child::start(built_in::catalog(), command).unwrap()
}

fn exists(pid: u32) -> bool {
    fs::exists(format!("/proc/{pid}")).unwrap()
}

#[tokio::test]
async fn a_kill_is_confirmed_by_the_end() {
    let child = child("sleep", &["1000"]);
    assert_eq!(child.state(), ProcessState::Running);
    let sent = child.kill().unwrap();
    let exit = child.ended(SOON).await.unwrap();
    assert!(exit.asked && exit.at_monotonic_us >= sent);
    assert_eq!(exit.status.unwrap().signal(), Some(9));
    assert_eq!(child.state(), ProcessState::Down);
    assert!(child.take_unasked_end().is_none());
}

#[tokio::test]
async fn a_reaped_pid_gets_no_signal() {
    let child = child("true", &[]);
    child.ended(SOON).await.unwrap();
    assert!(!exists(child.pid()));
    let down = Unsent::Is(ProcessState::Down);
    assert_eq!(child.kill(), Err(down));
    assert_eq!(child.terminate(), Err(down));
    assert_eq!(child.pause(), Err(down));
    assert_eq!(child.resume(), Err(down));
    assert_eq!(child.seen_stopped(true, SOON).await, None);
}

#[tokio::test]
async fn a_pause_shows_in_proc_and_ends_with_a_resume() {
    let child = child("sleep", &["1000"]);
    assert_eq!(child.resume(), Err(Unsent::Is(ProcessState::Running)));
    let sent = child.pause().unwrap();
    assert!(child.seen_stopped(true, SOON).await.unwrap() >= sent);
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.pid())).unwrap();
    assert_eq!(thread_state(&stat), Some('T'));
    assert_eq!(child.pause(), Err(Unsent::Is(ProcessState::Paused)));
    child.resume().unwrap();
    assert!(child.seen_stopped(false, SOON).await.is_some());
    assert_eq!(child.state(), ProcessState::Running);
}

#[tokio::test]
async fn a_paused_process_can_be_killed() {
    let child = child("sleep", &["1000"]);
    child.pause().unwrap();
    child.kill().unwrap();
    assert!(child.ended(SOON).await.unwrap().asked);
}

#[tokio::test]
async fn an_end_that_nobody_asked_for_is_told_once() {
    let child = child("sh", &["-c", "exit 4"]);
    let exit = child.ended(SOON).await.unwrap();
    assert_eq!(exit.describe(), "exit status: 4");
    assert!(child.take_unasked_end().is_some());
    assert!(child.take_unasked_end().is_none());
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_still_there() {
    let (reader, writer) = io::pipe().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; echo set; exec sleep 1000"]).stdout(writer);
    let child = Child::start(built_in::catalog(), command).unwrap();
    let line = io::BufRead::lines(io::BufReader::new(reader)).next().unwrap().unwrap();
    assert_eq!(line, "set");
    child.terminate().unwrap();
    assert!(child.ended(Duration::from_millis(50)).await.is_none());
    child.kill().unwrap();
    assert!(child.ended(SOON).await.unwrap().asked);
}

#[test]
fn dropping_a_child_leaves_nothing_of_its_group() {
    let (reader, writer) = io::pipe().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 1000 & echo $!; wait"]).stdout(writer);
    let child = Child::start(built_in::catalog(), command).unwrap();
    let mut lines = io::BufRead::lines(io::BufReader::new(reader));
    lines.next().unwrap().unwrap();
    let pid = child.pid();
    drop(child);
    assert!(!exists(pid));
    // The grandchild held the pipe open: its end is the end of the group.
    assert!(lines.next().is_none());
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let error = Child::start(built_in::catalog(), Command::new("/no/such/program"));
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn the_state_is_read_behind_the_name() {
    assert_eq!(thread_state("12 (a) R (b)) T 1 12"), Some('T'));
    assert_eq!(thread_state("12 (sleep) S 1"), Some('S'));
    assert_eq!(thread_state("nonsense"), None);
}
