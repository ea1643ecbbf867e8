//! A process of a fake bazaar, which does as little as it can.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};

use super::service::serve;

/// A file in the data folder that makes the next `order` find its address in use.
pub(crate) const IN_USE_ONCE: &str = "in-use-once";

/// What it was called with.
#[derive(Clone, Debug)]
pub(super) struct FakeProcess {
    program: String,
    flags: BTreeMap<String, String>,
    replicas: BTreeMap<u8, SocketAddr>,
}

impl FakeProcess {
    pub(super) fn parse(call: &str) -> Self {
        let words: Vec<_> = call.split_whitespace().collect();
        let program = words[0].rsplit('/').next().unwrap().to_owned();
        let (mut flags, mut replicas) = (BTreeMap::new(), BTreeMap::new());
        for pair in words[1..].chunks(2) {
            if pair[0] == "--replica" {
                let (id, address) = pair[1].split_once('=').unwrap();
                replicas.insert(id.parse().unwrap(), address.parse().unwrap());
            } else {
                flags.insert(pair[0].to_owned(), pair[1].to_owned());
            }
        }
        Self { program, flags, replicas }
    }

    /// Serves until SIGTERM; otherwise returns why it cannot.
    pub(super) async fn run(self) -> String {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let in_use = PathBuf::from(&self.flags["--data-dir"]).join(IN_USE_ONCE);
        if self.program == "order" && fs::remove_file(in_use).is_ok() {
            return "cannot listen: Address already in use (os error 98)".to_owned();
        }
        if let Some(stocks) = self.flags.get("--stocks") {
            return format!("{stocks}: line 3: price must be a number");
        }
        let listen = &self.flags["--listen"];
        let listener = match TcpListener::bind(listen).await {
            Ok(listener) => listener,
            Err(error) => return format!("cannot listen on {listen}: {error}"),
        };
        let process = Arc::new(self);
        let served = serve(listener, move |path| {
            let process = Arc::clone(&process);
            async move { process.answer(&path).await }
        });
        tokio::select! {
            () = served => unreachable!("the fake server never ends by itself"),
            _ = terminate.recv() => std::process::exit(0),
        }
    }

    async fn answer(&self, path: &str) -> (u16, String) {
        let id = self.flags.get("--id").map_or("0", String::as_str);
        let body = match (self.program.as_str(), path) {
            (_, "/healthz") => r#"{"ready":true}"#.to_owned(),
            ("front-end", "/leader") => self.leadership().await,
            ("front-end", "/history") => r#"{"changes":[]}"#.to_owned(),
            ("catalog", "/dump") => {
                r#"{"epoch":1,"through":0,"total":0,"stocks":[],"trades":[]}"#.to_owned()
            }
            ("order", "/dump") => {
                format!(
                    r#"{{"id":{id},"accepted_epoch":1,"committed":0,"through":0,
                        "through_epoch":0,"total":0,"entries":[]}}"#
                )
            }
            _ => return (404, "{}".to_owned()),
        };
        (200, body)
    }

    /// A replica that accepts connections is in sync, and the highest of them leads.
    async fn leadership(&self) -> String {
        let mut in_sync = Vec::new();
        for (id, address) in &self.replicas {
            if TcpStream::connect(address).await.is_ok() {
                in_sync.push(*id);
            }
        }
        let leader = in_sync.last().copied().unwrap_or(0);
        format!(r#"{{"leader":{leader},"epoch":1,"in_sync":{in_sync:?}}}"#)
    }
}
