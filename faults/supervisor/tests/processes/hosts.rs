//! Processes on another host: this machine, reached through a command as any other would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use supervisor::host::{AgentProgram, Host, HostLink, HostNews, HostTalk, Said};
use supervisor::system::{ActError, Action, ProcessState, System};
use supervisor::tree::{GuardProgram, Tree};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::systems::{line, plan, program};
use crate::testing::*;

fn agent_program() -> Arc<AgentProgram> {
    Arc::new(AgentProgram::new(&harness(), &["agent"]))
}

/// A host whose agent makes its folder below `scratch`.
fn here(scratch: &Path) -> Host {
    let connect = ["env".to_owned(), format!("TMPDIR={}", scratch.display())];
    Host { connect: connect.to_vec(), address: "127.0.0.2".to_owned() }
}

async fn connect(host: Host) -> Arc<HostLink> {
    HostLink::connect("n1", host, &agent_program()).await.unwrap()
}

fn on(host: &Arc<HostLink>) -> GuardProgram {
    guard().on(Some(host))
}

async fn start_on(host: &Arc<HostLink>, folder: &Path, text: &str) -> Tree {
    Tree::start(&on(host), tree_command(folder, python(text))).await.unwrap()
}

/// The agents' folders that are there.
fn folders(scratch: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(scratch).unwrap().map(|entry| entry.unwrap().path());
    let ours = |path: &PathBuf| path.to_string_lossy().contains("double-trouble-");
    entries.filter(ours).collect()
}

/// The processes of a host's agent: the keeper first, then the agent itself.
fn agents(folder: &Path) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let name = folder.to_string_lossy().into_owned();
    let mut found: Vec<(bool, u32)> = pids
        .filter_map(|pid: u32| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let words: Vec<_> = command.split(|byte| *byte == 0).collect();
            let place = words.iter().position(|word| *word == name.as_bytes())?;
            Some((words.get(place + 1) == Some(&b"kept".as_slice()), pid))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, pid)| pid).collect()
}

fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

async fn lost(host: &HostLink) -> String {
    let news = eventually("the loss", || {
        let news = host.take_news();
        (!news.is_empty()).then_some(news)
    });
    match news.await.remove(0) {
        HostNews::Lost(loss) => loss.reason,
        HostNews::Back { .. } => panic!("it was not lost before"),
    }
}

#[tokio::test]
async fn a_tree_there_is_paused_resumed_and_killed_and_nothing_of_it_or_its_agent_is_left() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    assert_eq!(folders(scene.path()), [host.folder()]);
    let tree = start_on(&host, scene.path(), "child()\nwait()").await;
    let log = scene.path().join("log");
    let pids = pids(&log, 1).await;
    tree.pause().await.unwrap();
    assert_eq!((state(tree.pid()), state(pids[0])), (Some('T'), Some('T')));
    tree.resume().await.unwrap();
    let done = tree.kill().await.unwrap();
    assert!(done.at_monotonic_us <= done.confirmed_monotonic_us);
    assert!(all_gone(&[tree.pid(), pids[0]]));
    drop(tree);
    host.close().await.unwrap();
    assert!(folders(scene.path()).is_empty() && host.take_news().is_empty());
    assert!(agents(host.folder()).is_empty());
}

/// A program there that says back what it is told, and what it has said until its end.
fn echo(host: &Arc<HostLink>) -> (HostTalk, UnboundedReceiver<Said>) {
    let (tell, said) = unbounded_channel();
    let talk = host.talk(&["echo"], move |said| _ = tell.send(said)).unwrap();
    (talk, said)
}

fn line_said(text: &str) -> Option<Said> {
    Some(Said::Line(format!("{text}\n")))
}

#[tokio::test]
async fn a_program_there_speaks_lines_until_it_is_dropped_here() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let (talk, mut said) = echo(&host);
    talk.tell("one\n".to_owned());
    assert_eq!(said.recv().await, line_said("one"));
    let (other, mut said_by_other) = echo(&host);
    other.tell("two\n".to_owned());
    assert_eq!(said_by_other.recv().await, line_said("two"));
    drop(talk);
    assert_eq!(said.recv().await, None, "nobody speaks any more");
    other.tell("end\n".to_owned());
    let Some(Said::Ended(end)) = said_by_other.recv().await else { panic!("it has ended") };
    assert_eq!(end.reason, "the program there has ended");
    assert_eq!(said_by_other.recv().await, None);
    host.close().await.unwrap();
    assert!(folders(scene.path()).is_empty() && host.take_news().is_empty());
}

