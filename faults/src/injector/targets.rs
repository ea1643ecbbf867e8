//! Who a target is now.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::bazaar::Bazaar;
use crate::leadership::{self, Leadership, NoLeader};
use crate::process::{ProcessName, ProcessState};
use crate::schedule::Target;

/// How long a dead leader's successor is waited for. It takes milliseconds; if nobody is left who
/// could lead, it never comes.
const SUCCESSION: Duration = Duration::from_secs(2);
/// How often is looked who leads while a successor is waited for, in each period of who watches: often enough that the
/// fault comes soon after the election, and no load for what is asked.
const LOOKS_PER_PERIOD: u32 = 10;

/// Who a target is, once that is clear: just after a leader's death it may still be named, or nobody is,
/// and it is its successor that a second blow is meant for.
pub(super) async fn resolve_living(bazaar: &Bazaar, target: Target) -> Result<ProcessName, String> {
    if let Some(name) = target.process() {
        return Ok(name);
    }
    let given_up_at = Instant::now() + SUCCESSION;
    loop {
        let known = leadership::look_up(bazaar).await;
        let is_unclear = match &known {
            Ok(known) => target == Target::Leader && is(bazaar, known.leader, ProcessState::Down),
            Err(NoLeader::Nobody(_)) => true,
            Err(NoLeader::Untold | NoLeader::Unanswered(_)) => false,
        };
        if !is_unclear || Instant::now() >= given_up_at {
            let known = known.map_err(|error| error.to_string())?;
            return among(bazaar, &known, target);
        }
        sleep(bazaar.leaders().period() / LOOKS_PER_PERIOD).await;
    }
}

/// Who that is under a leadership.
fn among(bazaar: &Bazaar, known: &Leadership, target: Target) -> Result<ProcessName, String> {
    if target == Target::Leader {
        return Ok(known.leader);
    }
    let followers = known.followers(bazaar.system()).into_iter();
    let running = followers.filter(|name| is(bazaar, *name, ProcessState::Running));
    running.max().ok_or_else(|| "there is no follower that is in sync and runs".to_owned())
}

fn is(bazaar: &Bazaar, name: ProcessName, state: ProcessState) -> bool {
    bazaar.process(name).is_some_and(|process| process.state == state)
}
