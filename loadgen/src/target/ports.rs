//! The ports of a target: free ones are chosen and kept from other harnesses, given ones must be free.
//!
//! A port that is taken is the commonest reason why a service does not start, and its own error is hidden in a log. So
//! it is looked at first, and who holds it is named where the system tells.
//!
//! The invariant: what fails here is this machine's fault and none of the target's, so nobody is judged by it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use faults::ports::{self, Reservation, choose_more};

/// As much of a command as is shown, in characters.
const SHOWN_CHARS: usize = 120;

/// Ports by name, and what keeps other harnesses from the free ones.
#[derive(Debug)]
pub(crate) struct ChosenPorts {
    /// By name.
    pub(crate) ports: BTreeMap<String, u16>,
    _reservation: Reservation,
}

/// Why this machine does not have the ports that a target needs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortsError {
    /// Somebody else has those whose numbers the file gives.
    #[error("{}", lines(.0))]
    Taken(Vec<TakenPort>),
    /// Too few are free.
    #[error("no ports can be chosen: {0}")]
    NoneFree(#[from] ports::PortsError),
}

/// A port of a target's file that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TakenPort {
    /// As the file calls it.
    name: String,
    port: u16,
    /// The pid and command of who has it, if the system tells.
    holder: Option<(u32, String)>,
}

impl fmt::Display for TakenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ports.{}: {} is taken, by ", self.name, self.port)?;
        match &self.holder {
            Some((pid, command)) => write!(f, "pid {pid}: {command}")?,
            None => f.write_str("whom cannot be told")?,
        }
        f.write_str("; end that, or write \"free\"")
    }
}

fn lines(taken: &[TakenPort]) -> String {
    taken.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Chooses the ports that may be any (`None`), and sees that the others are free.
///
/// # Errors
/// All that are taken, each with its holder if that can be told; or too few are free.
pub(crate) fn choose(wanted: &BTreeMap<String, Option<u16>>) -> Result<ChosenPorts, PortsError> {
    let given: Vec<(&String, u16)> =
        wanted.iter().filter_map(|(name, port)| Some((name, (*port)?))).collect();
    let is_taken = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_err();
    let taken = given.iter().filter(|(_, port)| is_taken(*port));
    let taken: Vec<TakenPort> = taken
        .map(|(name, port)| TakenPort { name: (*name).clone(), port: *port, holder: holder(*port) })
        .collect();
    if !taken.is_empty() {
        return Err(PortsError::Taken(taken));
    }
    // Some more: one that is chosen may be a given one, which nobody has yet.
    let (addresses, reservation) = choose_more(wanted.len())?;
    let is_given = |port: &u16| given.iter().any(|(_, given)| given == port);
    let mut chosen =
        addresses.iter().map(std::net::SocketAddr::port).filter(|port| !is_given(port));
    let ports = wanted.iter().filter_map(|(name, port)| {
        let port = port.or_else(|| chosen.next())?;
        Some((name.clone(), port))
    });
    Ok(ChosenPorts { ports: ports.collect(), _reservation: reservation })
}

/// Who has a port, for it listens there or one of its connections ends there: its pid and command.
fn holder(port: u16) -> Option<(u32, String)> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| sockets_at(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let entries = fs::read_dir("/proc").ok()?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let pid = pids.into_iter().find(|pid: &u32| holds(*pid, &sockets))?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    Some((pid, command.trim().chars().take(SHOWN_CHARS).collect()))
}

/// The inodes of the sockets whose own port is `port`, in a table of the kernel's. That of a
/// closed one, which no process holds, is 0 and leads to nobody.
fn sockets_at(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let is_there = |row: &Vec<&str>| row.get(1).is_some_and(|local| local.ends_with(&suffix));
    rows.filter(is_there).filter_map(|row| row.get(9).map(|inode| (*inode).to_owned())).collect()
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
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_given_port_that_is_taken_is_said_with_its_holder() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wanted = BTreeMap::from([("front".to_owned(), Some(port)), ("any".to_owned(), None)]);
        let error = choose(&wanted).unwrap_err().to_string();
        let expected = format!("ports.front: {port} is taken, by pid {}", std::process::id());
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.ends_with("; end that, or write \"free\""), "{error}");
    }

    #[test]
    fn whose_connection_has_a_port_is_said_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let port = connection.local_addr().unwrap().port();
        let error = choose(&BTreeMap::from([("front".to_owned(), Some(port))])).unwrap_err();
        let expected = format!("ports.front: {port} is taken, by pid {}", std::process::id());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }

    #[test]
    fn every_port_that_is_taken_has_a_line() {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = listeners.iter().map(|one| one.local_addr().unwrap().port());
        let names = ["a", "b"].map(str::to_owned);
        let error = choose(&names.into_iter().zip(ports.map(Some)).collect()).unwrap_err();
        assert!(matches!(&error, PortsError::Taken(taken) if taken.len() == 2), "{error:?}");
        let text = error.to_string();
        let begin = |line: &str| line.split(':').next().map(str::to_owned);
        assert_eq!(text.lines().filter_map(begin).collect::<Vec<_>>(), ["ports.a", "ports.b"]);
    }

    #[test]
    fn free_ports_are_chosen_and_differ() {
        let wanted = BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), None)]);
        let chosen = choose(&wanted).unwrap();
        assert_ne!(chosen.ports["a"], chosen.ports["b"]);
    }
}
