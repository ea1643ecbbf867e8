//! `target`: what a service of somebody else is, in one file, and whether that file is true.
//!
//! * `new`: a file to begin with. `check`: the whole story of a check, step by step.
//! * `findings`: what was found, line by line. `folder`: where it is tried.
//! * `client`: the program that it is reached through. `senders`: the hosts that clients are on. `operations`, `leader`, `state`, `restarts`: what is asked of it, and what
//!   is done to it.
//! * `applies`: which checks of a run will not apply.

mod applies;
mod check;
mod client;
mod findings;
mod folder;
mod keys;
mod leader;
mod new;
mod operations;
mod restarts;
mod senders;
mod state;

use crate::cli::{Target, TargetAction};
use crate::exit::Exit;
use crate::output::stdout;

/// Does what was asked for.
pub(super) fn target(args: &Target) -> anyhow::Result<Exit> {
    match &args.action {
        TargetAction::New(args) => new::new(args),
        TargetAction::Schema => {
            stdout(format_args!("{}", targets::schema()));
            Ok(Exit::Pass)
        }
        TargetAction::Check(args) => check::check(args),
    }
}
