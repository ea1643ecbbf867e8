//! What is said of a plan that names a process which the system does not have.

use records::Processes;

use crate::process::ProcessName;

/// That there is no such process, and which there are.
pub(super) fn describe(name: ProcessName, processes: &Processes) -> String {
    let replicas = processes.replicas();
    if let ([first, .., last] | [first @ last], (stem, Some(_))) = (replicas, counted(name))
        && replicas.iter().all(|replica| counted(*replica).0 == stem)
    {
        return format!("there is no {name}: the replicas are {first} to {last}");
    }
    let mut words: Vec<String> = Vec::new();
    if !replicas.is_empty() {
        words.extend(["leader", "follower"].map(|word| format!("\"{word}\"")));
    }
    let mut others: Vec<ProcessName> = processes.others().collect();
    others.sort_unstable();
    for known in replicas.iter().copied().chain(others) {
        let word = match counted(known) {
            (stem, Some(_)) => format!("\"{stem}\" and an id"),
            (whole, None) => format!("\"{whole}\""),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let last = words.pop().unwrap_or_default();
    let all = if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) };
    format!("\"{name}\" must be {all}")
}

/// A name without the number at its end, and that number.
fn counted(name: ProcessName) -> (&'static str, Option<&'static str>) {
    let stem = name.as_str().trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &name.as_str()[stem.len()..];
    (stem, Some(number).filter(|number| !number.is_empty()))
}

#[cfg(test)]
mod tests {
    use records::{Process, Roles};

    use super::super::{PlannedFault, Schedule};
    use super::*;

    /// A proxy before two databases, of which one leads.
    fn kept_twice(roles: Roles) -> Processes {
        let process = |(name, role): (&str, &str)| Process {
            name: name.parse().unwrap(),
            role: role.parse().unwrap(),
        };
        let list = [("proxy", "gate"), ("db.a", "database"), ("db.b", "database")].map(process);
        Processes::new(list.into(), roles)
    }

    #[test]
    fn a_system_of_any_names_is_broken_by_those_names_and_by_its_own_leaders_role() {
        let of_databases = Roles { leader: "database".parse().ok(), ..Roles::default() };
        let plan: Vec<PlannedFault> = serde_json::from_str(
            r#"[{"at_ms":1,"action":"kill","target":"db.b"},
                {"at_ms":2,"action":"stall-disk","target":"follower"},
                {"at_ms":3,"action":"cut","link":"proxy -> leader"},
                {"at_ms":4,"action":"kill","target":"order-1"}]"#,
        )
        .unwrap();
        let processes = kept_twice(of_databases);
        let schedule = Schedule::expand(&plan[..3], &processes).unwrap();
        let names: Vec<_> = schedule.disk_faults(&processes).processes.into_iter().collect();
        assert_eq!(names, processes.replicas());
        let said = |processes: &Processes| {
            let errors = Schedule::expand(&plan, processes).unwrap_err();
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let unknown = r#"faults[3].target: "order-1" must be "#;
        let known = r#""leader", "follower", "db.a", "db.b" or "proxy""#;
        assert_eq!(said(&processes), [format!("{unknown}{known}")]);
        let nobody_leads = kept_twice(Roles::default());
        assert_eq!(
            said(&nobody_leads),
            [
                "faults[1].target: there is no follower: no process is said to lead".to_owned(),
                "faults[2].link: there is no leader: no process is said to lead".to_owned(),
                format!(r#"{unknown}"db.a", "db.b" or "proxy""#),
            ]
        );
    }
}
