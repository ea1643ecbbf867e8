//! What two runs must have in common if their figures are to be compared, as fields with values. Two that differ in one are
//! not put together, and the field is the reason.

use std::collections::BTreeMap;

use results::records::Manifest;

/// Of a machine only what decides its figures: a kernel and the megabytes of its memory change with every update.
const MACHINE: [&str; 2] = ["processor", "cores"];
/// What a plan may differ in: its name, the seed, and when exactly faults come, which the seed decides.
const FREE: [&str; 2] = ["name", "load.seed"];
const FREE_OF_FAULTS: [&str; 2] = ["at_ms", "copied_at_ms"];
/// So many fields are named as the difference of two runs.
const MOST_NAMED: usize = 3;
/// So much of a value is shown.
const MOST_CHARS: usize = 60;

/// What a run must have in common with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness(BTreeMap<String, String>);

impl Likeness {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut fields = BTreeMap::new();
        match manifest.plan.parse::<toml::Table>() {
            Ok(plan) => flatten("", &plan, &mut fields),
            Err(_) => _ = fields.insert("plan".to_owned(), manifest.plan.clone()),
        }
        for (name, value) in &manifest.machine {
            if MACHINE.contains(&name.as_str()) {
                fields.insert(format!("machine: {name}"), value.clone());
            }
        }
        let cells: Vec<&str> = manifest.cells.iter().map(|cell| cell.id.as_str()).collect();
        fields.insert("kind of run".to_owned(), manifest.kind.clone());
        fields.insert("target".to_owned(), manifest.subject().to_owned());
        fields.insert("cells".to_owned(), cells.join(" "));
        fields.insert("durability".to_owned(), manifest.durability.clone());
        if let Some(exercise) = manifest.exercise {
            fields.insert("exercise".to_owned(), exercise.to_string());
        }
        Self(fields)
    }

    /// In how many fields it differs from another.
    pub(super) fn distance(&self, other: &Self) -> usize {
        self.differing(other).count()
    }

    /// In what it differs from another, in words.
    pub(super) fn difference(&self, other: &Self) -> String {
        let shown = |value: Option<&String>| match value {
            Some(value) if value.chars().count() > MOST_CHARS => {
                value.chars().take(MOST_CHARS).collect::<String>() + "..."
            }
            Some(value) => value.clone(),
            None => "not set".to_owned(),
        };
        let mut named: Vec<String> = self
            .differing(other)
            .take(MOST_NAMED)
            .map(|name| {
                format!("{name}: {}, not {}", shown(self.0.get(name)), shown(other.0.get(name)))
            })
            .collect();
        let more = self.distance(other) - named.len();
        if more > 0 {
            named.push(format!("{more} more"));
        }
        named.join("; ")
    }

    fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a String> {
        let own = self.0.keys();
        let others = other.0.keys().filter(|name| !self.0.contains_key(*name));
        own.chain(others).filter(|name| self.0.get(*name) != other.0.get(*name))
    }
}

fn flatten(prefix: &str, table: &toml::Table, fields: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if FREE.contains(&name.as_str()) {
            continue;
        }
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, fields),
            toml::Value::Array(items) if name == "faults" => {
                let faults: Vec<String> = items.iter().map(fault).collect();
                fields.insert(name, faults.join(" "));
            }
            other => _ = fields.insert(name, other.to_string()),
        }
    }
}

/// A fault without its moment.
fn fault(value: &toml::Value) -> String {
    let toml::Value::Table(fault) = value else { return value.to_string() };
    let told = fault.iter().filter(|(key, _)| !FREE_OF_FAULTS.contains(&key.as_str()));
    told.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use results::records::Cell;

    use super::*;

    fn likeness(plan: &str) -> Likeness {
        let cells = vec![Cell::new("p0.5", 0.5, true)];
        Likeness::of(&Manifest { plan: plan.to_owned(), ..Manifest::new("bench", "quick", cells) })
    }

    #[test]
    fn a_seed_and_the_moments_of_faults_do_not_keep_runs_apart() {
        let one = likeness(
            "name = 'a'\n[load]\nseed = 1\nclients = 5\n[[faults]]\nat_ms = 1000\naction = 'kill'\n",
        );
        let other = likeness(
            "name = 'b'\n[load]\nseed = 2\nclients = 5\n[[faults]]\nat_ms = 1100\naction = 'kill'\n",
        );
        assert_eq!(one, other);
    }

    #[test]
    fn what_keeps_runs_apart_is_named_with_both_values() {
        let one = likeness("[load]\nclients = 5\n[[faults]]\nat_ms = 1\naction = 'kill'\n");
        let other = likeness("[load]\nclients = 8\n[[faults]]\nat_ms = 1\naction = 'pause'\n");
        assert_eq!(one.distance(&other), 2);
        assert_eq!(
            one.difference(&other),
            "faults: action=\"kill\", not action=\"pause\"; load.clients: 5, not 8"
        );
    }
}
