//! Acts in two steps, what accompanies a process, and what changes between its starts.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor::probe::{Probe, ProbeKind};
use supervisor::system::{
    ActError, Companion, Condition, Prepared, Preparing, ProcessState, StartError, System,
};
use supervisor::tree::{Inherit, SignalError, Tree};

use crate::systems::{line, plan, probe, program, started};
use crate::testing::*;

#[tokio::test]
async fn a_pause_that_a_kill_overtakes_has_been_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let system =
        started(folder.path(), vec![program(folder.path(), "order-1", "child()\nwait()")]).await;
    let child = pids(&folder.path().join("logs/order-1.log"), 1).await;
    let paused = system.begin_pause("order-1").await.unwrap();
    let killed = system.begin_kill("order-1").await.unwrap();
    assert!(paused.at_monotonic_us <= killed.at_monotonic_us);
    let gone_us = killed.confirmed().await.unwrap();
    assert!(killed.at_monotonic_us <= gone_us && all_gone(&child));
    assert!(paused.confirmed().await.unwrap() <= gone_us);
    assert!(system.take_deaths().is_empty());
}

#[tokio::test]
async fn a_process_that_had_ended_by_itself_obeys_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let system = started(folder.path(), vec![program(folder.path(), "order-1", "wait()")]).await;
    let pid = system.process("order-1").unwrap().pid;
    // Its guard hears of nothing until the order is there as well.
    let send = |pid: u32, signal| {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
    };
    let guard = parent(pid);
    send(guard, nix::sys::signal::Signal::SIGSTOP);
    eventually("its guard's stop", || (state(guard) == Some('T')).then_some(())).await;
    send(pid, nix::sys::signal::Signal::SIGABRT);
    eventually("its end", || state(pid).is_none().then_some(())).await;
    let (killed, ()) = tokio::join!(system.begin_kill("order-1"), async {
        send(guard, nix::sys::signal::Signal::SIGCONT);
    });
    let error = killed.unwrap().confirmed().await.unwrap_err();
    assert!(matches!(error, ActError::EndedItself { .. }), "{error}");
    assert_eq!(system.take_deaths().len(), 1);
}

#[tokio::test]
async fn a_pause_on_top_of_a_halt_holds_until_its_resume() {
    let folder = tempfile::tempdir().unwrap();
    let system =
        started(folder.path(), vec![program(folder.path(), "order-1", "child()\nwait()")]).await;
    let child = pids(&folder.path().join("logs/order-1.log"), 1).await[0];
    let order = system.incarnation("order-1").unwrap();
    assert!(matches!(order.seen_stopped().await, Err(SignalError::NotDone(_))));
    order.halt().await.unwrap();
    assert_eq!((order.state(), state(child)), (ProcessState::Running, Some('T')));
    order.seen_stopped().await.unwrap();
    system.pause("order-1").await.unwrap();
    let again = Arc::clone(&order);
    let held = tokio::task::spawn_blocking(move || (again.go_blocking(), again.halt_blocking()));
    assert_eq!(held.await.unwrap(), (Err(SignalError::Paused), Err(SignalError::Paused)));
    assert_eq!(state(child), Some('T'));
    system.resume("order-1").await.unwrap();
    assert!(state(child).is_some_and(|state| state != 'T'));
    order.halt().await.unwrap();
    assert!(order.go().await.unwrap().at_monotonic_us > 0);
    assert!(state(child).is_some_and(|state| state != 'T'));
    system.kill("order-1").await.unwrap();
    let over = tokio::task::spawn_blocking(move || order.halt_blocking());
    assert_eq!(over.await.unwrap(), Err(SignalError::Ended));
}

#[tokio::test]
async fn a_process_gets_only_those_variables_that_it_is_to_inherit() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tree_command(folder.path(), vec!["env".into()]);
    command.surroundings.inherit =
        Inherit::Only(BTreeSet::from(["PATH".to_owned(), "NOT_SET".to_owned()]));
    command.surroundings.environment.insert("PLACE".to_owned(), "here".to_owned());
    let tree = Tree::start(&guard(), command).await.unwrap();
    tree.ended(SOON).await.unwrap();
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let names: BTreeSet<_> = log.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, BTreeSet::from(["PATH", "PLACE", "SUPERVISOR_TREE"]), "{log}");
}

/// Counts the incarnations of processes, and what it was told of them.
#[derive(Debug, Default)]
struct Counting(Arc<Mutex<Vec<String>>>);

