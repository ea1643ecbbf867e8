//! A target's processes as the supervisor starts them: every template filled in, the variant's changes made.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use faults::bazaar::{CacheSwitch, OwnFault, ServicePlan};
use faults::host_network::HostLinks;
use faults::leadership::Leaders;
use results::records::{FaultName, ProcessName, RoleName};
use serde_json::Value as Json;
use supervisor::Signal;
use supervisor::probe::{self, Answer, Expect, ProbeKind};
use supervisor::system::{self, Program, SystemPlan};
use supervisor::tree::{Adopt, Inherit, Limits};
use targets::expression::{self, Bound};
use targets::file;
use targets::target::{Change, Probe, Process, Start, Target, Variables, Variant};
use targets::template::{Setting, Template};

use super::asking::Asking;
use super::running::TargetStart;
use super::{TargetTrial, dumps, relays};
use crate::program::guard_program;

/// How large each log may become, in bytes: hours of an eager service, and no disk's end.
pub(super) const LOG_BYTES: u64 = 64 << 20;

/// The processes of `target`, started as `variant` says.
///
/// # Errors
/// A template that takes too much work, or a process that this machine cannot start.
pub(crate) fn system_plan(
    target: &Arc<Target>,
    variant: Option<&Variant>,
    trial: &TargetTrial,
) -> anyhow::Result<SystemPlan> {
    let mut order: Vec<usize> = (0..target.processes.len()).collect();
    // Of several that do not get ready the first is told of. Who is to end before others stands in front of them, and knows best
    // for what they wait.
    order.sort_by_key(|index| Reverse(target.processes[*index].shutdown.before.len()));
    let programs = order.into_iter().map(|index| program(target, index, variant, trial));
    Ok(SystemPlan {
        programs: programs.collect::<anyhow::Result<_>>()?,
        logs: trial.logs.clone(),
        log_bytes: LOG_BYTES,
        guard: guard_program(),
    })
}

/// The processes of `target` as faults break them, started as `start` says.
///
/// # Errors
/// The same.
pub(super) fn service_plan(
    target: &Arc<Target>,
    trial: &TargetTrial,
    asking: &Asking,
    leaders: Arc<dyn Leaders>,
    start: &TargetStart<'_>,
) -> anyhow::Result<ServicePlan> {
    let plan = system_plan(target, start.variant, trial)?;
    let SystemPlan { mut programs, logs, log_bytes, guard } = plan;
    let flags = || start.flags.iter().map(OsString::from);
    for Program { command, restart, environment, .. } in &mut programs {
        command.extend(flags());
        environment.extend(start.environment.clone());
        if let Some(restart) = restart {
            restart.command.extend(flags());
            restart.environment.extend(start.environment.clone());
        }
    }
    let (real, mut addresses) = (target.addresses(), BTreeMap::new());
    let (mut data, mut body_paths) = (BTreeMap::new(), BTreeMap::new());
    let mut hosts = BTreeMap::new();
    for process in &target.processes {
        let name: ProcessName = process.name.parse()?;
        body_paths.extend(process.body_path.clone().map(|path| (name, path)));
        let why = || format!("processes.{name}.role: {:?}", process.role);
        let _: RoleName = process.role.parse().with_context(why)?;
        let port = process.listens.first().and_then(|port| trial.ports.ports.get(port));
        let there = trial.hosts.of(&process.name);
        if let Some(port) = port {
            addresses.insert(name, relays::resolved(&real, name, *port)?);
        }
        if let Some(there) = there {
            hosts.insert(name, Arc::clone(there.link));
            continue;
        }
        let paths = process.data.iter().map(|path| trial.path(path));
        let paths: Vec<PathBuf> = paths.collect::<anyhow::Result<_>>()?;
        if !paths.is_empty() {
            data.insert(name, paths);
        }
    }
    let cache = cache_switch(target, trial)?.map(|mut cache| {
        cache.on.extend(flags());
        cache.off.extend(flags());
        cache
    });
    let mut disk_faults = start.disk_faults.clone();
    // Nothing can be loaded into who runs already, nor shared with who runs elsewhere.
    let others = target.processes.iter().filter(|one| one.is_adopted() || one.host.is_some());
    let others: Vec<&str> = others.map(|process| process.name.as_str()).collect();
    disk_faults.processes.retain(|name| !others.contains(&name.as_str()));
    Ok(ServicePlan {
        processes: start.processes.clone(),
        programs,
        logs,
        log_bytes,
        guard,
        leaders,
        addresses,
        hosts,
        data,
        flood_connections: start.flood_connections,
        disk_faults,
        own_faults: own_faults(target, trial)?,
        relays: trial.relays.as_ref().map(|relays| relays.list().to_vec()),
        host_links: HostLinks::None,
        uses_all_links: target.capabilities.uses_all_links,
        dumps: dumps::sources(target, asking)?,
        body_paths,
        cache,
        copies: trial.data.clone(),
    })
}

