//! A replica was down while orders came. How long until it is in sync again while more come, and what do they notice?

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use supervisor::clock::monotonic_us;

use super::{Stage, WARM_UP};
use crate::client::Script;
use crate::goals;
use crate::load::Loop;
use crate::sample::{Figure, Side};
use crate::system::bazaar::Bazaar;

/// So many clients make the orders that are missed.
const HASTY_CLIENTS: usize = 64;
/// So many trade while the replica comes back.
const CLIENTS: usize = 5;
/// The slowest that missed orders may come, by the second, before it is given up.
const SLOWEST_PER_SECOND: u64 = 20;
/// How long a replica may take to be in sync.
const IN_SYNC_WITHIN: Duration = Duration::from_secs(120);
/// How often it is looked how many orders came.
const POLL: Duration = Duration::from_millis(5);

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let (missed, span) = (stage.config.missed, stage.span());
    let case = goals::restart(missed);
    let bazaar = Bazaar::start(&stage.config.bin_dir, &stage.folder("restart-bazaar")).await?;
    let trades = |clients| Loop { script: Script::Trade, entries: vec![bazaar.front_end], clients };
    for round in 1..=stage.config.rounds {
        bazaar.wait_in_sync(None, IN_SYNC_WITHIN).await?;
        let before = trades(CLIENTS).measure(WARM_UP, span, bazaar.fleet.all()).await?;
        let leadership = bazaar.leadership().await?;
        let mut followers = leadership.in_sync.iter();
        let follower = followers.find(|name| **name != leadership.leader);
        let follower = follower.context("the leader is alone")?;
        bazaar.fleet.begin_kill(follower).await?.confirmed().await?;
        miss(&trades(HASTY_CLIENTS), missed).await?;
        // Its pid is not known yet, so that CPU is not told here.
        let during = tokio::spawn(trades(CLIENTS).measure(Duration::ZERO, span, Vec::new()));
        let started = bazaar.fleet.restart(follower).await?;
        bazaar.wait_in_sync(Some(follower), IN_SYNC_WITHIN).await?;
        let took_s = monotonic_us().saturating_sub(started.at_monotonic_us) as f64 / 1e6;
        let during = during.await??;
        stage.add(round, &case, Side::Bazaar, Figure::InSyncS, took_s)?;
        for (side, load) in [(Side::Before, &before), (Side::Bazaar, &during)] {
            let p99 = load.p99_ms.context("no trade was answered")?;
            stage.add(round, &case, side, Figure::P99Ms, p99)?;
            stage.say(round, &case, &format!("{side}: trades' p99 {p99:.1} ms"));
        }
        stage.say(round, &case, &format!("in sync after {took_s:.2} s"));
    }
    bazaar.fleet.stop().await;
    Ok(())
}

/// Trades until as many orders came.
async fn miss(load: &Loop, orders: u64) -> anyhow::Result<()> {
    let (background, begun) = (load.clone().until_stopped()?, Instant::now());
    let within = Duration::from_secs(30 + orders / SLOWEST_PER_SECOND);
    while background.acknowledged() < orders {
        if begun.elapsed() > within {
            bail!(
                "{} of {orders} orders came within {} s",
                background.acknowledged(),
                within.as_secs()
            );
        }
        tokio::time::sleep(POLL).await;
    }
    background.stop().await
}
