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

/// What a reader should know before believing the comparison, a sentence each. `cells` are those in common, as each side
/// calls them.
pub(super) fn warnings(
    a: &Manifest,
    b: &Manifest,
    cells: &[(&str, &str)],
    design: Design,
    trials: usize,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if design == Design::Unpaired {
        warnings.extend(machines(a, b));
        warnings.extend(targets(a, b));
        warnings.extend(ways(a, b, cells));
        if let (Some(a), Some(b)) = (a.known_durability(), b.known_durability())
            && a != b
        {
            warnings.push(format!("Durability differs: {a} and {b}."));
        }
        warnings.extend(plans(a, b));
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

/// In what the systems under test differ, as far as their files say.
fn targets(a: &Manifest, b: &Manifest) -> Option<String> {
    if a.subject() == b.subject() {
        let (of_a, of_b) = (a.target.as_ref()?, b.target.as_ref()?);
        let same = of_a.promises() == of_b.promises() && of_a.facts().eq(of_b.facts());
        return (!same).then(|| {
            let name = a.subject();
            format!(
                "The files of {name} differ in what they promise, or in what can be known of it."
            )
        });
    }
    let mut text = format!("Two systems are compared, {} and {}.", a.subject(), b.subject());
    let unknown: Vec<&str> = [a, b]
        .into_iter()
        .filter(|manifest| manifest.known_durability().is_none())
        .map(Manifest::subject)
        .collect();
    if !unknown.is_empty() {
        let of = unknown.join(" and of ");
        text.push_str(&format!(" What an acknowledgement of {of} survives is not known."));
    }
    Some(text)
}

/// In what common cells were started differently: in variants of a target, or with a cache of which the other knows nothing.
fn ways(a: &Manifest, b: &Manifest, cells: &[(&str, &str)]) -> Option<String> {
    fn way<'a>(manifest: &'a Manifest, id: &str) -> &'a str {
        let cell = manifest.cells.iter().find(|cell| cell.id == id);
        cell.and_then(|cell| manifest.way(cell.cache)).unwrap_or("as it always is")
    }
    let mut differing: Vec<String> = cells
        .iter()
        .map(|&(of_a, of_b)| (way(a, of_a), way(b, of_b)))
        .filter(|(of_a, of_b)| of_a != of_b)
        .map(|(of_a, of_b)| format!("{} {of_a} and {} {of_b}", a.subject(), b.subject()))
        .collect();
    differing.dedup();
    let differing = differing.join("; ");
    (!differing.is_empty()).then(|| format!("They were started differently: {differing}."))
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

fn plans(a: &Manifest, b: &Manifest) -> Option<String> {
    let (a, b) = (fields(&a.plan), fields(&b.plan));
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
