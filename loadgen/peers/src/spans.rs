//! What the services say of each trade, made one picture: when the median trade was where. Pure.
//!
//! Each process writes `monotonic_us,stage,request_id` (the services' `--log-spans`); all of a machine share that clock, so that
//! the marks of five processes stand on one axis. A bar lies between the medians of its two marks, each counted from when
//! the front-end got the trade.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, bail};
use results::stats::median;

/// The first trades are left out: connections open then, and code is run for the first time.
const WARM_UP_TRADES: usize = 20;

/// The marks of one process: by trade, by stage. A stage that a trade reaches twice counts once, the first time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    by_trade: HashMap<String, BTreeMap<String, u64>>,
}

/// Which process did what.
#[derive(Clone, Debug)]
pub(crate) struct Roles {
    /// The leader's process.
    pub(crate) leader: String,
    /// The others that number.
    pub(crate) followers: Vec<String>,
}

/// What goes on in a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Another process is waited for.
    Waits,
    /// Something is computed, sent, or handed from one thread to another.
    Works,
    /// The disk is written and flushed.
    Flushes,
}

/// A stage of the picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    /// The process, in words.
    pub(crate) lane: String,
    /// What it does.
    pub(crate) what: &'static str,
    /// Of which kind that is.
    pub(crate) work: Work,
    /// From when, in microseconds since the front-end got the trade.
    pub(crate) from_us: f64,
    /// Until when.
    pub(crate) to_us: f64,
}

/// One trade.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// Medians of so many.
    pub(crate) trades: usize,
    /// How long the median trade took, from the front-end's getting it to its answering.
    pub(crate) total_us: f64,
    /// Its stages, process by process.
    pub(crate) bars: Vec<Bar>,
}

impl Marks {
    /// Reads a process's file.
    ///
    /// # Errors
    /// If a line is not one of it.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let mut marks = Self::default();
        for row in csv::Reader::from_reader(text.as_bytes()).into_deserialize() {
            let (at_us, stage, trade): (u64, String, String) = row.context("a mark of a trade")?;
            let stages = marks.by_trade.entry(trade).or_default();
            stages.entry(stage).or_insert(at_us);
        }
        Ok(marks)
    }

    fn at(&self, trade: &str, stage: &str) -> Option<f64> {
        Some(*self.by_trade.get(trade)?.get(stage)? as f64)
    }
}

/// The median trade of those that reached every stage.
///
/// # Errors
/// If there is none.
pub(crate) fn picture(
    by_process: &BTreeMap<String, Marks>,
    roles: &Roles,
) -> anyhow::Result<Picture> {
    let of = |name: &str| by_process.get(name).with_context(|| format!("no marks of {name}"));
    let front_end = of("front-end")?;
    let mut stages = vec![stage(
        "front-end",
        front_end,
        "asks the leader, and waits",
        Work::Waits,
        "received",
        "answered",
    )];
    let leader = of(&roles.leader)?;
    let in_leader = |what, work, from, to| stage("leader", leader, what, work, from, to);
    stages.push(in_leader("reads the trade", Work::Works, "received", "asks-catalog"));
    stages.push(in_leader(
        "asks the catalog, and waits",
        Work::Waits,
        "asks-catalog",
        "catalog-answered",
    ));
    let catalog = of("catalog")?;
    let in_catalog = |what, work, from, to| stage("catalog", catalog, what, work, from, to);
    stages.push(in_catalog("hands it to its writer", Work::Works, "received", "begins"));
    stages.push(in_catalog("decides and flushes", Work::Flushes, "begins", "flushed"));
    stages.push(in_catalog(
        "tells the front-end's cache",
        Work::Waits,
        "flushed",
        "front-end-told",
    ));
    stages.push(in_leader(
        "numbers it, sends it to both",
        Work::Works,
        "catalog-answered",
        "begins",
    ));
    stages.push(in_leader("flushes", Work::Flushes, "begins", "flushed"));
    for (at, name) in roles.followers.iter().enumerate() {
        let lane = format!("follower {}", at + 1);
        stages.push(stage(&lane, of(name)?, "flushes", Work::Flushes, "begins", "flushed"));
    }
    stages.push(in_leader("waits for the last, answers", Work::Waits, "flushed", "answered"));

    // In the order of time, so that the first are the warm-up.
    let mut trades: Vec<(f64, &String)> = front_end
        .by_trade
        .keys()
        .filter_map(|trade| Some((front_end.at(trade, "received")?, trade)))
        .filter(|(_, trade)| stages.iter().all(|stage| stage.of(trade).is_some()))
        .collect();
    trades.sort_by(|a, b| a.0.total_cmp(&b.0));
    let warm_up = WARM_UP_TRADES.min(trades.len() / 2);
    let trades = &trades[warm_up..];
    if trades.is_empty() {
        bail!("no trade reached every stage: did the leader change?");
    }
    let bars = stages.iter().map(|stage| {
        let all = trades.iter().filter_map(|(begun, trade)| {
            let (from, to) = stage.of(trade)?;
            Some((from - begun, to - begun))
        });
        let (from, to): (Vec<f64>, Vec<f64>) = all.unzip();
        Some(Bar {
            lane: stage.lane.clone(),
            what: stage.what,
            work: stage.work,
            from_us: median(&from)?,
            to_us: median(&to)?,
        })
    });
    let bars: Vec<Bar> = bars.collect::<Option<_>>().context("a stage without trades")?;
    let total_us = bars.first().map_or(0.0, |bar| bar.to_us);
    Ok(Picture { trades: trades.len(), total_us, bars })
}

