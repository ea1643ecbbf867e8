//! From nothing to ready, and what each process holds while nothing is asked; beside etcd.

use std::time::Duration;

use super::{Stage, turns};
use crate::goals;
use crate::sample::{Figure, Side};
use crate::system::{Fleet, bazaar::Bazaar, etcd::Etcd};
use crate::tools::Tool;
use crate::usage;

/// How long a system is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(2);

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
