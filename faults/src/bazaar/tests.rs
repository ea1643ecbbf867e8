//! Fake services as real processes: what is started, broken and stopped here is real.

use nix::sys::signal::Signal;
use records::built_in;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use super::*;
use crate::schedule::DiskFault;
use crate::testing::{
    FakeBazaar, IN_USE_ONCE, drain, events, fake_harness_command, kinds, parent, runs,
};

fn order_2() -> ProcessName {
    built_in::order(2)
}

fn pids(bazaar: &Bazaar) -> Vec<u32> {
    bazaar.processes().iter().map(|process| process.pid).collect()
}

async fn start_error(plan: ServicePlan) -> StartError {
    Bazaar::start(plan).await.expect_err("it must not start")
}

#[tokio::test]
async fn a_bazaar_is_ready_once_it_is_started_and_gone_once_it_is_stopped() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    let names: Vec<_> = bazaar.processes().iter().map(|p| p.name.to_string()).collect();
    assert_eq!(names, ["front-end", "catalog", "order-1", "order-2", "order-3"]);
    let (sink, mut received) = events();
    bazaar.report_start(&sink);
    let told = drain(&mut received);
    assert_eq!(kinds(&told)[..2], [EventKind::Started, EventKind::Ready]);
    assert_eq!(told.len(), 10);
    let pids = pids(&bazaar);
    assert!(pids.iter().all(|pid| runs(*pid)));
    bazaar.stop().await;
    assert!(!pids.iter().any(|pid| runs(*pid)));
    assert_eq!(bazaar.take_deaths(), []);
    assert!(matches!(bazaar.restart(order_2()).await, Err(ActError::Stopping)));
    for process in bazaar.processes() {
        TcpListener::bind(process.address.unwrap()).unwrap();
    }
}

#[tokio::test]
async fn what_no_command_line_may_say_is_in_the_environment() {
    let fake = FakeBazaar::new();
    let mut plan = fake.plan();
    for program in &mut plan.programs {
        program.environment.insert("BAZAAR_PLANT".to_owned(), "a-bug".to_owned());
    }
    let bazaar = Bazaar::start(plan).await.unwrap();
    for pid in pids(&bazaar) {
        let said = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
        assert!(said("environ").split('\0').any(|one| one == "BAZAAR_PLANT=a-bug"));
        assert!(!said("cmdline").contains("a-bug"));
    }
    bazaar.stop().await;
}

#[tokio::test]
async fn a_killed_process_comes_back_at_its_address() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    let before = bazaar.process(order_2()).unwrap();
    let act = bazaar.kill(order_2()).await.unwrap();
    assert!(act.confirm().await.unwrap() >= act.at_monotonic_us);
    assert_eq!(bazaar.process(order_2()).unwrap().state, ProcessState::Down);
    let again = bazaar.kill(order_2()).await.unwrap_err().to_string();
    assert_eq!(again, "cannot kill order-2, which is down");

    let act = bazaar.restart(order_2()).await.unwrap();
    act.confirm().await.unwrap();
    assert!(bazaar.wait_ready(order_2()).await.unwrap() >= act.at_monotonic_us);
    let after = bazaar.process(order_2()).unwrap();
    assert_eq!((after.address, after.state), (before.address, ProcessState::Running));
    assert_ne!(after.pid, before.pid);
    let running = bazaar.restart(order_2()).await.unwrap_err().to_string();
    assert_eq!(running, "cannot restart order-2, which is running");
}

#[tokio::test]
async fn a_paused_process_is_stopped_with_the_rest() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    bazaar.pause(built_in::front_end()).await.unwrap().confirm().await.unwrap();
    let pids = pids(&bazaar);
    bazaar.stop().await;
    assert!(!pids.iter().any(|pid| runs(*pid)));
}

#[tokio::test]
async fn dropping_a_bazaar_leaves_no_process() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    bazaar.pause(order_2()).await.unwrap().confirm().await.unwrap();
    let pids = pids(&bazaar);
    drop(bazaar);
    assert!(!pids.iter().any(|pid| runs(*pid)));
}

