//! From what runs showed to points.
//!
//! A property consists of parts of equal worth (one, one per story, or one per demand). A part is earned if
//! everything of it that could be asked was found to hold. One thing that is broken breaks its part, whatever else could not
//! be judged: a doubt never excuses what was seen.

use crate::demand::{Demand, Finding};
use crate::graded::{Evidence, Graded, GradedProperty, Outcome, Reason, RunLine};
use crate::rubric::{Partial, Property, Rubric};
use crate::story::Story;
use crate::story_run::{NoRun, StoryRun};

/// How much evidence of a property is told for each story; the run's page has more.
const MAX_EVIDENCE: usize = 3;

/// Grades a submission by what its runs showed. A story that is not among `runs` was not run.
#[must_use]
pub fn grade(submission: &str, rubric: &Rubric, runs: &[StoryRun]) -> Graded {
    let missing = |story: Story| StoryRun {
        story,
        command: String::new(),
        page: None,
        outcome: Err(NoRun::NotDone("it was left out".to_owned())),
    };
    let run = |story| {
        let known = runs.iter().find(|run| run.story == story);
        known.cloned().unwrap_or_else(|| missing(story))
    };
    let all: Vec<StoryRun> = rubric.stories().map(run).collect();
    Graded {
        submission: submission.to_owned(),
        rubric: rubric.name.clone(),
        properties: rubric.properties.iter().map(|property| judge(property, &all)).collect(),
        runs: all.iter().map(line).collect(),
    }
}

fn line(run: &StoryRun) -> RunLine {
    let came_of_it = match &run.outcome {
        Ok(shown) => format!("recorded; checks: {}", shown.consistency.verdict),
        Err(none) => student(&none.to_string()),
    };
    RunLine { story: run.story, came_of_it, page: run.page.clone(), command: run.command.clone() }
}

/// What one run says of one demand of a property.
struct Found<'a> {
    run: &'a StoryRun,
    finding: Finding,
}

fn judge(property: &Property, runs: &[StoryRun]) -> GradedProperty {
    let asked: Vec<&StoryRun> =
        runs.iter().filter(|run| property.stories.contains(&run.story)).collect();
    let untried = why_untried(asked.iter().copied()).is_some();
    let find = |demand: &Demand, run| {
        let finding = match demand.find(run) {
            // Nobody has asked the submission anything.
            Finding::Unsure { demanded, why } if untried => Finding::NotAsked { demanded, why },
            finding if property.required => demanded_all_the_same(finding),
            finding => finding,
        };
        Found { run, finding }
    };
    let of_run = |run| property.demands.iter().map(move |demand| find(demand, run));
    let parts: Vec<Vec<Found<'_>>> = match property.partial {
        Partial::None => vec![asked.iter().flat_map(|run| of_run(*run)).collect()],
        Partial::ByRun => asked.iter().map(|run| of_run(*run).collect()).collect(),
        Partial::ByCheck => {
            let of_demand = |demand| asked.iter().map(|run| find(demand, run)).collect();
            property.demands.iter().map(of_demand).collect()
        }
    };
    let outcomes: Vec<Outcome> = parts.iter().map(|part| outcome(part)).collect();
    let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (held, open) = (count(Outcome::Held), count(Outcome::Unsure));
    let of = outcomes.len() - count(Outcome::NotAsked);
    let broken = of - held - open;
    let earned = property.points.share(held, of);
    GradedProperty {
        name: property.name.clone(),
        title: property.title.clone(),
        about: property.about.clone(),
        worth: property.points,
        earned,
        // What is left if no part is broken, so that nothing is lost by rounding.
        open: if broken == 0 && open > 0 {
            property.points - earned
        } else {
            property.points.share(open, of)
        },
        outcome: match (held, open, of) {
            (_, _, 0) => Outcome::NotAsked,
            _ if held == of => Outcome::Held,
            (1.., ..) => Outcome::Partly,
            _ if broken > 0 => Outcome::Broken,
            _ => Outcome::Unsure,
        },
        reasons: reasons(&parts.concat_by_story(&asked)),
    }
}

/// A submission that lacks what a required property is asked of has lost it.
fn demanded_all_the_same(finding: Finding) -> Finding {
    match finding {
        Finding::NotAsked { demanded, why } => {
            let seen = vec![format!("{why}, and this is required")];
            Finding::Broken { demanded, seen, more: 0 }
        }
        other => other,
    }
}

