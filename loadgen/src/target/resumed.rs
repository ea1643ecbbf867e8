//! A target over files that it has already: its processes as a run starts them, without what comes before them. For who has to start it again
//! over what an earlier start, or somebody else, has left.

use std::collections::BTreeMap;
use std::sync::Arc;

use faults::bazaar::ServicePlan;
use faults::clock::Origin;
use faults::disk::DiskFaults;
use faults::host_network::HostTries;
use results::records::Processes;
use targets::target::Target;

use super::asking::Asking;
use super::clients::LoadFacts;
use super::leaders::TargetLeaders;
use super::running::TargetStart;
use super::{Places, TargetTrial, http, service_plan};

/// The target's processes on these ports, which are all that it has, in folders as they are: nothing is reset, and none of its files is
/// written.
///
/// # Errors
/// A port that is taken, a folder that cannot be made, or what cannot be filled in.
pub fn resumed(
    target: &Arc<Target>,
    processes: Processes,
    places: Places<'_>,
    ports: &BTreeMap<String, u16>,
) -> anyhow::Result<ServicePlan> {
    let trial = TargetTrial::new(target, places, ports)?;
    let asking = Asking::new(trial.setting.clone(), http::client()?, &trial.work, &trial.logs);
    let leaders = Arc::new(TargetLeaders::new(Arc::clone(target), asking.clone())?);
    let start = TargetStart {
        processes,
        variant: target.default_variant(),
        places,
        ports,
        flags: &[],
        environment: &BTreeMap::new(),
        flood_connections: 0,
        disk_faults: DiskFaults::default(),
        relays: false,
        link_faults: &[],
        host_tries: &HostTries::default(),
        is_first: false,
        origin: Origin::now(),
        lifetime: None,
        load: LoadFacts { clients: 0, seed: 0 },
        load_from: &[],
    };
    service_plan(target, &trial, &asking, leaders, &start)
}
