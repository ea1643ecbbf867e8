//! Who a target is now.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::bazaar::Bazaar;
use crate::leadership;
use crate::process::{ProcessName, ProcessState};
use crate::schedule::Target;

/// How long a dead leader's successor is waited for. It takes milliseconds; if nobody is left who
/// could lead, it never comes.
const SUCCESSION: Duration = Duration::from_secs(2);
/// Between two looks at who leads.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Who a target is, once that is clear: just after a leader's death the front-end still names it,
/// and it is its successor that a second blow is meant for.
pub(super) async fn resolve_living(bazaar: &Bazaar, target: Target) -> Result<ProcessName, String> {
    let given_up_at = Instant::now() + SUCCESSION;
    loop {
        let found = resolve(bazaar, target).await;
        let is_down = found.as_ref().is_ok_and(|name| {
            bazaar.process(*name).is_some_and(|process| process.state == ProcessState::Down)
        });
        if target != Target::Leader || !is_down || Instant::now() >= given_up_at {
            return found;
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Who a target is, now.
async fn resolve(bazaar: &Bazaar, target: Target) -> Result<ProcessName, String> {
    if let Some(name) = target.process() {
        return Ok(name);
    }
    let leadership = leadership::look_up(bazaar.http(), bazaar.addresses()).await;
    let leadership = leadership.map_err(|error| error.to_string())?;
    if target == Target::Leader {
        return Ok(leadership.leader_name());
    }
    let runs = |name: &ProcessName| {
        bazaar.process(*name).is_some_and(|process| process.state == ProcessState::Running)
    };
    let followers = leadership.followers().filter(runs);
    followers.max().ok_or_else(|| "there is no follower that is in sync and runs".to_owned())
}
