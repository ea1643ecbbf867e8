//! A target's client programs, `[client]` in its file: started beside its processes, and started again when they break.
//!
//! What is said to them is the driver's ([`Program`]); here are their processes, each a tree under a guard of its own, which no fault
//! is aimed at. `keeper` has one over its lives, `report` writes down what it did.
//!
//! The invariant: dropping [`ClientPrograms`] ends them all, and so does every way out of [`ClientPrograms::start`].

mod keeper;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use driver::program::{Program, ProgramEvent, ProgramEventKind};
use driver::stop::Stop;
use faults::events::EventSink;
use supervisor::tree::{Limits, Surroundings, TreeCommand};
use targets::client::Hello;
use targets::file::ModelKind;
use targets::operation::Kind;
use targets::target::{Client, Target, Variant};
use targets::template::Setting;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::keeper::Keeper;
use self::report::Reporting;
use super::TargetTrial;
use super::programs::{LOG_BYTES, environment};

/// Where client programs run, and what is filled into their command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// What is filled in.
    pub(crate) setting: &'a Setting,
    /// The target's ports.
    pub(crate) ports: &'a BTreeMap<String, u16>,
    /// Where they run.
    pub(crate) work: &'a Path,
    /// The folder of their logs.
    pub(crate) logs: &'a Path,
}

impl<'a> Place<'a> {
    /// In a trial.
    pub(crate) fn of(trial: &'a TargetTrial) -> Self {
        let TargetTrial { setting, work, logs, ports, .. } = trial;
        Self { setting, ports: &ports.ports, work, logs }
    }
}

/// What client programs are told of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoadFacts {
    /// How many clients there will be.
    pub(crate) clients: u32,
    /// For whatever they draw.
    pub(crate) seed: u64,
}

/// What a client program is called in reports; its log is called the same.
pub(super) fn name_of(number: u32) -> String {
    format!("client-{number}")
}

/// A target's client programs, which are there until this is dropped.
#[derive(Debug)]
pub(crate) struct ClientPrograms {
    programs: Vec<Program>,
    keepers: JoinSet<()>,
    stop: watch::Sender<bool>,
    happened: Option<UnboundedReceiver<ProgramEvent>>,
    reporting: Option<Reporting>,
    prepare_within: Duration,
}

impl ClientPrograms {
    /// Starts those that `target` has, if it has any. All have said hello then, and that they can do the same.
    ///
    /// # Errors
    /// One that does not say hello, or that cannot do enough for there to be a load.
    pub(crate) async fn start(
        target: &Target,
        variant: Option<&Variant>,
        place: Place<'_>,
        load: LoadFacts,
    ) -> anyhow::Result<Option<Self>> {
        let Some(client) = &target.client else { return Ok(None) };
        let command = command(target, client, place)?;
        let none = BTreeMap::new();
        // Without hosts everything is here, and that needs no telling.
        let hosts = if target.hosts.is_empty() { BTreeMap::new() } else { target.addresses() };
        let hello = Hello {
            ports: place.ports,
            hosts: &hosts,
            variant: variant.map(|variant| variant.name.as_str()),
            clients: load.clients,
            deadline_ms: u64::try_from(client.deadline.as_millis()).unwrap_or(u64::MAX),
            seed: load.seed,
            stocks: target.stocks.as_ref().map_or(&none, |stocks| &stocks.initial),
            cap: target.stocks.as_ref().and_then(|stocks| stocks.cap),
            registers: &target.model.keys,
        };
        let (told, mut happened) = unbounded_channel();
        let (stop, mut keepers, mut programs) =
            (watch::Sender::new(false), JoinSet::new(), Vec::new());
        for number in 1..=client.processes {
            let program = Program::new(number, &hello, told.clone());
            let mut command = command.clone();
            command.surroundings.log = place.logs.join(format!("{}.log", name_of(number)));
            let keeper = Keeper { number, program: program.clone(), command, told: told.clone() };
            keepers.spawn(keeper.keep(stop.subscribe()));
            programs.push(program);
        }
        let said = all_say_hello(client.processes, &mut happened, place.logs).await;
        if let Err(why) = said.and_then(|()| fit(target, &programs)) {
            keepers.shutdown().await;
            return Err(why);
        }
        let prepare_within = target.prepare.commands.timeout;
        let happened = Some(happened);
        Ok(Some(Self { programs, keepers, stop, happened, reporting: None, prepare_within }))
    }

    /// The programs.
    pub(crate) fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// What they say that they can do.
    pub(crate) fn capabilities(&self) -> Vec<String> {
        self.programs.first().map(Program::capabilities).unwrap_or_default()
    }

