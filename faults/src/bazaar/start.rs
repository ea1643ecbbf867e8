//! The start: of the built-in bazaar on ports that are chosen here, and of any service.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use records::built_in;
use supervisor::system::{self, System, SystemPlan};

use super::data;
use super::plan::{CacheSwitch, Extras, ServicePlan};
use super::surroundings::Surroundings;
use super::{Bazaar, BazaarConfig, StartError};
use crate::disk::Disks;
use crate::flood;
use crate::http::HttpClient;
use crate::launch::Launch;
use crate::ports::{self, Addresses, Ports, Reservation};
use crate::process::ProcessName;
use crate::relay::{self, Network};

/// How often a whole bazaar is tried on other ports when one turned out to be taken after all.
/// Ports are reserved among harnesses, so even one collision is rare.
const MAX_PORT_CHOICES: u32 = 5;

impl Bazaar {
    /// Starts everything and returns once every service says that it is ready. On failure
    /// whatever was started is killed.
    pub async fn start(config: BazaarConfig) -> Result<Self, StartError> {
        if config.replicas == 0 {
            return Err(StartError::NoReplicas);
        }
        flood::make_room(config.flood_connections)?;
        let mut choices = 1;
        loop {
            let (addresses, reservation) = ports::choose(config.ports, config.replicas)?;
            let mut reservations = vec![reservation];
            let network = if config.relays {
                let needed = relay::addresses_needed(&addresses);
                let (own, reservation) = ports::choose_more(needed)?;
                reservations.push(reservation);
                Some(Arc::new(Network::of_bazaar(&addresses, own)))
            } else {
                None
            };
            let launch = Launch::prepare(config.clone(), addresses, network.as_deref())?;
            let extras = extras(&launch, network, reservations, &config.data_dir)?;
            match Self::begin(launch.plan()?, extras).await {
                Err(error)
                    if config.ports == Ports::Free
                        && choices < MAX_PORT_CHOICES
                        && error.is_address_in_use() =>
                {
                    tracing::warn!(%error, "trying the whole bazaar again on other ports");
                    choices += 1;
                }
                result => return result,
            }
        }
    }

    /// Starts the processes of any target and returns once all are ready. On failure whatever was started is killed. Its
    /// cache, if it has one, has no switch.
    pub async fn start_service(plan: ServicePlan) -> Result<Self, StartError> {
        flood::make_room(plan.flood_connections)?;
        let extras = Extras {
            addresses: Addresses::nowhere(),
            body_paths: BTreeMap::new(),
            cache: None,
            copies: plan.logs.clone(),
            http: HttpClient::new(),
            network: plan.relays.clone().map(|relays| Arc::new(Network::new(relays))),
            reservations: Vec::new(),
        };
        Self::begin(plan, extras).await
    }

    async fn begin(plan: ServicePlan, extras: Extras) -> Result<Self, StartError> {
        check_names(&plan)?;
        let ServicePlan {
            processes,
            programs,
            logs,
            log_bytes,
            guard,
            addresses,
            data,
            leaders,
            own_faults,
            ..
        } = plan;
        let Extras { network, reservations, .. } = extras;
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
            data,
            leaders,
            binaries,
            addresses: extras.addresses,
            body_paths: extras.body_paths,
            cache: extras.cache,
            copies: extras.copies,
            http: extras.http,
            network,
            disks,
            files_changes: std::sync::Mutex::default(),
            slowed: std::sync::Mutex::default(),
            floods: std::sync::Mutex::default(),
            own_faults,
            own_lasting: std::sync::Mutex::default(),
            guard,
            log_bytes,
            _reservations: reservations,
            system: system.map_err(|error| StartError::of(error, &logs))?,
            logs,
        };
        bazaar.check_reach()?;
        Ok(bazaar)
    }
}

fn extras(
    launch: &Launch,
    network: Option<Arc<Network>>,
    reservations: Vec<Reservation>,
    data_dir: &Path,
) -> Result<Extras, StartError> {
    let addresses = launch.addresses().clone();
    let [off, on] = [launch.front_end(false)?, launch.front_end(true)?];
    let body_paths = addresses.parts().map(|(part, _)| (part.name(), part.body_path())).collect();
    Ok(Extras {
        addresses,
        body_paths,
        cache: Some(CacheSwitch { process: built_in::front_end(), on, off }),
        // Beside the files, where no service looks.
        copies: data_dir.to_owned(),
        http: launch.http(),
        network,
        reservations,
    })
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
