//! `lab`: what can be said of it without services that bugs can be planted in.

use std::path::Path;

use crate::common::{ended, names, run};

#[test]
fn exercises_are_listed_by_difficulty_and_nothing_more_is_said_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["lab"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout.lines().count(), 4, "{stdout}");
    assert!(stdout.starts_with("There are "), "{stdout}");
    let levels: Vec<_> =
        stdout.lines().skip(1).map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    assert_eq!(levels, ["easy", "medium", "hard"]);
}

#[test]
fn a_hint_names_the_promise_and_a_plan_is_not_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, _) = ended(&run(folder.path(), &["lab", "1", "--hint"]));
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("Exercise 1: this is promised"), "{stdout}");
}

#[test]
fn what_a_lab_cannot_do_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_double-trouble"));
    let correct = program.parent().unwrap().to_str().unwrap();
    let refused: &[(&[&str], &str)] = &[
        (&["lab", "99"], "N: there is no exercise 99; there are 1 to "),
        (&["lab", "--hint"], "<N>"),
        (&["lab", "1", "--hint", "--reveal"], "cannot be used with"),
        (&["lab", "1", "--plan", "quick", "--console"], "cannot be used with"),
        (&["lab", "1", "--seed", "7"], "need --plan"),
        (&["lab", "1", "--bin-dir", "nowhere"], "`make planted` builds it"),
        (&["lab", "1", "--bin-dir", correct], "built without the feature planted-bugs"),
    ];
    for (arguments, named) in refused {
        let (code, stdout, stderr) = ended(&run(folder.path(), arguments));
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(named), "{arguments:?}: {stderr}");
    }
    assert!(names(folder.path()).is_empty());
}
