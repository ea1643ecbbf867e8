//! What each host has to do for a fault of a link. Pure.
//!
//! A cut is made at one host, that of the end which the link names first: it drops what it sends and what it gets. What is
//! delayed or throttled waits where it is sent, since a queue holds what leaves a host and nothing else. Packets are lost where they arrive.
//!
//! Packets have addresses and ports and no names. Where a host has one process alone, whatever comes from its address is that
//! process's. Where it has several, packets count by the ports that the processes listen on; who of two clients on one host has sent
//! something to a third process cannot be told, so both are hit.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use records::{End, Processes, Route, Subject};

use super::layout::{Addresses, HostLayout, Placement};
use super::spec::{Effect, Flow, FlowWay, Peer, Ports};
use crate::process::ProcessName;
use crate::schedule::LinkFault;

/// Of TCP's multiplexer, which nobody has run for decades.
const UNUSED_PORT: u16 = 1;

/// What one host has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) host: String,
    pub(super) effect: Effect,
    pub(super) flows: Vec<Flow>,
}

/// A direction between two processes that are on hosts.
#[derive(Clone, Copy)]
struct Way<'a> {
    from: &'a Placement,
    to: &'a Placement,
}

/// The parts of a fault, at least one; or why it cannot be done.
pub(super) fn parts(
    layout: &HostLayout,
    addresses: &Addresses,
    processes: &Processes,
    route: Route,
    kind: LinkFault,
) -> Result<Vec<Part>, String> {
    let effect = Effect::of(kind);
    let parting = Parting { layout, addresses, effect };
    let flows = match route.with_clients() {
        Some(name) => parting.with_clients_of(name, route)?,
        None => parting.between(processes, route)?,
    };
    if flows.is_empty() {
        return Err("its ends are on one host, and no network is between them".to_owned());
    }
    let part = |(host, flows): (String, BTreeSet<Flow>)| Part {
        host,
        effect,
        flows: flows.into_iter().collect(),
    };
    Ok(flows.into_iter().map(part).collect())
}

/// What a host tries before a trial: the kinds of rules and queues that faults of an effect may take there, for packets of a port that
/// nobody uses.
pub(super) fn tried(addresses: &Addresses, host: &str, effect: Effect) -> Vec<Flow> {
    let mut flows = Vec::new();
    let mut add = |way, peer| {
        let ports = Some(Ports { here: [UNUSED_PORT].into(), ..Ports::default() });
        flows.push(Flow { way, peer, ports });
    };
    let others = addresses.hosts.iter().filter(|(name, _)| name.as_str() != host);
    for address in others.flat_map(|(_, addresses)| addresses) {
        add(FlowWay::Out, Peer::Address(*address));
    }
    let clients = Peer::AnybodyBut(addresses.hosts.values().flatten().copied().collect());
    if effect.is_of_a_queue() {
        // A queue for everybody is one on every interface, of which a fault may need none.
        if addresses.hosts.len() == 1 {
            add(FlowWay::Out, clients);
        }
    } else {
        add(FlowWay::In, clients);
    }
    flows
}

struct Parting<'a> {
    layout: &'a HostLayout,
    addresses: &'a Addresses,
    effect: Effect,
}

/// By the host that has them.
type Flows = BTreeMap<String, BTreeSet<Flow>>;

