//! A target that was started: its processes, and how clients reach them. Runs and `serve` start it alike.
//!
//! The invariant: dropping it, or the future that starts it, ends every process of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use driver::service::{Connection, Service};
use faults::bazaar::{Bazaar, ServicePlan, StartError};
use faults::clock::Origin;
use faults::disk::DiskFaults;
use faults::host_network::{HostLinks, HostTries};
use faults::schedule::LinkFault;
use results::records::Processes;
use targets::target::{PortChoice, Target, Variant};
use tokio::time::{Instant, sleep_until};

use super::asking::Asking;
use super::clients::{ClientPrograms, LoadFacts, Place};
use super::leaders::TargetLeaders;
use super::senders::Senders;
use super::{Places, TargetTrial, host_links, http, service_plan};

/// What a target is started with.
pub(crate) struct TargetStart<'a> {
    /// Its processes, and what they are there for.
    pub(crate) processes: Processes,
    /// The way to start it.
    pub(crate) variant: Option<&'a Variant>,
    /// Where its folders are made.
    pub(crate) places: Places<'a>,
    /// Ports that are not to be chosen, by name.
    pub(crate) ports: &'a BTreeMap<String, u16>,
    /// What every process is told besides, after all else.
    pub(crate) flags: &'a [String],
    /// What every process has in its environment besides: what no command line may say.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// How many connections floods have at a time.
    pub(crate) flood_connections: u32,
    /// Whose disks can be broken.
    pub(crate) disk_faults: DiskFaults,
    /// Whether its links can be broken.
    pub(crate) relays: bool,
    /// What the plan does to links.
    pub(crate) link_faults: &'a [LinkFault],
    /// What its hosts have been seen to do to links.
    pub(crate) host_tries: &'a HostTries,
    /// Whether it was not set up yet.
    pub(crate) is_first: bool,
    /// What times are taken from.
    pub(crate) origin: Origin,
    /// How long its processes may live; `None`: as long as it takes.
    pub(crate) lifetime: Option<Duration>,
    /// What its client programs are told of the load.
    pub(crate) load: LoadFacts,
    /// The hosts that the load comes from; none: this machine.
    pub(crate) load_from: &'a [String],
}

/// The target's processes lived longer than they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the target's processes had lived for {} s, which is all that limits.seconds allows", .0.as_secs())]
pub(crate) struct OverTime(Duration);

/// How long the processes of a trial may still live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    within: Option<Duration>,
    begun: Instant,
}

impl Lifetime {
    /// It begins now; `None`: it has no end.
    pub(crate) fn new(within: Option<Duration>) -> Self {
        Self { within, begun: Instant::now() }
    }

    /// Completes when it is over, which may be never.
    pub(crate) async fn over(self) -> OverTime {
        let Some(within) = self.within else { return std::future::pending().await };
        sleep_until(self.begun + within).await;
        OverTime(within)
    }
}

/// A target that was started.
#[derive(Debug)]
pub(crate) struct RunningTarget {
    /// Its processes.
    pub(crate) bazaar: Arc<Bazaar>,
    /// How clients reach it.
    pub(crate) service: Service,
    /// The programs that they speak through, if it has any.
    pub(crate) clients: Option<ClientPrograms>,
    /// What their requests are sent by from other hosts, if they are.
    pub(crate) senders: Option<Senders>,
    /// The stocks that clients ask for.
    pub(crate) stocks: Vec<String>,
    /// How somebody who is none of the clients reaches it.
    pub(crate) front_door: Connection,
    /// Its folders and ports.
    pub(crate) trial: TargetTrial,
    /// How it is asked.
    pub(crate) asking: Asking,
    /// How long its processes may still live.
    pub(crate) lifetime: Lifetime,
}

/// How often a target is tried on other ports when one turned out to be taken after all. Ports are reserved among harnesses, so
/// even one collision is rare.
const MAX_PORT_CHOICES: u32 = 5;

impl RunningTarget {
    /// Does all that its file says comes before the load.
    ///
    /// # Errors
    /// The first of it that cannot be done. Nothing of the target runs then.
    pub(crate) async fn start(
        target: &Arc<Target>,
        start: TargetStart<'_>,
    ) -> anyhow::Result<Self> {
        let chooses = |name: &String| {
            target.ports[name] == PortChoice::Free && !start.ports.contains_key(name)
        };
        let may_choose = target.ports.keys().any(chooses);
        let mut choices = 1;
        loop {
            let trial = TargetTrial::new(target, start.places, start.ports)?;
            let trial = trial.with_hosts(target, start.ports, start.load_from).await?;
            if start.is_first && choices == 1 {
                trial.set_up(target).await?;
            }
            let error = match Self::start_in(target, &start, trial).await {
                Ok(running) => return Ok(running),
                Err(error) => error,
            };
            let taken = error.downcast_ref().is_some_and(StartError::is_address_in_use);
            if !taken || !may_choose || choices == MAX_PORT_CHOICES {
                return Err(error);
            }
            tracing::warn!(%error, "trying the whole target again on other ports");
            choices += 1;
        }
    }

    async fn start_in(
        target: &Arc<Target>,
        start: &TargetStart<'_>,
        mut trial: TargetTrial,
    ) -> anyhow::Result<Self> {
        let variant = start.variant;
        let mut host_links = HostLinks::None;
        if start.relays {
            host_links =
                host_links::of(target, &trial, start.link_faults, start.host_tries).await?;
            let across_hosts = matches!(host_links, HostLinks::ByRelays { .. });
            trial = trial.with_relays(target, variant, across_hosts)?;
        }
        trial.begin(target, variant).await?;
        let http = http::client()?;
        let asking = Asking::new(trial.setting.clone(), http.clone(), &trial.work, &trial.logs)
            .on(trial.hosts.clone());
        let leaders = Arc::new(TargetLeaders::new(Arc::clone(target), asking.clone())?);
        let plan = service_plan(target, &trial, &asking, leaders, start)?;
        let plan = ServicePlan { host_links, ..plan };
        let lifetime = Lifetime::new(start.lifetime);
        let started = async {
            let bazaar = Bazaar::start(plan).await?;
            trial.prepare(&target.prepare).await?;
            let clients =
                ClientPrograms::start(target, variant, Place::of(&trial), start.load).await?;
            let mut service = Service::over_http(Arc::clone(target), trial.setting.clone());
            if let Some(clients) = &clients {
                let prepared = clients.prepare().await;
                prepared.map_err(|reason| anyhow!("[client]: prepare: {reason}"))?;
                service = service.with_programs(clients.programs().to_vec());
            }
            let senders = Senders::start(&trial.hosts).await?;
            if let Some(senders) = &senders {
                service = service.with_senders(senders.senders().to_vec());
            }
            let front_door = service.client(http, 0, start.origin);
            let asked = front_door.stocks().await;
            let stocks = asked.map_err(|reason| anyhow!("the target's stocks: {reason}"))?;
            anyhow::Ok((bazaar, service, clients, senders, stocks, front_door))
        };
        // What has been started ends with the future that is dropped.
        let (bazaar, service, clients, senders, stocks, front_door) = tokio::select! {
            started = started => started?,
            over = lifetime.over() => return Err(over.into()),
        };
        let bazaar = Arc::new(bazaar);
        Ok(Self { bazaar, service, clients, senders, stocks, front_door, trial, asking, lifetime })
    }
}
