//! A server of ssh on each host, and a way in for one client: keys of their own, made for the occasion, and no file of the
//! machine's own ssh is read.

use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::network;

/// How long a server may take to listen: it takes milliseconds.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Where a server wants to lock its unprivileged half in. It is not there in a `/run` that is new.
const SEPARATION: &str = "/run/sshd";

/// Starts a server on each host, and writes into `folder` what a client needs. Returns the path of the client's configuration.
///
/// # Errors
/// A server does not start, or does not listen.
pub(super) fn start(count: u8, folder: &Path) -> anyhow::Result<String> {
    let made = |path: &Path| fs::create_dir_all(path).with_context(|| path.display().to_string());
    made(folder)?;
    made(Path::new(SEPARATION))?;
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    for key in ["host_key", "client_key"] {
        make_key(&at(key))?;
    }
    let public = |key: &str| {
        let path = at(&format!("{key}.pub"));
        fs::read_to_string(&path).with_context(|| path)
    };
    let write = |name: &str, text: &str| fs::write(at(name), text).with_context(|| at(name));
    write("authorized_keys", &public("client_key")?)?;
    let host_key = public("host_key")?;
    let hosts = || (1..=count).map(|number| (network::name(number), network::address(number)));
    let known = hosts().map(|(_, address)| format!("{address} {host_key}"));
    write("known_hosts", &known.collect::<String>())?;
    let mut client = hosts()
        .map(|(name, address)| format!("Host {name}\n  HostName {address}\n"))
        .collect::<String>();
    client.push_str(&format!(
        "Host *\n  User root\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  \
         BatchMode yes\n  LogLevel ERROR\n",
        at("client_key"),
        at("known_hosts")
    ));
    write("client_config", &client)?;
    let program = super::tool("sshd", "openssh-server")?;
    for (name, address) in hosts() {
        let config = format!("{name}.conf");
        write(
            &config,
            &format!(
                "ListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
                 PermitRootLogin prohibit-password\nPasswordAuthentication no\nMaxStartups 100\nMaxSessions 100\n",
                at("host_key"),
                at("authorized_keys")
            ),
        )?;
        serve(&program, &name, &at(&config), &at(&format!("{name}.log")))?;
        wait_until_it_listens(&address, &at(&format!("{name}.log")))?;
    }
    Ok(at("client_config"))
}

fn make_key(path: &str) -> anyhow::Result<()> {
    let program = super::tool("ssh-keygen", "openssh-client")?;
    let status = Command::new(program)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "hosts", "-f", path])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let status = status.context("cannot run ssh-keygen")?;
    if !status.success() {
        bail!("ssh-keygen failed ({status})");
    }
    Ok(())
}

/// Starts one, which lives as long as the hosts do.
fn serve(program: &OsString, name: &str, config: &str, log: &str) -> anyhow::Result<()> {
    let log = fs::File::create(log).with_context(|| log.to_owned())?;
    Command::new(super::tool("nsenter", "util-linux")?)
        .args([&format!("--net=/run/netns/{name}"), "--"])
        .arg(program)
        .args(["-D", "-e", "-f", config])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // A Ctrl-C at a terminal is not meant for it: whoever cleans up still comes in.
        .process_group(0)
        .spawn()
        .context("cannot start sshd")?;
    Ok(())
}

fn wait_until_it_listens(address: &str, log: &str) -> anyhow::Result<()> {
    let socket = SocketAddr::new(address.parse().context("an address of ours")?, 22);
    let began = Instant::now();
    while TcpStream::connect_timeout(&socket, LISTENS_WITHIN).is_err() {
        if began.elapsed() > LISTENS_WITHIN {
            let said = fs::read_to_string(log).unwrap_or_default();
            let last = said.lines().last().unwrap_or("it said nothing");
            bail!("sshd does not listen on {socket}: {last}");
        }
        sleep(LOOK_AGAIN);
    }
    Ok(())
}