/// What of a command differs between the variants that are called after the cache: that of one process, and its command
/// alone, or nothing can be switched.
fn cache_switch(target: &Target, trial: &TargetTrial) -> anyhow::Result<Option<CacheSwitch>> {
    let [on, off] = ["cache-on", "cache-off"].map(|name| target.variant(name));
    let (Some(on), Some(off)) = (on, off) else { return Ok(None) };
    let mut switches = Vec::new();
    for process in &target.processes {
        let told = trial.told_to(&process.name);
        let [on, off] = [on, off].map(|variant| Words::of(process, Some(variant), &told));
        let (on, off) = (on?, off?);
        if on == off {
            continue;
        }
        if on.environment_again != off.environment_again {
            return Ok(None);
        }
        let words = |words: Words| words.command_again.into_iter().map(OsString::from).collect();
        let process = process.name.parse()?;
        switches.push(CacheSwitch { process, on: words(on), off: words(off) });
    }
    let only = if switches.len() == 1 { switches.pop() } else { None };
    Ok(only)
}

/// The faults of the target's own, filled in.
fn own_faults(
    target: &Target,
    trial: &TargetTrial,
) -> anyhow::Result<BTreeMap<FaultName, OwnFault>> {
    let own = target.faults.iter().map(|(name, fault)| {
        let words = |command: &targets::template::CommandTemplate| command.render(&trial.setting);
        let own = OwnFault {
            apply: words(&fault.apply)?,
            undo: words(&fault.undo)?,
            confirm: words(&fault.confirm)?,
            within: fault.timeout,
            working_dir: trial.work.clone(),
        };
        Ok((name.parse()?, own))
    });
    own.collect()
}

fn program(
    target: &Arc<Target>,
    index: usize,
    variant: Option<&Variant>,
    trial: &TargetTrial,
) -> anyhow::Result<Program> {
    let process = &target.processes[index];
    let (name, setting) = (&process.name, &trial.setting);
    let there = trial.hosts.of(name);
    let setting = there.map_or(setting, |there| there.setting);
    let adopt = adopt(process, setting)?;
    let words = match adopt {
        None => Words::of(process, variant, &trial.told_to(name))?,
        Some(_) => Words::of_adopted(process, variant, setting)?,
    };
    let Words { command, environment, command_again, environment_again } = words;
    // What is taken to another host was looked for before.
    if adopt.is_none() && there.is_none() {
        check_program(&command, trial)?;
    }
    let condition = |condition: &file::Condition| match condition {
        file::Condition::ProcessHealthy => system::Condition::Healthy,
        file::Condition::ProcessStarted => system::Condition::Started,
    };
    Ok(Program {
        name: name.clone(),
        role: process.role.clone(),
        command: command.into_iter().map(OsString::from).collect(),
        adopt,
        restart: Some(system::Restart {
            command: command_again.into_iter().map(OsString::from).collect(),
            environment: environment_again,
        }),
        working_dir: trial.path_of(name, &process.working_dir)?,
        inherit: inherit(process.inherit.as_deref()),
        environment,
        user: process.user.clone(),
        host: there.map(|there| Arc::clone(there.link)),
        depends_on: {
            let before = process.shutdown.before.iter();
            let before = before.map(|other| (other.clone(), system::Condition::StopsLater));
            let waits = process.depends_on.iter();
            // Who is waited for at the start is stopped later, too.
            before.chain(waits.map(|(other, needed)| (other.clone(), condition(needed)))).collect()
        },
        probe: probe(target, index, process, setting)?,
        shutdown: system::Shutdown {
            signal: signal(process.shutdown.signal),
            timeout: process.shutdown.timeout,
        },
        // They are meant for all processes together; none may take more than all may.
        limits: Limits {
            memory_mb: target.limits.memory_mb,
            processes: target.limits.processes.and_then(|count| usize::try_from(count).ok()),
        },
    })
}