impl Parting<'_> {
    fn between(&self, processes: &Processes, route: Route) -> Result<Flows, String> {
        let first = Subject::from(route).names().next();
        let first = first.and_then(|name| self.layout.placed.get(&name));
        let first = first.ok_or("it names no process that is on a host")?;
        let mut flows = Flows::new();
        // Who drops what it sends itself knows at once that it was dropped; who is to wait for an answer must not.
        let is_lost = matches!(self.effect, Effect::Lose { .. });
        for way in self.ways(processes, route)? {
            let at_sender = self.effect.is_of_a_queue()
                || !is_lost && way.to.host != first.host && way.from.host == first.host;
            if self.effect.is_of_a_queue() && way.from.host == way.to.host {
                continue;
            }
            let (host, found) = self.flows(way, at_sender)?;
            flows.entry(host).or_default().extend(found);
        }
        Ok(flows)
    }

    /// Every direction that the link has.
    fn ways(&self, processes: &Processes, route: Route) -> Result<Vec<Way<'_>>, String> {
        let mut ways = Vec::new();
        for from in processes.names() {
            for to in processes.names().filter(|to| route.carries(from, *to, processes)) {
                let placed = |name: ProcessName| {
                    let placed = self.layout.placed.get(&name);
                    placed.ok_or_else(|| {
                        format!("{name} is on no host, and its packets are this machine's: give it a `host`, or name another end")
                    })
                };
                ways.push(Way { from: placed(from)?, to: placed(to)? });
            }
        }
        Ok(ways)
    }

    /// The packets of a direction, by each address that the other end has.
    fn flows(&self, way: Way<'_>, at_sender: bool) -> Result<(String, Vec<Flow>), String> {
        let Way { from, to } = way;
        let (here, there, way) =
            if at_sender { (from, to, FlowWay::Out) } else { (to, from, FlowWay::In) };
        // Where the harness is itself, its own connections have the same address.
        let is_alone = |placement: &Placement| {
            let is_ours = |address: &IpAddr| self.addresses.ours.contains(address);
            let mut addresses = self.addresses.hosts.get(&placement.host).into_iter().flatten();
            self.layout.is_alone(&placement.host) && !addresses.any(is_ours)
        };
        let are_alone = is_alone(here) && is_alone(there);
        let ports = Ports { here: here.ports.clone(), there: there.ports.clone() };
        if !are_alone && ports == Ports::default() {
            let (one, other) = (&here.host, &there.host);
            return Err(format!(
                "{one} or {other} has other processes too, and neither end `listens` on a port of the target's file by which \
                 its packets could be told from theirs"
            ));
        }
        let ports = (!are_alone).then_some(ports);
        let addresses = self.addresses.hosts.get(&there.host);
        let addresses = addresses.ok_or_else(|| format!("there is no host {}", there.host))?;
        let flow =
            |address: &IpAddr| Flow { way, peer: Peer::Address(*address), ports: ports.clone() };
        Ok((here.host.clone(), addresses.iter().map(flow).collect()))
    }

    /// Clients are whoever is on none of the hosts, so their packets are told by the process's own ports; the way by which the
    /// harness itself reaches the host is never among them.
    fn with_clients_of(&self, name: ProcessName, route: Route) -> Result<Flows, String> {
        let placed = self.layout.placed.get(&name);
        let Placement { host, ports } = placed.ok_or_else(|| format!("{name} is on no host"))?;
        if ports.is_empty() {
            return Err(format!("{name} `listens` on no port of the target's file"));
        }
        let comes = route.both_ways || route.from == End::Clients;
        let goes = route.both_ways || route.to == End::Clients;
        if comes && self.effect.is_of_a_queue() {
            return Err(format!(
                "clients are on no host that could hold back what they send: write {name} -> clients"
            ));
        }
        let mut shared = self.layout.load.iter();
        if let Some(host) = shared.find(|host| self.layout.ways.contains_key(*host)) {
            return Err(format!(
                "clients are on {host} (load.from), and so are processes: whose packets its are cannot be told, so let the load \
                 come from hosts without processes"
            ));
        }
        let hosts = self.addresses.hosts.values().flatten().copied().collect::<BTreeSet<_>>();
        let peer = Peer::AnybodyBut(hosts.into_iter().collect());
        let ports = Ports { here: ports.clone(), there: BTreeSet::new() };
        let ways = [(comes, FlowWay::In), (goes, FlowWay::Out)].into_iter();
        let flows = ways.filter(|(is, _)| *is).map(|(_, way)| Flow {
            way,
            peer: peer.clone(),
            ports: Some(ports.clone()),
        });
        Ok([(host.clone(), flows.collect())].into())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use records::{Subject, built_in};
    use supervisor::host::Host;

    use super::super::layout::Way as HostWay;
    use super::*;
    use crate::schedule::CutMode;

    const CUT: LinkFault = LinkFault::Cut(CutMode::Silent);
    const DELAY: LinkFault = LinkFault::Delay(Duration::from_millis(30));

    /// Each process of the bazaar on a host of its own, but for those that are said to be elsewhere.
    fn layout(elsewhere: &[(&str, &str)]) -> HostLayout {
        let mut layout = HostLayout::default();
        for (number, name) in (1..).zip(built_in::processes(3).names()) {
            let other = elsewhere.iter().find(|(one, _)| *one == name.as_str());
            let host = other.map_or_else(|| format!("n{number}"), |(_, host)| (*host).to_owned());
            let ports = [7000 + number].into();
            if host != "here" {
                layout.placed.insert(name, Placement { host, ports });
            }
            let host = Host { connect: vec!["env".into()], address: format!("10.0.0.{number}") };
            layout.ways.insert(format!("n{number}"), HostWay { host, holder: vec![] });
        }
        layout
    }

    fn addresses(layout: &HostLayout) -> BTreeMap<String, BTreeSet<IpAddr>> {
        let parsed = |way: &HostWay| [way.host.address.parse().unwrap()].into();
        layout.ways.iter().map(|(name, way)| (name.clone(), parsed(way))).collect()
    }

    fn told(
        elsewhere: &[(&str, &str)],
        route: &str,
        kind: LinkFault,
    ) -> Result<Vec<String>, String> {
        told_from("10.0.0.254", elsewhere, route, kind)
    }

    /// The same for a harness with this address.
    fn told_from(
        ours: &str,
        elsewhere: &[(&str, &str)],
        route: &str,
        kind: LinkFault,
    ) -> Result<Vec<String>, String> {
        let layout = layout(elsewhere);
        let route = route.parse::<Subject>().unwrap().link().unwrap();
        let addresses =
            Addresses { hosts: addresses(&layout), ours: [ours.parse().unwrap()].into() };
        let parts = parts(&layout, &addresses, &built_in::processes(3), route, kind)?;
        let line = |part: &Part| {
            part.flows
                .iter()
                .map(|flow| {
                    let peer = match &flow.peer {
                        Peer::Address(address) => address.to_string(),
                        Peer::AnybodyBut(all) => format!("all but {}", all.len()),
                    };
                    let ports = flow
                        .ports
                        .as_ref()
                        .map(|ports| format!(" {:?} {:?}", ports.here, ports.there));
                    format!("{} {:?} {peer}{}", part.host, flow.way, ports.unwrap_or_default())
                })
                .collect::<Vec<_>>()
        };
        Ok(parts.iter().flat_map(line).collect())
    }

    /// The host and the number of a process.
    fn number(name: &str) -> usize {
        let mut names = built_in::processes(3)
            .names()
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
            .into_iter();
        names.position(|one| one == name).unwrap() + 1
    }

    #[test]
    fn a_cut_is_made_at_the_host_of_the_first_end_by_the_address_of_the_other() {
        let (one, three) = (number("order-1"), number("order-3"));
        let both = [format!("n{three} In 10.0.0.{one}"), format!("n{three} Out 10.0.0.{one}")];
        assert_eq!(told(&[], "order-3 <-> order-1", CUT).unwrap(), both);
        assert_eq!(told(&[], "order-3 -> order-1", CUT).unwrap(), both[1..]);
        let only_in = format!("n{three} In 10.0.0.{one}");
        assert_eq!(
            told(&[], "order-1 -> order-3", CUT).unwrap(),
            [format!("n{one} Out 10.0.0.{three}")]
        );
        assert!(told(&[], "any -> order-3", CUT).unwrap().contains(&only_in));
    }

    #[test]
    fn a_host_tries_what_faults_of_links_with_hosts_and_with_clients_take() {
        let addresses = Addresses { hosts: addresses(&layout(&[])), ours: BTreeSet::new() };
        let is_clients = |flow: &Flow| matches!(flow.peer, Peer::AnybodyBut(_));
        let cut = tried(&addresses, "n1", Effect::Drop);
        assert_eq!(cut.len(), 5, "the four other hosts, and clients");
        assert!(cut.iter().any(|flow| flow.way == FlowWay::In && is_clients(flow)));
        let delayed = tried(&addresses, "n1", Effect::Delay { ms: 5 });
        assert!(delayed.len() == 4 && !delayed.iter().any(is_clients));
    }

    #[test]
    fn a_host_is_met_at_every_address_that_its_name_leads_to() {
        let layout = layout(&[]);
        let mut hosts = addresses(&layout);
        let one = hosts.get_mut(&format!("n{}", number("order-1"))).unwrap();
        one.insert("fd00::1".parse().unwrap());
        let both = one.iter().copied().map(Peer::Address).collect::<Vec<_>>();
        let addresses = Addresses { hosts, ours: BTreeSet::new() };
        let route = "order-3 -> order-1".parse::<Subject>().unwrap().link().unwrap();
        let parts = super::parts(&layout, &addresses, &built_in::processes(3), route, CUT).unwrap();
        let peers: Vec<&Peer> = parts[0].flows.iter().map(|flow| &flow.peer).collect();
        assert_eq!(peers, both.iter().collect::<Vec<_>>());
        let route = "order-3 <-> clients".parse::<Subject>().unwrap().link().unwrap();
        let parts = super::parts(&layout, &addresses, &built_in::processes(3), route, CUT).unwrap();
        let Peer::AnybodyBut(hosts) = &parts[0].flows[0].peer else { panic!("{parts:?}") };
        assert_eq!(hosts.len(), 6, "five hosts, and one of them twice");
    }

    #[test]
    fn a_cut_from_the_replicas_names_no_other_process() {
        let leader = number("order-3");
        let told = told(&[], "order-3 <-> replicas", CUT).unwrap();
        let mut expected = Vec::new();
        for way in ["In", "Out"] {
            for other in ["order-1", "order-2"] {
                expected.push(format!("n{leader} {way} 10.0.0.{}", number(other)));
            }
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn what_waits_in_a_queue_waits_where_it_is_sent() {
        let (one, three) = (number("order-1"), number("order-3"));
        let mut both =
            vec![format!("n{one} Out 10.0.0.{three}"), format!("n{three} Out 10.0.0.{one}")];
        both.sort();
        assert_eq!(told(&[], "order-3 <-> order-1", DELAY).unwrap(), both);
        let rate = LinkFault::Throttle(NonZeroU64::MIN);
        assert_eq!(
            told(&[], "order-1 -> order-3", rate).unwrap(),
            [format!("n{one} Out 10.0.0.{three}")]
        );
        let all = told(&[], "order-3 <-> any", DELAY).unwrap();
        assert_eq!(all.len(), 8, "{all:?}");
    }

    #[test]
    fn packets_are_lost_where_they_arrive() {
        let (one, three) = (number("order-1"), number("order-3"));
        let lost = LinkFault::Lose(crate::schedule::Percent::DEFAULT);
        let told = told(&[], "order-3 -> order-1", lost).unwrap();
        assert_eq!(told, [format!("n{one} In 10.0.0.{three}")]);
    }

    #[test]
    fn where_hosts_are_shared_ports_tell_whose_packets_they_are() {
        let shared = [("order-1", "n1"), ("order-2", "n1")];
        let told = told(&shared, "order-1 <-> order-3", CUT).unwrap();
        let (one, three) = (7000 + number("order-1"), number("order-3"));
        let ports = format!("{{{one}}} {{{}}}", 7000 + three);
        let expected = ["In", "Out"].map(|way| format!("n1 {way} 10.0.0.{three} {ports}"));
        assert_eq!(told, expected);
    }

    #[test]
    fn where_the_harness_is_itself_ports_keep_its_own_connections_whole() {
        let (one, three) = (number("order-1"), number("order-3"));
        let ours = format!("10.0.0.{one}");
        let told = told_from(&ours, &[], "order-3 -> order-1", CUT).unwrap();
        let ports = format!("{{{}}} {{{}}}", 7000 + three, 7000 + one);
        assert_eq!(told, [format!("n{three} Out 10.0.0.{one} {ports}")]);
    }

    #[test]
    fn clients_are_whoever_is_on_no_host_and_meet_the_ports_of_the_process_alone() {
        let (host, port) = (number("order-3"), 7000 + number("order-3"));
        let both = ["In", "Out"].map(|way| format!("n{host} {way} all but 5 {{{port}}} {{}}"));
        assert_eq!(told(&[], "order-3 <-> clients", CUT).unwrap(), both);
        assert_eq!(told(&[], "clients -> order-3", CUT).unwrap(), both[..1]);
        assert_eq!(told(&[], "order-3 -> clients", DELAY).unwrap(), both[1..]);
        let refused = told(&[], "order-3 <-> clients", DELAY).unwrap_err();
        assert!(refused.ends_with("write order-3 -> clients"), "{refused}");
    }

    #[test]
    fn clients_on_a_host_with_a_process_are_not_told_from_it_by_its_address() {
        let mut layout = layout(&[]);
        layout.load.insert("n1".to_owned());
        let at_first = layout.placed.iter().find(|(_, placement)| placement.host == "n1");
        let first = *at_first.unwrap().0;
        let addresses = Addresses { hosts: addresses(&layout), ours: BTreeSet::new() };
        let processes = built_in::processes(3);
        let parts = |route: &str| {
            let route = route.parse::<Subject>().unwrap().link().unwrap();
            super::parts(&layout, &addresses, &processes, route, CUT)
        };
        let with_first = parts(&format!("{first} <-> order-3")).unwrap();
        assert!(with_first.iter().flat_map(|part| &part.flows).all(|flow| flow.ports.is_some()));
        let others = parts("order-2 <-> order-3").unwrap();
        assert!(others.iter().flat_map(|part| &part.flows).all(|flow| flow.ports.is_none()));
        let refused = parts("order-1 <-> clients").unwrap_err();
        assert!(refused.starts_with("clients are on n1 (load.from)"), "{refused}");
    }

    #[test]
    fn what_cannot_be_told_from_others_is_refused_with_the_reason() {
        let here = [("catalog", "here")];
        let refused = told(&here, "order-3 <-> any", CUT).unwrap_err();
        assert!(refused.starts_with("catalog is on no host"), "{refused}");
        assert!(told(&here, "order-3 <-> replicas", CUT).is_ok());
        let together = [("order-1", "n1"), ("order-2", "n1")];
        let refused = told(&together, "order-1 <-> order-2", DELAY).unwrap_err();
        assert!(refused.contains("on one host"), "{refused}");
        assert_eq!(told(&together, "order-1 -> order-2", CUT).unwrap().len(), 1);
    }
}
