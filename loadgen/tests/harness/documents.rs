//! What the pages for people name is there: files, make's targets, commands, fields of plans.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::harness;

/// The pages, from the top of the tree.
const PAGES: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "results/README.md",
    "loadgen/plans/README.md",
    "loadgen/targets/README.md",
    "loadgen/targets/naive/README.md",
];

/// Anybody who comes for the first time reads this much.
const MOST_WORDS: usize = 1200;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn page(name: &str) -> String {
    fs::read_to_string(top().join(name)).unwrap()
}

/// What stands between `before` and `after`, wherever that is.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
}

/// The lines that are to be typed, without their comments.
fn typed(page: &str) -> impl Iterator<Item = &str> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("$ "));
    lines.map(|line| line.split(" #").next().unwrap_or_default().trim())
}

#[test]
fn the_first_page_is_short() {
    let words = page("README.md").split_whitespace().count();
    assert!(words <= MOST_WORDS, "{words} words");
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    for name in PAGES {
        let text = page(name);
        let links: Vec<&str> = between(&text, "](", ')').filter(|it| !it.contains("://")).collect();
        assert!(links.len() > 2, "{name}: {links:?}");
        for link in links {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            // A heading alone is one of the page itself.
            let itself = top().join(name);
            let path = if file.is_empty() { itself } else { itself.with_file_name(file) };
            assert!(path.exists(), "{name}: no {file}");
            if !heading.is_empty() {
                let anchors: Vec<String> = fs::read_to_string(&path)
                    .unwrap()
                    .lines()
                    .filter_map(|line| line.strip_prefix('#'))
                    .map(|line| {
                        line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")
                    })
                    .collect();
                assert!(anchors.iter().any(|it| it == heading), "{name}: no {link}: {anchors:?}");
            }
        }
    }
}

#[test]
fn every_command_of_a_page_is_one() {
    let make = page("Makefile");
    let help = harness(&top(), &["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut found = BTreeSet::new();
    for (name, text) in PAGES.map(|name| (name, page(name))) {
        for line in typed(&text) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["make", target, ..] => {
                    assert!(make.contains(&format!("\n{target}:")), "{name}: no target {target}");
                    found.insert((*target).to_owned());
                }
                [program, command, ..] if program.ends_with("/double-trouble") => {
                    assert!(help.contains(&format!("\n  {command} ")), "{name}: no {command}");
                    found.insert((*command).to_owned());
                }
                _ => {}
            }
        }
    }
    for wanted in ["bench", "failover-test", "prove", "explore", "compare", "client", "report"] {
        assert!(found.contains(wanted), "no page says how to {wanted}: {found:?}");
    }
}

#[test]
fn every_field_of_a_plan_and_every_fault_is_explained() {
    let text = page("loadgen/plans/README.md");
    let plan = loadgen::plan::Plan::default().to_toml().unwrap();
    let mut section = String::new();
    let mut fields = 0;
    for line in plan.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_matches(['[', ']']));
        } else if let Some((field, _)) = line.split_once(" = ") {
            fields += 1;
            assert!(text.contains(&format!("`{section}{field}`")), "{section}{field}");
        }
    }
    assert!(fields > 15, "{plan}");
    let actions = page("results/records/src/action.rs");
    let (_, words) = actions.split_once("fn as_str").unwrap();
    let (words, _) = words.split_once("\n    }\n").unwrap();
    let words: Vec<&str> = between(words, "=> \"", '"').collect();
    assert!(words.len() > 10, "{words:?}");
    for word in words {
        assert!(text.contains(&format!("`{word}`")), "{word} is not explained");
    }
}
