//! What a plan asks of processes that are on other hosts, and cannot be done there.
//!
//! It is refused before a run, since a fault that is left out when its time comes costs the whole run its verdict.

use faults::schedule::PlannedFault;
use results::records::{Action, ProcessName};

use super::{Plan, Problems};

/// Adds each fault that cannot reach the process that it is, or may be, aimed at.
pub(super) fn validate(plan: &Plan, problems: &mut Problems) {
    let target = plan.under_test.target();
    if target.hosts.is_empty() {
        return;
    }
    let host_of = |name: ProcessName| {
        let process = target.processes.iter().find(|process| process.name == name.as_str())?;
        Some((name, process.host.as_deref()?))
    };
    for (index, fault) in
        plan.faults.iter().enumerate().filter(|(_, fault)| needs_a_process_here(fault))
    {
        let aimed_at = match fault.target.map(|target| target.process()) {
            Some(Some(name)) => vec![name],
            // The moment tells which of them it is.
            Some(None) => plan.processes().replicas().to_vec(),
            None => continue,
        };
        let Some((name, host)) = aimed_at.into_iter().find_map(host_of) else { continue };
        problems.add(
            &format!("faults[{index}].action"),
            format!(
                "{} cannot be done to {name}, which runs on the host {host}: there a process can be killed, paused, resumed, restarted \
                 and flooded, and its links broken",
                fault.action
            ),
        );
    }
}

/// Whether it is done by somebody beside the process: with a library that shares memory with the harness (disks), with files of this machine's
/// disk, or with signals every few milliseconds (slow).
fn needs_a_process_here(fault: &PlannedFault) -> bool {
    let action = fault.action;
    (action.is_of_disks() && action != Action::Recover)
        || action.is_of_files()
        || matches!(action, Action::PowerCut | Action::Slow)
}

#[cfg(test)]
mod tests {
    use faults::schedule::Target;

    use super::*;
    use crate::plan::UnderTest;

    /// Whatever is wrong with these faults, of a system whose order-1 alone is on another host.
    fn problems(faults: &[(Action, &str)]) -> Vec<String> {
        let text = "name = 'x'\n[hosts.h1]\nconnect = ['ssh', 'h1']\naddress = '10.0.0.1'\n[leader]\nguess = 'highest'\n\
                    [processes.order-1]\nrole = 'order'\ncommand = 'a'\nhost = 'h1'\n\
                    [processes.order-2]\nrole = 'order'\ncommand = 'a'\n[processes.front]\ncommand = 'a'\n";
        let target = targets::read_text(text, std::path::Path::new("x.toml"), 1).unwrap();
        let faults = faults.iter().map(|(action, name)| {
            let target = match *name {
                "leader" => Target::Leader,
                name => Target::Process(name.parse().unwrap()),
            };
            PlannedFault::of_process(1_000, *action, target)
        });
        let under_test = UnderTest::of(target);
        let plan = Plan { faults: faults.collect(), under_test, ..Plan::default() };
        let mut problems = Problems::default();
        validate(&plan, &mut problems);
        match problems.into_result("plan") {
            Ok(()) => Vec::new(),
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn what_cannot_be_done_on_a_host_is_refused_before_the_run_with_the_host() {
        for action in
            [Action::StallDisk, Action::FullDisk, Action::LoseFiles, Action::PowerCut, Action::Slow]
        {
            let told = problems(&[(action, "order-1")]).concat();
            assert!(told.contains(&format!("{action} cannot be done to order-1")), "{told}");
            assert!(told.contains("the host h1"), "{told}");
        }
        assert!(problems(&[(Action::Slow, "order-2"), (Action::SlowDisk, "front")]).is_empty());
        assert!(problems(&[(Action::Kill, "order-1"), (Action::Pause, "leader")]).is_empty());
    }

    #[test]
    fn a_leader_may_be_on_a_host_if_a_replica_is() {
        let told = problems(&[(Action::Kill, "order-1"), (Action::Slow, "leader")]).concat();
        assert!(told.contains("faults[1].action") && told.contains("order-1"), "{told}");
    }
}
