//! The links of a bazaar that was started with relays, or whose processes are on hosts: made worse, and healed.

use records::{Route, Subject};

use super::{ActError, Bazaar};
use crate::clock::monotonic_us;
use crate::schedule::LinkFault;

/// A link that was made worse. Times are of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkBroken {
    /// When that was begun.
    pub(crate) at_us: u64,
    /// When it was seen to hold for every connection.
    pub(crate) seen_us: u64,
    /// How, if that is to be said.
    pub(crate) how: Option<String>,
}

/// A link that was healed, or was to be.
#[derive(Debug)]
pub(crate) struct LinkHealed {
    /// When that was begun.
    pub(crate) at_us: u64,
    /// When it was seen to be as it was, and what is to be said of how many packets the fault has met, where there are packets; or why
    /// nobody knows.
    pub(crate) seen: Result<(u64, Option<String>), ActError>,
}

impl Bazaar {
    /// Makes a link worse. `fault` is the number by which [`heal_link`](Self::heal_link) knows it. Links of processes
    /// on hosts are broken there, all others by relays.
    pub(crate) async fn inject_link_fault(
        &self,
        fault: u32,
        route: Route,
        kind: LinkFault,
    ) -> Result<LinkBroken, ActError> {
        for name in Subject::from(route).names() {
            self.incarnation(name)?;
        }
        if route.from == route.to {
            return Err(ActError::OneEnd(route.from));
        }
        if let Some(hosts) = self.host_network.as_ref().filter(|hosts| hosts.has(route)) {
            let broken = hosts.break_link(fault, route, kind).await?;
            let crate::host_network::Broken { at_us, seen_us, hosts } = broken;
            return Ok(LinkBroken { at_us, seen_us, how: Some(format!("at {}", hosts.join(" "))) });
        }
        if route.with_clients().is_some() {
            return Err(match self.why_relays.clone() {
                Some(reason) => ActError::HostNetwork { route, reason },
                None => ActError::NoHostFor(route),
            });
        }
        let network = self.network.as_ref().ok_or(ActError::NoRelays)?;
        let at_us = monotonic_us();
        network.inject(fault, route, kind)?;
        let how = self.why_relays.as_ref().map(|reason| format!("by relays, since {reason}"));
        Ok(LinkBroken { at_us, seen_us: at_us, how })
    }

    /// Ends a fault of a link. `None` if it had been ended before.
    pub(crate) async fn heal_link(&self, fault: u32) -> Option<LinkHealed> {
        let at_us = monotonic_us();
        if self.network.as_ref().is_some_and(|network| network.heal(fault).is_some()) {
            return Some(LinkHealed { at_us, seen: Ok((at_us, None)) });
        }
        let healed = self.host_network.as_ref()?.heal(fault).await?;
        let seen = healed.seen.map(|(seen_us, packets)| (seen_us, Some(met(packets))));
        Some(LinkHealed { at_us: healed.at_us, seen })
    }

    /// What is wrong with links now: the fault's number and the link.
    #[must_use]
    pub(crate) fn faulty_links(&self) -> Vec<(u32, Route)> {
        let of_relays = self.network.iter().flat_map(|network| network.faulty());
        let of_relays = of_relays.map(|link| (link.fault, link.route));
        let of_hosts = self.host_network.iter().flat_map(|hosts| hosts.faulty());
        of_relays.chain(of_hosts).collect()
    }
}

/// What hosts have counted.
fn met(packets: Option<u64>) -> String {
    match packets {
        Some(1) => "1 packet met it".to_owned(),
        Some(packets) => format!("{packets} packets met it"),
        None => "how many packets met it is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_nobody_has_counted_are_told_as_unknown() {
        let told = [Some(0), Some(1), None].map(met);
        assert_eq!(
            told,
            ["0 packets met it", "1 packet met it", "how many packets met it is not known"]
        );
    }
}
