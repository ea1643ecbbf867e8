//! Files that come with the program: the built-in bazaar's, and one to begin with.

/// The built-in bazaar's file.
pub const BAZAAR: &str = include_str!("../bazaar.toml");

/// What [`new_file`] changes.
const NAME_LINE: &str = "name = \"my-service\"";

/// A file for a service called `name`, with one front-end and three replicas, every section explained.
#[must_use]
pub fn new_file(name: &str) -> String {
    let name = toml::Value::String(name.to_owned());
    include_str!("../new.toml").replacen(NAME_LINE, &format!("name = {name}"), 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Target, read_text};

    fn read(text: &str, replicas: u32) -> Target {
        read_text(text, Path::new("example.toml"), replicas)
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn names(target: &Target) -> Vec<&str> {
        target.processes.iter().map(|process| process.name.as_str()).collect()
    }

    #[test]
    fn the_bazaars_file_reads_for_any_number_of_replicas() {
        assert_eq!(names(&read(BAZAAR, 1)), ["catalog", "front-end", "order-1"]);
        let ten = read(BAZAAR, 10);
        assert_eq!(ten.processes.len(), 12);
        assert_eq!(ten.processes.last().unwrap().name, "order-10");
        assert_eq!(ten.orders.len(), 10);
    }

    #[test]
    fn a_new_file_reads_as_it_stands() {
        let target = read(&new_file("Bob's \"shop\""), 3);
        assert_eq!(target.name, "Bob's \"shop\"");
        assert_eq!(names(&target), ["front-end", "replica-1", "replica-2", "replica-3"]);
    }

    #[test]
    fn the_files_that_come_with_the_program_are_valid_by_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(&crate::schema()).unwrap();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("target.schema.json", schema).unwrap();
        let mut schemas = boon::Schemas::new();
        let schema = compiler.compile("target.schema.json", &mut schemas).unwrap();
        let new = new_file("x");
        // What it shows of hosts is true, too.
        let (_, rest) = new.split_once("# [hosts.n1]").unwrap();
        let (hosts, _) = rest.split_once("\n\n").unwrap();
        let with_hosts = format!("{new}\n[hosts.n1]{}\n", hosts.replace("\n# ", "\n"));
        assert_eq!(read(&with_hosts, 3).load_from, ["n1"]);
        for text in [BAZAAR.to_owned(), new, with_hosts] {
            let file: serde_json::Value = toml::from_str(&text).unwrap();
            schemas.validate(&file, schema).unwrap_or_else(|error| panic!("{error:#}"));
        }
        let wrong = serde_json::json!({"name": "x", "processes": {"a": {"comand": "b"}}});
        assert!(schemas.validate(&wrong, schema).is_err());
    }
}
