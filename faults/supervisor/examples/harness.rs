//! A harness that does nothing but start what it is told to, for tests that kill it, and the guard's program for all tests.
//!
//! `harness FOLDER COMMAND...` starts the command, says its pid, and waits for the end of its input.

use std::collections::BTreeMap;
use std::env;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use supervisor::tree::{GuardProgram, Inherit, Limits, Tree, TreeCommand};

#[tokio::main]
async fn run(folder: PathBuf, command: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let guard = GuardProgram { path: "/proc/self/exe".into(), args: vec!["guard".into()] };
    let command = TreeCommand {
        command: command.into_iter().map(Into::into).collect(),
        inherit: Inherit::All,
        environment: BTreeMap::new(),
        log: folder.join("log"),
        working_dir: folder,
        user: None,
        log_bytes: 1 << 20,
        limits: Limits::default(),
    };
    let tree = Tree::start(&guard, command).await?;
    println!("{}", tree.pid());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let first = arguments.next().unwrap_or_default();
    if first == "guard" {
        return supervisor::tree::guard();
    }
    match run(first.into(), arguments.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
