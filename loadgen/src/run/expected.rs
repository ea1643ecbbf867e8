//! What a plan says beforehand of one of its trials: how long it takes, and what is done when.

use std::time::Duration;

use faults::schedule::Schedule;

use crate::plan::Plan;
use crate::progress::PlannedAct;

/// What a trial takes besides its load: starting, lookups, converging, stopping.
const AROUND_THE_LOAD: Duration = Duration::from_millis(1000);
/// What a plan of iterations is guessed to take; the first trial knows better.
const UNKNOWN_LOAD_MS: u64 = 10_000;

/// How long a trial is expected to take.
pub(crate) fn expected_trial(plan: &Plan) -> Duration {
    let recovery_ms = if plan.faults.is_empty() { 0 } else { plan.checks.recovery_ms };
    let load_ms = plan.load.duration_ms().unwrap_or(UNKNOWN_LOAD_MS);
    Duration::from_millis(plan.load.warm_up_ms() + load_ms + recovery_ms) + AROUND_THE_LOAD
}

/// What will be done to processes and links, in order of time.
pub(super) fn planned_acts(schedule: &Schedule) -> Vec<PlannedAct> {
    let mut acts: Vec<_> = schedule
        .faults()
        .iter()
        .flat_map(|fault| {
            let end = fault.ends_at_ms.map(|at_ms| (at_ms, fault.action.end()));
            std::iter::once((fault.at_ms, fault.action.begin())).chain(end).map(
                |(at_ms, action)| PlannedAct {
                    at_ms,
                    fault: fault.number,
                    action: action.to_string(),
                    target: fault.target.to_string(),
                },
            )
        })
        .collect();
    acts.sort_by_key(|act| (act.at_ms, act.fault));
    acts
}

#[cfg(test)]
mod tests {
    use faults::schedule::{Action, PlannedFault, Target};
    use results::records::built_in;

    use super::*;

    #[test]
    fn acts_come_in_order_of_time_with_the_end_of_each_fault() {
        let fault = |at_ms, action, for_ms| PlannedFault {
            for_ms: Some(for_ms),
            ..PlannedFault::of_process(at_ms, action, Target::Leader)
        };
        let plan = [fault(1000, Action::Kill, 3000), fault(2000, Action::Pause, 500)];
        let acts = planned_acts(&Schedule::expand(&plan, &built_in::processes(3)).unwrap());
        let said: Vec<_> =
            acts.iter().map(|act| (act.at_ms, act.fault, act.action.as_str())).collect();
        let expected =
            [(1000, 1, "kill"), (2000, 2, "pause"), (2500, 2, "resume"), (4000, 1, "restart")];
        assert_eq!(said, expected);
    }
}