/// What a process is started with, and what of that it is told again at a restart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    command_again: Vec<String>,
    environment_again: BTreeMap<String, String>,
}

impl Words {
    /// Everything filled in for one who is told `setting`, the variant's changes made.
    ///
    /// # Errors
    /// A template that takes too much work, or a process that this machine cannot start.
    pub(super) fn of(
        process: &Process,
        variant: Option<&Variant>,
        setting: &Setting,
    ) -> anyhow::Result<Self> {
        let name = &process.name;
        let Start::Command { command, restart } = &process.start else {
            bail!("processes.{name}.adopt: it has no command of ours");
        };
        let unchanged = Change::default();
        let change = change_of(process, variant).unwrap_or(&unchanged);
        let first = change.command.as_ref().unwrap_or(command);
        let words = |command: &targets::template::CommandTemplate, args: &[&[Template]]| {
            let mut words = command.render(setting)?;
            for arg in args.iter().copied().flatten() {
                words.push(arg.render(setting)?.into_owned());
            }
            anyhow::Ok(words)
        };
        let again = restart.command.as_ref().unwrap_or(first);
        let environment = environment(&[&process.environment, &change.environment], setting)?;
        let mut environment_again = environment.clone();
        fill(&mut environment_again, &restart.environment, setting)?;
        Ok(Self {
            command: words(first, &[&change.args])?,
            environment,
            command_again: words(again, &[&change.args, &restart.args])?,
            environment_again,
        })
    }
}

/// A program that a build of ours was to make, and has not.
fn check_program(command: &[String], trial: &TargetTrial) -> anyhow::Result<()> {
    let path = command.first().map(Path::new).filter(|path| path.starts_with(&trial.bin_dir));
    path.map_or(Ok(()), check_executable)
}

pub(super) fn check_executable(path: &Path) -> anyhow::Result<()> {
    let file = fs::metadata(path);
    if file.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0) {
        return Ok(());
    }
    let path = path.display();
    bail!("there is no executable file {path}; build the services with `make` or `cargo build`")
}

/// Which of the harness's own variables a process has.
fn inherit(named: Option<&[Variables]>) -> Inherit {
    let Some(named) = named else { return Inherit::All };
    let own = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    Inherit::Only(own.filter(|name| named.iter().any(|one| one.has(name))).collect())
}

impl Words {
    /// The environment alone, which the commands have that reach the process.
    fn of_adopted(
        process: &Process,
        variant: Option<&Variant>,
        setting: &Setting,
    ) -> anyhow::Result<Self> {
        let unchanged = Change::default();
        let change = change_of(process, variant).unwrap_or(&unchanged);
        let environment = environment(&[&process.environment, &change.environment], setting)?;
        let environment_again = environment.clone();
        Ok(Self { command: Vec::new(), environment, command_again: Vec::new(), environment_again })
    }
}

fn change_of<'a>(process: &Process, variant: Option<&'a Variant>) -> Option<&'a Change> {
    variant?.changes.get(&process.name)
}