impl Companion for Counting {
    fn prepare<'a>(&'a self, name: &'a str) -> Preparing<'a> {
        Box::pin(async move {
            let told = Arc::clone(&self.0);
            told.lock().unwrap().push(format!("{name} begins"));
            if name == "bad" {
                return Err(Box::<dyn Error + Send + Sync>::from("no page is left"));
            }
            let count = told.lock().unwrap().len().to_string();
            let environment = BTreeMap::from([("COUNT".to_owned(), count)]);
            let started = Box::new(move |tree: &Tree| {
                told.lock().unwrap().push("runs".to_owned());
                let death = tree.death();
                tokio::spawn(async move {
                    death.await;
                    told.lock().unwrap().push("has ended".to_owned());
                });
            });
            Ok(Prepared { environment, started })
        })
    }
}

#[tokio::test]
async fn a_companion_comes_before_every_start_and_hears_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let order =
        program(folder.path(), "order-1", "say('count', os.environ['COUNT'])\nchild()\nwait()");
    let counting = Counting::default();
    let told = Arc::clone(&counting.0);
    let plan_of = |programs| plan(folder.path(), programs);
    let system =
        System::start_accompanied(plan_of(vec![order]), Some(Arc::new(counting))).await.unwrap();
    let log = folder.path().join("logs/order-1.log");
    said(&log, "count 1").await;
    system.kill("order-1").await.unwrap();
    eventually("the end", || (told.lock().unwrap().len() == 3).then_some(())).await;
    system.restart("order-1").await.unwrap();
    said(&log, "count 4").await;
    let all = ["order-1 begins", "runs", "has ended", "order-1 begins", "runs"];
    assert_eq!(*told.lock().unwrap(), all);

    let bad = plan_of(vec![program(folder.path(), "bad", "wait()")]);
    let error = System::start_accompanied(bad, Some(Arc::new(Counting::default()))).await;
    let error = error.unwrap_err();
    assert!(matches!(error, StartError::Companion { .. }));
    assert_eq!(error.to_string(), "bad did not start: no page is left");
}

#[tokio::test]
async fn a_process_that_was_shut_down_starts_again_with_another_command() {
    let folder = tempfile::tempdir().unwrap();
    let polite = "
def end(*_):
    say('polite')
    os._exit(0)
signal.signal(signal.SIGTERM, end)
wait()
";
    let mut order = program(folder.path(), "order-1", polite);
    order.probe = line("^up$");
    let system = started(folder.path(), vec![order]).await;
    system.set_command("order-1", python("say('other')\nwait()")).unwrap();
    system.shut_down("order-1").await.unwrap();
    assert_eq!(system.process("order-1").unwrap().state, ProcessState::Down);
    system.restart("order-1").await.unwrap();
    system.wait_ready("order-1").await.unwrap();
    let log = fs::read_to_string(folder.path().join("logs/order-1.log")).unwrap();
    assert_eq!(log, "up\npolite\nother\nup\n");
    assert!(system.take_deaths().is_empty());
    assert!(matches!(system.shut_down("nobody").await, Err(ActError::Unknown(_))));
}

#[tokio::test]
async fn of_several_that_are_not_ready_the_first_of_the_plan_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let unready = async |name: &str, waits_for: &str| {
        let mut one = program(folder.path(), name, "wait()");
        let body = format!(r#"{{"ready":false,"reason":"waits for {waits_for}"}}"#);
        let port = answering("503 Unready", &body).await;
        let kind = ProbeKind::Health(format!("http://127.0.0.1:{port}/healthz"));
        // Time enough for one answer, which nothing has to be started for.
        let timeout = Duration::from_secs(4);
        one.probe = Some(Probe { timeout, ..probe(kind).unwrap() });
        one
    };
    let programs =
        vec![unready("front-end", "order-1").await, unready("catalog", "the front-end").await];
    let error = System::start(plan(folder.path(), programs)).await.unwrap_err().to_string();
    assert!(error.starts_with("front-end is not ready after 4000 ms"), "{error}");
    assert!(error.contains("says: waits for order-1 (its log"), "{error}");
}

#[tokio::test]
async fn who_is_only_stopped_later_is_not_waited_for_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    // Each is ready once the other runs.
    let meets = |own: &str, other: &str| {
        let text = format!(
            "open('{own}', 'w').close()\nwhile not os.path.exists('{other}'):\n    time.sleep(0.01)\nwait()"
        );
        let mut one = program(folder.path(), own, &text);
        one.probe = line("^up$");
        one
    };
    let mut first = meets("front-end", "catalog");
    first.depends_on.insert("catalog".to_owned(), Condition::StopsLater);
    let system = started(folder.path(), vec![first, meets("catalog", "front-end")]).await;
    let ends = ["front-end", "catalog"].map(|name| system.incarnation(name).unwrap());
    system.stop().await;
    let [first, second] = ends.map(|one| one.end().unwrap().at_monotonic_us);
    assert!(first <= second);
}
