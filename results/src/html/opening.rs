//! What a reader came for: the question, the verdict, the answer and the figures that it rests on.

use super::Material;
use super::format::{NONE, capitalised, counted, grouped, some_ms};
use crate::availability::{AvailabilityRow, FaultKind, Role};
use crate::checks::{CheckResult, ConsistencyReport};
use crate::knee::Sweep;
use crate::records::{Manifest, Op};
use crate::stats::median;
use crate::summary::{SummaryRow, op_name};
use crate::text::{ms, three_digits};
use crate::verdict::Verdict;

/// The top of the page.
pub(super) struct Opening {
    /// The page's title, in the browser's tab.
    pub(super) title: String,
    /// What was asked: the page's heading.
    pub(super) question: &'static str,
    /// Which run this is.
    pub(super) run: String,
    /// The verdict's name, which is its class as well.
    pub(super) verdict: Verdict,
    /// The same as a sign.
    pub(super) sign: &'static str,
    /// The verdict in a sentence.
    pub(super) headline: String,
    /// The answer, sentence by sentence.
    pub(super) answer: Vec<String>,
    /// The figures that it rests on.
    pub(super) tiles: Vec<Tile>,
}

/// One figure in large type.
pub(super) struct Tile {
    /// What it is.
    pub(super) label: String,
    /// The figure with its unit.
    pub(super) value: String,
    /// What it is out of, or how far it goes.
    pub(super) note: String,
}

impl Opening {
    pub(super) fn new(material: &Material<'_>) -> Self {
        let Material { manifest, consistency, .. } = material;
        let verdict = consistency.verdict;
        let question = question(material);
        Self {
            title: format!("{}: {verdict} ({})", manifest.plan_name, manifest.started_at),
            question,
            run: run(manifest),
            verdict,
            sign: sign(Some(verdict)),
            headline: consistency.headline(),
            answer: answer(material),
            tiles: tiles(material),
        }
    }
}

/// A sign that tells verdicts apart without colour.
pub(super) fn sign(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "✓",
        Some(Verdict::Fail) => "✗",
        Some(Verdict::Inconclusive) => "?",
        None => "–",
    }
}

