//! Golden files: what was said once, beside the run that it was said about.

use std::collections::BTreeSet;
use std::env;
use std::fs;

use crate::kept::{Said, corpus};

/// Holds what is said against what was, line by line; with `GOLDEN=write` it becomes what was said.
#[track_caller]
pub(crate) fn hold(name: &str, said: &Said) {
    let folder = corpus().join(name).join("golden");
    if env::var_os("GOLDEN").is_some_and(|what| what == "write") {
        // What is said no more must go, too.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for (file, text) in said {
            fs::write(folder.join(file), text).unwrap();
        }
        return;
    }
    let kept: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let files: BTreeSet<String> = said.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, kept, "{name}: the files that are written");
    let differences: Vec<String> = said
        .iter()
        .filter_map(|(file, text)| {
            let before = fs::read_to_string(folder.join(file)).unwrap();
            let difference = difference(&before, text)?;
            Some(format!("{name}/golden/{file}: {difference}"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The first line that differs.
fn difference(before: &str, now: &str) -> Option<String> {
    if before == now {
        return None;
    }
    let mut lines = before.lines().zip(now.lines()).zip(1..);
    let first = lines.find(|((before, now), _)| before != now);
    Some(match first {
        Some(((before, now), line)) => format!("line {line}\n  was {before}\n  is  {now}"),
        None => format!("{} lines, were {}", now.lines().count(), before.lines().count()),
    })
}
