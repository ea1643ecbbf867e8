//! The command that runs a run's schedule again.
//!
//! What a plan says and what chance adds is all in the manifest: the whole plan, with what the
//! command line laid over it, and the seed. So the plan is written beside the report, and the
//! command names it; it works when the plan's own file has been changed or is gone. Of a
//! target the command names the file that it was described by, as it was named then: paths in such a file are
//! relative to it, so a copy elsewhere would not work. (The services and the machine are not part of it: the faults
//! come again at the same moments, what the processes make of them may differ.) If hosts were made for the run, the command makes them
//! again.

use super::RunFile;
use crate::records::{Manifest, RunFolder};

/// The plan's name in the run's folder.
const PLAN: &str = "plan.toml";

/// The kinds of runs that a plan and a seed repeat, with no chance beyond these, and the command
/// that takes them. A round of a soak is drawn with all its faults before it begins.
const BY_PLAN: [(&str, &str); 3] =
    [("bench", "bench"), ("failover", "failover"), ("soak", "failover")];

/// What no plan names: the target's file, and the folder of the other build if two were measured side by side.
const NAMED_AGAIN: [&str; 2] = ["--target", "--against"];

/// The command, and the plan that it names. Empty if the manifest does not say how it was run.
pub(super) fn reproduce(manifest: &Manifest, folder: &RunFolder) -> (String, Option<RunFile>) {
    let seed = manifest.seed.to_string();
    let by_plan = BY_PLAN.iter().find(|(kind, _)| *kind == manifest.kind);
    if let Some((_, command)) = by_plan.filter(|_| !manifest.plan.is_empty()) {
        let plan = folder.path(PLAN).display().to_string();
        let lab = manifest.exercise.map(|number| format!("lab {number}"));
        let command = lab.as_deref().unwrap_or(command).split(' ');
        let plan = ["--plan", &plan, "--seed", &seed];
        let run_by = manifest.run_by.iter().map(String::as_str);
        let words = run_by.chain(std::iter::once("double-trouble")).chain(command).chain(plan);
        let again = NAMED_AGAIN.into_iter().flat_map(|name| {
            named(manifest, name).into_iter().flat_map(move |value| [name, value])
        });
        let file = RunFile { name: PLAN.to_owned(), contents: manifest.plan.clone() };
        return (line(words.chain(again)), Some(file));
    }
    let has_seed =
        manifest.command.iter().any(|word| word == "--seed" || word.starts_with("--seed="));
    if manifest.command.is_empty() {
        return (String::new(), None);
    }
    let words = manifest.run_by.iter().chain(&manifest.command).map(String::as_str);
    let command = if has_seed { line(words) } else { line(words.chain(["--seed", &seed])) };
    (command, None)
}

/// What a command line says after the option of this name.
fn named<'a>(manifest: &'a Manifest, option: &str) -> Option<&'a str> {
    let mut words = manifest.command.iter();
    words.find_map(|word| word.strip_prefix(option)?.strip_prefix('=')).or_else(|| {
        let after = manifest.command.iter().skip_while(|word| *word != option).nth(1);
        after.map(String::as_str)
    })
}

fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::Trial;

    fn manifest() -> Manifest {
        Trial::new().manifest
    }

    #[test]
    fn a_plan_is_kept_beside_the_report_and_named() {
        let manifest = Manifest { plan: "name = \"x\"\n".to_owned(), ..manifest() };
        let (command, file) = reproduce(&manifest, &RunFolder::new("/runs/my run"));
        assert_eq!(command, "double-trouble failover --plan '/runs/my run/plan.toml' --seed 7");
        assert_eq!(file.map(|file| file.contents), Some(manifest.plan));
    }

    #[test]
    fn the_services_of_an_exercise_are_started_by_its_number() {
        let plan = "name = \"x\"\n".to_owned();
        let manifest = Manifest { plan, exercise: Some(3), ..manifest() };
        let (command, _) = reproduce(&manifest, &RunFolder::new("run"));
        assert_eq!(command, "double-trouble lab 3 --plan run/plan.toml --seed 7");
    }

    #[test]
    fn hosts_that_were_made_for_a_run_are_made_again() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let run_by = words("double-trouble hosts --by ssh --");
        let command = words("double-trouble failover --target hosts/bazaar.toml");
        let plan = "name = \"x\"\n".to_owned();
        let planned = Manifest { plan, run_by, command: command.clone(), ..manifest() };
        let (line, _) = reproduce(&planned, &RunFolder::new("run"));
        let expected = "double-trouble hosts --by ssh -- double-trouble failover --plan run/plan.toml --seed 7 --target \
                        hosts/bazaar.toml";
        assert_eq!(line, expected);
        let repeated = Manifest { plan: String::new(), ..planned.clone() };
        let (line, _) = reproduce(&repeated, &RunFolder::new("run"));
        assert!(
            line.starts_with("double-trouble hosts --by ssh -- double-trouble failover --target"),
            "{line}"
        );
        let untold = Manifest { command: Vec::new(), ..repeated };
        assert_eq!(reproduce(&untold, &RunFolder::new("run")).0, "");
    }

    #[test]
    fn a_build_that_was_measured_beside_is_named() {
        for words in [&["dt", "bench", "--against", "../old"][..], &["dt", "--against=../old"]] {
            let command = words.iter().map(|&word| word.to_owned()).collect();
            let plan = "name = \"x\"\n".to_owned();
            let manifest = Manifest { plan, command, ..manifest() };
            let (command, _) = reproduce(&manifest, &RunFolder::new("runs"));
            assert!(command.ends_with("--seed 7 --against ../old"), "{command}");
        }
    }

    #[test]
    fn the_file_of_a_target_is_named_as_it_was() {
        for (words, expected) in [
            (
                &["dt", "failover", "--target", "my shop/naive.toml"][..],
                "--target 'my shop/naive.toml'",
            ),
            (&["dt", "bench", "--target=naive.toml"], "--target naive.toml"),
            (
                &["dt", "bench", "--against", "old", "--target=a.toml"],
                "--target a.toml --against old",
            ),
        ] {
            let command = words.iter().map(|&word| word.to_owned()).collect();
            let plan = "name = \"x\"\n".to_owned();
            let manifest = Manifest { plan, command, ..manifest() };
            let (command, _) = reproduce(&manifest, &RunFolder::new("runs"));
            assert!(command.ends_with(&format!("--seed 7 {expected}")), "{command}");
        }
    }

    #[test]
    fn without_a_plan_the_command_line_is_repeated_with_its_seed() {
        let command = |words: &[&str]| {
            let command = words.iter().map(|&word| word.to_owned()).collect();
            let manifest = Manifest { kind: "soak".to_owned(), command, ..manifest() };
            reproduce(&manifest, &RunFolder::new("runs")).0
        };
        assert_eq!(command(&["double-trouble", "soak"]), "double-trouble soak --seed 7");
        assert_eq!(command(&["dt", "soak", "--seed", "9"]), "dt soak --seed 9");
        assert_eq!(command(&["dt", "--seed=9", "it's"]), r"dt --seed=9 'it'\''s'");
        assert_eq!(command(&[]), "");
    }
}
