//! Where packets of a fault wait: a class of a host's queue with a `tbf` (a rate) or a `netem` (a delay, or packets that leave
//! twice) in it, through `tc`.
//!
//! An interface's own queue is replaced by one with classes (`htb`), in which all goes on as before but for the packets that the
//! packet filter has sent to a class. Faults share it, each has a class, and the last one that goes takes it along; then the
//! interface has again what the kernel gives it. A queue that somebody has set up by hand is never replaced.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::spec::{Effect, Peer, Spec};
use super::tool;

/// The handle of the queue, which is the sign that it is ours.
const HANDLE: &str = "d700:";
/// The handle of a queue that the kernel made by itself.
const OF_THE_KERNEL: &str = "0:";
/// A class passes whatever comes, and what is in it holds it back: faster than any interface.
const UNBOUNDED: &str = "32gbit";
/// How many packets of a delay can wait: a second of a gigabit's small ones.
const DELAYED_PACKETS: &str = "100000";
/// How many bytes can wait for a rate, as in a router; senders go slower once more would.
const WAITING_BYTES: u64 = 256 * 1024;
/// What may leave at once, in bytes: two of the largest packets of an Ethernet, or a hundredth of a second.
const LEAST_BURST_BYTES: u64 = 3_200;

/// A queue, as `tc -j qdisc show` tells of it.
#[derive(Debug, Deserialize)]
struct Queue {
    kind: String,
    handle: String,
    #[serde(default)]
    dev: String,
    #[serde(default)]
    root: bool,
}

#[derive(Debug, Deserialize)]
struct RouteTo {
    dev: String,
}

#[derive(Debug, Deserialize)]
struct Interface {
    ifname: String,
    link_type: String,
}

/// A class, as `tc` and `nft` call it.
pub(super) fn class_id(class: u16) -> String {
    format!("{HANDLE}{class:x}")
}

/// Makes a class on every interface over which packets of the fault leave. Nothing waits in it before a packet is sent there.
pub(super) async fn add(class: u16, spec: &Spec) -> Result<(), String> {
    let class = class_id(class);
    let (queues, inside) = (queues().await?, inside(spec.effect));
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    for device in devices(spec).await? {
        make_ours(&device, &queues).await?;
        let make = ["class", "add", "dev", &device, "parent", HANDLE, "classid", &class];
        let kind = ["htb", "rate", UNBOUNDED, "quantum", "60000"];
        tc(&[&make[..], &kind[..]].concat()).await?;
        let make = ["qdisc", "add", "dev", &device, "parent", &class];
        tc(&[&make[..], &inside[..]].concat()).await?;
    }
    Ok(())
}

/// Removes a class wherever it is, and the queue where it was the last.
pub(super) async fn remove(class: u16) -> Result<(), String> {
    let class = class_id(class);
    let queues = queues().await?;
    for Queue { dev, .. } in queues.iter().filter(|queue| queue.root && queue.handle == HANDLE) {
        if classes(dev).await?.contains(&class) {
            tc(&["class", "del", "dev", dev, "classid", &class]).await?;
        }
        if classes(dev).await?.is_empty() {
            tc(&["qdisc", "del", "dev", dev, "root", "handle", HANDLE]).await?;
        }
    }
    Ok(())
}

/// What is in the class.
fn inside(effect: Effect) -> Vec<String> {
    let words = match effect {
        Effect::Rate { bytes_per_s } => {
            let burst = LEAST_BURST_BYTES.max(bytes_per_s / 100);
            let rate = bytes_per_s.saturating_mul(8);
            format!("tbf rate {rate}bit burst {burst}b limit {}b", WAITING_BYTES.max(burst))
        }
        Effect::Delay { ms } => format!("netem delay {ms}ms limit {DELAYED_PACKETS}"),
        Effect::Duplicate { percent } => {
            format!("netem duplicate {percent}% limit {DELAYED_PACKETS}")
        }
        // Nothing waits.
        Effect::Drop | Effect::Reset | Effect::Lose { .. } => "pfifo".to_owned(),
    };
    words.split(' ').map(str::to_owned).collect()
}

