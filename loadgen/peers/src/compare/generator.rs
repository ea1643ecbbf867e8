//! The harness's own load generator beside oha, at the same server, which only answers; and beside itself without goose.
//!
//! What a generator takes of the machine is not there for what it measures, and how late it is it puts down to others. Both
//! are told here of both, each as a process of its own, in turns.

use super::{Stage, turns};
use crate::generator::{Measuring, Told, measure};
use crate::goals;
use crate::sample::{Figure, Side};
use crate::system::bare::{Bare, Said};
use crate::system::bazaar::{Bazaar, QUERY};
use crate::system::guard;
use crate::tools::Tool;

/// So many connections each has.
const CONNECTIONS: usize = 64;

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    // The answer is the bazaar's, so that our clients, who read it, have the work that they have in a run.
    let bazaar = Bazaar::start(&stage.config.bin_dir, &stage.folder("generator-bazaar")).await?;
    let said = Said::like(&bazaar.cached().await?)?;
    bazaar.fleet.stop().await;
    let bare = Bare::start(&stage.folder("generator-hyper"), &said).await?;
    let oha = stage.tools.path(Tool::Oha);
    let mut sides = vec![
        (Side::Generator, Measuring::Own { with_goose: true }),
        (Side::GeneratorAlone, Measuring::Own { with_goose: false }),
    ];
    sides.extend(oha.map(|program| (Side::Oha, Measuring::Oha(program))));
    // oha counts whole seconds.
    let seconds = stage.config.seconds.ceil().max(1.0) as u64;
    for round in 1..=stage.config.rounds {
        let rates = goals::RATES_PER_S.map(Some).into_iter();
        for rate_per_s in std::iter::once(None).chain(rates) {
            let case = rate_per_s.map_or_else(|| goals::CLOSED_LOOP.to_owned(), goals::offered);
            for &(side, which) in turns(&sides, round) {
                let (target, folder) = ((bare.address, QUERY), stage.scratch.clone());
                let guard = guard();
                let asked =
                    measure(which, &guard, &folder, target, CONNECTIONS, seconds, rate_per_s);
                let (told, cpu_us) = asked.await?;
                add(stage, round, &case, side, &told, cpu_us)?;
            }
        }
    }
    bare.fleet.stop().await;
    Ok(())
}

fn add(
    stage: &mut Stage<'_>,
    round: u32,
    case: &str,
    side: Side,
    told: &Told,
    cpu_us: f64,
) -> anyhow::Result<()> {
    let each_us = cpu_us / told.requests.max(1) as f64;
    stage.add(round, case, side, Figure::PerSecond, told.per_second)?;
    stage.add(round, case, side, Figure::P50Ms, told.p50_ms)?;
    stage.add(round, case, side, Figure::P99Ms, told.p99_ms)?;
    stage.add(round, case, side, Figure::Failed, told.failed as f64)?;
    if each_us > 0.0 {
        stage.add(round, case, side, Figure::CpuUs, each_us)?;
        stage.add(round, case, side, Figure::PerCore, 1e6 / each_us)?;
    }
    if let Some(late_ms) = told.late_p99_ms {
        stage.add(round, case, side, Figure::LateMs, late_ms)?;
    }
    let (rate, p50, p99) = (told.per_second, told.p50_ms, told.p99_ms);
    let what = format!(
        "{side} {rate:.0}/s, median {p50:.2} ms, p99 {p99:.2} ms, {each_us:.1} us of its own CPU each"
    );
    stage.say(round, case, &what);
    Ok(())
}
