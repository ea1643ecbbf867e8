//! Several targets in one element of a plan: every replica, all the others of each, every process.
//!
//! A story that must be told of every replica would otherwise name them, and would hold for one number of
//! replicas only. A group is spelled out before anything is paired or checked: whoever reads a schedule
//! meets processes by their names, and nothing else knows that there are groups.

use std::fmt;

use records::Processes;
use serde::{Deserialize, Serialize};

use super::{PlannedFault, Target};
use crate::process::ProcessName;

/// Whom one element of a plan is for, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Every replica.
    Replicas,
    /// For each replica in turn all the others, at once.
    OtherReplicas,
    /// Every process: the replicas, then the rest by name.
    Processes,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Replicas => "replicas",
            Self::OtherReplicas => "other-replicas",
            Self::Processes => "processes",
        })
    }
}

impl Group {
    /// Turn by turn, who is hit.
    fn turns(self, processes: &Processes) -> Vec<Vec<ProcessName>> {
        let replicas = processes.replicas();
        let alone = |name: ProcessName| vec![name];
        match self {
            Self::Replicas => replicas.iter().copied().map(alone).collect(),
            Self::OtherReplicas => {
                let others = |name: &ProcessName| {
                    replicas.iter().copied().filter(|other| other != name).collect()
                };
                replicas.iter().map(others).collect()
            }
            Self::Processes => {
                let mut rest: Vec<_> = processes.others().collect();
                rest.sort_unstable();
                replicas.iter().copied().chain(rest).map(alone).collect()
            }
        }
    }
}

/// One element for each process that `planned` is for, if that is a group; else itself.
pub(super) fn spell_out(planned: &PlannedFault, processes: &Processes) -> Vec<PlannedFault> {
    let Some(group) = planned.targets else { return vec![planned.clone()] };
    let mut turns = group.turns(processes);
    if planned.backwards {
        turns.reverse();
    }
    let apart_ms = planned.apart_ms.unwrap_or(0);
    let at_ms = |turn: u64| planned.at_ms.saturating_add(turn.saturating_mul(apart_ms));
    let single = |at_ms, name| PlannedFault {
        at_ms,
        target: Some(Target::Process(name)),
        targets: None,
        apart_ms: None,
        backwards: false,
        ..planned.clone()
    };
    let of_turn = |(turn, names): (u64, Vec<ProcessName>)| {
        names.into_iter().map(move |name| single(at_ms(turn), name))
    };
    (0..).zip(turns).flat_map(of_turn).collect()
}

#[cfg(test)]
mod tests {
    use records::{Processes, built_in};

    use super::super::{Fault, FaultAction, Schedule};
    use super::*;

    fn expand(json: &str, processes: &Processes) -> Result<Schedule, Vec<String>> {
        let plan: Vec<PlannedFault> = serde_json::from_str(json).unwrap();
        Schedule::expand(&plan, processes)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    /// `order-1 10..20` for each fault.
    fn told(json: &str, replicas: u8) -> Vec<String> {
        let schedule = expand(json, &built_in::processes(replicas)).unwrap();
        let tell = |(number, fault): (u32, &Fault)| {
            assert_eq!(fault.number, number);
            let end = fault.ends_at_ms.map(|end| end.to_string()).unwrap_or_default();
            format!("{} {}..{end}", fault.target, fault.at_ms)
        };
        (1..).zip(schedule.faults()).map(tell).collect()
    }

    #[test]
    fn everybody_at_once_and_back_in_another_order() {
        let plan = r#"[{"at_ms":10,"action":"kill","targets":"replicas"},
                       {"at_ms":20,"action":"restart","targets":"replicas","apart_ms":5,"backwards":true}]"#;
        assert_eq!(told(plan, 3), ["order-1 10..30", "order-2 10..25", "order-3 10..20"]);
        assert_eq!(told(plan, 1), ["order-1 10..20"]);
    }

