//! What each command does.

mod client;
mod compare;
mod engines;
mod grade;
mod history;
mod lab;
mod plain_name;
mod prove;
mod run;
mod serve;
mod soak;
mod stored;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::cli::{Args, Binaries, Command};
use crate::exit::Exit;
use crate::output::note;
use crate::plan::BuiltIn;
use crate::run::Kind;
use driver::stop::Stop;
use targets::target::{Target, Variant};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// For how long the thread that checks runs waits for the next one: through any round of a soak. The
/// allocator keeps what a thread has freed for anybody who shares its arena, so with a thread for each round
/// an hour of rounds would come to hold the memory of a dozen.
const KEEP_CHECKER: Duration = Duration::from_secs(3600);

/// When something was done, for people.
const STAMP: &[FormatItem<'static>] =
    format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

/// Runs a command.
///
/// # Errors
/// Bad usage, or something in the way before it began; one line says what and how to mend it.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    match args.command {
        Command::Check(folder) => stored::check(&folder),
        Command::Report(folder) => stored::report(&folder),
        Command::Compare(args) => compare::compare(&args),
        Command::Target(args) => target::target(&args),
        Command::Hosts(args) => crate::hosts::run(&args),
        Command::Serve(serve) => {
            on_runtime(|stop| async move { serve::serve(&serve, &BTreeMap::new(), &stop).await })
        }
        Command::Client(client) => {
            // There is nothing to see off: anybody who is in a hurry waits for no answer.
            on_runtime(|stop| async move {
                tokio::select! {
                    exit = client::client(client, &stop) => exit,
                    () = stop.hurried() => Ok(Exit::Inconclusive),
                }
            })
        }
        Command::Bench(args) => {
            on_runtime(
                |stop| async move { run::run(Kind::Bench, BuiltIn::Bench, args, &stop).await },
            )
        }
        Command::Prove(args) => on_runtime(|stop| async move { prove::prove(args, &stop).await }),
        Command::Lab(args) => on_runtime(|stop| async move { lab::lab(args, &stop).await }),
        Command::Grade(args) => on_runtime(|stop| async move {
            let bin_dir = bin_dir(&args.binaries)?;
            grade::grade(args, &stop, &grade::LocalRunner { bin_dir }).await
        }),
        Command::Engines(args) => {
            on_runtime(|stop| async move { engines::engines(args, &stop).await })
        }
        Command::History(args) => history::history(&args),
        Command::Failover(args) => {
            let (kind, fallback) = (Kind::Failover, BuiltIn::Failover);
            on_runtime(|stop| async move { run::run(kind, fallback, args, &stop).await })
        }
        Command::Soak(args) => on_runtime(|stop| async move { soak::soak(args, &stop).await }),
    }
}

fn on_runtime<F>(command: impl FnOnce(Stop) -> F) -> anyhow::Result<Exit>
where
    F: Future<Output = anyhow::Result<Exit>>,
{
    let stop = crate::signals::stop_on_signals().context("cannot listen for Ctrl-C")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(KEEP_CHECKER)
        .build()?;
    runtime.block_on(command(stop))
}

fn now_for_people() -> anyhow::Result<String> {
    Ok(OffsetDateTime::now_utc().format(STAMP)?)
}

/// The folder of the services' binaries.
fn bin_dir(binaries: &Binaries) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &binaries.bin_dir {
        return Ok(folder.clone());
    }
    let own =
        std::env::current_exe().context("cannot tell where this program is; use --bin-dir")?;
    let folder = own.parent().context("this program is in no folder; use --bin-dir")?;
    if has_services(folder) {
        return Ok(folder.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).find(|folder| has_services(folder));
    // If they are nowhere, the error at their start names them in the folder where they belong.
    Ok(elsewhere.unwrap_or_else(|| folder.to_owned()))
}

/// The variant of that name, or the one that the file marks.
fn variant_named<'a>(
    target: &'a Target,
    name: Option<&str>,
) -> anyhow::Result<Option<&'a Variant>> {
    let Some(name) = name else { return Ok(target.default_variant()) };
    if let Some(variant) = target.variant(name) {
        return Ok(Some(variant));
    }
    let names: Vec<_> = target.variants.iter().map(|variant| variant.name.as_str()).collect();
    match names.is_empty() {
        true => bail!("--variant {name}: the file has no [variants]"),
        false => bail!("--variant {name}: there are {}", names.join(", ")),
    }
}

/// Says so once per file, as it does not show on the command line.
fn warn_of_commands(target: &Path) {
    let file = target.display();
    note!("{file} runs commands as you: read one that you did not write as you would a Makefile");
}

fn has_services(folder: &Path) -> bool {
    ["front-end", "catalog", "order"].iter().all(|service| folder.join(service).is_file())
}
