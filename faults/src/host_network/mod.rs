//! The network between hosts, as far as a host's own kernel owns it: what its packet filter drops, and what its queues hold back.
//!
//! Processes on hosts of their own speak to each other without relays, so what breaks their links breaks packets, as a real
//! partition does: `nft` drops or resets them, a queue of `tc` delays or throttles them (`tbf`, `netem`). It takes root on the
//! host, or a network namespace of one's own. A *holder* does it: this program, started there through the host's connect
//! command. It makes one fault, says so, and holds it as long as anybody holds its standard input.
//!
//! Where a host cannot do what a plan asks for (no root, no `nft`, no `netem` in its kernel), all links of the trial have relays
//! instead, as on one machine ([`HostTries`]).
//!
//! The invariant: **what a holder has changed is taken back, whatever ends.** The end of its input (a harness that is killed, a
//! connection that breaks) and SIGTERM have it take everything back; if the holder itself is killed a guard does
//! ([`supervisor::tree::Undo`]); and whatever both leave behind bears the name of its owner, and the next holder on that host removes
//! it. A holder changes nothing but tables and queues of its own names.
//!
//! A direction of a link is its packets, not its bytes as with relays: who sends into a cut direction gets no acknowledgement
//! either, so in time the other direction of the same connection stops as well.
//!
//! * `tries`: what the hosts can do. `layout`: which processes are on which hosts. `parts`: what each host has to do for a fault. Both pure.
//! * `spec`: what a holder is told, and what it tells.
//! * `held`: a holder, as the harness sees it.
//! * `holder`: its program. `names`: what it calls its tables. `packet_filter`, `queue`: what it makes. `tool`: `nft`, `tc`, `ip`.

mod held;
mod holder;
mod layout;
mod names;
mod packet_filter;
mod parts;
mod queue;
mod spec;
#[cfg(test)]
mod tests;
mod tool;
mod tries;

use std::sync::Mutex;

use records::{Processes, Route, Subject};
use supervisor::clock::monotonic_us;
use supervisor::locked::locked;
use tokio::task::JoinSet;

use crate::act::ActError;
use crate::schedule::LinkFault;

use self::held::Held;
pub use self::holder::hold;
pub use self::layout::{HostLayout, Placement, Way, own_address_towards};
use self::parts::Part;
use self::spec::Spec;
pub use self::tries::{HostLinks, HostTries};

/// The network between the hosts of a running target.
#[derive(Debug)]
pub(crate) struct HostNetwork {
    layout: HostLayout,
    processes: Processes,
    /// What tables on the hosts are called after, so that somebody who finds one knows whose it is.
    token: String,
    broken: Mutex<Vec<BrokenLink>>,
}

/// A link that is broken, and who holds that. Dropping it takes it back.
#[derive(Debug)]
struct BrokenLink {
    fault: u32,
    route: Route,
    held: Vec<Held>,
}

/// A link that was broken just now. Times are of `CLOCK_MONOTONIC`, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Just before the first host was told to.
    pub(crate) at_us: u64,
    /// When the last one had said that it is done.
    pub(crate) seen_us: u64,
    /// The hosts that hold it.
    pub(crate) hosts: Vec<String>,
}

/// A link that was healed, or was to be.
#[derive(Debug)]
pub(crate) struct Healed {
    /// When that was begun.
    pub(crate) at_us: u64,
    /// When the last host had said that it is done, and how many packets it has met all in all, if every host knows that; or why nobody
    /// knows.
    pub(crate) seen: Result<(u64, Option<u64>), ActError>,
}

impl HostNetwork {
    pub(crate) fn new(layout: HostLayout, processes: Processes) -> Self {
        let token = format!("{:x}", rand::random::<u32>());
        Self { layout, processes, token, broken: Mutex::default() }
    }

    /// Whether links of these ends are of hosts: whoever the route names is on one.
    pub(crate) fn has(&self, route: Route) -> bool {
        Subject::from(route).names().all(|name| self.layout.placed.contains_key(&name))
    }

    /// Makes a link worse, at every host that has to do with it, or at none.
    pub(crate) async fn break_link(
        &self,
        fault: u32,
        route: Route,
        kind: LinkFault,
    ) -> Result<Broken, ActError> {
        let failed = |reason: String| ActError::HostNetwork { route, reason };
        let addresses = self.layout.resolve().await.map_err(failed)?;
        let parts = parts::parts(&self.layout, &addresses, &self.processes, route, kind);
        let parts = parts.map_err(failed)?;
        let mut preparing = JoinSet::new();
        for Part { host, effect, flows } in parts {
            // Every part names a host of the layout.
            let Some(way) = self.layout.ways.get(&host).cloned() else { continue };
            let spec = Spec { token: self.token.clone(), fault, effect, flows };
            preparing.spawn(async move { Held::prepare(host, &way, spec).await });
        }
        let prepared: Result<Vec<Held>, String> = preparing.join_all().await.into_iter().collect();
        let at_us = monotonic_us();
        let mut applying = JoinSet::new();
        for mut held in prepared.map_err(failed)? {
            applying.spawn(async move {
                held.apply().await?;
                Ok::<_, String>(held)
            });
        }
        let held: Result<Vec<Held>, String> = applying.join_all().await.into_iter().collect();
        let held = held.map_err(failed)?;
        let seen_us = monotonic_us();
        let mut hosts: Vec<String> = held.iter().map(|held| held.host().to_owned()).collect();
        hosts.sort_unstable();
        locked(&self.broken).push(BrokenLink { fault, route, held });
        Ok(Broken { at_us, seen_us, hosts })
    }

    /// Ends one fault. `None` if there is none of that number.
    pub(crate) async fn heal(&self, fault: u32) -> Option<Healed> {
        let of_fault = |link: &mut BrokenLink| link.fault == fault;
        let BrokenLink { route, held, .. } =
            locked(&self.broken).extract_if(.., of_fault).next()?;
        let at_us = monotonic_us();
        let mut undoing = JoinSet::new();
        for held in held {
            undoing.spawn(held.undo());
        }
        let packets: Result<Vec<Option<u64>>, String> =
            undoing.join_all().await.into_iter().collect();
        let seen = packets
            .map(|packets| (monotonic_us(), packets.into_iter().sum()))
            .map_err(|reason| ActError::HostNetwork { route, reason });
        Some(Healed { at_us, seen })
    }

    /// Everything that is wrong with the links now: the fault's number and the link.
    pub(crate) fn faulty(&self) -> Vec<(u32, Route)> {
        locked(&self.broken).iter().map(|link| (link.fault, link.route)).collect()
    }

    /// Lets go of everything at once, for somebody who does not wait.
    pub(crate) fn let_go(&self) {
        locked(&self.broken).clear();
    }
}
