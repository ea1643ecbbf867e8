//! Which of a target's processes are on hosts, and how what breaks their links gets there.

use std::collections::{BTreeMap, BTreeSet};

use faults::host_network::{HostLayout, HostLinks, HostTries, Placement, Way};
use faults::schedule::LinkFault;
use targets::target::Target;

use super::TargetTrial;
use crate::program::holder_words;

/// How links are broken of the processes that are on hosts, for these faults.
///
/// # Errors
/// A host that is lost already.
pub(super) async fn of(
    target: &Target,
    trial: &TargetTrial,
    faults: &[LinkFault],
    tries: &HostTries,
) -> anyhow::Result<HostLinks> {
    let mut placed = BTreeMap::new();
    for process in &target.processes {
        let Some(host) = &process.host else { continue };
        let ports = process.listens.iter().filter_map(|port| trial.ports.ports.get(port)).copied();
        let ports: BTreeSet<u16> = ports.collect();
        placed.insert(process.name.parse()?, Placement { host: host.clone(), ports });
    }
    let mut ways = BTreeMap::new();
    for link in trial.hosts.links().filter(|link| trial.hosts.has_processes(link.name())) {
        let holder = holder_words(&link.program().await?);
        ways.insert(link.name().to_owned(), Way { host: link.host().clone(), holder });
    }
    let load = trial.hosts.load().map(|link| link.name().to_owned()).collect();
    if ways.is_empty() {
        return Ok(HostLinks::None);
    }
    Ok(tries.links(HostLayout { ways, placed, load }, faults).await)
}
