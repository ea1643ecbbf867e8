//! Kept runs of which something was taken away, doubled or changed afterwards. Whatever it is: it is
//! said, as an error that names file and line or as a reason to be inconclusive. It accuses nobody, and
//! it does not pass.

use std::fs;

use results::checks::{ConsistencyReport, check_run};
use results::records::RunFolder;
use results::run::Run;
use results::verdict::Verdict;

use crate::kept::Kept;

/// What must be said of a changed run.
enum Told {
    /// An error that ends like this, with the file and the line.
    Error(&'static str),
    /// A reason to be inconclusive that has these words in it.
    Inconclusive(&'static str),
}
use Told::{Error, Inconclusive};

/// The format in which the harness writes now, and an older one, in which rows are not counted.
const FORMATS: [u32; 2] = [1, 3];

/// A run with kills and a pause, as its harness would have written it in this format.
fn run(format: u32) -> Kept {
    let run = Kept::unpack("failover");
    if format == 1 {
        return run;
    }
    let manifest = read(run.folder(), "manifest.json");
    write(run.folder(), "manifest.json", &manifest.replace("\"format\": 1,", "\"format\": 3,"));
    let rows = |name| lines(run.folder(), name).len() - 1;
    let (observations, finals) = (rows("observations.csv"), rows("final.csv"));
    let events = lines(run.folder(), "events.csv");
    let count = events.len() - 1;
    let upgraded = events.iter().enumerate().map(|(line, event)| {
        let mut fields: Vec<String> = event.splitn(17, ',').map(str::to_owned).collect();
        let counts = [observations, count, finals].map(|count| count.to_string());
        let counts = match line {
            0 => ["observation_rows", "event_rows", "final_rows"].map(str::to_owned),
            _ if fields[3] == "finished" => counts,
            _ => [const { String::new() }; 3],
        };
        fields.splice(16..16, counts);
        fields.insert(10, if line == 0 { "ends".to_owned() } else { String::new() });
        fields.join(",")
    });
    write_lines(run.folder(), "events.csv", upgraded);
    run
}

fn read(folder: &RunFolder, name: &str) -> String {
    fs::read_to_string(folder.path(name)).unwrap()
}

fn write(folder: &RunFolder, name: &str, text: &str) {
    fs::write(folder.path(name), text).unwrap();
}

fn lines(folder: &RunFolder, name: &str) -> Vec<String> {
    read(folder, name).lines().map(str::to_owned).collect()
}

fn write_lines(folder: &RunFolder, name: &str, lines: impl IntoIterator<Item = String>) {
    let lines: Vec<String> = lines.into_iter().collect();
    write(folder, name, &(lines.join("\n") + "\n"));
}

/// Keeps the header and the lines of a file that are wanted; they are numbered from 1.
fn keep(folder: &RunFolder, name: &str, is_wanted: impl Fn(usize, &str) -> bool) {
    let numbered = (1..).zip(lines(folder, name));
    let kept = numbered.filter(|(line, text)| *line == 1 || is_wanted(*line, text));
    write_lines(folder, name, kept.map(|(_, text)| text).collect::<Vec<_>>());
}

/// Changes the field of a column in one line.
fn set(folder: &RunFolder, name: &str, line: usize, column: &str, to: &str) {
    let mut all = lines(folder, name);
    let place = all[0].split(',').position(|name| name == column).unwrap();
    let mut fields: Vec<&str> = all[line - 1].split(',').collect();
    fields[place] = to;
    all[line - 1] = fields.join(",");
    write_lines(folder, name, all);
}

fn check(folder: &RunFolder) -> Result<ConsistencyReport, String> {
    let checked = Run::open(folder).and_then(|run| check_run(&run));
    checked.map_err(|error| error.to_string().rsplit('/').next().unwrap().to_owned())
}

/// Holds what is said of a run after `change`, in each format.
#[track_caller]
fn assert_told(change: impl Fn(&RunFolder), told: [Told; 2]) {
    for (format, told) in FORMATS.into_iter().zip(told) {
        let run = run(format);
        change(run.folder());
        match (told, check(run.folder())) {
            (Error(expected), Err(error)) => {
                assert!(error.starts_with(expected), "format {format}: {error}");
            }
            (Inconclusive(reason), Ok(report)) => {
                let text = report.to_text();
                assert_eq!(report.verdict, Verdict::Inconclusive, "format {format}: {text}");
                assert_eq!(report.violations(), 0, "format {format}: {text}");
                assert!(text.contains(reason), "format {format}: {text}");
            }
            (_, Err(error)) => panic!("format {format}: {error}"),
            (_, Ok(report)) => panic!("format {format}: {}", report.to_text()),
        }
    }
}

#[test]
fn a_run_of_the_newest_format_passes_as_it_did_in_an_older_one() {
    for format in FORMATS {
        let report = check(run(format).folder()).unwrap();
        assert_eq!(report.verdict, Verdict::Pass, "format {format}: {}", report.to_text());
    }
}

#[test]
fn dumps_cut_in_half_lose_no_order() {
    let cut = |folder: &RunFolder| {
        let text = read(folder, "final.csv");
        write(folder, "final.csv", &text[..text.len() / 2]);
    };
    assert_told(
        cut,
        [Inconclusive("final.csv ends within order-3"), Inconclusive("final.csv lacks ")],
    );
}

#[test]
fn a_header_alone_is_no_run_in_which_nobody_was_answered() {
    assert_told(
        |folder| keep(folder, "observations.csv", |_, _| false),
        [
            Inconclusive("observations.csv has no row of it"),
            Inconclusive("observations.csv lacks 11714 of the 11714 rows of it"),
        ],
    );
}

#[test]
fn half_of_all_reads_cannot_be_missing() {
    assert_told(
        |folder| {
            keep(folder, "observations.csv", |line, text| {
                line % 2 == 0 || !text.contains(",query,")
            });
        },
        [
            Error("observations.csv:6: rows before it are missing: client 3 goes from 3 to 5"),
            Error("observations.csv:6: rows before it are missing: client 3 goes from 3 to 5"),
        ],
    );
}

#[test]
fn lookups_that_are_missing_are_missed() {
    let all_but_the_first = |folder: &RunFolder| {
        let text = lines(folder, "observations.csv");
        let first = 1 + text.iter().position(|text| text.contains(",lookup,")).unwrap();
        keep(folder, "observations.csv", |line, text| line <= first || !text.contains(",lookup,"));
    };
    assert_told(
        all_but_the_first,
        [
            Inconclusive("observations.csv lacks the lookups of "),
            Inconclusive("observations.csv lacks "),
        ],
    );
}

#[test]
fn the_last_hundred_rows_are_missed() {
    let cut = |folder: &RunFolder| {
        let count = lines(folder, "observations.csv").len();
        keep(folder, "observations.csv", |line, _| line <= count - 100);
    };
    assert_told(
        cut,
        [
            Inconclusive("observations.csv lacks the lookups of 100 of "),
            Inconclusive("observations.csv lacks 100 of the 11714 rows of it"),
        ],
    );
}

#[test]
fn a_fault_whose_events_are_missing_is_missed() {
    assert_told(
        |folder| keep(folder, "events.csv", |_, text| !text.contains(",kill,leader,")),
        [Inconclusive("not every planned fault was injected"), Error("events.csv:")],
    );
}

#[test]
fn half_a_last_row_is_missed_in_a_run_that_was_finished() {
    let tear = |folder: &RunFolder| {
        let text = read(folder, "observations.csv");
        write(folder, "observations.csv", &text[..text.len() - 9]);
    };
    assert_told(
        tear,
        [
            Inconclusive("observations.csv ends in half a row"),
            Inconclusive("observations.csv lacks 1 of the 11714 rows of it"),
        ],
    );
}

#[test]
fn rows_that_are_there_twice_or_in_another_order_are_named() {
    let twice = |name: &'static str, line: usize| {
        move |folder: &RunFolder| {
            let mut all = lines(folder, name);
            all.insert(line - 1, all[line - 1].clone());
            write_lines(folder, name, all);
        }
    };
    let told = || Error("observations.csv:101: the row of operation ");
    assert_told(twice("observations.csv", 100), [told(), told()]);
    let told = || Error("final.csv:101: order 98 of order-1 stands after its order 98");
    assert_told(twice("final.csv", 100), [told(), told()]);
    let swapped = |folder: &RunFolder| {
        let mut all = lines(folder, "observations.csv");
        let client = |text: &str| text.split(',').nth(3).map(str::to_owned);
        let next = (100..).find(|line| client(&all[*line]) == client(&all[99])).unwrap();
        all.swap(99, next);
        write_lines(folder, "observations.csv", all);
    };
    let told = || Error("observations.csv:100: rows before it are missing: client ");
    assert_told(swapped, [told(), told()]);
}

#[test]
fn times_that_contradict_each_other_are_named() {
    let row = |column: &'static str, to: &'static str| {
        move |folder: &RunFolder| set(folder, "observations.csv", 100, column, to)
    };
    let told = || Error("observations.csv:100: latency_us is 1, and from start to end it is ");
    assert_told(row("latency_us", "1"), [told(), told()]);
    let told = || Error("observations.csv:100: it ends at 1 us, before it starts at ");
    assert_told(row("end_us", "1"), [told(), told()]);

    // Its latency alone would make a picture of 82 MB, or ask for terabytes.
    let absurd = |folder: &RunFolder| {
        set(folder, "observations.csv", 100, "start_us", "1000000");
        set(folder, "observations.csv", 100, "end_us", "10000001000000");
        set(folder, "observations.csv", 100, "latency_us", "10000000000000");
    };
    let told = || Error("observations.csv:100: no operation takes 10000000000000 us");
    assert_told(absurd, [told(), told()]);

    let late = |folder: &RunFolder| {
        let last = lines(folder, "observations.csv").len();
        set(folder, "observations.csv", last, "start_us", "90000000");
        set(folder, "observations.csv", last, "end_us", "90000473");
        set(folder, "observations.csv", last, "latency_us", "473");
    };
    let told =
        || Error("observations.csv:11715: it ends at 90000473 us, after the trial was finished");
    assert_told(late, [told(), told()]);
}

#[test]
fn a_header_of_another_format_is_refused() {
    let renamed = |folder: &RunFolder| {
        let text = read(folder, "observations.csv");
        write(folder, "observations.csv", &text.replacen("latency_us", "latency_ms", 1));
    };
    let told = || Error("observations.csv:1: the header must be `cell,trial,phase,client,");
    assert_told(renamed, [told(), told()]);
    let told = || Error("events.csv:1: the header must be `cell,trial,at_us,event,");
    let renamed = |folder: &RunFolder| {
        let text = read(folder, "events.csv");
        write(folder, "events.csv", &text.replacen("unsent", "never_sent", 1));
    };
    assert_told(renamed, [told(), told()]);
}
