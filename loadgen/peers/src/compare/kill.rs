//! From SIGKILL of the leader to the first trade that is acknowledged, of all that were sent after it; beside etcd.
//!
//! A trade is sent as soon as the signal is, and another one every few milliseconds, each on a connection of its own: one
//! that waits for a dead leader must not hide that others are served. At etcd they go to the members that are left.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use supervisor::clock::monotonic_us;
use supervisor::system::Begun;
use tokio::task::JoinSet;

use super::{Stage, turns};
use crate::client::{Client, Script};
use crate::goals;
use crate::load::Loop;
use crate::sample::{Figure, Side};
use crate::system::{Fleet, bazaar::Bazaar, etcd::Etcd};
use crate::tools::Tool;

/// How long after one trade the next is sent.
const APART: Duration = Duration::from_millis(2);
/// So many trades may be under way; with these more are sent only as others fail.
const MOST_UNDER_WAY: usize = 1_024;
/// How long somebody may take to trade again.
const WITHIN: Duration = Duration::from_secs(30);
/// How many clients keep a busy system busy.
const BUSY_CLIENTS: usize = 5;

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let bazaar = Bazaar::start(&stage.config.bin_dir, &stage.folder("kill-bazaar")).await?;
    let etcd = match stage.tools.path(Tool::Etcd) {
        Some(program) => Some(Etcd::start(program, &stage.folder("kill-etcd")).await?),
        None => None,
    };
    let mut sides = vec![Side::Bazaar];
    sides.extend(etcd.as_ref().map(|_| Side::Etcd));
    let (rounds, kills) = (stage.config.rounds, stage.config.kills);
    let mut turn = 0;
    for round in 1..=rounds {
        // All of them, over all rounds.
        let of_round = kills * round / rounds - kills * (round - 1) / rounds;
        for busy in [false, true] {
            let case = goals::kill(busy);
            for &side in turns(&sides, round) {
                let mut all_ms = Vec::new();
                for _ in 0..of_round {
                    let taken = match &etcd {
                        Some(etcd) if side != Side::Bazaar => of_etcd(etcd, busy, &mut turn).await,
                        _ => of_bazaar(&bazaar, busy, &mut turn).await,
                    };
                    let ms = taken.with_context(|| format!("{side}, {case}"))?;
                    stage.add(round, &case, side, Figure::FirstTradeMs, ms)?;
                    all_ms.push(format!("{ms:.1}"));
                }
                stage.say(round, &case, &format!("{side} {} ms", all_ms.join(", ")));
            }
        }
    }
    bazaar.fleet.stop().await;
    if let Some(etcd) = etcd {
        etcd.fleet.stop().await;
    }
    Ok(())
}

async fn of_bazaar(bazaar: &Bazaar, busy: bool, turn: &mut usize) -> anyhow::Result<f64> {
    bazaar.wait_in_sync(None, WITHIN).await?;
    let leader = bazaar.leadership().await?.leader;
    let entries = vec![bazaar.front_end];
    let ms = one(&bazaar.fleet, &leader, Script::Trade, entries, busy, turn).await?;
    bazaar.wait_in_sync(None, WITHIN).await?;
    Ok(ms)
}

async fn of_etcd(etcd: &Etcd, busy: bool, turn: &mut usize) -> anyhow::Result<f64> {
    let leader = etcd.leader().await?;
    one(&etcd.fleet, &leader.name, Script::EtcdPut, etcd.others(&leader), busy, turn).await
}

/// Kills one, takes the time, and starts it again.
async fn one(
    fleet: &Fleet,
    leader: &str,
    script: Script,
    entries: Vec<SocketAddr>,
    busy: bool,
    turn: &mut usize,
) -> anyhow::Result<f64> {
    let load = Loop { script: script.clone(), entries: entries.clone(), clients: BUSY_CLIENTS };
    let background = if busy { Some(load.until_stopped()?) } else { None };
    if let Some(background) = &background {
        let begun = Instant::now();
        // A hundred each, and every connection is open.
        while background.acknowledged() < 20 * BUSY_CLIENTS as u64 {
            if begun.elapsed() > WITHIN {
                bail!("the load that keeps it busy gets no answers");
            }
            tokio::time::sleep(APART).await;
        }
    }
    // What is sent before the signal is answered by the leader that is to die.
    let killed = fleet.begin_kill(leader).await?;
    let taken = tokio::time::timeout(WITHIN, first(&killed, &script, &entries, turn)).await;
    let taken = taken.context("nobody has acknowledged a trade since the leader was killed")?;
    killed.confirmed().await?;
    if let Some(background) = background {
        background.stop().await?;
    }
    fleet.restart(leader).await?;
    fleet.wait_ready(leader).await?;
    taken
}

/// Sends trades until one is acknowledged; how long that was after the signal, in ms.
async fn first(
    killed: &Begun,
    script: &Script,
    entries: &[SocketAddr],
    turn: &mut usize,
) -> anyhow::Result<f64> {
    let mut under_way = JoinSet::new();
    let mut next = tokio::time::interval(APART);
    loop {
        tokio::select! {
            _ = next.tick(), if under_way.len() < MOST_UNDER_WAY => {
                // Every other one sells what the one before has bought.
                let client = Client::new(script.clone(), entries, *turn / 2).at_turn(*turn);
                *turn += 1;
                under_way.spawn(acknowledged(client));
            }
            Some(done) = under_way.join_next() => if let Some(at_us) = done? {
                return Ok(at_us.saturating_sub(killed.at_monotonic_us) as f64 / 1e3);
            }
        }
    }
}

/// When a trade was acknowledged, if it was.
async fn acknowledged(mut client: Client) -> Option<u64> {
    client.operate().await.ok().map(|()| monotonic_us())
}
