//! One figure of one side in one round, as it was taken. Everything that is told later is made of these.

use std::fmt;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// Who was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Side {
    /// Ours.
    Bazaar,
    /// A server that does nothing but answer, on the library that ours stands on.
    Hyper,
    /// A web server that answers from its configuration.
    Nginx,
    /// A replicated store, whatever is asked of it.
    Etcd,
    /// The same: one key is written.
    EtcdPut,
    /// The same: stock and order, if the stock is still as it was read.
    EtcdTransaction,
    /// One flush of 4 KiB, by a loop of our own.
    Disk,
    /// The same by fio.
    Fio,
    /// Ours before what was done to it.
    Before,
    /// Ours with the least that it can hold of what grows.
    Least,
    /// The harness's own load generator.
    Generator,
    /// The same clients without goose.
    GeneratorAlone,
    /// oha.
    Oha,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bazaar => "bazaar",
            Self::Hyper => "bare hyper",
            Self::Nginx => "nginx",
            Self::Etcd => "etcd",
            Self::EtcdPut => "etcd put",
            Self::EtcdTransaction => "etcd transaction",
            Self::Disk => "fdatasync of 4 KiB",
            Self::Fio => "fio, fdatasync of 4 KiB",
            Self::Before => "bazaar before",
            Self::Least => "bazaar with the least",
            Self::Generator => "our load generator",
            Self::GeneratorAlone => "our clients without goose",
            Self::Oha => "oha",
        })
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Figure {
    /// Answers, or acknowledged trades, a second.
    PerSecond,
    /// The median latency, in ms.
    P50Ms,
    /// The 99th percentile of latency, in ms.
    P99Ms,
    /// CPU of all of the side's processes, in microseconds per answer.
    CpuUs,
    /// Their context switches per answer.
    Switches,
    /// From SIGKILL to the first acknowledged trade that was sent after it, in ms.
    FirstTradeMs,
    /// From the start of a replica to its being in sync, in seconds.
    InSyncS,
    /// From the start of the first process to the last one's being ready, in ms.
    ReadyMs,
    /// Resident memory in MB, what is shared counted by its share.
    PssMb,
    /// Resident memory in MB.
    RssMb,
    /// The longest time between two acknowledged trades, in ms.
    LongestGapMs,
    /// Requests that a load generator sent, by the seconds of CPU that it took for them.
    PerCore,
    /// The 99th percentile of how late a generator was through its own fault, in ms.
    LateMs,
    /// Instructions of a process for one operation.
    Instructions,
    /// What was asked for and not answered well.
    Failed,
}

impl Figure {
    /// In words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::PerSecond => "throughput",
            Self::P50Ms => "median latency",
            Self::P99Ms => "p99 latency",
            Self::CpuUs => "CPU per answer",
            Self::Switches => "context switches per answer",
            Self::FirstTradeMs => "SIGKILL to first trade",
            Self::InSyncS => "start to in sync",
            Self::ReadyMs => "start to ready",
            Self::PssMb => "memory (PSS)",
            Self::RssMb => "memory (RSS)",
            Self::LongestGapMs => "longest gap between trades",
            Self::PerCore => "requests per second and core",
            Self::LateMs => "own lateness, p99",
            Self::Instructions => "instructions",
            Self::Failed => "failed",
        }
    }

    /// Its unit.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::PerSecond | Self::PerCore => "/s",
            Self::P50Ms
            | Self::P99Ms
            | Self::FirstTradeMs
            | Self::ReadyMs
            | Self::LongestGapMs
            | Self::LateMs => "ms",
            Self::CpuUs => "us",
            Self::Switches | Self::Instructions | Self::Failed => "",
            Self::InSyncS => "s",
            Self::PssMb | Self::RssMb => "MB",
        }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// From 1.
    pub(crate) round: u32,
    /// What was done, in the words of the table.
    pub(crate) case: String,
    /// To whom.
    pub(crate) side: Side,
    /// What was measured.
    pub(crate) figure: Figure,
    /// How much, in the figure's unit.
    pub(crate) value: f64,
}

/// Samples, appended to their file as they come.
#[derive(Debug)]
pub(crate) struct Samples {
    file: csv::Writer<File>,
    /// All so far.
    pub(crate) all: Vec<Sample>,
}

impl Samples {
    /// Those of a new run, whose file takes the place of an earlier one's.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let file = csv::Writer::from_path(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, all: Vec::new() })
    }

    /// Adds one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn add(
        &mut self,
        round: u32,
        case: &str,
        side: Side,
        figure: Figure,
        value: f64,
    ) -> anyhow::Result<()> {
        let sample = Sample { round, case: case.to_owned(), side, figure, value };
        self.file.serialize(&sample).context("cannot write samples.csv")?;
        self.file.flush().context("cannot write samples.csv")?;
        self.all.push(sample);
        Ok(())
    }
}