    /// Has one of them make ready what the target needs before the load. Says whether it can.
    ///
    /// # Errors
    /// It does not succeed.
    pub(crate) async fn prepare(&self) -> Result<bool, String> {
        match self.programs.first() {
            Some(program) => program.prepare(self.prepare_within).await,
            None => Ok(false),
        }
    }

    /// Writes down what they do, and have done already, from now until they are stopped.
    pub(crate) fn report_to(&mut self, events: &EventSink) {
        if let Some(happened) = self.happened.take() {
            self.reporting = Some(Reporting::start(happened, events.clone()));
        }
    }

    /// What they did wrong since this was asked last, or too late, in words; if nobody writes it down.
    pub(crate) fn troubles(&mut self) -> Vec<String> {
        let Some(happened) = &mut self.happened else { return Vec::new() };
        let happened = std::iter::from_fn(|| happened.try_recv().ok());
        let said = happened.filter_map(|ProgramEvent { program, kind, .. }| {
            let (_, said) = report::in_words(&kind)?;
            let is_trouble =
                matches!(kind, ProgramEventKind::Broken { .. } | ProgramEventKind::Late { .. });
            is_trouble.then(|| format!("{}: {said}", name_of(program)))
        });
        said.collect()
    }

    /// Ends them: first their input ends, and then they are told to, and killed. Once somebody is in a hurry they are killed at once. Afterwards
    /// nothing of them is left, and what they did is written down.
    pub(crate) async fn stop(mut self, stop: &Stop) {
        self.stop.send_replace(true);
        let ended = async { while self.keepers.join_next().await.is_some() {} };
        tokio::select! {
            () = ended => {}
            () = stop.hurried() => {}
        }
        self.keepers.shutdown().await;
        if let Some(reporting) = self.reporting.take() {
            reporting.stop().await;
        }
    }
}

fn command(target: &Target, client: &Client, place: Place<'_>) -> anyhow::Result<TreeCommand> {
    let words = client.command.render(place.setting)?;
    Ok(TreeCommand {
        command: words.into_iter().map(Into::into).collect(),
        surroundings: Surroundings {
            environment: environment(&[], place.setting)?,
            // Each has a log of its own there.
            ..Surroundings::new(place.work, place.logs, LOG_BYTES)
        },
        limits: Limits {
            memory_mb: target.limits.memory_mb,
            processes: target.limits.processes.and_then(|count| usize::try_from(count).ok()),
        },
    })
}

async fn all_say_hello(
    count: u32,
    happened: &mut UnboundedReceiver<ProgramEvent>,
    logs: &Path,
) -> anyhow::Result<()> {
    let mut greeted = 0;
    while greeted < count {
        let event = happened.recv().await;
        let ProgramEvent { program, kind, .. } =
            event.ok_or_else(|| anyhow!("[client]: it is gone"))?;
        match kind {
            ProgramEventKind::Ready { .. } => greeted += 1,
            ProgramEventKind::Broken { why, .. } => {
                let name = name_of(program);
                let log = logs.join(format!("{name}.log"));
                bail!("[client]: {name}: {why}; its log is {}", log.display());
            }
            // What they believe before there is a load is nobody's news.
            ProgramEventKind::Late { .. } | ProgramEventKind::LeaderHint { .. } => {}
        }
    }
    Ok(())
}

/// Whether there can be a load, and whichever program a client has, it can do the same.
fn fit(target: &Target, programs: &[Program]) -> anyhow::Result<()> {
    let sorted = |program: &Program| {
        let mut can = program.capabilities();
        can.sort_unstable();
        can
    };
    let mut all = programs.iter().map(sorted);
    let first = all.next().unwrap_or_default();
    if let Some(other) = all.find(|other| *other != first) {
        let (one, other) = (first.join(", "), other.join(", "));
        bail!("[client]: one process can do {one}, and another {other}: all must say the same");
    }
    let can_be_asked = |kind: Kind| {
        target.operations.get(kind).is_some() || first.iter().any(|done| done == kind.name())
    };
    let (one, other) = match target.model.kind {
        ModelKind::Register => (Kind::Read, Kind::Write),
        ModelKind::Log => (Kind::Read, Kind::Append),
        ModelKind::Stocks | ModelKind::None => (Kind::Query, Kind::Trade),
    };
    let article = if other == Kind::Append { "an" } else { "a" };
    ensure!(
        can_be_asked(one) || can_be_asked(other),
        "[client]: it says that it can do {}, so there is neither a {} nor {article} {}: its `can` names what it does",
        if first.is_empty() { "nothing".to_owned() } else { first.join(", ") },
        one.name(),
        other.name(),
    );
    Ok(())
}