    #[test]
    fn every_process_in_turn() {
        let plan =
            r#"[{"at_ms":10,"action":"pause","targets":"processes","apart_ms":7,"for_ms":5}]"#;
        assert_eq!(
            told(plan, 2),
            ["order-1 10..15", "order-2 17..22", "catalog 24..29", "front-end 31..36"]
        );
    }

    #[test]
    fn turns_of_several_groups_are_numbered_in_the_order_of_their_times() {
        let plan = r#"[{"at_ms":10,"action":"kill","targets":"replicas","apart_ms":100,"for_ms":5},
                       {"at_ms":50,"action":"kill","targets":"other-replicas","apart_ms":100,"for_ms":5}]"#;
        let expected = [
            "order-1 10..15",
            "order-2 50..55",
            "order-3 50..55",
            "order-2 110..115",
            "order-1 150..155",
            "order-3 150..155",
            "order-3 210..215",
            "order-1 250..255",
            "order-2 250..255",
        ];
        assert_eq!(told(plan, 3), expected);
    }

    #[test]
    fn the_files_of_a_group_are_those_of_its_own_kills_and_an_end_ends_what_has_begun() {
        let plan = r#"[{"at_ms":10,"action":"kill","targets":"replicas","apart_ms":100,"for_ms":50},
                       {"at_ms":15,"action":"pause","target":"catalog"},
                       {"at_ms":20,"action":"lose-files","targets":"replicas","apart_ms":100},
                       {"at_ms":25,"action":"resume","target":"catalog"}]"#;
        let schedule = expand(plan, &built_in::processes(2)).unwrap();
        let of = schedule.faults().iter().filter_map(|fault| match fault.action {
            FaultAction::Files { of, .. } => Some((fault.number, of)),
            _ => None,
        });
        assert_eq!(of.collect::<Vec<_>>(), [(3, 1), (5, 4)]);

        let too_early = r#"[{"at_ms":10,"action":"kill","targets":"replicas","apart_ms":100},
                            {"at_ms":20,"action":"restart","target":"order-2"}]"#;
        let errors = expand(too_early, &built_in::processes(2)).unwrap_err();
        assert_eq!(
            errors,
            ["faults[1].action: nothing to restart: no earlier kill or power-cut has target \
                 \"order-2\" and no for_ms"]
        );
    }

    #[test]
    fn groups_that_make_no_sense_are_refused() {
        let errors = |json: &str, replicas| {
            expand(json, &built_in::processes(replicas)).unwrap_err().join("\n")
        };
        let plan = r#"[{"at_ms":1,"action":"kill","targets":"replicas","target":"leader"},
                       {"at_ms":2,"action":"kill","target":"leader","apart_ms":3,"backwards":true},
                       {"at_ms":3,"action":"cut","targets":"replicas","link":"leader -> catalog"},
                       {"at_ms":4,"action":"pause","targets":"processes","apart_ms":86400000}]"#;
        assert_eq!(
            errors(plan, 3),
            "faults[0].targets: say either target or targets\n\
             faults[1].apart_ms: belongs to targets: one target has one time\n\
             faults[1].backwards: belongs to targets: one target has one time\n\
             faults[2].targets: a cut has a link, not targets\n\
             faults[3].apart_ms: the last of \"processes\" would come after 86400000, which is a day"
        );
        let others = r#"[{"at_ms":1,"action":"kill","targets":"other-replicas","for_ms":5}]"#;
        assert_eq!(
            errors(others, 1),
            "faults[0].targets: \"other-replicas\" are nobody here; this system has 1 replica"
        );
        assert!(errors(others, 3).contains("is still broken by faults[0], until 6"));
        let unknown = r#"[{"at_ms":1,"action":"kill","targets":"everybody"}]"#;
        let error = serde_json::from_str::<Vec<PlannedFault>>(unknown).unwrap_err().to_string();
        assert!(error.contains("`replicas`, `other-replicas`, `processes`"), "{error}");
    }
}
