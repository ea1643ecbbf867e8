//! Files that are cut, missing or of another form.

use crate::change::Change::{Rename, Text};
use crate::mutation::Must::{Error, Inconclusive};
use crate::mutation::{Mutation, hold};
use crate::observations::list;
use crate::run::{File, Got, Run};

/// The first half, to the byte: it ends in the middle of a row.
fn half(text: &str) -> Option<String> {
    Some(text.chars().take(text.chars().count() / 2).collect())
}

/// The first half of the rows.
fn half_of_the_rows(text: &str) -> Option<String> {
    let count = text.lines().count();
    Some(text.lines().take(count / 2).map(|line| format!("{line}\n")).collect())
}

fn header_only(text: &str) -> Option<String> {
    text.lines().next().map(|line| format!("{line}\n"))
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of several")]
fn empty(_text: &str) -> Option<String> {
    Some(String::new())
}

fn gone(_text: &str) -> Option<String> {
    None
}

/// The last row lacks its last field.
fn torn(text: &str) -> Option<String> {
    let end = text.trim_end().rfind(',')?;
    Some(text[..end].to_owned())
}

/// A row in the middle has one field less.
fn narrow(text: &str) -> Option<String> {
    change_line(text, |line| line.split_once(',').map_or("", |(_, rest)| rest).to_owned())
}

/// A row in the middle has one field more.
fn wide(text: &str) -> Option<String> {
    change_line(text, |line| format!("{line},more"))
}

/// A row in the middle is two, as if its writer had been interrupted.
fn broken(text: &str) -> Option<String> {
    change_line(text, |line| format!("{}\n{}", &line[..line.len() / 2], &line[line.len() / 2..]))
}

/// In place of a row in the middle there are zeros, as a lost page leaves them.
fn zeros(text: &str) -> Option<String> {
    change_line(text, |line| "\0".repeat(line.len()))
}

/// The header is there a second time, as if two runs had written.
fn second_header(text: &str) -> Option<String> {
    let header = text.lines().next()?.to_owned();
    change_line(text, |line| format!("{line}\n{header}"))
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of several")]
fn change_line(text: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let middle = text.lines().count() / 2;
    let lines = text.lines().enumerate().map(|(place, line)| {
        if place == middle { format!("{}\n", change(line)) } else { format!("{line}\n") }
    });
    Some(lines.collect())
}

const FILES: &[Mutation] = list! {
    "half of the observations": [Text("observations.csv", half)] => Inconclusive, Inconclusive;
    "half of the observations' rows":
        [Text("observations.csv", half_of_the_rows)] => Inconclusive, Inconclusive;
    "no observation": [Text("observations.csv", header_only)] => Inconclusive, Inconclusive;
    "not even a header of observations":
        [Text("observations.csv", empty)] => Inconclusive, Inconclusive;
    "no observations.csv": [Text("observations.csv", gone)] => Error, Error;
    "the last observation is torn": [Text("observations.csv", torn)] => Inconclusive, Inconclusive;
    "an observation lacks a field": [Text("observations.csv", narrow)] => Error, Error;
    "an observation has a field more": [Text("observations.csv", wide)] => Error, Error;
    "an observation is broken in two": [Text("observations.csv", broken)] => Error, Error;
    "an observation is zeros": [Text("observations.csv", zeros)] => Error, Error;
    "observations with two headers": [Text("observations.csv", second_header)] => Error, Error;
    "half of final.csv": [Text("final.csv", half)] => Inconclusive, Inconclusive;
    "half of final.csv's rows": [Text("final.csv", half_of_the_rows)] => Inconclusive, Inconclusive;
    "nothing was held": [Text("final.csv", header_only)] => Inconclusive, Inconclusive;
    "not even a header of final.csv": [Text("final.csv", empty)] => Inconclusive, Inconclusive;
    "no final.csv": [Text("final.csv", gone)] => Inconclusive, Inconclusive;
    "final.csv is torn": [Text("final.csv", torn)] => Inconclusive, Inconclusive;
    "a row of final.csv lacks a field": [Text("final.csv", narrow)] => Error, Error;
    "a row of final.csv has a field more": [Text("final.csv", wide)] => Error, Error;
    "a row of final.csv is broken in two": [Text("final.csv", broken)] => Error, Error;
    "a row of final.csv is zeros": [Text("final.csv", zeros)] => Error, Error;
    "final.csv with two headers": [Text("final.csv", second_header)] => Error, Error;
    "half of the events": [Text("events.csv", half)] => Inconclusive, Inconclusive;
    "half of the events' rows":
        [Text("events.csv", half_of_the_rows)] => Inconclusive, Inconclusive;
    "no event": [Text("events.csv", header_only)] => Inconclusive, Inconclusive;
    "not even a header of events": [Text("events.csv", empty)] => Inconclusive, Inconclusive;
    "no events.csv": [Text("events.csv", gone)] => Error, Error;
    "the last event is torn": [Text("events.csv", torn)] => Inconclusive, Inconclusive;
    "an event lacks a field": [Text("events.csv", narrow)] => Error, Error;
    "an event has a field more": [Text("events.csv", wide)] => Error, Error;
    "an event is broken in two": [Text("events.csv", broken)] => Error, Error;
    "an event is zeros": [Text("events.csv", zeros)] => Error, Error;
    "events with two headers": [Text("events.csv", second_header)] => Error, Error;
    "half of the manifest": [Text("manifest.json", half)] => Error, Error;
    "an empty manifest": [Text("manifest.json", empty)] => Error, Error;
    "no manifest": [Text("manifest.json", gone)] => Error, Error;
};

/// All of them.
pub(crate) const LISTS: &[&[Mutation]] = &[FILES, COLUMNS];

#[test]
fn files_that_are_cut_or_damaged_are_never_a_pass_and_accuse_nobody() {
    hold(&Run::kept("rates"), FILES);
}

/// Every column of every file, under another name.
#[test]
fn a_column_under_another_name_is_an_error() {
    let run = Run::kept("rates");
    let mut passed = Vec::new();
    for file in File::ALL {
        for column in run.table(file).header.clone() {
            let mut mutant = run.clone();
            let place = mutant.table(file).column(&column);
            mutant.table_mut(file).header[place] = format!("{column}_of_old");
            let got = mutant.judge();
            if got != Got::Error {
                passed.push(format!("{} without {column}: {got:?}", file.name()));
            }
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
}

/// Columns that exchange their names, and one that is there twice.
const COLUMNS: &[Mutation] = list! {
    "beginning and end are each other":
        [Rename(File::Observations, "start_us", "x"), Rename(File::Observations, "end_us", "start_us"),
         Rename(File::Observations, "x", "end_us")] => Error, Error;
    "quantity and volume are each other":
        [Rename(File::Observations, "seen_quantity", "x"),
         Rename(File::Observations, "seen_volume", "seen_quantity"),
         Rename(File::Observations, "x", "seen_volume")] => Error, Error;
    "two columns are the end":
        [Rename(File::Observations, "start_us", "end_us")] => Error, Error;
    "version and epoch are each other":
        [Rename(File::Final, "version", "x"), Rename(File::Final, "epoch", "version"),
         Rename(File::Final, "x", "epoch")] => Error, Error;
};

#[test]
fn columns_that_exchange_their_names_are_errors() {
    hold(&Run::kept("rates"), COLUMNS);
}
