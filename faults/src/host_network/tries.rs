//! What the hosts of a run can do to their networks, found out by having them do it.
//!
//! The invariant: hosts that are as they were are asked once, so that every trial of a run breaks its links in the same way, and none
//! waits for an answer that is known.

use std::collections::BTreeMap;
use std::mem::discriminant;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::held::Held;
use super::layout::{Addresses, HostLayout};
use super::parts;
use super::spec::{Effect, Spec};
use crate::schedule::LinkFault;

/// How links of processes on hosts are broken.
#[derive(Clone, Debug, Default)]
pub enum HostLinks {
    /// There are no hosts, or no links are to be broken.
    #[default]
    None,
    /// In the hosts' own networks.
    InTheirNetworks(HostLayout),
    /// By relays, as on this machine, since a host cannot do it.
    ByRelays {
        /// Which, and why.
        reason: String,
    },
}

/// What hosts have been seen to do, or not to.
#[derive(Debug, Default)]
pub struct HostTries(Mutex<Vec<Tried>>);

/// Who was asked, for what, and what came of it.
#[derive(Debug)]
struct Tried {
    asked: Asked,
    done: Result<(), String>,
}

/// Hosts, as far as another answer may be expected of others.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// By the host's name.
    connect: BTreeMap<String, Vec<String>>,
    addresses: Addresses,
    effects: Vec<Effect>,
}

impl HostTries {
    /// How links of these processes can be broken. Unless these hosts have been asked before, each makes each of these faults and takes it
    /// back, to packets of a port that nobody uses, so that what it cannot do is known before a trial begins.
    pub async fn links(&self, layout: HostLayout, kinds: &[LinkFault]) -> HostLinks {
        let addresses = match layout.resolve().await {
            Ok(addresses) => addresses,
            Err(reason) => return HostLinks::ByRelays { reason },
        };
        let connect =
            layout.ways.iter().map(|(name, way)| (name.clone(), way.host.connect.clone()));
        let asked = Asked { connect: connect.collect(), addresses, effects: effects(kinds) };
        // Who comes meanwhile waits for the answer.
        let mut tries = self.0.lock().await;
        let known = tries.iter().find(|tried| tried.asked == asked).map(|tried| tried.done.clone());
        let done = match known {
            Some(done) => done,
            None => {
                let done = asked.ask(&layout).await;
                tries.push(Tried { asked, done: done.clone() });
                done
            }
        };
        match done {
            Ok(()) => HostLinks::InTheirNetworks(layout),
            Err(reason) => HostLinks::ByRelays { reason },
        }
    }
}

/// One of each kind: the same rules and the same kind of queue take the same.
fn effects(kinds: &[LinkFault]) -> Vec<Effect> {
    let mut effects: Vec<Effect> = Vec::new();
    for effect in kinds.iter().copied().map(Effect::of) {
        let is_alike = |known: &Effect| discriminant(known) == discriminant(&effect);
        if !effects.iter().any(is_alike) {
            effects.push(effect);
        }
    }
    effects
}

impl Asked {
    /// Has every host do everything, at the same time as the others.
    async fn ask(&self, layout: &HostLayout) -> Result<(), String> {
        for (name, of_host) in &self.addresses.hosts {
            if let Some(address) = of_host.iter().find(|address| address.is_loopback()) {
                return Err(format!("host {name} is this machine ({address})"));
            }
        }
        let mut trying = JoinSet::new();
        for (name, way) in &layout.ways {
            let spec = |effect: &Effect| Spec {
                token: "trial".to_owned(),
                fault: 0,
                effect: *effect,
                flows: parts::tried(&self.addresses, name, *effect),
            };
            let specs: Vec<Spec> = self.effects.iter().map(spec).collect();
            let (name, way) = (name.clone(), way.clone());
            trying.spawn(async move {
                for spec in specs {
                    let mut held = Held::prepare(name.clone(), &way, spec).await?;
                    held.apply().await?;
                    held.undo().await?;
                }
                Ok::<(), String>(())
            });
        }
        let mut reasons: Vec<String> =
            trying.join_all().await.into_iter().filter_map(Result::err).collect();
        reasons.sort_unstable();
        reasons.into_iter().next().map_or(Ok(()), Err)
    }
}
