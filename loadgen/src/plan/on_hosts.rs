//! What a plan asks of other hosts, and cannot be done there.
//!
//! It is refused before a run, since a fault that is left out when its time comes costs the whole run its verdict.

use faults::schedule::PlannedFault;
use results::records::{Action, ProcessName};

use super::{Plan, Problems};

/// Adds what cannot be done.
pub(super) fn validate(plan: &Plan, problems: &mut Problems) {
    validate_load(plan, problems);
    validate_faults(plan, problems);
}

/// Adds each host that clients are to be on and cannot.
fn validate_load(plan: &Plan, problems: &mut Problems) {
    let (target, from) = (plan.under_test.target(), plan.load.from());
    for (index, host) in from.iter().enumerate() {
        problems.unless(target.hosts.contains_key(host), "load.from", || {
            let known: Vec<&str> = target.hosts.keys().map(String::as_str).collect();
            match known.as_slice() {
                [] => format!("holds {host}, and the target has no [hosts]: leave it out"),
                known => format!("holds {host}, and the target's hosts are {}", known.join(", ")),
            }
        });
        problems.unless(!from[..index].contains(host), "load.from", || {
            format!("holds {host} twice: name each host once")
        });
    }
    let clients = plan.load.clients();
    problems.unless(from.len() <= clients as usize, "load.from", || {
        format!("names {} hosts for {clients} clients: each is to have one", from.len())
    });
    problems.unless(from.is_empty() || target.client.is_none(), "load.from", || {
        "is for clients over HTTP, and the target's speak through a program of its own ([client]), which runs beside the \
         harness: leave it out"
            .to_owned()
    });
}

/// Adds each fault that cannot reach the process that it is, or may be, aimed at.
fn validate_faults(plan: &Plan, problems: &mut Problems) {
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
    use crate::plan::{Load, UnderTest};

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
        said(&Plan { faults: faults.collect(), under_test, ..Plan::default() })
    }

    /// Whatever is wrong with clients on these hosts, of a system on hosts h1 and h2, with more lines in its file.
    fn problems_of_load(from: &[&str], more: &str) -> Vec<String> {
        let text = format!(
            "name = 'x'\n[hosts.h1]\nconnect = ['ssh', 'h1']\naddress = '10.0.0.1'\n[hosts.h2]\nconnect = ['ssh', 'h2']\n\
             address = '10.0.0.2'\n[processes.front]\ncommand = 'a'\n{more}"
        );
        let target = targets::read_text(&text, std::path::Path::new("x.toml"), 1).unwrap();
        let from = from.iter().map(|host| (*host).to_owned()).collect();
        let load = Load { from: Some(from), clients: Some(2), ..Load::default() };
        let plan = Plan { load, under_test: UnderTest::of(target), ..Plan::default() };
        said(&plan)
    }

    fn said(plan: &Plan) -> Vec<String> {
        let mut problems = Problems::default();
        validate(plan, &mut problems);
        match problems.into_result("plan") {
            Ok(()) => Vec::new(),
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn clients_are_on_hosts_that_the_target_has_each_named_once_and_no_more_than_there_are_clients()
    {
        assert!(problems_of_load(&["h2", "h1"], "").is_empty());
        assert!(problems_of_load(&[], "").is_empty());
        let unknown = problems_of_load(&["h3"], "").concat();
        assert!(
            unknown.contains("load.from: holds h3, and the target's hosts are h1, h2"),
            "{unknown}"
        );
        let twice = problems_of_load(&["h1", "h1"], "").concat();
        assert!(twice.contains("holds h1 twice"), "{twice}");
        let many = problems_of_load(&["h1", "h2", "h3"], "").concat();
        assert!(many.contains("names 3 hosts for 2 clients"), "{many}");
        let spoken = problems_of_load(&["h1"], "[client]\ncommand = 'c'\n").concat();
        assert!(spoken.contains("[client]"), "{spoken}");
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
