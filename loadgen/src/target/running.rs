//! A target that was started: its processes, and how clients reach them. Runs and `serve` start it alike.
//!
//! The invariant: dropping it, or the future that starts it, ends every process of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use driver::service::Service;
use faults::bazaar::{Bazaar, ServicePlan};
use faults::clock::Origin;
use faults::disk::DiskFaults;
use results::records::Processes;
use targets::target::{Target, Variant};

use super::asking::Asking;
use super::leaders::TargetLeaders;
use super::{TargetTrial, http, service_plan};

/// What a target is started with.
pub(crate) struct TargetStart<'a> {
    /// Its processes, and what they are there for.
    pub(crate) processes: Processes,
    /// The way to start it.
    pub(crate) variant: Option<&'a Variant>,
    /// Where its folders are made.
    pub(crate) data: &'a Path,
    /// The folder of its logs.
    pub(crate) logs: &'a Path,
    /// What `{{ bin }}` says.
    pub(crate) bin_dir: &'a Path,
    /// How many connections floods have at a time.
    pub(crate) flood_connections: u32,
    /// Whose disks can be broken.
    pub(crate) disk_faults: DiskFaults,
    /// Whether its links can be broken.
    pub(crate) relays: bool,
    /// Whether it was not set up yet.
    pub(crate) is_first: bool,
    /// What times are taken from.
    pub(crate) origin: Origin,
}

/// A target that was started.
#[derive(Debug)]
pub(crate) struct RunningTarget {
    /// Its processes.
    pub(crate) bazaar: Arc<Bazaar>,
    /// How clients reach it.
    pub(crate) service: Service,
    /// The stocks that clients ask for.
    pub(crate) stocks: Vec<String>,
    /// Its folders and ports.
    pub(crate) trial: TargetTrial,
    /// How it is asked.
    pub(crate) asking: Asking,
}

impl RunningTarget {
    /// Does all that its file says comes before the load.
    ///
    /// # Errors
    /// The first of it that cannot be done. Nothing of the target runs then.
    pub(crate) async fn start(
        target: &Arc<Target>,
        start: TargetStart<'_>,
    ) -> anyhow::Result<Self> {
        let mut trial = TargetTrial::new(target, start.data, start.logs, start.bin_dir)?;
        if start.relays {
            trial = trial.with_relays(target, start.variant)?;
        }
        if start.is_first {
            trial.set_up(target).await?;
        }
        let variant = start.variant;
        trial.begin(target, variant).await?;
        let http = http::client()?;
        let asking = Asking::new(trial.setting.clone(), http.clone(), &trial.work, &trial.logs);
        let leaders = TargetLeaders::new(Arc::clone(target), asking.clone())?;
        let plan = ServicePlan {
            flood_connections: start.flood_connections,
            disk_faults: start.disk_faults,
            ..service_plan(target, variant, &trial, Arc::new(leaders), start.processes)?
        };
        let bazaar = Bazaar::start_service(plan).await?;
        trial.prepare(&target.prepare).await?;
        let service = Service::over_http(Arc::clone(target), trial.setting.clone());
        let asked = service.client(http, 0, start.origin).stocks().await;
        let stocks = asked.map_err(|reason| anyhow!("the target's stocks: {reason}"))?;
        Ok(Self { bazaar: Arc::new(bazaar), service, stocks, trial, asking })
    }
}
