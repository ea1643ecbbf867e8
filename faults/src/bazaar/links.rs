//! The links of a bazaar that was started with relays: made worse, and healed.

use records::Route;

use super::{ActError, Bazaar};
use crate::clock::monotonic_us;
use crate::schedule::LinkFault;

impl Bazaar {
    /// Makes a link worse. `fault` is the number by which [`heal_link`](Self::heal_link) knows it.
    /// Returns when that was, on `CLOCK_MONOTONIC`; from then on it holds for every connection.
    pub fn inject_link_fault(
        &self,
        fault: u32,
        route: Route,
        kind: LinkFault,
    ) -> Result<u64, ActError> {
        for end in [route.from, route.to] {
            if let Some(name) = end.process() {
                self.incarnation(name)?;
            }
        }
        if route.from == route.to {
            return Err(ActError::OneEnd(route.from));
        }
        let network = self.network.as_ref().ok_or(ActError::NoRelays)?;
        let at_monotonic_us = monotonic_us();
        network.inject(fault, route, kind)?;
        Ok(at_monotonic_us)
    }

    /// Ends a fault of a link. Returns when that was, on `CLOCK_MONOTONIC`; `None` if it had been
    /// ended before.
    pub fn heal_link(&self, fault: u32) -> Option<u64> {
        let at_monotonic_us = monotonic_us();
        self.network.as_ref()?.heal(fault).map(|_| at_monotonic_us)
    }

    /// What is wrong with links now: the fault's number and the link.
    #[must_use]
    pub fn faulty_links(&self) -> Vec<(u32, Route)> {
        let faulty = self.network.iter().flat_map(|network| network.faulty());
        faulty.map(|link| (link.fault, link.route)).collect()
    }
}