fn question(material: &Material<'_>) -> &'static str {
    let hit_leader = material.figures.availability.iter().any(|row| row.role == Role::Leader);
    let has = |cache| material.manifest.cells.iter().any(|cell| cell.cache == cache);
    if material.manifest.kind == "soak" {
        "Does anything go wrong when everything breaks at random?"
    } else if hit_leader {
        "What does a leader’s death cost, and is anything lost?"
    } else if !material.figures.availability.is_empty() {
        "What do these faults cost, and is anything lost?"
    } else if material.figures.open_loop.as_ref().is_some_and(|it| !it.sweeps.is_empty()) {
        "How much load does the bazaar hold?"
    } else if has(true) && has(false) {
        "What does the cache buy, and what does it cost?"
    } else {
        "How fast does the bazaar answer, and are its answers right?"
    }
}

fn run(manifest: &Manifest) -> String {
    let commit = manifest.commit.as_deref().map(|commit| {
        let short: String = commit.chars().take(SHORT_COMMIT).collect();
        format!(" · commit {short}")
    });
    format!(
        "{} run of plan {} · begun {} · seed {}{}",
        capitalised(&manifest.kind),
        manifest.plan_name,
        to_the_second(&manifest.started_at),
        manifest.seed,
        commit.unwrap_or_default()
    )
}

/// As many characters of a commit as git itself shows.
const SHORT_COMMIT: usize = 8;

/// `2026-11-22T21:25:42.266Z` as `2026-11-22 21:25:42 UTC`; anything else as it is.
fn to_the_second(rfc3339: &str) -> String {
    let date_and_time = rfc3339.strip_suffix('Z').and_then(|utc| utc.split_once('T'));
    match date_and_time {
        Some((date, time)) => {
            format!("{date} {} UTC", time.split('.').next().unwrap_or_default())
        }
        None => rfc3339.to_owned(),
    }
}

/// How many broken promises are told of at the top.
const TOLD: usize = 3;

/// What was found, the worst first.
fn answer(material: &Material<'_>) -> Vec<String> {
    let Material { figures, consistency, catalog, .. } = material;
    let broken = consistency.checks.iter().filter_map(|check| {
        let first = check.evidence.first()?;
        Some(format!("Broken: {}. For example: {}.", check.claim, first.what))
    });
    let sweeps = figures.open_loop.iter().flat_map(|open_loop| &open_loop.sweeps);
    broken
        .take(TOLD)
        .chain(sweeps.map(Sweep::sentence))
        .chain(figures.cache.clone())
        .chain(catalog.iter().cloned())
        .chain(figures.outage.clone())
        .chain(hidden_by_waiting(&figures.summary))
        .collect()
}

/// How many times as long as uncorrected a percentile must be to be worth a sentence.
const WORTH_TELLING: u64 = 2;

/// What an open loop shows and a count from the send hides, where that is most.
fn hidden_by_waiting(summary: &[SummaryRow]) -> Option<String> {
    let both = summary.iter().filter_map(|row| Some((row, row.p99_us?, row.uncorrected_p99_us?)));
    let (row, due_us, sent_us) = both
        .filter(|(_, due_us, sent_us)| *due_us >= sent_us.saturating_mul(WORTH_TELLING))
        .max_by_key(|(_, due_us, sent_us)| due_us - sent_us)?;
    Some(format!(
        "The 99th percentile of a {} is {} from the moment at which it was due ({}). Counted from \
         the moment at which it was sent, as most tools do, it would seem to be {}.",
        op_name(row.op),
        ms(due_us),
        row.cell,
        ms(sent_us)
    ))
}

fn tiles(material: &Material<'_>) -> Vec<Tile> {
    let Material { figures, consistency, .. } = material;
    let mut tiles = Vec::new();
    tiles.extend(first_ack(&figures.availability));
    tiles.extend(cost_to_clients(&figures.availability, &figures.summary));
    for op in [Op::Query, Op::Trade] {
        tiles.extend(latency(&figures.summary, op));
    }
    tiles.push(harm(consistency));
    tiles
}

/// Until the service was back after a leader was hit: killed if any was, otherwise paused.
fn first_ack(rows: &[AvailabilityRow]) -> Option<Tile> {
    let kinds = [(FaultKind::Kill, "leader kill"), (FaultKind::Pause, "leader pause")];
    let hit = kinds.into_iter().map(|(action, name)| {
        let hit: Vec<&AvailabilityRow> =
            rows.iter().filter(|row| row.action == action && row.role == Role::Leader).collect();
        (name, hit)
    });
    let (name, hit) = hit.into_iter().find(|(_, hit)| !hit.is_empty())?;
    let acks: Vec<f64> = hit.iter().filter_map(|row| row.first_ack_ms).collect();
    let longest = acks.iter().copied().max_by(f64::total_cmp);
    let unseen = hit.len() - acks.len();
    let mut note = format!(
        "median of {}, {} ms at most",
        counted(acks.len() as u64, name, &format!("{name}s")),
        some_ms(longest)
    );
    if unseen > 0 {
        note = format!("{note}; none seen after {unseen}");
    }
    let value =
        median(&acks).map_or("none seen".to_owned(), |ms| format!("{} ms", three_digits(ms)));
    Some(Tile { label: format!("First acknowledged trade after a {name}"), value, note })
}

/// Operations that went wrong for clients in a run with faults.
fn cost_to_clients(faults: &[AvailabilityRow], summary: &[SummaryRow]) -> Option<Tile> {
    if faults.is_empty() {
        return None;
    }
    let sum = |count: fn(&SummaryRow) -> u64| summary.iter().map(count).sum::<u64>();
    let (failed, unknown) = (sum(|row| row.failed), sum(|row| row.unknown));
    Some(Tile {
        label: "Operations without an answer".to_owned(),
        value: grouped(failed + unknown),
        note: format!("{failed} failed, {unknown} unknown, of {}", grouped(sum(|row| row.count))),
    })
}

/// The median where one cell stands for the run; with and without the cache where the run compares.
fn latency(summary: &[SummaryRow], op: Op) -> Option<Tile> {
    let rows: Vec<&SummaryRow> =
        summary.iter().filter(|row| row.op == op && row.p50_us.is_some()).collect();
    let name = op_name(op);
    let lowest = |a: &&&SummaryRow, b: &&&SummaryRow| {
        let rates = (a.rate_per_s.unwrap_or_default(), b.rate_per_s.unwrap_or_default());
        a.p.total_cmp(&b.p).then(rates.0.total_cmp(&rates.1))
    };
    let first = rows.iter().min_by(lowest)?;
    let of = |cache: bool| {
        let alike = |row: &&&SummaryRow| row.p == first.p && row.rate_per_s == first.rate_per_s;
        rows.iter().filter(alike).find(|row| row.cache == cache)
    };
    let rate = first.rate_per_s.map(|rate| format!(", {rate}/s")).unwrap_or_default();
    let median = |row: &SummaryRow| row.p50_us.map(ms).unwrap_or_default();
    let p99 = |row: &SummaryRow| row.p99_us.map(ms).unwrap_or_default();
    Some(match (of(true), of(false)) {
        (Some(on), Some(off)) => Tile {
            label: format!("Median {name} with the cache, p = {}{rate}", first.p),
            value: median(on),
            note: format!(
                "{} without it; 99th percentile {} and {}",
                median(off),
                p99(on),
                p99(off)
            ),
        },
        _ => Tile {
            label: format!("Median {name}, p = {}{rate}", first.p),
            value: median(first),
            note: format!(
                "{}99th percentile {}; {}",
                interval(first),
                p99(first),
                counted(first.count, "operation", "operations")
            ),
        },
    })
}

/// Between which bounds a median lies, if that can be told: `95% interval 4.31 ms to 5.63 ms; `.
fn interval(row: &SummaryRow) -> String {
    let bounds = row.p50_low_us.zip(row.p50_high_us);
    let words = bounds.map(|(low, high)| format!("95% interval {} to {}; ", ms(low), ms(high)));
    words.unwrap_or_default()
}

/// The three ways in which a promise to a client is broken, by the checks that watch for them.
const HARM: [(&str, &str); 3] = [
    ("acknowledged-orders-survive", "lost"),
    ("exactly-once", "doubled"),
    ("no-stale-read", "stale"),
];

/// What was lost, doubled or stale, and out of how much.
fn harm(consistency: &ConsistencyReport) -> Tile {
    let found: Vec<(&CheckResult, &str)> = HARM
        .iter()
        .filter_map(|(check, word)| {
            Some((consistency.checks.iter().find(|result| result.name == *check)?, *word))
        })
        .collect();
    let label = "Lost, doubled or stale".to_owned();
    if found.iter().all(|(check, _)| check.verdict.is_none()) {
        let note = "nothing was traded, so nothing could be".to_owned();
        return Tile { label, value: NONE.to_owned(), note };
    }
    let judged = found.iter().all(|(check, _)| check.verdict != Some(Verdict::Inconclusive));
    let total: u64 = found.iter().map(|(check, _)| check.violations).sum();
    let each: Vec<String> =
        found.iter().map(|(check, word)| format!("{} {word}", grouped(check.violations))).collect();
    let run = &consistency.run;
    let mut note = format!(
        "{}, in {} and {}",
        each.join(", "),
        counted(run.acknowledged_trades, "acknowledged trade", "acknowledged trades"),
        counted(run.reads, "read", "reads")
    );
    if !judged {
        note.push_str("; not everything could be judged");
    }
    Tile { label, value: grouped(total), note }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_told_to_the_second() {
        assert_eq!(to_the_second("2026-11-22T21:25:42.266258862Z"), "2026-11-22 21:25:42 UTC");
        assert_eq!(to_the_second("2026-11-22T21:25:42Z"), "2026-11-22 21:25:42 UTC");
        assert_eq!(to_the_second("yesterday"), "yesterday");
    }
}
