//! A run of a system whose processes have other names and roles is judged and measured as the same run was
//! under the names of the built-in bazaar: nothing hangs on a name.

use std::fs;

use results::records::{Manifest, Process, RunFolder, built_in};

use crate::kept::{Kept, Said};

/// The bazaar's words, and others as long, so that tables keep their widths, and in the same order.
const WORDS: [(&str, &str); 5] = [
    ("front-end", "gatekeepr"),
    ("Front-end", "Gatekeepr"),
    ("catalog", "bookkpr"),
    ("Catalog", "Bookkpr"),
    ("order-", "store-"),
];

fn renamed(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (ours, other)| text.replace(ours, other))
}

fn named_back(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (ours, other)| text.replace(other, ours))
}

/// Gives every process of the run another name and another role.
fn rename(folder: &RunFolder) {
    for file in ["events.csv", "final.csv"] {
        let text = fs::read_to_string(folder.path(file)).unwrap();
        fs::write(folder.path(file), renamed(&text)).unwrap();
    }
    let mut manifest: Manifest = folder.manifest().unwrap();
    let bazaar = built_in::processes(manifest.replicas);
    let process = |process: &Process| Process {
        name: renamed(process.name.as_str()).parse().unwrap(),
        role: renamed(process.role.as_str()).parse().unwrap(),
    };
    manifest.processes = bazaar.list().iter().map(process).collect();
    let mut roles = bazaar.roles();
    for role in [&mut roles.leader, &mut roles.cache, &mut roles.stocks].into_iter().flatten() {
        *role = renamed(role.as_str()).parse().unwrap();
    }
    manifest.roles = roles;
    fs::write(folder.path("manifest.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
}

/// What is said without pictures and the page around them, which are as wide as letters are.
fn in_words(run: &Kept) -> Said {
    let said = run.said().into_iter();
    said.filter(|(file, _)| !["charts.txt", "page.html"].contains(file)).collect()
}

#[track_caller]
fn is_judged_by_what_processes_do(name: &str) {
    let as_it_was = in_words(&Kept::unpack(name));
    let other = Kept::unpack(name);
    rename(other.folder());
    let said = in_words(&other);
    let has_new_names = said.iter().any(|(_, text)| text.contains("store-"));
    assert!(has_new_names, "{name}: what is said names the processes");
    for ((file, before), (_, now)) in as_it_was.iter().zip(&said) {
        assert!(*before == named_back(now), "{name}: {file} says something else:\n{now}");
    }
    assert_eq!(as_it_was.len(), said.len());
}

#[test]
fn kills_are_judged_whatever_the_processes_are_called() {
    is_judged_by_what_processes_do("failover");
}

#[test]
fn broken_links_are_judged_whatever_the_processes_are_called() {
    is_judged_by_what_processes_do("links");
}

#[test]
fn random_faults_of_every_role_are_judged_whatever_the_processes_are_called() {
    is_judged_by_what_processes_do("soak-closed");
}

#[test]
fn a_planted_bug_is_found_whatever_the_processes_are_called() {
    is_judged_by_what_processes_do("failed");
}
