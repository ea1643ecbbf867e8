//! A bridge, and hosts on it: a network namespace each, with an address.
//!
//! All of it is in a network namespace of its own, so the subnet is free, whatever the machine's own networks are.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The first three parts of every address.
const SUBNET: &str = "10.77.0";
/// The last part of the address of who runs the command.
const OUTSIDE: u8 = 254;
const BRIDGE: &str = "hosts0";

/// The name of a host: n1 is the first.
pub(super) fn name(number: u8) -> String {
    format!("n{number}")
}

/// The address of a host.
pub(super) fn address(number: u8) -> String {
    format!("{SUBNET}.{number}")
}

/// Whether the programs are there that make networks.
///
/// # Errors
/// One is not.
pub(super) fn check_tools() -> anyhow::Result<()> {
    super::tool("ip", "iproute2").map(drop)
}

/// Makes the bridge and the hosts. `/run/netns` is where their names are.
///
/// # Errors
/// The kernel does not let anybody do so, or has no bridges or no `veth`.
pub(super) fn build(count: u8) -> anyhow::Result<()> {
    let ip = super::tool("ip", "iproute2")?;
    batch(
        &ip,
        &[],
        &[
            "link set lo up".to_owned(),
            format!("link add {BRIDGE} type bridge"),
            format!("address add {SUBNET}.{OUTSIDE}/24 dev {BRIDGE}"),
            format!("link set {BRIDGE} up"),
        ],
    )?;
    for number in 1..=count {
        let name = name(number);
        batch(&ip, &[], &[format!("netns add {name}")])?;
        let pair = format!("link add {name} type veth peer name eth0 netns {name}");
        batch(&ip, &[], &[pair, format!("link set {name} master {BRIDGE} up")])?;
        let own = format!("address add {}/24 dev eth0", address(number));
        let up = ["link set lo up".to_owned(), own, "link set eth0 up".to_owned()];
        batch(&ip, &["-n", &name], &up)?;
    }
    Ok(())
}

/// Runs lines of `ip`, the first that fails being the last.
fn batch(ip: &OsString, args: &[&str], lines: &[String]) -> anyhow::Result<()> {
    let mut process = Command::new(ip)
        .args(args)
        .args(["-batch", "-"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run ip")?;
    if let Some(mut input) = process.stdin.take() {
        // If it does not read, it says why.
        let _ = input.write_all((lines.join("\n") + "\n").as_bytes());
    }
    let output = process.wait_with_output().context("ip")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("ip: {}: {}", lines.join("; "), said.lines().next().unwrap_or("it failed"));
    }
    Ok(())
}
