//! The bazaar: a front-end, a catalog and three replicas, every trade flushed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use faults::dump::{DumpKind, DumpSource, Dumps};
use faults::ports::{Reservation, choose_more};
use wire::headers::SECRET;

use super::{Fleet, Process};
use crate::http::{Answer, Connection};

/// As many replicas as etcd has members.
pub(crate) const REPLICAS: usize = 3;
/// The query that is asked.
pub(crate) const QUERY: &str = "/stocks?stock_name=Stock1";
/// The folder of its files.
const DATA: &str = "data";
/// How often it is asked who is in sync.
const POLL: Duration = Duration::from_millis(2);
/// The token that the services share, in their folder.
const TOKEN: &str = "token";

/// A bazaar that runs.
#[derive(Debug)]
pub(crate) struct Bazaar {
    /// Its processes.
    pub(crate) fleet: Fleet,
    /// Where clients go.
    pub(crate) front_end: SocketAddr,
    folder: PathBuf,
    processes: Vec<Process>,
    dumped: Vec<(String, DumpKind, SocketAddr)>,
    ports: Reservation,
}

/// Who leads, and who is in sync, by the front-end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// The leader's process.
    pub(crate) leader: String,
    /// The processes that are in sync.
    pub(crate) in_sync: Vec<String>,
}

impl Bazaar {
    /// Starts one with no past in `folder`, which is made.
    ///
    /// # Errors
    /// If a process does not get ready.
    pub(crate) async fn start(bin_dir: &Path, folder: &Path) -> anyhow::Result<Self> {
        Self::start_as(bin_dir, folder, |_, command| command).await
    }

    /// The same, each process by the command that is made of its name and its own command.
    ///
    /// # Errors
    /// If a process does not get ready.
    pub(crate) async fn start_as(
        bin_dir: &Path,
        folder: &Path,
        made: impl Fn(&str, Vec<String>) -> Vec<String>,
    ) -> anyhow::Result<Self> {
        let data = folder.join(DATA);
        fs::create_dir_all(&data)?;
        let (addresses, ports) = choose_more(REPLICAS + 2)?;
        let (front_end, catalog, orders) = (addresses[0], addresses[1], &addresses[2..]);
        let bin_dir = bin_dir.canonicalize()?;
        let command = |program: &str, name: &str, own: &[String]| {
            let mut words = vec![bin_dir.join(program).display().to_string()];
            words.extend(own.iter().cloned());
            let common = ["--durability", "flush", "--data-dir", &data.display().to_string()];
            words.extend(common.map(str::to_owned));
            made(name, words)
        };
        let listen = |address: SocketAddr| ["--listen".to_owned(), address.to_string()];
        let front = ["--front-end".to_owned(), front_end.to_string()];
        let stocks = ["--catalog".to_owned(), catalog.to_string()];
        let members = orders.iter().enumerate();
        let replicas: Vec<String> = members
            .flat_map(|(at, address)| ["--replica".to_owned(), format!("{}={address}", at + 1)])
            .collect();
        let mut processes = vec![
            Process::new(
                "front-end",
                command(
                    "front-end",
                    "front-end",
                    &[&listen(front_end)[..], &stocks, &replicas].concat(),
                ),
                front_end,
                "/healthz",
            ),
            Process::new(
                "catalog",
                command("catalog", "catalog", &[listen(catalog), front.clone()].concat()),
                catalog,
                "/healthz",
            ),
        ];
        for (at, &address) in orders.iter().enumerate() {
            let id = ["--id".to_owned(), (at + 1).to_string()];
            let own = [&id[..], &listen(address), &front, &stocks, &replicas].concat();
            let name = format!("order-{}", at + 1);
            let command = command("order", &name, &own);
            processes.push(Process::new(name, command, address, "/healthz"));
        }
        let logs = orders.iter().enumerate();
        let logs =
            logs.map(|(at, address)| (format!("order-{}", at + 1), DumpKind::Orders, *address));
        let stocks = ("catalog".to_owned(), DumpKind::Stocks, catalog);
        let dumped = logs.chain([stocks]).collect();
        let fleet = Fleet::start(folder, processes.clone()).await.context("the bazaar")?;
        Ok(Self { fleet, front_end, folder: folder.to_owned(), processes, dumped, ports })
    }

    /// Ends it, has something done to its files, and starts it again over them, at the same addresses.
    ///
    /// # Errors
    /// If that fails, or a process does not get ready.
    pub(crate) async fn over(
        self,
        change: impl FnOnce(&Path) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let Self { fleet, front_end, folder, processes, dumped, ports } = self;
        fleet.stop().await;
        let data = folder.join(DATA);
        tokio::task::spawn_blocking(move || change(&data)).await??;
        let fleet = Fleet::start(&folder, processes.clone()).await.context("the bazaar, again")?;
        Ok(Self { fleet, front_end, folder, processes, dumped, ports })
    }

    /// Everything that it tells of what it holds.
    ///
    /// # Errors
    /// If its token cannot be read.
    pub(crate) fn dumps(&self) -> anyhow::Result<Dumps> {
        let file = self.folder.join(DATA).join(TOKEN);
        let token = fs::read_to_string(file).context("its token")?;
        let source = |(name, kind, address): &(String, DumpKind, SocketAddr)| {
            Ok(DumpSource {
                name: name.parse()?,
                kind: *kind,
                address: *address,
                path: "/dump".to_owned(),
                headers: vec![(SECRET.to_owned(), token.trim().to_owned())],
            })
        };
        let sources: anyhow::Result<Vec<_>> = self.dumped.iter().map(source).collect();
        Ok(Dumps::new(sources?))
    }

    /// The answer that all sides give: to a query that is cached.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) async fn cached(&self) -> anyhow::Result<Answer> {
        let mut connection = Connection::new(self.front_end);
        connection.get(QUERY).await?.accepted()?;
        let answer = connection.get(QUERY).await?;
        answer.accepted()?;
        match answer.headers.get("x-cache").map(|value| value.as_bytes()) {
            Some(b"hit") => Ok(answer),
            _ => bail!("the bazaar did not answer from its cache"),
        }
    }

    /// Who leads.
    ///
    /// # Errors
    /// If nobody does.
    pub(crate) async fn leadership(&self) -> anyhow::Result<Leadership> {
        let said = Connection::new(self.front_end).get("/leader").await?.json()?;
        let name = |id: &serde_json::Value| Some(format!("order-{}", id.as_u64()?));
        let in_sync = said["in_sync"].as_array().map(|ids| ids.iter().filter_map(name).collect());
        let leadership = name(&said["leader"]).zip(in_sync);
        let (leader, in_sync) = leadership.with_context(|| format!("/leader says {said}"))?;
        Ok(Leadership { leader, in_sync })
    }

    /// Waits until a replica is in sync, or all are without a name.
    ///
    /// # Errors
    /// If that takes longer than `within`.
    pub(crate) async fn wait_in_sync(
        &self,
        name: Option<&str>,
        within: Duration,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            // While nobody leads there is no answer that counts.
            if let Ok(Leadership { in_sync, .. }) = self.leadership().await {
                let all = || in_sync.len() == REPLICAS;
                if name.map_or_else(all, |name| in_sync.iter().any(|member| member == name)) {
                    return Ok(());
                }
            }
            if begun.elapsed() > within {
                let who = name.unwrap_or("every replica");
                bail!("{who} is not in sync within {} s", within.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
