//! Who leads: asked once as the file says, until somebody does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use faults::leadership::{Alive, Leadership};
use supervisor::system::{ProcessState, System};
use targets::leader::{LeaderEvent, LeaderReading};
use targets::target::Target;

use super::findings::Findings;
use crate::target::asking::Asking;
use crate::target::leaders::TargetLeaders;

/// How long a target that has just begun may take to have a leader: several elections.
const LEADER_WITHIN: Duration = Duration::from_secs(10);

/// Says who leads; asks until somebody does, for a while.
pub(super) async fn try_leader(
    target: &Arc<Target>,
    asking: Asking,
    system: &System,
    findings: &mut Findings,
) {
    let Some(leader) = &target.leader else {
        findings.missing("leader", "the file describes none: no fault can be aimed at it");
        return;
    };
    if matches!(leader.reading, LeaderReading::Unknown) {
        findings.missing("leader", "guess = \"none\": no fault can be aimed at it");
        return;
    }
    let leaders = match TargetLeaders::new(Arc::clone(target), asking) {
        Ok(leaders) => leaders,
        Err(error) => return findings.fails("leader", format_args!("a process's name {error}")),
    };
    let began = Instant::now();
    let mut events = Vec::new();
    let found = loop {
        events.extend(leaders.look(&alive(system)).await);
        let found = leaders.leadership();
        if found.is_ok() || began.elapsed() >= LEADER_WITHIN {
            break found;
        }
        tokio::time::sleep(leader.poll).await;
    };
    for event in &events {
        match event {
            LeaderEvent::TwoAtOnce { processes } => {
                findings.fails("leader", format_args!("at once lead {}", processes.join(", ")));
            }
            LeaderEvent::Stranger { name } => {
                findings
                    .fails("leader", format_args!("`{name}` is said to lead, and is no process"));
            }
            LeaderEvent::Unclear { reason } => findings.fails("leader", reason),
            LeaderEvent::Changed { .. } => {}
        }
    }
    let how = if leader.source.is_none() && matches!(leader.reading, LeaderReading::Guessed(_)) {
        " (a guess)"
    } else {
        ""
    };
    match found {
        Ok(Leadership { leader: name, .. }) => findings.ok("leader", format_args!("{name}{how}")),
        Err(reason) => {
            let within = LEADER_WITHIN.as_secs();
            findings.fails("leader", format_args!("within {within} s: {reason}"));
        }
    }
}

/// Who is alive of a system.
fn alive(system: &System) -> Alive {
    let processes = system.processes().into_iter();
    let living = processes.filter(|process| process.state != ProcessState::Down);
    living.filter_map(|process| Some((process.name.parse().ok()?, process.pid))).collect()
}