#[tokio::test]
async fn a_program_there_ends_with_its_agent_and_who_listens_hears_why() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let (talk, mut said) = echo(&host);
    talk.tell("pid\n".to_owned());
    let Some(Said::Line(pid)) = said.recv().await else { panic!("it says its pid") };
    let pid: u32 = pid.trim().parse().unwrap();
    kill(agents(host.folder())[1]);
    let Some(Said::Ended(end)) = said.recv().await else { panic!("it has ended") };
    assert!(end.reason.starts_with("its host was lost: "), "{}", end.reason);
    assert!(end.heard_monotonic_us <= end.at_monotonic_us, "{end:?}");
    eventually("its end", || all_gone(&[pid]).then_some(())).await;
    let too_late = host.talk(&["echo"], |_| {}).unwrap_err();
    assert!(too_late.to_string().starts_with("its host was lost: "), "{too_late}");
    drop(talk);
    // What was left is gone once it could be reached again.
    host.close().await.unwrap();
    assert!(folders(scene.path()).is_empty());
}

#[tokio::test]
async fn what_it_wrote_last_is_here_when_its_end_is_known() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let command = python("for n in range(2000): say('line', n)\nsys.exit(3)");
    let tree = Tree::start(&on(&host), tree_command(scene.path(), command)).await.unwrap();
    let end = tree.ended(SOON).await.unwrap();
    assert_eq!(end.describe(), "exit status: 3");
    assert!(tree.gone(SOON).await);
    let log = fs::read_to_string(scene.path().join("log")).unwrap();
    assert!(log.lines().count() == 2000 && log.ends_with("line 1999\n"));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_brought_and_taken_along_again() {
    let scene = tempfile::tempdir().unwrap();
    let program = scene.path().join("a program");
    fs::copy(harness(), &program).unwrap();
    let agent = Arc::new(AgentProgram::new(&program, &["agent"]));
    let first = HostLink::connect("n1", here(scene.path()), &agent).await.unwrap();
    assert!(!first.folder().join("program").exists(), "it is there at the same path");
    // The second host has none that could be run.
    let mut away = here(scene.path());
    let way = format!("chmod 600 '{}'; exec \"$@\"", program.display());
    away.connect.extend(["sh", "-c", way.as_str(), "sh"].map(str::to_owned));
    let second = HostLink::connect("n2", away, &agent).await.unwrap();
    assert!(second.folder().join("program").exists());
    let tree = start_on(&second, scene.path(), "wait()").await;
    said(&scene.path().join("log"), "up").await;
    tree.kill().await.unwrap();
    drop(tree);
    second.close().await.unwrap();
    first.close().await.unwrap();
    assert!(folders(scene.path()).is_empty());
}

#[tokio::test]
async fn a_way_that_leads_nowhere_says_why() {
    let scene = tempfile::tempdir().unwrap();
    let way = |words: &[&str]| Host {
        connect: words.iter().map(|word| (*word).to_owned()).collect(),
        address: "127.0.0.2".to_owned(),
    };
    let refused = way(&["sh", "-c", "echo 'no route to n1' >&2; exit 255"]);
    let error = HostLink::connect("n1", refused, &agent_program()).await.unwrap_err().to_string();
    assert!(error.contains("the connection ended") && error.contains("no route to n1"), "{error}");
    let missing = scene.path().join("no-such-program");
    let missing = way(&[&missing.to_string_lossy()]);
    let error = HostLink::connect("n1", missing, &agent_program()).await.unwrap_err().to_string();
    assert!(error.contains("cannot run"), "{error}");
}

#[tokio::test]
async fn an_agent_that_is_killed_is_a_loss_and_nothing_stays() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let tree = start_on(&host, scene.path(), "child()\nwait()").await;
    let pids = pids(&scene.path().join("log"), 1).await;
    let agents = agents(host.folder());
    assert_eq!(agents.len(), 2);
    kill(agents[1]);
    let reason = lost(&host).await;
    assert!(reason.contains("the connection to its agent ended"), "{reason}");
    let end = tree.ended(SOON).await.unwrap();
    assert!(end.host_lost && !end.asked, "{end:?}");
    eventually("the end of all", || {
        (all_gone(&[tree.pid(), pids[0]]) && folders(scene.path()).is_empty()).then_some(())
    })
    .await;
    eventually("the way back", || {
        matches!(host.take_news()[..], [HostNews::Back { .. }]).then_some(())
    })
    .await;
    assert!(tree.kill().await.is_err());
    host.close().await.unwrap();
    assert!(folders(scene.path()).is_empty());
}

#[tokio::test]
async fn what_an_agent_could_not_remove_and_the_next_one_has_is_no_trouble() {
    let scene = tempfile::tempdir().unwrap();
    let Host { connect, address } = here(scene.path());
    // The first agent's last word is that its folder is still there.
    let mark = scene.path().join("mark");
    let script = format!(
        "test -e {0} && exec \"$@\"; touch {0}; \"$@\" | sed -u 's/\"removed\":true/\"removed\":false/'",
        mark.display()
    );
    let way = ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()];
    let connect = way.into_iter().chain(connect).collect();
    let host = self::connect(Host { connect, address }).await;
    host.close().await.unwrap();
    assert!(mark.exists() && folders(scene.path()).is_empty());
}

