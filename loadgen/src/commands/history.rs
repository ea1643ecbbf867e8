//! `history`: figures of comparable runs over time.

use anyhow::bail;
use campaign::history::{self, LeftOut};

use crate::cli;
use crate::exit::Exit;
use crate::output::{note, say};

/// Writes the page, and says where it is and what is not on it.
pub(super) fn history(args: &cli::History) -> anyhow::Result<Exit> {
    let history = history::History::read(&args.runs)?;
    for LeftOut { run, reason } in history.left_out() {
        note!("{run}: not compared: {reason}");
    }
    if history.is_empty() {
        bail!(
            "no two of these runs can be compared: name runs of the same plan, target, settings and machine"
        );
    }
    say!("Page: {}", history::write(&history, &args.out)?.display());
    Ok(Exit::Pass)
}
