//! A durable trade, beside etcd's put and a transaction of etcd that does what a trade does, and beside one flush.

use super::{Stage, WARM_UP, turns};
use crate::client::Script;
use crate::disk;
use crate::goals;
use crate::load::Loop;
use crate::sample::{Figure, Side};
use crate::system::{bazaar::Bazaar, etcd::Etcd, guard};
use crate::tools::Tool;

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let bazaar = Bazaar::start(&stage.config.bin_dir, &stage.folder("trade-bazaar")).await?;
    let etcd = match stage.tools.path(Tool::Etcd) {
        Some(program) => Some(Etcd::start(program, &stage.folder("trade-etcd")).await?),
        None => None,
    };
    let mut sides = vec![(Side::Bazaar, Script::Trade)];
    if etcd.is_some() {
        sides.push((Side::EtcdPut, Script::EtcdPut));
        sides.push((Side::EtcdTransaction, Script::EtcdTransaction));
    }
    for round in 1..=stage.config.rounds {
        flushes(stage, round).await?;
        for clients in stage.config.clients.clone() {
            let case = goals::trade(clients);
            for (side, script) in turns(&sides, round) {
                let (entry, fleet) = match &etcd {
                    Some(etcd) if *side != Side::Bazaar => {
                        (etcd.leader().await?.address, &etcd.fleet)
                    }
                    _ => (bazaar.front_end, &bazaar.fleet),
                };
                let asked = Loop { script: script.clone(), entries: vec![entry], clients };
                let measured = asked.measure(WARM_UP, stage.span(), fleet.all()).await?;
                stage.add_load(round, &case, *side, &measured)?;
            }
        }
    }
    bazaar.fleet.stop().await;
    if let Some(etcd) = etcd {
        etcd.fleet.stop().await;
    }
    Ok(())
}

/// One flush of the disk that all of them flush to.
async fn flushes(stage: &mut Stage<'_>, round: u32) -> anyhow::Result<()> {
    let case = goals::trade(1);
    let mut told = vec![(Side::Disk, disk::flushes(&stage.scratch, stage.span()).await?)];
    if let Some(fio) = stage.tools.path(Tool::Fio) {
        told.push((Side::Fio, disk::fio(fio, &guard(), &stage.scratch, stage.span()).await?));
    }
    for (side, flush) in told {
        stage.add(round, &case, side, Figure::P50Ms, flush.p50_ms)?;
        stage.add(round, &case, side, Figure::P99Ms, flush.p99_ms)?;
        let (p50, p99) = (flush.p50_ms, flush.p99_ms);
        stage.say(round, "flush", &format!("{side}: median {p50:.2} ms, p99 {p99:.2} ms"));
    }
    Ok(())
}
