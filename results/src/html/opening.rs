//! What a reader came for: the question, the verdict and the answer.

use super::format::{capitalised, counted, sign};
use super::material::Material;
use super::tiles::{self, Tile};
use crate::availability;
use crate::knee::Sweep;
use crate::records::Manifest;
use crate::summary::{SummaryRow, op_name};
use crate::text::ms;
use crate::timeline::Role;
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

impl Opening {
    pub(super) fn new(material: &Material<'_>) -> Self {
        let manifest = material.manifest;
        let verdict = material.verdict();
        let question = question(material);
        Self {
            title: format!("{}: {verdict} ({})", manifest.plan_name, manifest.started_at),
            question,
            run: run(manifest),
            verdict,
            sign: sign(Some(verdict)),
            headline: headline(material),
            answer: answer(material),
            tiles: tiles::of(material),
        }
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

/// What the checks found, and what came of the thresholds if there are any.
fn headline(material: &Material<'_>) -> String {
    let checks = material.consistency.headline();
    let all = material.thresholds.len() as u64;
    let of = |verdict| material.thresholds.iter().filter(|held| held.verdict == verdict).count();
    let thresholds = counted(all, "threshold was", "thresholds were");
    match (of(Verdict::Fail), of(Verdict::Inconclusive)) {
        _ if all == 0 => checks,
        (0, 0) => format!("{checks} {thresholds} kept."),
        (0, unknown) => format!("{checks} {unknown} of {thresholds} not measured."),
        (broken, _) => format!("{checks} {broken} of {thresholds} broken."),
    }
}

/// How many broken promises are told of at the top.
const TOLD: usize = 3;

/// What was found, the worst first.
fn answer(material: &Material<'_>) -> Vec<String> {
    let Material { figures, consistency, thresholds, catalog, .. } = material;
    let broken = consistency.checks.iter().filter_map(|check| {
        let first = check.evidence.first()?;
        Some(format!("Broken: {}. For example: {}.", check.claim, first.what))
    });
    let sweeps = figures.open_loop.iter().flat_map(|open_loop| &open_loop.sweeps);
    let exceeded = thresholds.iter().filter(|held| held.verdict == Verdict::Fail);
    let exceeded =
        exceeded.map(|held| format!("Broken: {}. Measured: {}.", held.threshold, held.reason));
    broken
        .take(TOLD)
        .chain(exceeded.take(TOLD))
        .chain(sweeps.map(Sweep::sentence))
        .chain(figures.cache.clone())
        .chain(catalog.iter().cloned())
        .chain(figures.outage.clone())
        .chain(availability::about_gaps(&figures.gaps))
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
