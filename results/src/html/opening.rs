//! What a reader came for: the question, the verdict and the answer.

use super::answer::{self, Answer};
use super::format::{counted, sign};
use super::input::PageInput;
use super::tiles::{self, Tile};
use crate::availability::{AvailabilityRow, FaultGroup};
use crate::records::Manifest;
use crate::text::{capitalised, listed};
use crate::verdict::Verdict;

/// The top of the page.
pub(super) struct Opening {
    /// The page's title, in the browser's tab.
    pub(super) title: String,
    /// What was asked: the page's heading.
    pub(super) question: String,
    /// Which run this is.
    pub(super) run: String,
    /// The verdict's name, which is its class as well.
    pub(super) verdict: Verdict,
    /// The same as a sign.
    pub(super) sign: &'static str,
    /// The verdict in a sentence.
    pub(super) headline: String,
    /// The answer.
    pub(super) answer: Answer,
    /// The figures that it rests on.
    pub(super) tiles: Vec<Tile>,
}

impl Opening {
    pub(super) fn new(material: &PageInput<'_>) -> Self {
        let manifest = material.manifest;
        let verdict = material.verdict();
        Self {
            title: format!("{}: {verdict} ({})", name(manifest), manifest.started_at),
            question: question(material),
            run: run(manifest),
            verdict,
            sign: sign(Some(verdict)),
            headline: headline(material),
            answer: Answer::new(material),
            tiles: tiles::of(material),
        }
    }
}

/// The plan's name, after that of a target that is not ours: `naive, quick`.
fn name(manifest: &Manifest) -> String {
    let plan = &manifest.plan_name;
    manifest.target.as_ref().map_or(plan.clone(), |target| format!("{}, {plan}", target.name))
}

/// Up to so many kinds of faults are named in the question.
const NAMED: usize = 3;

fn question(material: &PageInput<'_>) -> String {
    let manifest = material.manifest;
    let has = |cache| manifest.cells.iter().any(|cell| cell.cache == cache);
    let faults = &material.figures.availability;
    if manifest.kind == "soak" {
        "Does anything go wrong when everything breaks at random?".to_owned()
    } else if !faults.is_empty() {
        about_faults(faults)
    } else if material.figures.open_loop.as_ref().is_some_and(|it| !it.sweeps.is_empty()) {
        format!("How much load does {} hold?", manifest.subject())
    } else if manifest.tells_cache() && has(true) && has(false) {
        "What does the cache buy, and what does it cost?".to_owned()
    } else if let (Some(one), Some(other), true, true) =
        (manifest.way(true), manifest.way(false), has(true), has(false))
    {
        format!("How do {one} and {other} of {} compare?", manifest.subject())
    } else {
        format!("How fast does {} answer, and are its answers right?", manifest.subject())
    }
}

/// It names the kinds of faults that were injected, as long as there are few.
fn about_faults(faults: &[AvailabilityRow]) -> String {
    let of_kind = |group| faults.iter().filter(|row| FaultGroup::of(row) == group).count();
    let name = |group: FaultGroup| match of_kind(group) {
        1 => format!("a {}", answer::one(group)),
        _ => answer::many(group),
    };
    let names: Vec<String> = FaultGroup::among(faults).into_iter().map(name).collect();
    let verb = if faults.len() == 1 { "does" } else { "do" };
    let what = match names.as_slice() {
        [_, ..] if names.len() <= NAMED => listed(&names),
        _ => format!("{} faults of {} kinds", faults.len(), names.len()),
    };
    format!("What {verb} {what} cost, and is anything lost?")
}

fn run(manifest: &Manifest) -> String {
    let commit = manifest.commit.as_deref().map(|commit| {
        let short: String = commit.chars().take(SHORT_COMMIT).collect();
        format!(" · commit {short}")
    });
    let target = manifest.target.as_ref().map(|target| format!("{} · ", target.name));
    let target = target.unwrap_or_default();
    format!(
        "{} run of {target}plan {} · begun {} · seed {}{}",
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
fn headline(material: &PageInput<'_>) -> String {
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

#[cfg(test)]
mod tests {
    use super::super::faults::tests::leader_kill;
    use super::*;
    use crate::timeline::{FaultKind, Role};

    fn fault(action: FaultKind, role: Role) -> AvailabilityRow {
        AvailabilityRow { action, role, ..leader_kill() }
    }

    #[test]
    fn the_question_names_the_faults_whoever_they_hit() {
        let pause = fault(FaultKind::Pause, Role::Leader);
        let cut = fault(FaultKind::Cut, Role::Link);
        let catalog = fault(FaultKind::Kill, Role::Of("catalog".parse().unwrap()));
        let front_end = fault(FaultKind::StallDisk, Role::Of("front-end".parse().unwrap()));
        let asked = |faults: &[&AvailabilityRow]| {
            about_faults(&faults.iter().map(|&row| row.clone()).collect::<Vec<_>>())
        };
        assert_eq!(asked(&[&pause]), "What does a leader pause cost, and is anything lost?");
        assert_eq!(asked(&[&cut, &cut]), "What do link faults cost, and is anything lost?");
        assert_eq!(
            asked(&[&pause, &cut, &cut, &front_end]),
            "What do a leader pause, a front-end fault and link faults cost, and is anything lost?"
        );
        let flood = fault(FaultKind::Flood, Role::Of("front-end".parse().unwrap()));
        let slow = fault(FaultKind::Slow, Role::Leader);
        assert_eq!(
            asked(&[&slow, &flood, &flood]),
            "What do a slowed leader and floods cost, and is anything lost?"
        );
        assert_eq!(
            asked(&[&pause, &cut, &front_end, &catalog]),
            "What do 4 faults of 4 kinds cost, and is anything lost?"
        );
    }

    #[test]
    fn the_beginning_is_told_to_the_second() {
        assert_eq!(to_the_second("2026-11-22T21:25:42.266258862Z"), "2026-11-22 21:25:42 UTC");
        assert_eq!(to_the_second("2026-11-22T21:25:42Z"), "2026-11-22 21:25:42 UTC");
        assert_eq!(to_the_second("yesterday"), "yesterday");
    }
}
