//! Runs that can be compared, by commit, in the order of time.

use std::path::{Path, PathBuf};

use results::records::{Manifest, Model, RunFolder};
use results::stats::median;
use results::text::counted;
use results::verdict::Verdict;

use super::LeftOut;
use super::figures::Figures;
use super::likeness::Likeness;
use crate::digest::RunDigest;

/// So many characters of a commit tell it apart.
const COMMIT_CHARS: usize = 9;
/// The date of a time as RFC 3339 writes it, and the minute.
const DATE: usize = 10;
const MINUTE: usize = 16;

/// A run.
#[derive(Clone, Debug)]
pub(super) struct RunPoint {
    pub(super) folder: PathBuf,
    pub(super) started_at: String,
    pub(super) verdict: Verdict,
    pub(super) figures: Figures,
}

/// The runs of one commit.
#[derive(Clone, Debug)]
pub(super) struct CommitPoint {
    /// The commit, shortened; of a run whose commit nobody knows when it began.
    pub(super) name: String,
    /// When its first run began.
    pub(super) begun: String,
    pub(super) runs: Vec<RunPoint>,
}

/// Runs that can be compared.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// What was run, in words.
    pub(super) title: String,
    /// With which settings.
    pub(super) settings: String,
    /// What was kept, whose words texts use.
    pub(super) model: Model,
    /// By commit, in the order of time.
    pub(super) commits: Vec<CommitPoint>,
}

impl CommitPoint {
    /// The median of a figure over its runs.
    pub(super) fn median(&self, figure: fn(&Figures) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.runs.iter().filter_map(|run| figure(&run.figures)).collect();
        median(&values)
    }

    /// The worst verdict of its runs.
    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = self.runs.iter().map(|run| run.verdict);
        verdicts.reduce(Verdict::combine).unwrap_or(Verdict::Inconclusive)
    }

    /// The date of its first run.
    pub(super) fn date(&self) -> &str {
        self.begun.get(..DATE).unwrap_or(&self.begun)
    }
}

/// A run that was read.
struct ReadRun {
    point: RunPoint,
    commit: Option<String>,
    title: String,
    settings: String,
    model: Model,
}

/// Puts runs together; and says of each that is in no group why.
pub(super) fn groups(folders: Vec<PathBuf>) -> (Vec<Group>, Vec<LeftOut>) {
    let (mut alike, mut left_out): (Vec<(Likeness, Vec<ReadRun>)>, Vec<LeftOut>) =
        Default::default();
    for folder in folders {
        let digest = match RunDigest::read(&RunFolder::new(&folder)) {
            Ok(digest) => digest,
            Err(error) => {
                left_out.push(left(&folder, error.to_string()));
                continue;
            }
        };
        let likeness = Likeness::of(&digest.manifest);
        let read = ReadRun {
            commit: digest.manifest.commit.clone(),
            title: title(&digest.manifest),
            settings: settings(&digest.manifest),
            model: digest.manifest.target().model(),
            point: RunPoint {
                folder,
                started_at: digest.manifest.started_at.clone(),
                verdict: digest.verdict,
                figures: Figures::of(&digest),
            },
        };
        match alike.iter_mut().find(|(known, _)| *known == likeness) {
            Some((_, runs)) => runs.push(read),
            None => alike.push((likeness, vec![read])),
        }
    }
    // The largest first: what is alone is held against those.
    alike.sort_by_key(|(_, runs)| std::cmp::Reverse(runs.len()));
    let is_group = |(_, runs): &(Likeness, Vec<ReadRun>)| runs.len() > 1;
    for (likeness, runs) in alike.iter().filter(|one| !is_group(one)) {
        let others = alike.iter().filter(|(other, _)| other != likeness);
        let nearest = others.min_by_key(|(other, _)| likeness.distance(other));
        let reason = match nearest {
            None => "there is no other run to compare it with".to_owned(),
            Some((other, of_other)) => {
                let name = of_other[0].point.folder.display();
                format!(
                    "no other run is like it; the nearest is {name}, and it differs in {}",
                    likeness.difference(other)
                )
            }
        };
        left_out.extend(runs.iter().map(|run| left(&run.point.folder, reason.clone())));
    }
    let groups = alike.into_iter().filter(|one| is_group(one)).map(|(_, runs)| group(runs));
    (groups.collect(), left_out)
}

fn left(folder: &Path, reason: String) -> LeftOut {
    LeftOut { run: folder.display().to_string(), reason }
}

fn group(mut runs: Vec<ReadRun>) -> Group {
    runs.sort_by(|a, b| a.point.started_at.cmp(&b.point.started_at));
    let (title, settings, model) = (runs[0].title.clone(), runs[0].settings.clone(), runs[0].model);
    let mut commits: Vec<(Option<String>, CommitPoint)> = Vec::new();
    for ReadRun { point, commit, .. } in runs {
        let known = commits.iter_mut().find(|(known, _)| commit.is_some() && *known == commit);
        match known {
            Some((_, known)) => known.runs.push(point),
            None => {
                let begun = point.started_at.clone();
                let name = match &commit {
                    Some(commit) => commit.chars().take(COMMIT_CHARS).collect(),
                    None => begun.get(..MINUTE).unwrap_or(&begun).replace('T', " "),
                };
                commits.push((commit, CommitPoint { name, begun, runs: vec![point] }));
            }
        }
    }
    let commits = commits.into_iter().map(|(_, commit)| commit).collect();
    Group { title, settings, model, commits }
}

fn title(manifest: &Manifest) -> String {
    let way = manifest.cells.first().and_then(|cell| cell.variant.as_deref());
    let way = way.filter(|_| manifest.cells.len() == 1 && !manifest.tells_cache());
    let way = way.map(|way| format!(" ({way})")).unwrap_or_default();
    format!("{} of {}{way}, plan {}", manifest.kind, manifest.subject(), manifest.plan_name)
}

fn settings(manifest: &Manifest) -> String {
    let cells: Vec<&str> = manifest.cells.iter().map(|cell| cell.id.as_str()).collect();
    let clients = manifest.cells.iter().map(|cell| cell.clients).max().unwrap_or_default();
    let trials = manifest.cells.iter().map(|cell| cell.trials).max().unwrap_or_default();
    let machine =
        manifest.machine.iter().filter(|(name, _)| name == "processor" || name == "cores");
    let machine: Vec<String> = machine.map(|(name, value)| format!("{name} {value}")).collect();
    format!(
        "{} ({}), {}, {} of each in a run; {}",
        counted(cells.len() as u64, "cell", "cells"),
        cells.join(", "),
        counted(u64::from(clients), "client", "clients"),
        counted(u64::from(trials), "trial", "trials"),
        machine.join(", ")
    )
}