/// How a process is reached that something else keeps.
fn adopt(process: &Process, setting: &Setting) -> anyhow::Result<Option<Adopt>> {
    let Start::Adopt(adopt) = &process.start else { return Ok(None) };
    let words = |command: &targets::template::CommandTemplate| {
        let words = command.render(setting)?.into_iter().map(OsString::from);
        anyhow::Ok(words.collect::<Vec<_>>())
    };
    let maybe = |command: &Option<_>| command.as_ref().map(words).transpose();
    Ok(Some(Adopt {
        pid: words(&adopt.pid)?,
        start: maybe(&adopt.start)?,
        kill: maybe(&adopt.kill)?,
        pause: maybe(&adopt.pause)?,
        resume: maybe(&adopt.resume)?,
    }))
}

/// What a process has in its environment besides the harness's own.
pub(super) fn environment(
    layers: &[&BTreeMap<String, Template>],
    setting: &Setting,
) -> anyhow::Result<BTreeMap<String, String>> {
    // Without it a Python service's log stays empty until it ends, and a kill takes it along.
    let mut environment = BTreeMap::from([("PYTHONUNBUFFERED".to_owned(), "1".to_owned())]);
    for layer in layers {
        fill(&mut environment, layer, setting)?;
    }
    Ok(environment)
}

fn fill(
    environment: &mut BTreeMap<String, String>,
    layer: &BTreeMap<String, Template>,
    setting: &Setting,
) -> anyhow::Result<()> {
    for (name, value) in layer {
        environment.insert(name.clone(), value.render(setting)?.into_owned());
    }
    Ok(())
}

fn probe(
    target: &Arc<Target>,
    index: usize,
    process: &Process,
    setting: &Setting,
) -> anyhow::Result<Option<probe::Probe>> {
    let kind = match &process.readiness.probe {
        Probe::Started => return Ok(None),
        // What a process says of itself that is not ready is quoted in its own words.
        Probe::HttpGet { url, headers, expect: None } if headers.is_empty() => {
            ProbeKind::Health(url.render(setting)?.into_owned())
        }
        Probe::HttpGet { url, headers, .. } => ProbeKind::HttpGet {
            url: url.render(setting)?.into_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.render(setting)?.into_owned())))
                .collect::<anyhow::Result<_>>()?,
            expect: expect(Arc::clone(target), index),
        },
        Probe::Tcp(address) => ProbeKind::Tcp(address.render(setting)?.into_owned()),
        Probe::Exec(command) => ProbeKind::Exec(command.render(setting)?),
        Probe::LogLine(regex) => ProbeKind::LogLine(regex.clone()),
    };
    let (period, timeout) = (process.readiness.period, process.readiness.timeout);
    Ok(Some(probe::Probe { kind, period, timeout }))
}

/// What the answer to a process's probe must be.
fn expect(target: Arc<Target>, index: usize) -> Expect {
    Arc::new(move |answer: &Answer| {
        let Probe::HttpGet { expect: Some(expect), .. } = &target.processes[index].readiness.probe
        else {
            return Ok((200..300).contains(&answer.status));
        };
        let text = String::from_utf8_lossy(&answer.body);
        let body = serde_json::from_slice(&answer.body).unwrap_or(Json::Null);
        let headers = answer.headers.iter().cloned().map(|(name, value)| (name, value.into()));
        let headers = Json::Object(headers.collect());
        let variables = expression::Variables::new()
            .with("status", Bound::Int(i64::from(answer.status)))
            .with("text", Bound::Text(&text))
            .with("body", Bound::Json(&body))
            .with("headers", Bound::Json(&headers));
        expect.holds(&variables).map_err(|error| error.to_string())
    })
}

fn signal(signal: file::Signal) -> Signal {
    match signal {
        file::Signal::Term => Signal::SIGTERM,
        file::Signal::Int => Signal::SIGINT,
        file::Signal::Quit => Signal::SIGQUIT,
        file::Signal::Hup => Signal::SIGHUP,
        file::Signal::Kill => Signal::SIGKILL,
    }
}
