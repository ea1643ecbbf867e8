//! What came of all systems, read from the folders that a record names.

use std::path::Path;

use results::records::RunFolder;

use super::record::{ComparisonRecord, RunOutcome, RunRecord, Step};
use super::system::{LoadFigures, Outages, SystemFinding, SystemRun, Totals, findings};
use crate::digest::RunDigest;
use crate::error::CampaignError;

/// So many reasons of a system's doubts are told.
const MOST_DOUBTS: usize = 5;

/// One system.
#[derive(Clone, Debug)]
pub(super) struct System {
    /// What it is called.
    pub(super) name: String,
    /// Why nothing of it could be run.
    pub(super) absent: Option<String>,
    /// What all runs came to.
    pub(super) totals: Totals,
    /// What each number of clients came to, in the order of the steps.
    pub(super) load: Vec<(u32, LoadFigures)>,
    /// What each kind of fault came to.
    pub(super) faults: Vec<(String, Outages)>,
    /// What the checks found.
    pub(super) findings: Vec<SystemFinding>,
    /// Why runs were inconclusive.
    pub(super) doubts: Vec<String>,
}

/// Systems beside each other.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What was run.
    pub(super) record: ComparisonRecord,
    /// What came of it.
    pub(super) systems: Vec<System>,
}

impl Comparison {
    /// Reads the runs that a record names; their folders are seen from `root`.
    ///
    /// # Errors
    /// A file of a run that was recorded is missing, or is not what it should be.
    pub fn read(root: &Path, record: ComparisonRecord) -> Result<Self, CampaignError> {
        let systems = (0..record.systems.len()).map(|number| System::read(root, &record, number));
        Ok(Self { systems: systems.collect::<Result<_, _>>()?, record })
    }
}

impl System {
    fn read(root: &Path, record: &ComparisonRecord, number: usize) -> Result<Self, CampaignError> {
        let of_system = |run: &&RunRecord| run.system == number;
        let mut runs: Vec<(usize, SystemRun)> = Vec::new();
        for run in record.runs.iter().filter(of_system) {
            if run.outcome == RunOutcome::Recorded {
                let digest = RunDigest::read(&RunFolder::new(root.join(&run.folder)))?;
                let (folder, command) = (run.folder.clone(), run.command.clone());
                runs.push((run.step, SystemRun { folder, command, digest }));
            }
        }
        let of_step = |step: usize| -> Vec<&SystemRun> {
            runs.iter().filter(|(of, _)| *of == step).map(|(_, run)| run).collect()
        };
        let (mut load, mut faults) = (Vec::new(), Vec::new());
        for (number_of_step, step) in record.steps.iter().enumerate() {
            let of_it = of_step(number_of_step);
            match step {
                Step::Load { clients } => load.push((*clients, LoadFigures::of(&of_it))),
                Step::Faults { kind } => {
                    let mut outages = Outages::of(&of_it);
                    let mut others = record.runs.iter().filter(of_system);
                    let other = others.find(|run| {
                        run.step == number_of_step && run.outcome != RunOutcome::Recorded
                    });
                    if of_it.is_empty() {
                        outages.why_none = other.map(|run| why(&run.outcome));
                    }
                    faults.push((kind.clone(), outages));
                }
            }
        }
        let all = || runs.iter().map(|(_, run)| run);
        let described = &record.systems[number];
        let mut doubts: Vec<String> = Vec::new();
        let incidents = record.runs.iter().filter(of_system).filter_map(|run| match &run.outcome {
            RunOutcome::NotRun(why) => Some(format!("{} was not run: {why}", run.folder)),
            _ => None,
        });
        for doubt in incidents.chain(all().flat_map(|run| run.digest.doubts.iter().cloned())) {
            if doubts.len() < MOST_DOUBTS && !doubts.contains(&doubt) {
                doubts.push(doubt);
            }
        }
        Ok(Self {
            name: described.name.clone(),
            absent: described.absent.clone(),
            totals: Totals::of(all()),
            load,
            faults,
            findings: findings(all()),
            doubts,
        })
    }
}

fn why(outcome: &RunOutcome) -> String {
    match outcome {
        RunOutcome::Recorded => String::new(),
        RunOutcome::NotApplicable(why) | RunOutcome::NotRun(why) => why.clone(),
    }
}
