//! What a command found is told wherever its output goes, or is no pass; and nothing ends it early.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

use results::records::RunFolder;

use crate::common::{ended, harness, latest, plan, run};

const SHORT: &str = "\
[load]
clients = 2
iterations = 60
p = [0.5]
warm_up_s = 0.2
";

/// A finished run, of which nothing is left to write.
fn finished(folder: &Path) -> (RunFolder, String) {
    let plan = plan(folder, SHORT);
    let (code, stdout, stderr) = ended(&run(folder, &["bench", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run = latest(folder);
    let path = run.root().to_str().unwrap().to_owned();
    (run, path)
}

/// Makes one read show a volume that the stock never had.
fn falsify(run: &RunFolder) {
    let path = run.path("observations.csv");
    let mut reader = csv::Reader::from_path(&path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let at = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (phase, volume) = (at("phase"), at("seen_volume"));
    let mut rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let read = rows.iter_mut().find(|row| &row[phase] == "load" && !row[volume].is_empty());
    let read = read.unwrap();
    *read = (0..headers.len()).map(|i| if i == volume { "77777" } else { &read[i] }).collect();
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(&headers).unwrap();
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    writer.flush().unwrap();
}

/// The exit code of a command whose stdout cannot be written, and what it says about that.
fn into_a_full_disk(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = harness(folder, arguments).stdout(full).output().unwrap();
    let (code, _, stderr) = ended(&output);
    assert!(!stderr.contains("panicked"), "{stderr}");
    (code, stderr)
}

#[test]
fn what_could_not_be_written_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (found, path) = finished(folder.path());
    let plan = folder.path().join("plan.toml");
    let plan = plan.to_str().unwrap();
    let commands: &[&[&str]] = &[
        &["--help"],
        &["check", &path],
        &["check", &path, "--format", "junit"],
        &["report", &path],
        &["bench", "--plan", plan],
        &["bench", "--plan", plan, "--json"],
        &["bench", "--plan", plan, "--format", "junit"],
    ];
    for arguments in commands {
        let (code, stderr) = into_a_full_disk(folder.path(), arguments);
        assert_eq!(code, Some(3), "{arguments:?}: {stderr}");
        assert!(stderr.contains("stdout cannot be written"), "{arguments:?}: {stderr}");
    }
    falsify(&found);
    let (code, stderr) = into_a_full_disk(folder.path(), &["check", &path]);
    assert_eq!(code, Some(1), "a failure is one, told or not: {stderr}");
}

#[test]
fn a_reader_that_has_enough_changes_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let (found, path) = finished(folder.path());
    let exit_code = || {
        let mut command = harness(folder.path(), &["check", &path]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It goes before the first line is there.
        drop(child.stdout.take());
        let (code, _, stderr) = ended(&child.wait_with_output().unwrap());
        assert_eq!(stderr, "");
        code
    };
    assert_eq!(exit_code(), Some(0));
    falsify(&found);
    assert_eq!(exit_code(), Some(1));
}

#[test]
fn the_page_of_a_run_does_not_contradict_a_later_check() {
    let folder = tempfile::tempdir().unwrap();
    let (found, path) = finished(folder.path());
    let page = || fs::read_to_string(found.path("report.html")).unwrap();
    let before = page();
    let (code, ..) = ended(&run(folder.path(), &["check", &path]));
    assert_eq!(code, Some(0));
    assert_eq!(page(), before);

    falsify(&found);
    let (code, stdout, _) = ended(&run(folder.path(), &["check", &path]));
    assert_eq!(code, Some(1));
    assert!(stdout.contains("77777"), "{stdout}");
    assert!(!before.contains("77777") && page().contains("77777"));
    let (code, stdout, _) = ended(&run(folder.path(), &["report", &path]));
    assert_eq!(code, Some(1), "report exits as check does: {stdout}");
}

#[test]
fn pipelines_are_told_in_junits_words() {
    let folder = tempfile::tempdir().unwrap();
    let (found, path) = finished(folder.path());
    falsify(&found);
    let (code, xml, stderr) = ended(&run(folder.path(), &["check", &path, "--format", "junit"]));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(xml.starts_with("<?xml") && xml.trim_end().ends_with("</testsuites>"), "{xml}");
    let failed = xml.lines().filter(|line| line.contains("<failure ")).count();
    assert!(failed > 0 && xml.contains("77777"), "{xml}");
    assert!(xml.contains("<testcase name=\"order-numbers\" classname=\"checks\"/>"), "{xml}");
    assert!(stderr.starts_with("Consistency: fail"), "people are told on stderr: {stderr}");
}

#[test]
fn files_get_no_colours_and_terminals_are_asked_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["bensh"] as &[&str], &["--help"], &["bench", "--plan", "none.toml"]] {
        let output = harness(folder.path(), arguments)
            .envs([("RUST_LOG", "trace"), ("CLICOLOR_FORCE", "1")])
            .output()
            .unwrap();
        let (_, stdout, stderr) = ended(&output);
        assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'), "{stdout}{stderr}");
    }
}

#[test]
fn names_need_not_be_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let strange = OsStr::from_bytes(b"r\xff");
    plan(folder.path(), SHORT);
    let mut command = harness(folder.path(), &["bench", "--plan", "plan.toml", "--out"]);
    let (code, stdout, stderr) = ended(&command.arg(strange).output().unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run = folder.path().join(strange).join("latest");
    let mut command = harness(folder.path(), &["check"]);
    let (code, stdout, stderr) = ended(&command.arg(&run).output().unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let manifest = BufReader::new(File::open(run.join("manifest.json")).unwrap());
    assert!(manifest.lines().any(|line| line.unwrap().contains("r\u{fffd}")));
}