struct Stage<'a> {
    lane: String,
    marks: &'a Marks,
    what: &'static str,
    work: Work,
    from: &'static str,
    to: &'static str,
}

impl Stage<'_> {
    /// When a trade was in it, if both marks are there.
    fn of(&self, trade: &str) -> Option<(f64, f64)> {
        Some((self.marks.at(trade, self.from)?, self.marks.at(trade, self.to)?))
    }
}

fn stage<'a>(
    lane: &str,
    marks: &'a Marks,
    what: &'static str,
    work: Work,
    from: &'static str,
    to: &'static str,
) -> Stage<'a> {
    Stage { lane: lane.to_owned(), marks, what, work, from, to }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process's file of trades that begin a millisecond apart; each stage so many microseconds later.
    fn marks(trades: u64, stages: &[(&str, u64)]) -> Marks {
        let mut text = "monotonic_us,stage,request_id\n".to_owned();
        for trade in 0..trades {
            for (stage, after) in stages {
                text += &format!("{},{stage},\"r{trade}\"\n", 1_000 * trade + after);
            }
        }
        Marks::read(&text).unwrap()
    }

    fn all(trades: u64) -> (BTreeMap<String, Marks>, Roles) {
        let leader = [
            ("received", 10),
            ("asks-catalog", 15),
            ("catalog-answered", 80),
            ("begins", 90),
            ("flushed", 120),
            ("answered", 140),
        ];
        let follower = [("begins", 100), ("flushed", 130)];
        let catalog = [("received", 25), ("begins", 30), ("flushed", 60), ("front-end-told", 70)];
        let named = [
            ("front-end", marks(trades, &[("received", 0), ("answered", 150)])),
            ("catalog", marks(trades, &catalog)),
            ("order-1", marks(trades, &follower)),
            ("order-2", marks(trades, &leader)),
            ("order-3", marks(trades, &follower)),
        ];
        let roles = Roles {
            leader: "order-2".to_owned(),
            followers: vec!["order-1".to_owned(), "order-3".to_owned()],
        };
        (named.map(|(name, marks)| (name.to_owned(), marks)).into(), roles)
    }

    #[test]
    fn bars_lie_where_the_median_trade_was() {
        let (marks, roles) = all(100);
        let picture = picture(&marks, &roles).unwrap();
        assert_eq!((picture.trades, picture.total_us), (80, 150.0));
        let bar = |what| picture.bars.iter().find(|bar| bar.what == what).unwrap();
        let flush = bar("decides and flushes");
        assert_eq!((flush.from_us, flush.to_us, flush.work), (30.0, 60.0, Work::Flushes));
        let lanes: Vec<_> = picture.bars.iter().map(|bar| bar.lane.as_str()).collect();
        assert!(lanes.contains(&"follower 2"), "{lanes:?}");
        assert!(picture.bars.iter().all(|bar| bar.to_us >= bar.from_us));
    }

    #[test]
    fn a_trade_that_lacks_a_stage_is_left_out_and_without_any_there_is_no_picture() {
        let (mut marks, roles) = all(3);
        let follower = marks.get_mut("order-3").unwrap();
        follower.by_trade.remove("r2");
        assert_eq!(picture(&marks, &roles).unwrap().trades, 1);
        marks.insert("order-3".to_owned(), Marks::default());
        assert!(picture(&marks, &roles).unwrap_err().to_string().contains("every stage"));
        assert!(Marks::read("monotonic_us,stage,request_id\nsoon,received,r1\n").is_err());
    }
}