/// Why nothing was tried, where the machine was in the way of every story that could have been run.
#[must_use]
pub fn why_untried<'a>(runs: impl IntoIterator<Item = &'a StoryRun>) -> Option<&'a NoRun> {
    let mut why = None;
    for run in runs {
        match &run.outcome {
            Err(machine @ NoRun::MachineInTheWay(_)) => why = Some(machine),
            Err(NoRun::NotApplicable(_)) => {}
            _ => return None,
        }
    }
    why
}

fn outcome(part: &[Found<'_>]) -> Outcome {
    let kinds = || part.iter().map(|found| kind(&found.finding));
    let is_there = |wanted| kinds().any(|kind| kind == wanted);
    [Outcome::Broken, Outcome::Unsure, Outcome::Held]
        .into_iter()
        .find(|wanted| is_there(*wanted))
        .unwrap_or(Outcome::NotAsked)
}

fn kind(finding: &Finding) -> Outcome {
    match finding {
        Finding::Holds => Outcome::Held,
        Finding::Broken { .. } => Outcome::Broken,
        Finding::Unsure { .. } => Outcome::Unsure,
        Finding::NotAsked { .. } => Outcome::NotAsked,
    }
}

/// The findings of all parts, by story.
trait ByStory<'a> {
    fn concat_by_story(&'a self, runs: &[&'a StoryRun]) -> Vec<(&'a StoryRun, Vec<&'a Finding>)>;
}

impl<'a> ByStory<'a> for Vec<Vec<Found<'a>>> {
    fn concat_by_story(&'a self, runs: &[&'a StoryRun]) -> Vec<(&'a StoryRun, Vec<&'a Finding>)> {
        let of = |run: &&'a StoryRun| {
            let found = self.iter().flatten().filter(|found| found.run.story == run.story);
            (*run, found.map(|found| &found.finding).collect())
        };
        runs.iter().map(of).collect()
    }
}

fn reasons(by_story: &[(&StoryRun, Vec<&Finding>)]) -> Vec<Reason> {
    let kinds = [Outcome::Broken, Outcome::Unsure, Outcome::NotAsked];
    let of_kind = |wanted| by_story.iter().filter_map(move |(run, all)| reason(wanted, run, all));
    kinds.into_iter().flat_map(of_kind).collect()
}

/// What all findings of a kind in a story say; nothing if there are none.
fn reason(wanted: Outcome, run: &StoryRun, findings: &[&Finding]) -> Option<Reason> {
    let of_kind: Vec<_> = findings.iter().filter(|finding| kind(finding) == wanted).collect();
    let (mut evidence, mut more) = (Vec::new(), 0);
    // The first of each, then the second: another demand says more than another example.
    let longest = of_kind.iter().map(|finding| seen(finding).len()).max()?;
    for place in 0..longest {
        for finding in &of_kind {
            let Some(text) = seen(finding).get(place) else { continue };
            let one = Evidence { demanded: demanded(finding).to_owned(), seen: student(text) };
            // Many a doubt concerns several checks for one reason.
            let is_known = |known: &Evidence| {
                *known == one || (wanted != Outcome::Broken && known.seen == one.seen)
            };
            if evidence.iter().any(is_known) {
            } else if evidence.len() < MAX_EVIDENCE {
                evidence.push(one);
            } else {
                more += 1;
            }
        }
    }
    more += of_kind.iter().map(|finding| unquoted(finding)).sum::<u64>();
    let command = run.command.clone();
    Some(Reason { kind: wanted, story: run.story, evidence, more, command })
}

fn seen(finding: &Finding) -> &[String] {
    match finding {
        Finding::Holds => &[],
        Finding::Broken { seen, .. } => seen,
        Finding::Unsure { why, .. } | Finding::NotAsked { why, .. } => std::slice::from_ref(why),
    }
}

fn demanded(finding: &Finding) -> &str {
    match finding {
        Finding::Holds => "",
        Finding::Broken { demanded, .. }
        | Finding::Unsure { demanded, .. }
        | Finding::NotAsked { demanded, .. } => demanded,
    }
}

fn unquoted(finding: &Finding) -> u64 {
    match finding {
        Finding::Broken { more, .. } => *more,
        _ => 0,
    }
}

/// Checks call it the target; for who wrote it, it is their service.
fn student(text: &str) -> String {
    text.replace("the target ", "your service ")
}
