//! What a large run costs to check and to report: a run of a bazaar that is simulated here, with kills of
//! leaders, in the files that a harness writes.
//!
//! ```text
//! large_run make FOLDER [OPERATIONS] [correct|broken]
//! large_run check FOLDER
//! large_run report FOLDER
//! ```
//!
//! `make` writes about so many operations (1,000,000), with 1.2 rows in `final.csv` for each. In a
//! `broken` run a replica lacks one in a thousand orders, and a late read of every stock is stale. `check`
//! does what the command of that name does, and so does `report`; both print how long each step took,
//! and the most memory that the process had held by its end. `make scale` runs all of it.

mod files;
mod simulation;

use std::fs;
use std::path::Path;
use std::time::Instant;

use results::checks::{self, ConsistencyReport};
use results::measurements::Measurements;
use results::records::RunFolder;
use results::run::Run;
use results::{html, report};

use simulation::Simulation;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["make", folder] => make(folder, 1_000_000, false),
        ["make", folder, operations] => make(folder, operations.parse()?, false),
        ["make", folder, operations, "correct"] => make(folder, operations.parse()?, false),
        ["make", folder, operations, "broken"] => make(folder, operations.parse()?, true),
        ["check", folder] => {
            let mut steps = Steps::new();
            checked(&RunFolder::new(folder), &mut steps)?;
            steps.total("check")
        }
        ["report", folder] => {
            let mut steps = Steps::new();
            let (run, checked) = checked(&RunFolder::new(folder), &mut steps)?;
            let figures = report::write(&Measurements::new(&run))?;
            steps.done("figures and charts")?;
            html::write(&run, &figures, &checked, &[])?;
            steps.done("page")?;
            steps.total("report")
        }
        _ => Err("usage: large_run make|check|report FOLDER [OPERATIONS] [correct|broken]".into()),
    }
}

fn make(folder: &str, operations: usize, is_broken: bool) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let simulated = Simulation::new(operations, is_broken).run();
    files::write(Path::new(folder), &simulated)
}

fn checked(folder: &RunFolder, steps: &mut Steps) -> Result<(Run, ConsistencyReport), Failure> {
    let run = Run::open(folder)?;
    steps.done("files")?;
    let checked = checks::check_run(&run)?;
    checked.write(folder)?;
    steps.done("checks")?;
    println!("  {}", checked.headline());
    Ok((run, checked))
}

/// Tells how long things take.
struct Steps {
    began: Instant,
    last: Instant,
}

impl Steps {
    fn new() -> Self {
        let began = Instant::now();
        Self { began, last: began }
    }

    fn done(&mut self, what: &str) -> Result<(), Failure> {
        let took = self.last.elapsed();
        self.last = Instant::now();
        println!("  {what}: {:.2} s, {} MB", took.as_secs_f64(), peak_mb()?);
        Ok(())
    }

    fn total(&self, what: &str) -> Result<(), Failure> {
        let seconds = self.began.elapsed().as_secs_f64();
        println!("{what}: {seconds:.2} s, {} MB", peak_mb()?);
        Ok(())
    }
}

/// The most memory that the process has held so far.
fn peak_mb() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kb: u64 = peak.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
    Ok(peak_kb / 1024)
}
