//! `target check`: a target is started, asked, read and broken once, and every line says what was seen.
//!
//! The invariant: whatever happens, a Ctrl-C among it, nothing of the target is left when the command ends. The processes
//! end when the story's future is dropped, and the folder is removed after the runtime has dropped all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use driver::service::Service;
use driver::stop::Stop;
use faults::clock::{Origin, monotonic_us};
use supervisor::system::System;
use targets::file::WhenRead;
use targets::target::{Target, Variant};

use super::findings::Findings;
use super::folder::TrialFolder;
use super::operations::Operations;
use super::restarts::Restarts;
use super::state::State;
use super::{applies, client, keys, leader, senders};
use crate::cli::TargetCheck;
use crate::commands::{bin_dir, on_runtime, variant_named, warn_of_commands};
use crate::exit::Exit;
use crate::output::note;
use crate::target::asking::Asking;
use crate::target::clients::ClientPrograms;
use crate::target::state::StateReader;
use crate::target::{Places, TargetTrial, http, system_plan};

/// Reads the file and, if it has no problem, tries what it says.
pub(super) fn check(args: &TargetCheck) -> anyhow::Result<Exit> {
    let target = match targets::read(&args.file, u32::from(args.replicas)) {
        Ok(target) => Arc::new(target),
        Err(found) => {
            for problem in found.each() {
                note!("{}", problem.in_file(&args.file));
            }
            return Ok(Exit::Usage);
        }
    };
    let variant = variant_named(&target, args.variant.as_deref())?;
    warn_of_commands(&args.file);
    let folder = TrialFolder::new()?;
    let bin = bin_dir(&args.binaries)?;
    let ended = on_runtime(|stop| {
        let (target, folder) = (&target, &folder);
        async move {
            tokio::select! {
                ended = story(target, variant, folder, &bin, &stop) => ended,
                () = stop.requested() => Ok(Exit::Inconclusive),
            }
        }
    });
    let failed = matches!(ended, Ok(Exit::Fail) | Err(_));
    folder.end(args.keep, failed)?;
    ended
}

async fn story(
    target: &Arc<Target>,
    variant: Option<&Variant>,
    folder: &TrialFolder,
    bin_dir: &Path,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let mut findings = Findings::default();
    let logs = folder.path().join("logs");
    let (data, scratch) = (folder.path(), &folder.path().join("scratch"));
    let places = Places { data, scratch, logs: &logs, bin_dir };
    let given = BTreeMap::new();
    let trial = TargetTrial::new(target, places, &given)?;
    let mut trial = trial.with_hosts(target, &given, &target.load_from).await?;
    say_hosts(&trial, &mut findings);
    say_ports(&trial.ports.ports, &mut findings);
    trial.set_up(target).await?;
    trial.begin(target, variant).await?;
    let began = Instant::now();
    let system = System::start(system_plan(target, variant, &trial)?).await?;
    say_started(target, &system, began, &mut findings);
    trial.prepare(&target.prepare).await?;
    ask_and_break(target, variant, &trial, &system, stop, &mut findings).await?;
    drop(system);
    trial.hosts.close().await;
    Ok(findings.sum_up())
}

async fn ask_and_break(
    target: &Arc<Target>,
    variant: Option<&Variant>,
    trial: &TargetTrial,
    system: &System,
    stop: &Stop,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let http = http::client()?;
    let mut clients = client::start(target, variant, trial, findings).await;
    let programs = clients.iter().flat_map(|clients| clients.programs().to_vec());
    let programs: Vec<_> = programs.collect();
    let service = Service::over_http(Arc::clone(target), trial.setting.clone());
    let service = service.with_programs(programs.clone());
    let (service, senders) = senders::start(&trial.hosts, service, findings).await;
    let connection = service.client(http.clone(), 1, Origin::now());
    client::connect(&connection, findings).await;
    let operations = Operations::new(target, connection);
    let stocks = operations.stocks(findings).await;
    senders::try_each(target, senders.as_ref(), (&service, &http), &stocks, findings).await;
    let keeps_keys = !target.model.keys.is_empty();
    let (order, put) = if keeps_keys {
        (None, keys::try_each(target, &operations, findings).await)
    } else {
        (operations.try_each(&stocks, findings).await, None)
    };
    let asking = Asking::new(trial.setting.clone(), http.clone(), &trial.work, &trial.logs)
        .on(trial.hosts.clone());
    leader::try_leader(target, asking.clone(), system, findings).await;
    let order_no = order.as_ref().and_then(|order| order.order_no.clone());
    let order_nos = order_no.iter().cloned().collect();
    let reader = StateReader::new(Arc::clone(target), asking, stocks.clone(), order_nos);
    let reader = reader.dumping(&programs);
    let state = State { target, reader: &reader, order_no: order_no.as_ref() };
    state.try_each(WhenRead::Running, findings).await;
    let restarts = Restarts {
        target,
        system,
        operations: &operations,
        state: &state,
        stock: stocks.first().map(String::as_str),
        order: order.as_ref(),
        put: put.as_ref(),
    };
    if !restarts.try_each(findings).await {
        findings.missing("further restarts", "the target did not come back, so no more is broken");
    }
    for death in system.take_deaths() {
        findings.fails(death.name, format_args!("ended by itself: {}", death.status));
    }
    let can = clients.as_ref().map(ClientPrograms::capabilities).unwrap_or_default();
    if let Some(clients) = &mut clients {
        client::sum_up(clients, findings);
    }
    if let Some(clients) = clients {
        clients.stop(stop).await;
    }
    if let Some(senders) = senders {
        senders.stop().await;
    }
    system.stop().await;
    state.try_each(WhenRead::Stopped, findings).await;
    applies::tell(target, &can);
    Ok(())
}

fn say_ports(ports: &BTreeMap<String, u16>, findings: &mut Findings) {
    if ports.is_empty() {
        return;
    }
    let ports: Vec<_> = ports.iter().map(|(name, port)| format!("{name} {port}")).collect();
    findings.ok("ports", ports.join(", "));
}

fn say_hosts(trial: &TargetTrial, findings: &mut Findings) {
    for host in trial.hosts.links() {
        let clock = match host.clock().is_same() {
            true => "it has the clock of this machine".to_owned(),
            false => {
                let bound_us = host.clock().bound_us(monotonic_us());
                format!("its clock is known to within {bound_us} us")
            }
        };
        let said = format!("an agent runs at {}; {clock}", host.address());
        findings.ok(format!("host {}", host.name()), said);
    }
}

fn say_started(target: &Target, system: &System, began: Instant, findings: &mut Findings) {
    let took = began.elapsed().as_millis();
    for process in &target.processes {
        let Some(info) = system.process(&process.name) else { continue };
        let ready = info.ready_monotonic_us.unwrap_or(info.started_monotonic_us);
        let ready_ms = ready.saturating_sub(info.started_monotonic_us) / 1000;
        let (subject, pid) = (format!("start of {}", process.name), info.pid);
        let ready = format!("ready {ready_ms} ms after its start");
        match (process.is_adopted(), info.was_found) {
            (false, _) => findings.ok(subject, format_args!("pid {pid}, {ready}")),
            (true, false) => findings
                .ok(subject, format_args!("pid {pid}, by adopt.start, {ready}; it is ended again")),
            (true, true) => findings.ok(
                format_args!("adoption of {}", process.name),
                format_args!("pid {pid}, which ran before, ready; it is left running"),
            ),
        }
    }
    if target.processes.len() > 1 {
        findings.ok("start", format_args!("all are ready after {took} ms"));
    }
}
