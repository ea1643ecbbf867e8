//! From nothing to ready, and what each process holds while nothing is asked; beside etcd. And what a thousand connections
//! cost on which nothing is asked any more.

use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Stage, turns};
use crate::goals;
use crate::http::Connection;
use crate::sample::{Figure, Side};
use crate::system::Fleet;
use crate::system::bazaar::{Bazaar, QUERY};
use crate::system::etcd::Etcd;
use crate::tools::Tool;
use crate::usage;

/// How long a system is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(2);
/// How many connections are held on which nothing is asked.
const CONNECTIONS: usize = 1_000;
/// So many open files are enough for those, and for everything else here.
const OPEN_FILES: u64 = 2_048;

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut sides = vec![Side::Bazaar];
    sides.extend(stage.tools.path(Tool::Etcd).map(|_| Side::Etcd));
    for round in 1..=stage.config.rounds {
        for &side in turns(&sides, round) {
            let folder = stage.folder(&format!("start-{round}"));
            // Ports are held as long as the rest of it.
            match stage.tools.path(Tool::Etcd).filter(|_| side != Side::Bazaar) {
                Some(program) => {
                    let etcd = Etcd::start(program, &folder.join("etcd")).await?;
                    look(stage, round, side, &etcd.fleet).await?;
                    etcd.fleet.stop().await;
                }
                None => {
                    let folder = folder.join("bazaar");
                    let bazaar = Bazaar::start(&stage.config.bin_dir, &folder).await?;
                    look(stage, round, side, &bazaar.fleet).await?;
                    crowd(stage, round, &bazaar).await?;
                    bazaar.fleet.stop().await;
                }
            }
        }
    }
    Ok(())
}

async fn look(stage: &mut Stage<'_>, round: u32, side: Side, fleet: &Fleet) -> anyhow::Result<()> {
    let ready_ms = fleet.ready_ms()?;
    stage.add(round, goals::START, side, Figure::ReadyMs, ready_ms)?;
    tokio::time::sleep(IDLE).await;
    let mut told = vec![format!("ready after {ready_ms:.0} ms")];
    for (process, pid) in fleet.pids() {
        let memory = usage::memory(pid)?;
        let case = goals::memory(kind(&process));
        stage.add(round, &case, side, Figure::PssMb, memory.pss_mb)?;
        stage.add(round, &case, side, Figure::RssMb, memory.rss_mb)?;
        told.push(format!("{process} {:.1} MB", memory.pss_mb));
    }
    stage.say(round, goals::START, &format!("{side} {}", told.join(", ")));
    Ok(())
}

/// Opens connections, asks once on each, and looks at the front-end while they are idle.
async fn crowd(stage: &mut Stage<'_>, round: u32, bazaar: &Bazaar) -> anyhow::Result<()> {
    raise_open_files()?;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::new(bazaar.front_end);
        connection.get(QUERY).await.context("one of many connections")?.accepted()?;
        held.push(connection);
    }
    tokio::time::sleep(IDLE).await;
    let pid = bazaar.fleet.pids().get("front-end").copied().context("there is no front-end")?;
    let memory = usage::memory(pid)?;
    let open = held.iter().filter(|connection| connection.is_open()).count();
    if open < CONNECTIONS {
        bail!("the front-end closed {} of {CONNECTIONS} idle connections", CONNECTIONS - open);
    }
    stage.add(round, goals::IDLE_CONNECTIONS, Side::Bazaar, Figure::RssMb, memory.rss_mb)?;
    stage.say(round, goals::IDLE_CONNECTIONS, &format!("{:.1} MB", memory.rss_mb));
    Ok(())
}

/// Has this process hold as many files as it needs, if it may.
fn raise_open_files() -> anyhow::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= OPEN_FILES) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(OPEN_FILES), maximum };
    setrlimit(Resource::Nofile, raised).context("too few open files are allowed (`ulimit -n 2048`)")
}

/// What a process is: replicas are one kind, and so are etcd's members, which are compared with them.
fn kind(process: &str) -> &str {
    let is_replica = process.starts_with("order-") || process.starts_with("etcd-");
    if is_replica { "a replica" } else { process }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_stand_beside_members_of_etcd() {
        assert_eq!(
            [kind("order-2"), kind("etcd-1"), kind("catalog")],
            ["a replica", "a replica", "catalog"]
        );
    }
}
