//! The ports of a target: free ones are chosen and kept from other harnesses, given ones must be free.
//!
//! A port that is taken is the commonest reason why a service does not start, and its own error is hidden in a log. So
//! it is looked at first, and who holds it is named where the system tells.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context, bail};
use faults::ports::{Reservation, choose_more};

/// As much of a command as is shown, in characters.
const SHOWN_CHARS: usize = 120;

/// Ports by name, and what keeps other harnesses from the free ones.
#[derive(Debug)]
pub(crate) struct ChosenPorts {
    /// By name.
    pub(crate) ports: BTreeMap<String, u16>,
    _reservation: Reservation,
}

/// Chooses the ports that may be any (`None`), and sees that the others are free.
///
/// # Errors
/// All that are taken, each with its holder if that can be told.
pub(crate) fn choose(wanted: &BTreeMap<String, Option<u16>>) -> anyhow::Result<ChosenPorts> {
    let taken: Vec<String> = wanted
        .iter()
        .filter_map(|(name, port)| Some((name, (*port)?)))
        .filter(|(_, port)| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_err())
        .map(|(name, port)| {
            let holder = holder(port).map_or_else(
                || "by whom cannot be told".to_owned(),
                |(pid, command)| format!("by pid {pid}: {command}"),
            );
            format!("ports.{name}: {port} is taken, {holder}; end that, or write \"free\"")
        })
        .collect();
    if !taken.is_empty() {
        bail!("{}", taken.join("\n"));
    }
    let free = wanted.values().filter(|port| port.is_none()).count();
    let (addresses, reservation) = choose_more(free).context("no ports can be chosen")?;
    let given: Vec<u16> = wanted.values().copied().flatten().collect();
    let mut chosen = addresses.iter().map(std::net::SocketAddr::port);
    let mut ports = BTreeMap::new();
    for (name, port) in wanted {
        let Some(port) = port.or_else(|| chosen.next()) else { bail!("too few ports were found") };
        if wanted[name].is_none() && given.contains(&port) {
            bail!("port {port} was chosen for {name} and is another one's; try again");
        }
        ports.insert(name.clone(), port);
    }
    Ok(ChosenPorts { ports, _reservation: reservation })
}

/// Who listens on a port: its pid and command.
fn holder(port: u16) -> Option<(u32, String)> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let entries = fs::read_dir("/proc").ok()?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let pid = pids.into_iter().find(|pid: &u32| holds(*pid, &sockets))?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    Some((pid, command.trim().chars().take(SHOWN_CHARS).collect()))
}

/// The inodes of the sockets that listen on `port`, in a table of the kernel's.
fn listening(table: &str, port: u16) -> Vec<String> {
    /// TCP_LISTEN, as the kernel writes it.
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let listens = |row: &Vec<&str>| {
        row.get(1).is_some_and(|local| local.ends_with(&suffix)) && row.get(3) == Some(&LISTEN)
    };
    rows.filter(listens).filter_map(|row| row.get(9).map(|inode| (*inode).to_owned())).collect()
}

fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return false;
    };
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.into_iter().any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_port_that_is_taken_is_said_with_its_holder() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wanted = BTreeMap::from([("front".to_owned(), Some(port)), ("any".to_owned(), None)]);
        let error = choose(&wanted).unwrap_err().to_string();
        let expected = format!("ports.front: {port} is taken, by pid {}", std::process::id());
        assert!(error.starts_with(&expected), "{error}");
    }

    #[test]
    fn free_ports_are_chosen_and_differ() {
        let wanted = BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), None)]);
        let chosen = choose(&wanted).unwrap();
        assert_ne!(chosen.ports["a"], chosen.ports["b"]);
    }
}
