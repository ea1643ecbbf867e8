//! The start of a target's processes.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use supervisor::system::{self, System, SystemPlan};

use super::data;
use super::plan::ServicePlan;
use super::surroundings::Surroundings;
use super::{Bazaar, StartError};
use crate::disk::Disks;
use crate::dump::Dumps;
use crate::flood;
use crate::host_network::{HostLinks, HostNetwork};
use crate::process::ProcessName;
use crate::relay::Network;

impl Bazaar {
    /// Starts the processes of a target and returns once all are ready. On failure whatever was started is killed.
    pub async fn start(plan: ServicePlan) -> Result<Self, StartError> {
        flood::make_room(plan.flood_connections)?;
        check_names(&plan)?;
        let ServicePlan {
            processes,
            programs,
            logs,
            log_bytes,
            guard,
            addresses,
            hosts,
            data,
            leaders,
            dumps,
            body_paths,
            cache,
            copies,
            own_faults,
            host_links,
            ..
        } = plan;
        let network = plan
            .relays
            .map(|relays| Arc::new(Network::new(relays, processes.clone(), plan.uses_all_links)));
        let (host_network, why_relays) = match host_links {
            HostLinks::None => (None, None),
            HostLinks::InTheirNetworks(layout) => {
                (Some(HostNetwork::new(layout, processes.clone())), None)
            }
            HostLinks::ByRelays { reason } => (None, Some(reason)),
        };
        let disks = Disks::new(&plan.disk_faults, &folders(&data).map_err(StartError::Disks)?);
        let disks = Arc::new(disks.map_err(StartError::Disks)?);
        let surroundings = Surroundings { network: network.clone(), disks: Arc::clone(&disks) };
        let binaries = programs.iter().filter_map(|program| {
            Some((program.name.parse().ok()?, found(program.command.first()?)))
        });
        let binaries = binaries.collect();
        let system = SystemPlan { programs, logs: logs.clone(), log_bytes, guard: guard.clone() };
        let system = System::start_accompanied(system, Some(Arc::new(surroundings))).await;
        let bazaar = Self {
            beginnings: processes
                .names()
                .map(|name| (name, tokio::sync::Mutex::default()))
                .collect(),
            processes,
            listening: addresses,
            on_hosts: hosts,
            data,
            leaders,
            binaries,
            dumps: Dumps::new(dumps),
            body_paths,
            cache,
            copies,
            network,
            host_network,
            why_relays,
            disks,
            files_changes: std::sync::Mutex::default(),
            slowed: std::sync::Mutex::default(),
            floods: std::sync::Mutex::default(),
            own_faults,
            own_lasting: std::sync::Mutex::default(),
            guard,
            log_bytes,
            system: system.map_err(|error| StartError::of(error, &logs))?,
            logs,
        };
        bazaar.check_reach()?;
        Ok(bazaar)
    }
}

/// Who is started is who is listed.
fn check_names(plan: &ServicePlan) -> Result<(), StartError> {
    let listed: BTreeSet<_> = plan.processes.names().map(ProcessName::as_str).collect();
    let started: BTreeSet<_> = plan.programs.iter().map(|one| one.name.as_str()).collect();
    let problems: Vec<_> = listed
        .symmetric_difference(&started)
        .map(|name| format!("{name} is listed and not started, or started and not listed"))
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(StartError::System(system::StartError::Plan(problems)))
}

/// Below which folder the data of each process is.
fn folders(
    data: &BTreeMap<ProcessName, Vec<PathBuf>>,
) -> std::io::Result<BTreeMap<ProcessName, PathBuf>> {
    let of_one = |(name, paths): (&ProcessName, &Vec<PathBuf>)| {
        Some(data::common_folder(paths)?.map(|folder| (*name, folder)))
    };
    data.iter().filter_map(of_one).collect()
}

/// Where the program of a command is: it is looked up in `PATH` unless it is a path.
fn found(program: &OsStr) -> PathBuf {
    let path = std::env::var_os("PATH").filter(|_| !program.as_encoded_bytes().contains(&b'/'));
    let folders = path.iter().flat_map(std::env::split_paths);
    let mut there = folders.map(|folder| folder.join(program)).filter(|path| path.is_file());
    there.next().unwrap_or_else(|| program.into())
}
