//! Which facts each check needs: one table, for documents, for whoever writes a target, and for programs.

use super::all;
use crate::records::Fact;
use crate::text::aligned;

/// What one part of a check needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The check's name.
    pub check: &'static str,
    /// What holds if it passes.
    pub claim: &'static str,
    /// Which part of it; empty if it has no others.
    pub part: &'static str,
    /// What a target must give or promise; empty if any target will do.
    pub facts: &'static [Fact],
    /// Whether it is done only where the part before it cannot be.
    pub stands_in: bool,
}

/// What each part of each check needs, in the order of the report.
pub fn requirements() -> impl Iterator<Item = Requirement> {
    all().flat_map(|check| {
        check.parts.iter().map(|part| Requirement {
            check: check.name,
            claim: check.claim,
            part: part.what,
            facts: part.facts,
            stands_in: part.stands_in,
        })
    })
}

/// The same as a table for people, ending with a newline.
#[must_use]
pub fn requirements_table() -> String {
    let rows: Vec<Vec<String>> = requirements()
        .map(|one| {
            let facts: Vec<&str> = one.facts.iter().map(|fact| fact.as_str()).collect();
            let otherwise = if one.stands_in { "otherwise: " } else { "" };
            vec![one.check.to_owned(), format!("{otherwise}{}", one.part), facts.join(" ")]
        })
        .collect();
    let header = ["check", "part", "needs"];
    aligned(&header, header.len(), &rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::records::Target;

    #[test]
    fn every_check_needs_only_what_the_bazaar_gives() {
        let bazaar = Target::bazaar(3);
        for one in requirements() {
            assert_eq!(bazaar.lacks(one.facts), [], "{}", one.check);
        }
        let checks: BTreeSet<_> = requirements().map(|one| one.check).collect();
        assert_eq!(checks.len(), all().count(), "names are unique, and each check has a part");
    }

    #[test]
    fn a_part_has_a_name_where_there_are_several() {
        for check in all() {
            assert!(check.parts.len() == 1 || check.parts.iter().all(|part| !part.what.is_empty()));
            assert!(!check.parts[0].stands_in, "{} begins with its own part", check.name);
        }
    }

    #[test]
    fn the_document_has_the_same_table() {
        let readme = include_str!("../../README.md");
        let lines = readme.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        let table = requirements_table();
        let table = table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert!(lines.contains(&table), "results/README.md must have this table:\n{table}");
    }
}
