//! `engines.json`: what was run, on which systems, and where it lies. No figure stands in it.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CampaignError;
use crate::files;

/// The file's name.
const RECORD: &str = "engines.json";
/// The version of its format.
const FORMAT: u32 = 1;

/// A row: a system, as it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRecord {
    /// What it is called: the target's name, and the variant's.
    pub name: String,
    /// Why nothing of it could be run, with what mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
}

/// What is done to each system, once in each round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A closed loop of so many clients, without faults.
    Load {
        /// How many.
        clients: u32,
    },
    /// A plan with faults.
    Faults {
        /// What kind of fault it has: the plan's name.
        kind: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { clients: 1 } => f.write_str("1 client"),
            Self::Load { clients } => write!(f, "{clients} clients"),
            Self::Faults { kind } => f.write_str(kind),
        }
    }
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// It was run, and its folder has it.
    Recorded,
    /// The system has nothing that the step could be done to.
    NotApplicable(String),
    /// It could not be run.
    NotRun(String),
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Which system, counted from 0.
    pub system: usize,
    /// Which step, counted from 0.
    pub step: usize,
    /// In which round, from 1.
    pub round: u32,
    /// Its folder, seen from the record's.
    pub folder: String,
    /// What repeats it.
    pub command: String,
    /// What became of it.
    pub outcome: RunOutcome,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRecord {
    /// The version of the format.
    pub format: u32,
    /// What repeats it.
    pub command: String,
    /// When it began, in UTC, for people.
    pub begun: String,
    /// How many rounds there were to be.
    pub rounds: u32,
    /// For how long each number of clients was measured.
    pub seconds: f64,
    /// The harness's version, and its commit if that is known.
    pub harness: String,
    /// The machine, in words.
    pub machine: String,
    /// What speaks against believing the figures, a sentence each.
    pub caveats: Vec<String>,
    /// The systems.
    pub systems: Vec<SystemRecord>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The runs, in the order in which they were done.
    pub runs: Vec<RunRecord>,
}

impl ComparisonRecord {
    /// Of which nothing was run yet.
    #[must_use]
    pub fn new(command: String, systems: Vec<SystemRecord>, steps: Vec<Step>) -> Self {
        Self {
            format: FORMAT,
            command,
            begun: String::new(),
            rounds: 1,
            seconds: 0.0,
            harness: String::new(),
            machine: String::new(),
            caveats: Vec::new(),
            systems,
            steps,
            runs: Vec::new(),
        }
    }

    /// The record in a folder.
    ///
    /// # Errors
    /// It is not there, or none.
    pub fn read(folder: &Path) -> Result<Self, CampaignError> {
        let path = folder.join(RECORD);
        let text = fs::read_to_string(&path).map_err(CampaignError::io(&path))?;
        let record: Self =
            serde_json::from_str(&text).map_err(|error| CampaignError::file(&path, error))?;
        let (systems, steps) = (record.systems.len(), record.steps.len());
        match record.runs.iter().find(|run| run.system >= systems || run.step >= steps) {
            None => Ok(record),
            Some(run) => {
                let reason =
                    format!("the run in {} is of a system or step that is not there", run.folder);
                Err(CampaignError::file(&path, reason))
            }
        }
    }

    /// Writes it into a folder, in which it is whole at every moment: hours of runs are worth nothing without it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), CampaignError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| CampaignError::file(&folder.join(RECORD), error))?;
        files::write(folder, RECORD, &(text + "\n")).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_run_of_nobody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let systems = vec![SystemRecord { name: "shop".to_owned(), absent: None }];
        let steps = vec![Step::Load { clients: 1 }, Step::Faults { kind: "kill".to_owned() }];
        let mut record = ComparisonRecord::new("double-trouble engines".to_owned(), systems, steps);
        record.runs.push(RunRecord {
            system: 0,
            step: 1,
            round: 1,
            folder: "round-1/shop/kill".to_owned(),
            command: "double-trouble failover".to_owned(),
            outcome: RunOutcome::NotApplicable("it has no links".to_owned()),
        });
        record.write(folder.path()).unwrap();
        assert_eq!(ComparisonRecord::read(folder.path()).unwrap(), record);
        // Who opened the file before it was written again goes on with the one that was whole then.
        let opened = folder.path().join("opened");
        fs::hard_link(folder.path().join(RECORD), &opened).unwrap();
        record.runs[0].system = 1;
        record.write(folder.path()).unwrap();
        let before: ComparisonRecord =
            serde_json::from_str(&fs::read_to_string(opened).unwrap()).unwrap();
        assert_eq!(before.runs[0].system, 0);
        let error = ComparisonRecord::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("round-1/shop/kill"), "{error}");
    }
}
