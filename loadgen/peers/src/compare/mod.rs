//! The comparisons. Each starts its sides, takes figures of all of them in every round, and ends them.
//!
//! The order of the sides changes from round to round, so that none is always first after a pause or last in the heat.

mod generator;
mod growth;
mod instructions;
mod kill;
mod query;
mod restart;
mod spans;
mod start;
mod trade;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::arguments::{Config, Part};
use crate::load::Measured;
use crate::sample::{Figure, Samples, Side};
use crate::tools::Tools;

/// How long clients run before a loop of ours counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// What every comparison stands on.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// What is done.
    pub(crate) config: &'a Config,
    /// What the machine has.
    pub(crate) tools: &'a Tools,
    /// The folder of the systems' files.
    pub(crate) scratch: PathBuf,
    /// What was measured.
    pub(crate) samples: &'a mut Samples,
    /// What a reader must know besides, a sentence each.
    pub(crate) notes: &'a mut Vec<String>,
}

impl Stage<'_> {
    /// Runs a comparison, and removes its files.
    ///
    /// # Errors
    /// If it could not be measured.
    pub(crate) async fn compare(&mut self, part: Part) -> anyhow::Result<()> {
        match part {
            Part::Query => query::compare(self).await?,
            Part::Trade => trade::compare(self).await?,
            Part::Kill => kill::compare(self).await?,
            Part::Restart => restart::compare(self).await?,
            Part::Start => start::compare(self).await?,
            Part::Growth => growth::compare(self).await?,
            Part::Generator => generator::compare(self).await?,
            Part::Spans => spans::draw(self).await?,
            Part::Instructions => instructions::compare(self).await?,
        }
        // None of it is needed any more, and the next one may need the room.
        for entry in fs::read_dir(&self.scratch)?.filter_map(Result::ok) {
            let _ = fs::remove_dir_all(entry.path());
        }
        Ok(())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    fn span(&self) -> Duration {
        Duration::from_secs_f64(self.config.seconds)
    }

    fn add(
        &mut self,
        round: u32,
        case: &str,
        side: Side,
        figure: Figure,
        value: f64,
    ) -> anyhow::Result<()> {
        self.samples.add(round, case, side, figure, value)
    }

    /// What a load measured, and a line about it.
    fn add_load(
        &mut self,
        round: u32,
        case: &str,
        side: Side,
        measured: &Measured,
    ) -> anyhow::Result<()> {
        self.add(round, case, side, Figure::PerSecond, measured.per_second)?;
        self.add(round, case, side, Figure::Failed, measured.failed as f64)?;
        for (figure, value) in [(Figure::P50Ms, measured.p50_ms), (Figure::P99Ms, measured.p99_ms)]
        {
            if let Some(value) = value {
                self.add(round, case, side, figure, value)?;
            }
        }
        if measured.acknowledged > 0 {
            let each = |used: f64| used / measured.acknowledged as f64;
            self.add(round, case, side, Figure::CpuUs, each(measured.usage.cpu_us))?;
            self.add(round, case, side, Figure::Switches, each(measured.usage.switches))?;
        }
        if let Some(reason) = &measured.reason {
            let failed = measured.failed;
            self.notes.push(format!(
                "{case}, round {round}, {side}: {failed} failed; the first: {reason}"
            ));
        }
        let p50 = measured.p50_ms.map_or_else(String::new, |ms| format!(", median {ms:.2} ms"));
        let each = measured.usage.cpu_us / (measured.acknowledged.max(1)) as f64;
        let rate = measured.per_second;
        self.say(round, case, &format!("{side} {rate:.0}/s{p50}, {each:.0} us CPU each"));
        Ok(())
    }

    fn say(&self, round: u32, case: &str, what: &str) {
        eprintln!("{case}, round {round} of {}: {what}", self.config.rounds);
    }
}

/// The sides in the order of a round.
fn turns<T>(sides: &[T], round: u32) -> impl Iterator<Item = &T> {
    let first = round as usize % sides.len().max(1);
    sides[first..].iter().chain(&sides[..first])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_is_first_in_some_round() {
        let of = |round| turns(&["a", "b", "c"], round).copied().collect::<String>();
        assert_eq!([of(1), of(2), of(3), of(4)], ["bca", "cab", "abc", "bca"]);
        assert_eq!(turns::<u8>(&[], 1).count(), 0);
    }
}
