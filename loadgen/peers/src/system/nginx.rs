//! nginx: one worker that answers from its configuration, with the body and the headers that the bazaar answers with.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, bail};
use faults::ports::{Reservation, choose_more};

use super::bare::Said;
use super::{Fleet, Process};

/// An nginx that runs.
#[derive(Debug)]
pub(crate) struct Nginx {
    /// Its processes.
    pub(crate) fleet: Fleet,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    _ports: Reservation,
}

impl Nginx {
    /// Starts one in `folder`, which is made.
    ///
    /// # Errors
    /// If it does not get ready, or cannot say what is to be said.
    pub(crate) async fn start(program: &Path, folder: &Path, said: &Said) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let (addresses, ports) = choose_more(1)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(folder, addresses[0], said)?)?;
        let (folder_name, file) = (folder.display().to_string(), file.display().to_string());
        let log = folder.join("error.log").display().to_string();
        let program = program.display().to_string();
        let command = [&program, "-e", &log, "-p", &folder_name, "-c", &file].map(str::to_owned);
        let process = Process::new("nginx", command.to_vec(), addresses[0], "/");
        let fleet = Fleet::start(folder, vec![process]).await.context("nginx")?;
        Ok(Self { fleet, address: addresses[0], _ports: ports })
    }
}

/// Everything that nginx would write elsewhere goes into `folder`. A connection is kept for as many requests as come.
fn configuration(folder: &Path, address: SocketAddr, said: &Said) -> anyhow::Result<String> {
    let quoted = |text: &str| {
        // A `$` begins a variable, and nothing takes that from it.
        if text.contains('$') || text.chars().any(char::is_control) {
            bail!("nginx cannot say {text:?}");
        }
        Ok(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")))
    };
    let mut headers = String::new();
    for (name, value) in &said.headers {
        let value = quoted(value)?;
        // This one nginx has a place of its own for, and would say twice.
        let line = if name == "content-type" {
            format!("default_type {value};")
        } else {
            format!("add_header {} {value};", quoted(name)?)
        };
        let _ = writeln!(headers, "        {line}");
    }
    let mut temporary = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(temporary, "    {kind}_temp_path {};", folder.join(kind).display());
    }
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let (body, folder) = (quoted(&said.body)?, folder.display());
    Ok(format!(
        "{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
{temporary}    server {{
        listen {address} backlog=1024;
{headers}        location / {{ return 200 {body}; }}
    }}
}}
"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Said {
        let headers = [("content-type", "application/json"), ("x-cache", "hit")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Said { headers: headers.to_vec(), body: body.to_owned() }
    }

    #[test]
    fn body_and_headers_are_those_of_the_bazaar() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let text = configuration(Path::new("/tmp/x"), address, &said("{\"a\":\"it's\"}")).unwrap();
        assert!(text.contains("return 200 '{\"a\":\"it\\'s\"}';"), "{text}");
        assert!(text.contains("default_type 'application/json';"), "{text}");
        assert!(text.contains("add_header 'x-cache' 'hit';"), "{text}");
    }

    #[test]
    fn what_nginx_would_take_for_a_variable_is_refused() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        assert!(configuration(Path::new("/tmp/x"), address, &said("$host")).is_err());
    }
}
