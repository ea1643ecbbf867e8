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
/// A connect command that takes too much work, or a host that is lost already.
pub(super) async fn layout(
    target: &Target,
    trial: &TargetTrial,
) -> anyhow::Result<Option<HostLayout>> {
    let mut placed = BTreeMap::new();
    for process in &target.processes {
        let Some(host) = &process.host else { continue };
        let ports = process.listens.iter().filter_map(|port| trial.ports.ports.get(port)).copied();
        let ports: BTreeSet<u16> = ports.collect();
        placed.insert(process.name.parse()?, Placement { host: host.clone(), ports });
    }
    let mut ways = BTreeMap::new();
    for link in trial.hosts.links() {
        let Some(host) = target.hosts.get(link.name()) else { continue };
        let connect = host.connect.render(&trial.setting)?;
        let holder = holder_words(&link.program().await?);
        let host = Host { connect, address: host.address.clone() };
        ways.insert(link.name().to_owned(), Way { host, holder });
    }
    Ok((!ways.is_empty()).then_some(HostLayout { ways, placed }))
}