#[tokio::test]
async fn a_harness_that_is_killed_takes_its_bazaar_along() {
    let fake = FakeBazaar::new();
    let mut harness = fake_harness_command(fake.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(harness.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pids = lines.find_map(|line| line.split_once("pids: ").map(|(_, pids)| pids.to_owned()));
    let pids: Vec<u32> = pids.unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 5);
    harness.kill().unwrap();
    harness.wait().unwrap();
    let gone = async {
        while pids.iter().any(|pid| runs(*pid)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("children outlive a harness");
}

#[tokio::test]
async fn a_death_that_nobody_asked_for_is_told_once_even_after_a_restart() {
    let fake = FakeBazaar::new();
    let bazaar = fake.start().await;
    let act = bazaar.process(order_2()).unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(act.pid).unwrap());
    let process = bazaar.incarnation(order_2()).unwrap();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    process.ended(Duration::from_secs(10)).await.unwrap();
    bazaar.restart(order_2()).await.unwrap().confirm().await.unwrap();
    let deaths = bazaar.take_deaths();
    assert_eq!((deaths.len(), deaths[0].name, deaths[0].pid), (1, order_2(), act.pid));
    assert!(deaths[0].status.contains("SIGKILL"), "{}", deaths[0].status);
    assert_eq!(bazaar.take_deaths(), []);
}

/// As one does whose disk is full, in the moment in which it is to be killed.
#[tokio::test]
async fn a_kill_that_a_full_disk_was_faster_than_has_its_effect_and_any_other_end_refutes_it() {
    let fake = FakeBazaar::new();
    let disk_faults = crate::disk::DiskFaults::everywhere(&built_in::processes(3));
    let bazaar = Bazaar::start(ServicePlan { disk_faults, ..fake.plan() }).await.unwrap();
    bazaar.inject_disk_fault(1, order_2(), DiskFault::Full).unwrap();
    bazaar.inject_disk_fault(2, built_in::catalog(), DiskFault::Stall).unwrap();
    let send = |pid: u32, signal| {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
    };
    for name in [order_2(), built_in::catalog()] {
        let process = bazaar.incarnation(name).unwrap();
        // Its guard hears of the end only once the order is there as well.
        let guard = parent(process.pid());
        send(guard, Signal::SIGSTOP);
        send(process.pid(), Signal::SIGABRT);
        while runs(process.pid()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (act, ()) = tokio::join!(bazaar.kill(name), async { send(guard, Signal::SIGCONT) });
        let seen = bazaar.confirmed(&act.unwrap()).await;
        let ended = process.end().unwrap();
        if name == order_2() {
            assert_eq!(seen.unwrap(), ended.at_monotonic_us);
        } else {
            assert!(matches!(seen, Err(ActError::EndedItself { .. })), "{seen:?}");
        }
    }
    assert_eq!(bazaar.take_deaths().len(), 2, "both are told of");
}

#[tokio::test]
async fn a_process_that_cannot_start_is_quoted() {
    let fake = FakeBazaar::new();
    let mut plan = fake.plan();
    plan.programs[1].command.extend(["--stocks", "/stocks.txt"].map(Into::into));
    let error = start_error(plan).await.to_string();
    let begin = "catalog did not start: error: /stocks.txt: line 3: price must be a number (exit";
    assert!(error.starts_with(begin), "{error}");
}

#[tokio::test]
async fn an_address_in_use_is_told_apart_since_other_ports_help() {
    let fake = FakeBazaar::new();
    let plan = fake.plan();
    std::fs::write(fake.path().join("data").join(IN_USE_ONCE), "").unwrap();
    assert!(start_error(plan.clone()).await.is_address_in_use());
    Bazaar::start(plan).await.unwrap().stop().await;
    let mut missing = fake.plan();
    missing.programs[0].command = vec!["/nowhere/front-end".into()];
    assert!(!start_error(missing).await.is_address_in_use());
}

#[tokio::test]
async fn a_folder_of_logs_that_cannot_be_made_is_named() {
    let fake = FakeBazaar::new();
    let file = fake.path().join("file");
    std::fs::write(&file, "").unwrap();
    let plan = ServicePlan { logs: file.join("logs"), ..fake.plan() };
    let error = start_error(plan).await.to_string();
    assert!(error.starts_with("cannot make the folder "), "{error}");
}

#[tokio::test]
async fn a_process_that_no_fault_of_a_disk_can_reach_is_refused_with_the_reason() {
    let fake = FakeBazaar::new();
    let processes = [built_in::catalog()].into();
    let disk_faults = crate::disk::DiskFaults { processes, power_cuts: false };
    let plan = ServicePlan { disk_faults, ..fake.plan() };
    Bazaar::start(plan.clone()).await.unwrap();
    // The shell has the library, and the program that it becomes has not.
    let catalog = fake.path().join("bin/catalog");
    let sed = ["-i", "s/exec/exec env -u LD_PRELOAD/", catalog.to_str().unwrap()];
    assert!(std::process::Command::new("sed").args(sed).status().unwrap().success());
    let error = start_error(plan).await.to_string();
    assert!(error.starts_with("no fault of a disk can reach catalog ("), "{error}");
    assert!(error.contains("it runs without the library that was preloaded"), "{error}");
}
