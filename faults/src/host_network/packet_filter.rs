//! What a host's packet filter does with the packets of a fault: a table of its own, through `nft`.
//!
//! Each rule counts, so that it is known afterwards whether anybody has met the fault. Chains come before all others (priority
//! -300), so that no rule of the host's own has accepted anything yet: a packet that one table accepts the next may still drop.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use super::names::TableName;
use super::queue;
use super::spec::{Effect, Flow, FlowWay, Peer, Ports, Spec};
use super::tool;

/// Every table that a holder has made in this network namespace.
pub(super) async fn tables() -> Result<Vec<TableName>, String> {
    let listed = tool::run("nft", &["list", "tables", "inet"], None).await?;
    let names = listed.lines().filter_map(|line| line.trim().strip_prefix("table inet "));
    Ok(names.filter_map(|name| name.trim().parse().ok()).collect())
}

/// Makes an empty table, which does nothing.
pub(super) async fn create(name: &TableName) -> Result<(), String> {
    tool::run("nft", &["add", "table", "inet", &name.to_string()], None).await.map(drop)
}

/// Has a table do what is meant, all at once, and sees that it is there.
pub(super) async fn apply(name: &TableName, spec: &Spec) -> Result<(), String> {
    tool::run("nft", &["-f", "-"], Some(&rules(name, spec))).await?;
    let listed = list(name).await?;
    let expected = expected_rules(spec);
    match listed.matches("counter packets").count() {
        count if count == expected => Ok(()),
        count => Err(format!(
            "the packet filter has {count} rules of the fault, and should have {expected}"
        )),
    }
}

/// Removes a table, and returns how many packets it has met; nothing if it is not there.
pub(super) async fn remove(name: &TableName) -> Result<Option<u64>, String> {
    if !tables().await?.contains(name) {
        return Ok(None);
    }
    let met = packets(&list(name).await?);
    tool::run("nft", &["delete", "table", "inet", &name.to_string()], None).await?;
    match tables().await?.contains(name) {
        true => Err(format!("the table {name} is still there")),
        false => Ok(Some(met)),
    }
}

async fn list(name: &TableName) -> Result<String, String> {
    tool::run("nft", &["list", "table", "inet", &name.to_string()], None).await
}

/// The sum of all counters.
fn packets(listed: &str) -> u64 {
    let counts = listed.split("counter packets ").skip(1);
    counts.filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).sum()
}

/// What a rule does with what it matches.
fn verdicts(spec: &Spec, class: u16) -> Vec<(&'static str, String)> {
    let (any, tcp) = ("", "meta l4proto tcp ");
    match spec.effect {
        Effect::Drop => vec![(any, "counter drop".to_owned())],
        // Only connections can be reset; the rest is dropped.
        Effect::Reset => {
            vec![
                (tcp, "counter reject with tcp reset".to_owned()),
                (any, "counter drop".to_owned()),
            ]
        }
        Effect::Lose { percent } => {
            vec![(any, format!("numgen random mod 100 < {percent} counter drop"))]
        }
        Effect::Delay { .. } | Effect::Rate { .. } | Effect::Duplicate { .. } => {
            vec![(any, format!("meta priority set {} counter", queue::class_id(class)))]
        }
    }
}

fn expected_rules(spec: &Spec) -> usize {
    let matches: usize = spec.flows.iter().map(|flow| matches(flow).len()).sum();
    matches * verdicts(spec, 0).len()
}

