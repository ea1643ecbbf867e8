//! What is done to the bazaar, seen to have worked, and told; and what each step took.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use faults::bazaar::{Act, Bazaar};
use faults::events::EventSink;
use faults::http::HttpClient;
use faults::leadership;
use faults::process::{ProcessName, ProcessState};
use results::records::EventKind;
use serde_json::Value;
use tokio::time::sleep;

/// Far beyond what any step may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What each step took, and the most memory that each process has had by then.
pub(crate) struct Steps {
    begun: Instant,
    lines: Vec<String>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), lines: Vec::new() }
    }

    /// The next step begins now.
    pub(crate) fn restart_clock(&mut self) {
        self.begun = Instant::now();
    }

    /// A step is over, and the next begins.
    pub(crate) async fn done(&mut self, bazaar: Option<&Bazaar>, what: &str) {
        let took = self.begun.elapsed().as_secs_f64();
        let mut line = format!("{took:9.3} s  {what}; most memory:");
        for process in bazaar.map(Bazaar::processes).unwrap_or_default() {
            if process.state == ProcessState::Running {
                let mib = peak_kib(&process.pid.to_string()) / 1024;
                line.push_str(&format!(" {} {mib} MiB,", process.name));
            }
        }
        line.push_str(&format!(" harness {} MiB", peak_kib("self") / 1024));
        println!("{line}");
        self.lines.push(line);
        self.restart_clock();
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The most memory that a process has ever had resident, in KiB.
fn peak_kib(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Looks again and again until there is something.
pub(crate) async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        sleep(LOOK_AGAIN).await;
    }
}

pub(crate) async fn leader(bazaar: &Bazaar) -> Option<ProcessName> {
    let known = leadership::ask(bazaar).await.ok()?;
    Some(known.leader)
}

pub(crate) async fn all_in_sync(bazaar: &Bazaar) -> Option<()> {
    let known = leadership::ask(bazaar).await.ok()?;
    (known.in_sync?.len() == bazaar.system().replicas().len()).then_some(())
}

/// Whether somebody else than `old` leads, and has finished taking over.
pub(crate) async fn another_serves(bazaar: &Bazaar, old: ProcessName) -> Option<()> {
    let leader = leader(bazaar).await.filter(|leader| *leader != old)?;
    let address = bazaar.process(leader)?.address?;
    let asked = HttpClient::new();
    let ping: Value = asked.get_json(address, "/ping", ANSWER_WITHIN).await.ok()?;
    (ping["serving"] == true).then_some(())
}

/// SIGKILL, as a fault of the plan.
pub(crate) async fn kill(bazaar: &Bazaar, events: &EventSink, fault: u32, name: ProcessName) {
    follow(events, fault, bazaar.kill(name).await.unwrap()).await;
}

/// Starts it again over whatever its file is by now, and waits until it is ready.
pub(crate) async fn restart(bazaar: &Bazaar, events: &EventSink, fault: u32, name: ProcessName) {
    follow(events, fault, bazaar.restart(name).await.unwrap()).await;
    let ready = async || bazaar.wait_ready(name).await.ok();
    let at_monotonic_us = wait_for("ready again", ready).await;
    events.emit_at(events.origin().since_origin(at_monotonic_us), EventKind::Ready, |event| {
        event.process = Some(name.into());
    });
}

async fn follow(events: &EventSink, fault: u32, act: Act) {
    let confirmed = act.confirm().await.unwrap();
    for (kind, at) in
        [(EventKind::Injected, act.at_monotonic_us), (EventKind::Confirmed, confirmed)]
    {
        events.emit_at(events.origin().since_origin(at), kind, |event| {
            event.fault = Some(fault);
            event.action = Some(act.action);
            event.process = Some(act.name.into());
            event.pid = Some(act.pid);
        });
    }
}
