//! The relays of a target whose links are broken: each stands between a process that is told a port and the one that `listens` there.
//!
//! Who is told a port in its command or environment is told a relay's instead, and nobody else is: the process itself, its
//! probe, clients, and what is rendered once for all (files, set-up) have the real one. So a relay is there only where a file
//! hands a port over, and whether it does is tried: with another number another command is made.
//!
//! Between hosts it is their own network that is broken, unless a host cannot do that: then their links go through relays on this
//! machine, and who is told another's port is told this machine's address as well, as it is seen from there.
//!
//! The invariant: of two processes each has its own relay, or a cut between two would be one of others as well.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::Context;
use faults::host_network::own_address_towards;
use faults::ports::{Reservation, choose_more};
use faults::relay::Relay;
use results::records::ProcessName;
use targets::target::{Target, Variant};
use targets::template::Setting;

use super::needed;
use super::programs::Words;

/// No port of a trial has this number.
const OTHER: u16 = 0;

/// A port that a process is told, and that another one listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HandedOver {
    from: ProcessName,
    to: ProcessName,
    port: String,
}

/// What a process is told of others.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Ports by their names.
    ports: BTreeMap<String, u16>,
    /// Where processes are reached, by theirs.
    addresses: BTreeMap<String, String>,
}

/// The relays of one trial.
#[derive(Debug)]
pub(crate) struct Relays {
    list: Vec<Relay>,
    /// What each process is told instead of what is real.
    told: BTreeMap<ProcessName, Told>,
    _reservation: Reservation,
}

impl Relays {
    /// Chooses where they listen. `across_hosts`: those between hosts, too.
    ///
    /// # Errors
    /// Too few ports are free, or this machine does not reach a host.
    pub(super) fn choose(
        target: &Target,
        variant: Option<&Variant>,
        setting: &Setting,
        ports: &BTreeMap<String, u16>,
        across_hosts: bool,
    ) -> anyhow::Result<Self> {
        let handed = handed_over(target, variant, setting).into_iter();
        let handed: Vec<_> =
            handed.filter(|one| across_hosts || !one.is_of_hosts(target)).collect();
        // Some more: a port that has a number in the file is not reserved, and may be among them.
        let (addresses, reservation) =
            choose_more(handed.len() + ports.len()).context("no ports can be chosen for relays")?;
        let is_another = |address: &SocketAddr| !ports.values().any(|one| *one == address.port());
        let mut addresses = addresses.into_iter().filter(is_another);
        let real = target.addresses();
        let (mut list, mut told) = (Vec::new(), BTreeMap::<_, Told>::new());
        for HandedOver { from, to, port } in handed {
            let (Some(number), Some(address)) = (ports.get(&port), addresses.next()) else {
                continue;
            };
            let reached = resolved(&real, to, *number)?;
            let own = own_address_towards(resolved(&real, from, *number)?)
                .with_context(|| format!("no relay can stand between {from} and {to}"))?;
            let address = SocketAddr::new(own, address.port());
            list.push(Relay { from, to, address, target: reached });
            let told = told.entry(from).or_default();
            told.ports.insert(port, address.port());
            if told.addresses.is_empty() {
                told.addresses.clone_from(&real);
            }
            told.addresses.insert(to.to_string(), own.to_string());
        }
        Ok(Self { list, told, _reservation: reservation })
    }

    /// All of them.
    pub(super) fn list(&self) -> &[Relay] {
        &self.list
    }

    /// What a process is told.
    pub(super) fn told_to(&self, process: &str, setting: &Setting) -> Setting {
        let name = process.parse::<ProcessName>().ok();
        match name.and_then(|name| self.told.get(&name)) {
            Some(Told { ports, addresses }) => {
                setting.with_ports(ports).with_addresses(addresses.clone())
            }
            None => setting.clone(),
        }
    }
}

/// Every two processes of a target whose link can be broken: those between which a relay can stand, for one is told the other's port, and
/// those on different hosts, whose network can be.
pub(crate) fn links(target: &Target, variant: Option<&Variant>) -> Vec<[ProcessName; 2]> {
    let ports = target.ports.keys().cloned().zip(1..).collect();
    let handed = handed_over(target, variant, &needed::setting(target, ports));
    let mut links: Vec<_> = handed.iter().map(|one| [one.from, one.to]).collect();
    links.dedup();
    for link in between_hosts(target) {
        if !links.contains(&link) {
            links.push(link);
        }
    }
    links
}

fn between_hosts(target: &Target) -> impl Iterator<Item = [ProcessName; 2]> {
    let placed = target.processes.iter().filter_map(|process| {
        Some((process.name.parse::<ProcessName>().ok()?, process.host.as_ref()?))
    });
    let placed: Vec<_> = placed.collect();
    placed.clone().into_iter().flat_map(move |from| {
        placed.clone().into_iter().filter(move |to| from.1 != to.1).map(move |to| [from.0, to.0])
    })
}

impl HandedOver {
    /// Whether one of the two is on a host.
    fn is_of_hosts(&self, target: &Target) -> bool {
        let on_host = |name: ProcessName| target.process(name.as_str())?.host.as_ref();
        [self.from, self.to].into_iter().any(|name| on_host(name).is_some())
    }
}

/// Where a process listens on a port.
pub(super) fn resolved(
    addresses: &BTreeMap<String, String>,
    process: ProcessName,
    port: u16,
) -> anyhow::Result<SocketAddr> {
    let host = addresses.get(process.as_str()).map_or("127.0.0.1", String::as_str);
    let why = || format!("{host} is no address that is known here");
    let mut found = (host, port).to_socket_addrs().with_context(why)?;
    found.next().with_context(why)
}