/// The rules, in the language of `nft`.
fn rules(name: &TableName, spec: &Spec) -> String {
    let mut text = format!("table inet {name} {{\n");
    for (way, chain) in [(FlowWay::In, "input"), (FlowWay::Out, "output")] {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "  chain {chain} {{\n    type filter hook {chain} priority -300; policy accept;"
        );
        let flows = spec.flows.iter().filter(|flow| flow.way == way);
        for matched in flows.flat_map(matches) {
            for (protocol, verdict) in verdicts(spec, name.class) {
                let _ = writeln!(text, "    {matched}{protocol}{verdict}");
            }
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

/// What the rules of a flow match: each its own part of the packets.
fn matches(flow: &Flow) -> Vec<String> {
    let (here, there) = match flow.way {
        FlowWay::In => ("dport", "sport"),
        FlowWay::Out => ("sport", "dport"),
    };
    let peers = peers(flow);
    let Some(Ports { here: own, there: others }) = &flow.ports else { return peers };
    let of = |peer: &str, side: &str, ports: &BTreeSet<u16>| {
        (!ports.is_empty()).then(|| {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!("{peer}meta l4proto {{ tcp, udp }} th {side} {{ {} }} ", ports.join(", "))
        })
    };
    let of = |peer: &String| [of(peer, here, own), of(peer, there, others)];
    peers.iter().flat_map(of).flatten().collect()
}

/// Who else, each in a rule of its own: a packet has one family, and `nft` takes no rule that asks for addresses of both.
fn peers(flow: &Flow) -> Vec<String> {
    let (end, interface) = match flow.way {
        FlowWay::In => ("saddr", "iifname"),
        FlowWay::Out => ("daddr", "oifname"),
    };
    match &flow.peer {
        Peer::Address(address @ IpAddr::V4(_)) => vec![format!("ip {end} {address} ")],
        Peer::Address(address @ IpAddr::V6(_)) => vec![format!("ip6 {end} {address} ")],
        Peer::AnybodyBut(others) => {
            let (four, six): (Vec<&IpAddr>, Vec<&IpAddr>) =
                others.iter().partition(|one| one.is_ipv4());
            let of = |(protocol, family, addresses): (&str, &str, Vec<&IpAddr>)| {
                let list: Vec<String> = addresses.iter().map(|one| one.to_string()).collect();
                // A match of addresses is one of their family as well. A family of which no host has an address is all strangers'.
                let but = match list.is_empty() {
                    true => format!("meta nfproto {protocol} "),
                    false => format!("{family} {end} != {{ {} }} ", list.join(", ")),
                };
                format!("{interface} != \"lo\" {but}")
            };
            [("ipv4", "ip", four), ("ipv6", "ip6", six)].map(of).to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(way: FlowWay, peer: Peer, ports: Option<Ports>) -> Flow {
        Flow { way, peer, ports }
    }

    fn text(effect: Effect, flows: Vec<Flow>) -> Vec<String> {
        let spec = Spec { token: "a".to_owned(), fault: 1, effect, flows };
        let name = TableName::of_this_process("a", 1, 0x1f).unwrap();
        let rules = rules(&name, &spec);
        assert!(rules.starts_with(&format!("table inet {name} {{\n  chain input {{\n")), "{rules}");
        let lines: Vec<String> = rules
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("counter"))
            .map(str::to_owned)
            .collect();
        assert_eq!(lines.len(), expected_rules(&spec));
        lines
    }

    fn address(text: &str) -> Peer {
        Peer::Address(text.parse().unwrap())
    }

    #[test]
    fn a_cut_drops_by_address_and_a_reset_tells_the_sender_of_a_connection() {
        let both = vec![
            flow(FlowWay::In, address("10.0.0.1"), None),
            flow(FlowWay::Out, address("fd00::1"), None),
        ];
        let dropped = ["ip saddr 10.0.0.1 counter drop", "ip6 daddr fd00::1 counter drop"];
        assert_eq!(text(Effect::Drop, both.clone()), dropped);
        let reset = text(Effect::Reset, both);
        assert_eq!(reset[0], "ip saddr 10.0.0.1 meta l4proto tcp counter reject with tcp reset");
        assert_eq!((reset[1].as_str(), reset.len()), (dropped[0], 4));
    }

    #[test]
    fn ports_are_those_of_a_connection_to_here_or_to_there() {
        let ports = Ports { here: [80, 81].into(), there: [90].into() };
        let lines =
            text(Effect::Drop, vec![flow(FlowWay::In, address("10.0.0.1"), Some(ports.clone()))]);
        let expected = [
            "ip saddr 10.0.0.1 meta l4proto { tcp, udp } th dport { 80, 81 } counter drop",
            "ip saddr 10.0.0.1 meta l4proto { tcp, udp } th sport { 90 } counter drop",
        ];
        assert_eq!(lines, expected);
        let lines = text(Effect::Drop, vec![flow(FlowWay::Out, address("10.0.0.1"), Some(ports))]);
        assert!(lines[0].contains("th sport { 80, 81 }") && lines[1].contains("th dport { 90 }"));
    }

    #[test]
    fn clients_are_everybody_but_the_hosts_and_the_host_itself() {
        let hosts = ["10.0.0.1", "10.0.0.2"].map(|one| one.parse().unwrap()).to_vec();
        let ports = Some(Ports { here: [80].into(), there: BTreeSet::new() });
        let lines = text(Effect::Drop, vec![flow(FlowWay::In, Peer::AnybodyBut(hosts), ports)]);
        let expected = [
            "iifname != \"lo\" ip saddr != { 10.0.0.1, 10.0.0.2 } meta l4proto { tcp, udp } th dport { 80 } counter drop",
            "iifname != \"lo\" meta nfproto ipv6 meta l4proto { tcp, udp } th dport { 80 } counter drop",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn hosts_of_both_families_have_a_rule_each_since_no_packet_has_both() {
        let hosts = ["10.0.0.1", "fd00::1", "10.0.0.2"].map(|one| one.parse().unwrap()).to_vec();
        let lines = text(Effect::Drop, vec![flow(FlowWay::Out, Peer::AnybodyBut(hosts), None)]);
        let expected = [
            "oifname != \"lo\" ip daddr != { 10.0.0.1, 10.0.0.2 } counter drop",
            "oifname != \"lo\" ip6 daddr != { fd00::1 } counter drop",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_waits_is_sent_to_its_class_of_the_queue() {
        let lines =
            text(Effect::Delay { ms: 5 }, vec![flow(FlowWay::Out, address("10.0.0.1"), None)]);
        assert_eq!(lines, ["ip daddr 10.0.0.1 meta priority set d700:1f counter"]);
    }

    #[test]
    fn what_is_lost_is_drawn_packet_by_packet() {
        let flows = vec![flow(FlowWay::In, address("10.0.0.1"), None)];
        let lines = text(Effect::Lose { percent: 7 }, flows);
        assert_eq!(lines, ["ip saddr 10.0.0.1 numgen random mod 100 < 7 counter drop"]);
    }

    #[test]
    fn packets_are_the_sum_of_all_counters() {
        let listed = "table inet x {\n ip saddr 10.0.0.1 counter packets 3 bytes 180 drop\n counter packets 4 bytes 9\n}";
        assert_eq!((packets(listed), packets("table inet x {}")), (7, 0));
    }
}
