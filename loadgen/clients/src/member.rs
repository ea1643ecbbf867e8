//! Where a process of the engine listens.

use std::fmt::{self, Display};
use std::future::Future;

use anyhow::Context as _;
use tokio::time::{Instant, timeout_at};

/// An address and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    /// What comes from there by `until`, or why nothing does.
    pub(crate) async fn in_time<T, E: Display>(
        &self,
        until: Instant,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        match timeout_at(until, asked).await {
            Ok(answer) => answer.map_err(|error| format!("{self}: {error}")),
            Err(_) => Err(format!("nothing came from {self} in time")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

/// A process of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name, which is its port's as well.
    pub(crate) name: String,
    pub(crate) at: Endpoint,
}

impl Member {
    /// The one of `members` with a process's name.
    pub(crate) fn named<'a>(members: &'a [Self], process: &str) -> anyhow::Result<&'a Self> {
        let member = members.iter().find(|member| member.name == process);
        member.with_context(|| format!("there is no process {process}"))
    }
}