#[tokio::test]
async fn a_keeper_that_is_killed_takes_everything_along() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let tree = start_on(&host, scene.path(), "wait()").await;
    kill(agents(host.folder())[0]);
    lost(&host).await;
    eventually("the end of all", || {
        (all_gone(&[tree.pid()]) && folders(scene.path()).is_empty()).then_some(())
    })
    .await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn a_guard_there_that_is_killed_leaves_nobody() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let tree = start_on(&host, scene.path(), "child()\nwait()").await;
    let pids = pids(&scene.path().join("log"), 1).await;
    kill(parent(tree.pid()));
    let end = tree.ended(SOON).await.unwrap();
    assert!(end.describe().contains("its guard was killed") && !end.host_lost, "{end:?}");
    assert!(tree.gone(SOON).await && all_gone(&[tree.pid(), pids[0]]));
    host.close().await.unwrap();
}

#[tokio::test]
async fn files_come_over_with_their_modes_and_back() {
    use std::os::unix::fs::PermissionsExt;

    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let from = scene.path().join("from");
    fs::create_dir_all(from.join("deep")).unwrap();
    fs::write(from.join("deep/run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(from.join("deep/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let big = vec![b'x'; 3 << 20];
    fs::write(from.join("big"), &big).unwrap();
    let to = host.folder().join("work");
    host.copy(&from, &to).await.unwrap();
    assert_eq!(host.read(&to.join("big"), 4 << 20).await.unwrap(), big);
    let mode = fs::metadata(to.join("deep/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let error = host.read(&to.join("big"), 1 << 20).await.unwrap_err().to_string();
    assert!(error.starts_with("host n1: the file is longer"), "{error}");
    assert_eq!(host.beginning(&to.join("big")).await.unwrap().unwrap(), big[..1 << 20]);
    assert!(host.holds_the_same(&from.join("big"), &to.join("big")).await.unwrap());
    fs::write(to.join("big"), "other").unwrap();
    assert!(!host.holds_the_same(&from.join("big"), &to.join("big")).await.unwrap());
    assert!(host.has_program(&to.join("deep/run.sh")).await.is_ok_and(|has| has));
    let ports = host.free_ports(3).await.unwrap();
    assert_eq!(ports.len(), 3);
}

#[tokio::test]
async fn of_a_file_that_is_not_there_only_who_asks_for_it_anyway_gets_an_error() {
    let scene = tempfile::tempdir().unwrap();
    let host = connect(here(scene.path())).await;
    let missing = scene.path().join("missing");
    assert_eq!(host.read_if_there(&missing, 1).await, Ok(None));
    assert_eq!(host.beginning(&missing).await, Ok(None));
    fs::write(scene.path().join("own"), "").unwrap();
    assert_eq!(host.holds_the_same(&scene.path().join("own"), &missing).await, Ok(false));
    let error = host.read(&missing, 1).await.unwrap_err().to_string();
    assert_eq!(error, format!("host n1: there is no {}", missing.display()));
    // A folder is there, and is no file that could be read.
    assert!(host.read_if_there(scene.path(), 1).await.is_err());
    assert!(host.beginning(scene.path()).await.is_err());
    assert!(host.holds_the_same(&scene.path().join("own"), scene.path()).await.is_err());
}

#[tokio::test]
async fn a_system_spreads_over_hosts_and_outlives_one() {
    let scene = tempfile::tempdir().unwrap();
    let [first, second] = [connect(here(scene.path())).await, connect(here(scene.path())).await];
    let there = |name: &str, host: &Arc<HostLink>| {
        let mut program = program(scene.path(), name, "wait()");
        program.host = Some(Arc::clone(host));
        program.probe = line("^up$");
        program
    };
    let programs = vec![there("a", &first), there("b", &second)];
    let system = System::start(plan(scene.path(), programs)).await.unwrap();
    let killed = system.kill("a").await.unwrap();
    assert!(killed.at_monotonic_us <= killed.confirmed_monotonic_us);
    system.restart("a").await.unwrap();
    system.wait_ready("a").await.unwrap();
    kill(agents(first.folder())[1]);
    lost(&first).await;
    let is_down = || (system.process("a")?.state == ProcessState::Down).then_some(());
    eventually("the end of a", is_down).await;
    assert!(system.take_deaths().is_empty(), "a lost host is no death");
    let error = system.restart("a").await.unwrap_err();
    assert!(matches!(error, ActError::Start(_)) && error.to_string().contains("lost"), "{error}");
    assert_eq!(system.process("b").unwrap().state, ProcessState::Running);
    assert_eq!(system.pause("b").await.unwrap().action, Action::Pause);
    system.stop().await;
    first.close().await.unwrap();
    second.close().await.unwrap();
    assert!(folders(scene.path()).is_empty());
}
