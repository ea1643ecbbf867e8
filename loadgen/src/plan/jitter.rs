//! Moves the faults of a plan as its seed decides.
//!
//! Every fault keeps its place among the others: faults that jitter could swap are refused. So a
//! story such as "kill the leader, then its successor before it returns" stays that story. What becomes of the files
//! of a process that was killed moves with its kill, so that it comes before the restart. What is for several
//! processes moves as one: how far apart they are hit stays as the plan says.

use faults::schedule::Action;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Plan, Problems};

/// Keeps the jitter's random numbers apart from the clients', which come from the same seed.
const STREAM: u64 = 0x6a69_7474_6572;

/// Checks that no fault can be moved before the beginning or past its neighbour.
pub(super) fn validate(plan: &Plan, problems: &mut Problems) {
    let jitter_ms = plan.jitter_ms;
    let mut before: Option<u64> = None;
    for (index, fault) in plan.faults.iter().enumerate() {
        let field = format!("faults[{index}].at_ms");
        problems.unless(fault.at_ms >= jitter_ms, &field, || {
            format!("is {}, must be at least jitter_ms ({jitter_ms})", fault.at_ms)
        });
        let gap = before.map(|before| fault.at_ms.saturating_sub(before));
        let needed = jitter_ms.saturating_mul(2);
        problems.unless(jitter_ms == 0 || gap.is_none_or(|gap| gap > needed), &field, || {
            format!(
                "comes {} ms after the fault before it, must be more than twice jitter_ms \
                 ({needed}) after it: move it, or lower jitter_ms",
                gap.unwrap_or(0)
            )
        });
        let copied_at_ms = fault.copied_at_ms.map_or(0, |copied_at_ms| copied_at_ms + jitter_ms);
        problems.unless(
            copied_at_ms <= fault.at_ms,
            &format!("faults[{index}].copied_at_ms"),
            || format!("must be at least jitter_ms ({jitter_ms}) before at_ms"),
        );
        before = Some(fault.at_ms);
    }
}

/// Moves the faults of a valid plan, and uses the jitter up.
pub(super) fn apply(plan: &mut Plan) {
    let jitter_ms = std::mem::take(&mut plan.jitter_ms);
    if jitter_ms == 0 {
        return;
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(plan.load.seed ^ STREAM);
    let mut killed = Vec::new();
    for fault in &mut plan.faults {
        let mut moved = rng.random_range(0..=2 * jitter_ms);
        if matches!(fault.action, Action::Kill | Action::PowerCut) {
            killed.push(((fault.target, fault.targets), moved));
        } else if fault.action.is_of_files() {
            let whose = (fault.target, fault.targets);
            let with = killed.iter().rfind(|(killed, _)| *killed == whose);
            moved = with.map_or(moved, |(_, moved)| *moved);
        }
        fault.at_ms = (fault.at_ms - jitter_ms) + moved;
    }
}
