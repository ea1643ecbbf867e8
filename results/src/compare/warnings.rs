//! What speaks against a comparison: in what two runs differ that is not what is compared, and too few
//! trials to claim anything.

use std::collections::BTreeMap;

use super::effect::Design;
use crate::records::Manifest;
use crate::stats::MIN_TRIALS;

/// Fields of a plan in which runs may differ without a warning: names, seeds, what is checked, which faults
/// there are, and what makes cells (cells are matched one by one).
const HARMLESS_FIELDS: [&str; 8] = [
    "name",
    "load.seed",
    "load.p",
    "load.clients",
    "load.rate",
    "system.cache",
    "checks",
    "faults",
];

/// A plan may differ in so many fields before they are only counted.
const MOST_FIELDS: usize = 6;

/// What a reader should know before believing the comparison, a sentence each.
pub(super) fn warnings(a: &Manifest, b: &Manifest, design: Design, trials: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if design == Design::Unpaired {
        warnings.extend(machines(a, b));
        if a.durability != b.durability {
            warnings.push(format!("Durability differs: {} and {}.", a.durability, b.durability));
        }
        warnings.extend(plans(&a.plan, &b.plan));
        if a.version != b.version {
            warnings.push(format!("The harness differs: {} and {}.", a.version, b.version));
        }
    }
    if trials < MIN_TRIALS {
        warnings.push(format!(
            "Nothing is claimed without {MIN_TRIALS} trials of each cell on both sides: how much trials \
             of the same build differ cannot be seen in {trials}."
        ));
    }
    warnings
}

fn machines(a: &Manifest, b: &Manifest) -> Option<String> {
    let facts = |manifest: &Manifest| -> BTreeMap<String, String> {
        manifest.machine.iter().cloned().collect()
    };
    let (a, b) = (facts(a), facts(b));
    let differing: Vec<String> = a
        .iter()
        .filter_map(|(name, value)| {
            let other = b.get(name)?;
            (value != other).then(|| format!("{name}: {value} and {other}"))
        })
        .collect();
    (!differing.is_empty()).then(|| format!("The machines differ ({}).", differing.join("; ")))
}

fn plans(a: &str, b: &str) -> Option<String> {
    let (a, b) = (fields(a), fields(b));
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let show = |value: Option<&String>| value.map_or_else(|| "unset".to_owned(), Clone::clone);
    let mut differing: Vec<String> = names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| format!("{name}: {} and {}", show(a.get(name)), show(b.get(name))))
        .collect();
    if differing.len() > MOST_FIELDS {
        let more = differing.len() - MOST_FIELDS;
        differing.truncate(MOST_FIELDS);
        differing.push(format!("{more} more"));
    }
    (!differing.is_empty()).then(|| format!("The plans differ ({}).", differing.join("; ")))
}

/// A plan's fields that matter, by dotted name.
fn fields(plan: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(table) = plan.parse::<toml::Table>() {
        flatten("", &table, &mut found);
    }
    found
}

fn flatten(prefix: &str, table: &toml::Table, found: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if HARMLESS_FIELDS.contains(&name.as_str()) {
            continue;
        }
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, found),
            other => {
                found.insert(name, other.to_string());
            }
        }
    }
}