/// The interfaces over which packets of the fault leave.
async fn devices(spec: &Spec) -> Result<BTreeSet<String>, String> {
    let mut devices = BTreeSet::new();
    let mut no_way = None;
    for flow in &spec.flows {
        match &flow.peer {
            Peer::Address(address) => {
                let address = address.to_string();
                match tool::run("ip", &["-j", "route", "get", &address], None).await {
                    Ok(told) => {
                        let routes: Vec<RouteTo> = read("ip route", &told)?;
                        devices.extend(routes.into_iter().map(|route| route.dev));
                    }
                    // Of the addresses that a name leads to, one may be of a family that the host does not speak.
                    Err(reason) => no_way = Some(reason),
                }
            }
            Peer::AnybodyBut(_) => {
                let told = tool::run("ip", &["-j", "link", "show", "up"], None).await?;
                let all: Vec<Interface> = read("ip link", &told)?;
                let others = all.into_iter().filter(|one| one.link_type != "loopback");
                devices.extend(others.map(|one| one.ifname));
            }
        }
    }
    if devices.contains("lo") {
        return Err(
            "the other end is on the host itself, and no network is between them".to_owned()
        );
    }
    match no_way {
        Some(reason) if devices.is_empty() => Err(reason),
        _ => Ok(devices),
    }
}

/// Sees to it that an interface has a queue with classes.
async fn make_ours(device: &str, queues: &[Queue]) -> Result<(), String> {
    let own = queues.iter().find(|queue| queue.root && queue.dev == device);
    match own {
        Some(queue) if queue.handle == HANDLE => Ok(()),
        Some(queue) if queue.handle != OF_THE_KERNEL => Err(format!(
            "{device} has a queue that somebody has set up ({}), which is not replaced: tc qdisc del dev {device} root",
            queue.kind
        )),
        _ => {
            tc(&["qdisc", "add", "dev", device, "root", "handle", HANDLE, "htb", "default", "0"])
                .await
        }
    }
}

async fn queues() -> Result<Vec<Queue>, String> {
    read("tc qdisc", &tool::run("tc", &["-j", "qdisc", "show"], None).await?)
}

/// The classes of our queue on an interface. Of these `tc` of Debian 12 prints no JSON.
async fn classes(device: &str) -> Result<BTreeSet<String>, String> {
    let told = tool::run("tc", &["class", "show", "dev", device], None).await?;
    Ok(listed_classes(&told))
}

/// Of `class htb d700:1 root rate ...` the third word, if it is one of ours.
fn listed_classes(told: &str) -> BTreeSet<String> {
    let ids = told.lines().filter_map(|line| line.split_whitespace().nth(2));
    ids.filter(|id| id.starts_with(HANDLE)).map(str::to_owned).collect()
}

fn read<T: for<'a> Deserialize<'a>>(what: &str, told: &str) -> Result<Vec<T>, String> {
    if told.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(told).map_err(|error| format!("{what} -j printed something else: {error}"))
}

async fn tc(args: &[&str]) -> Result<(), String> {
    tool::run("tc", args, None).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(effect: Effect) -> String {
        inside(effect).join(" ")
    }

    #[test]
    fn a_rate_is_a_token_bucket_and_a_delay_or_a_duplication_a_netem() {
        assert_eq!(
            words(Effect::Rate { bytes_per_s: 1_000_000 }),
            "tbf rate 8000000bit burst 10000b limit 262144b"
        );
        assert_eq!(
            words(Effect::Rate { bytes_per_s: 100 }),
            "tbf rate 800bit burst 3200b limit 262144b"
        );
        let duplicate = words(Effect::Duplicate { percent: 5 });
        assert_eq!(duplicate, "netem duplicate 5% limit 100000");
        assert_eq!(words(Effect::Delay { ms: 40 }), "netem delay 40ms limit 100000");
    }

    #[test]
    fn what_iproute2_tells_is_read() {
        let told = r#"[{"kind":"htb","handle":"d700:","dev":"eth0","root":true,"refcnt":3,"options":{}},
            {"kind":"tbf","handle":"8001:","dev":"eth0","parent":"d700:1","options":{"rate":1000}}]"#;
        let queues: Vec<Queue> = read("tc qdisc", told).unwrap();
        assert!(queues[0].root && queues[0].handle == HANDLE && !queues[1].root);
        let told = "class htb d700:1f root leaf 8001: prio 0 rate 32Gbit\nclass tbf 8001:1 parent 8001: \n";
        assert_eq!(listed_classes(told), [class_id(0x1f)].into());
        assert!(read::<Queue>("tc qdisc", "\n").unwrap().is_empty());
        let error = read::<Queue>("tc qdisc", "nonsense").unwrap_err();
        assert!(error.starts_with("tc qdisc -j printed something else"), "{error}");
    }
}