fn handed_over(target: &Target, variant: Option<&Variant>, setting: &Setting) -> Vec<HandedOver> {
    let is_here = |name: ProcessName| {
        target.process(name.as_str()).is_none_or(|process| process.host.is_none())
    };
    let owned = target.processes.iter().flat_map(|owner| {
        let to = owner.name.parse::<ProcessName>().ok();
        owner.listens.iter().filter_map(move |port| Some((to?, port)))
    });
    let owned: Vec<_> = owned.collect();
    let mut handed = Vec::new();
    for process in &target.processes {
        let Ok(from) = process.name.parse::<ProcessName>() else { continue };
        // What cannot be rendered is told at the start.
        let Ok(base) = Words::of(process, variant, setting) else { continue };
        // Nobody on a host reaches what listens on the loopback address here.
        let reached = |to: ProcessName| to != from && (is_here(from) || !is_here(to));
        for (to, port) in owned.iter().filter(|(to, _)| reached(*to)) {
            let other = setting.with_ports(&[((*port).clone(), OTHER)].into());
            if Words::of(process, variant, &other).is_ok_and(|other| other != base) {
                handed.push(HandedOver { from, to: *to, port: (*port).clone() });
            }
        }
    }
    handed
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Target {
        let read = targets::read_text(text, Path::new("x.toml"), 3);
        read.unwrap_or_else(|problems| panic!("{problems}"))
    }

    const SHOP: &str = "name = 'x'\n[ports]\nfront = 'free'\nmanage = 'free'\n'kv-{{ n }}' = { n = [1, 2], port = 'free' }\n\
        [processes.front]\ncommand = 'front {{ port.front }}'\nlistens = ['front']\n\
        environment = { STORES = \"{{ port['kv-1'] }},{{ port['kv-2'] }}\", MANAGE = '{{ port.manage }}' }\n\
        [processes.'kv-{{ n }}']\nn = [1, 2]\nlistens = ['kv-{{ n }}']\n\
        command = \"kv {{ n }} {% for id in [1, 2] %} {{ port['kv-' ~ id] }} {% endfor %}\"\n\
        readiness_probe = { tcp = '127.0.0.1:{{ port.front }}' }\n";

    fn names(links: &[[ProcessName; 2]]) -> Vec<String> {
        links.iter().map(|[from, to]| format!("{from} to {to}")).collect()
    }

    #[test]
    fn relays_stand_where_a_command_or_an_environment_hands_over_a_port_that_another_one_listens_on()
     {
        let links = links(&read(SHOP), None);
        let expected = ["front to kv-1", "front to kv-2", "kv-1 to kv-2", "kv-2 to kv-1"];
        assert_eq!(names(&links), expected);
    }

    #[test]
    fn what_a_variant_and_a_restart_hand_over_counts_as_well() {
        let text = format!(
            "{SHOP}restart = {{ args = ['{{{{ port.front }}}}'] }}\n[variants.far.front]\ncommand = 'front'\n\
             environment = {{ STORES = '' }}\n"
        );
        let target = read(&text);
        let kept = names(&links(&target, None));
        assert!(kept.contains(&"kv-1 to front".to_owned()), "{kept:?}");
        let far = names(&links(&target, target.variant("far")));
        assert!(!far.iter().any(|link| link.starts_with("front to")), "{far:?}");
    }

    #[test]
    fn the_network_between_two_hosts_can_be_broken_whoever_is_told_what() {
        let target = read(
            "name = 'x'\n[hosts.n1]\nconnect = ['ssh', 'n1']\naddress = '10.0.0.1'\n[hosts.n2]\nconnect = ['ssh', 'n2']\n\
             address = '10.0.0.2'\n[processes.a]\ncommand = 'a'\nhost = 'n1'\n[processes.b]\ncommand = 'b'\nhost = 'n2'\n\
             [processes.c]\ncommand = 'c'\nhost = 'n2'\n[processes.d]\ncommand = 'd'\n",
        );
        assert_eq!(names(&links(&target, None)), ["a to b", "a to c", "b to a", "c to a"]);
    }

    #[test]
    fn nothing_that_listens_on_no_named_port_has_relays() {
        assert!(links(&read(&SHOP.replace("listens", "# listens")), None).is_empty());
    }

    #[test]
    fn each_of_two_processes_is_told_a_relay_of_its_own_and_its_own_port() {
        let target = read(SHOP);
        let ports: BTreeMap<String, u16> = target.ports.keys().cloned().zip(1..).collect();
        let setting = needed::setting(&target, ports.clone());
        let relays = Relays::choose(&target, None, &setting, &ports, false).unwrap();
        let mut seen: Vec<u16> = relays.list().iter().map(|relay| relay.address.port()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4);
        let words = |name: &str| {
            let process = target.process(name).unwrap();
            Words::of(process, None, &relays.told_to(name, &setting)).unwrap()
        };
        let [own, other] = ["kv-1", "kv-2"].map(|port| ports[port].to_string());
        let command = words("kv-1").command;
        assert!(command.contains(&own) && !command.contains(&other), "{command:?}");
        let environment = words("front").environment;
        assert_eq!(environment["MANAGE"], ports["manage"].to_string());
        assert!(!environment["STORES"].contains(&format!("{own},{other}")), "{environment:?}");
    }
}
