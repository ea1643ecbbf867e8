//! Which facts each check needs: one table, for documents, for whoever writes a target, and for programs.

use std::fmt::Write as _;

use super::check::Check;
use super::list::{all, of};
use crate::records::{Fact, Model};

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
    all().flat_map(of_check)
}

/// The same of the checks that a target of this model is asked.
pub fn requirements_of(model: Model) -> impl Iterator<Item = Requirement> {
    of(model).flat_map(of_check)
}

fn of_check(check: &'static Check) -> impl Iterator<Item = Requirement> {
    check.parts.iter().map(|part| Requirement {
        check: check.name,
        claim: check.claim,
        part: part.what,
        facts: part.facts,
        stands_in: part.stands_in,
    })
}

/// The same as a table in Markdown.
#[must_use]
pub fn requirements_table() -> String {
    let mut table = "| check | part | needs |\n| --- | --- | --- |\n".to_owned();
    for Requirement { check, part, facts, stands_in, .. } in requirements() {
        let facts: Vec<String> = facts.iter().map(|fact| format!("`{fact}`")).collect();
        let otherwise = if stands_in { "otherwise: " } else { "" };
        let needs = if facts.is_empty() { "nothing".to_owned() } else { facts.join(", ") };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{check}` | {otherwise}{part} | {needs} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::records::{Promises, Replication, Target};

    #[test]
    fn every_check_needs_only_what_the_bazaar_gives_or_a_second_catalog() {
        let bazaar = Target::bazaar(3);
        for one in requirements_of(Model::Stocks) {
            let of_several = one.check == "stocks-agree";
            let lacking = of_several.then_some(Fact::CopiesOfStocks);
            assert_eq!(bazaar.lacks(one.facts), Vec::from_iter(lacking), "{}", one.check);
        }
        let checks: BTreeSet<_> = requirements().map(|one| one.check).collect();
        assert_eq!(checks.len(), all().count(), "names are unique, and each check has a part");
    }

    #[test]
    fn registers_and_logs_are_asked_what_such_a_target_can_give() {
        for model in [Model::Register, Model::Log] {
            let promises =
                Promises { replicated_keys: Replication::Identical, ..Promises::default() };
            let all = Target::new("toy", Fact::ALL, promises);
            let target = all.keeping(model, vec!["one".to_owned(), "other".to_owned()], None);
            for one in requirements_of(model) {
                let of_stocks = one.facts.iter().any(|&fact| {
                    !fact.is_of_keys() && !fact.is_promise() && fact != Fact::StatusCodes
                });
                let is_its_own = target.lacks(one.facts).is_empty() && !of_stocks;
                assert!(is_its_own, "{}", one.check);
            }
        }
    }

    #[test]
    fn a_part_has_a_name_where_there_are_several() {
        for check in all() {
            assert!(check.parts.len() == 1 || check.parts.iter().all(|part| !part.what.is_empty()));
            assert!(!check.parts[0].stands_in, "{} begins with its own part", check.name);
        }
    }

    #[test]
    fn the_document_has_the_same_tables() {
        let readme = include_str!("../../README.md");
        let table = requirements_table();
        assert!(readme.contains(&table), "results/README.md must have this table:\n{table}");
        let facts = Fact::ALL.map(|fact| format!("| `{fact}` | {} |\n", fact.lacking())).concat();
        assert!(readme.contains(&facts), "results/README.md must have these rows:\n{facts}");
    }
}
