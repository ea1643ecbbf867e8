//! Which of a target's processes are on hosts, and how what breaks their links gets there.

use std::collections::{BTreeMap, BTreeSet};

use faults::host_network::{HostLayout, Placement, Way};
use supervisor::host::Host;
use targets::target::Target;

use super::TargetTrial;
use crate::program::holder_words;

/// The hosts that processes are on; nothing if all are on this machine.
///
/// # Errors
/// A connect command that takes too much work, or a name that no process can have.
pub(super) fn layout(target: &Target, trial: &TargetTrial) -> anyhow::Result<Option<HostLayout>> {
    let mut placed = BTreeMap::new();
    for process in &target.processes {
        let Some(host) = &process.host else { continue };
        let ports = process.listens.iter().filter_map(|port| trial.ports.ports.get(port)).copied();
        let ports: BTreeSet<u16> = ports.collect();
        placed.insert(process.name.parse()?, Placement { host: host.clone(), ports });
    }
    let used: BTreeSet<&String> = placed.values().map(|one| &one.host).collect();
    let mut ways = BTreeMap::new();
    for (name, host) in target.hosts.iter().filter(|(name, _)| used.contains(name)) {
        let connect = host.connect.render(&trial.setting)?;
        let host = Host { connect, address: host.address.clone() };
        ways.insert(name.clone(), Way { host, holder: holder_words()? });
    }
    Ok((!ways.is_empty()).then_some(HostLayout { ways, placed }))
}
