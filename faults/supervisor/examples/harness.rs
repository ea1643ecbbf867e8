//! A harness that does nothing but start what it is told to, for tests that kill it, and the program of guards and agents for all tests.
//!
//! `harness FOLDER COMMAND...` starts the command, says its pid, and waits for the end of its input. `harness adopt FOLDER
//! COMMAND...` adopts and pauses the process whose pid the command prints, and does the same. `harness echo` says back each line that it is told,
//! for `pid` its own, and ends at `end`.

use std::env;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use supervisor::tree::{
    Adopt, AdoptCommand, GuardProgram, Limits, Surroundings, Tree, TreeCommand, TreeError,
};

#[tokio::main]
async fn run(mut words: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let is_adopted = words.first().is_some_and(|first| first == "adopt");
    let command = words.split_off(usize::from(is_adopted) + 1);
    let folder = words.pop().unwrap_or_default().into();
    let tree = match is_adopted {
        true => paused(folder, command).await?,
        false => started(folder, command).await?,
    };
    println!("{}", tree.pid());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn guard() -> GuardProgram {
    GuardProgram::new("/proc/self/exe", ["guard"])
}

fn surroundings(folder: &Path) -> Surroundings {
    Surroundings::new(folder, folder.join("log"), 1 << 20)
}

async fn started(folder: PathBuf, command: Vec<String>) -> Result<Tree, TreeError> {
    let command = TreeCommand {
        command: command.into_iter().map(Into::into).collect(),
        surroundings: surroundings(&folder),
        limits: Limits::default(),
    };
    Tree::start(&guard(), command).await
}

async fn paused(folder: PathBuf, pid: Vec<String>) -> Result<Tree, Box<dyn std::error::Error>> {
    let pid = pid.into_iter().map(Into::into).collect();
    let command = AdoptCommand {
        adopt: Adopt { pid, start: None, kill: None, pause: None, resume: None },
        was_down: None,
        surroundings: surroundings(&folder),
    };
    let tree = Tree::adopt(&guard(), command).await?;
    tree.pause().await?;
    Ok(tree)
}

fn echo() -> ExitCode {
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        match line.as_str() {
            "pid" => println!("{}", std::process::id()),
            "end" => return ExitCode::SUCCESS,
            line => println!("{line}"),
        }
    }
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if words.first().is_some_and(|first| first == "guard") {
        return supervisor::tree::guard();
    }
    if words.first().is_some_and(|first| first == "agent") {
        let words: Vec<_> = env::args_os().skip(2).collect();
        return supervisor::host::agent(&guard(), &words);
    }
    if words.first().is_some_and(|first| first == "echo") {
        return echo();
    }
    match run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
