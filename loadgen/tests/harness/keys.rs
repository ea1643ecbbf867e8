//! Key-value services and logs of the zoo, under load and kills: what is right passes and is judged, and what is wrong is found by
//! name. Over HTTP, and through a client program.

use std::path::Path;

use crate::common::{ended, harness, names};
use crate::target::has_python;
use crate::zoo::{Seen, Story, running_in, told_at};

fn store(service: &str, story: Story) -> Seen {
    told_at(service, story, "store")
}

fn jobs(service: &str, story: Story) -> Seen {
    told_at(service, story, "jobs")
}

/// Each of these checks looked, and found nothing.
#[track_caller]
fn looked(seen: &Seen, claims: &[&str]) {
    for claim in claims {
        let line = seen.said.lines().find(|line| line.starts_with(claim));
        assert!(line.is_some_and(|line| line.contains(" pass ")), "{claim}: {}", seen.said);
    }
}

#[test]
fn a_key_value_service_that_does_everything_right_passes_and_is_judged() {
    if !has_python() {
        return;
    }
    let judged = [
        "acknowledged writes survive",
        "reads show only what was written",
        "no read shows a value that had been overwritten",
        "each client's reads of a register go forward",
        "each register's history is linearizable",
    ];
    for service in ["store", "store_client"] {
        for story in [Story::Load, Story::Kill] {
            let seen = store(service, story);
            seen.passed(service);
            looked(&seen, &judged);
            assert!(!seen.said.contains(" trade"), "{}", seen.said);
        }
    }
}

#[test]
fn a_page_of_a_register_speaks_of_writes_and_says_how_long_an_outage_was() {
    if !has_python() {
        return;
    }
    let seen = store("store", Story::Kill);
    let text = text_of(&seen.page);
    for word in [" trade", " Trade", "stock"] {
        assert!(!text.contains(word), "{word}: {}", around(&text, word));
    }
    assert!(text.contains("first acknowledged write"), "{text}");
}

/// The text of a page, without its tags, its styles and its pictures.
fn text_of(page: &str) -> String {
    let mut text = String::new();
    let mut is_read = true;
    for piece in page.split_inclusive('>') {
        let (read, tag) = piece.split_at(piece.rfind('<').unwrap_or(piece.len()));
        if is_read {
            text.push_str(read);
            text.push(' ');
        }
        is_read = !["<style", "<script", "<code"].iter().any(|begin| tag.starts_with(begin));
    }
    text
}

fn around<'a>(text: &'a str, word: &str) -> &'a str {
    let at = text.find(word).unwrap_or_default();
    let from = (0..=at.saturating_sub(80)).rev().find(|&at| text.is_char_boundary(at));
    let to = (at + 80..=text.len()).find(|&at| text.is_char_boundary(at));
    &text[from.unwrap_or_default()..to.unwrap_or(text.len())]
}

#[test]
fn what_a_key_value_service_does_wrong_is_found_by_name() {
    let wrong: [(&str, Story, &[&str]); 3] = [
        (
            "store_memory_only",
            Story::Kill,
            &["acknowledged-writes-survive", "no-stale-value", "registers-linearizable"],
        ),
        ("store_stale_second", Story::Load, &["no-stale-value", "registers-linearizable"]),
        ("store_compares_late", Story::Load, &["registers-linearizable"]),
    ];
    for (service, story, checks) in wrong {
        if has_python() {
            let seen = store(service, story);
            seen.found(service, checks);
            let lost = seen.failed.iter().any(|name| name == "acknowledged-writes-survive");
            assert_eq!(
                lost,
                service == "store_memory_only",
                "what is stale is not lost: {}",
                seen.said
            );
        }
    }
}

#[test]
fn a_log_that_does_everything_right_passes_and_is_judged() {
    if !has_python() {
        return;
    }
    let judged = [
        "acknowledged appends survive",
        "no append is there twice",
        "a log keeps to real time, and so do its places",
        "reads of a log agree with it, and miss nothing",
        "reads show only what was written",
    ];
    for story in [Story::Load, Story::Kill] {
        let seen = jobs("jobs", story);
        seen.passed("jobs");
        looked(&seen, &judged);
        assert!(!seen.said.contains(" trade"), "{}", seen.said);
    }
}

#[test]
fn what_a_log_does_wrong_is_found_by_name() {
    let wrong: [(&str, Story, &[&str]); 3] = [
        ("jobs_saves_late", Story::Kill, &["acknowledged-appends-survive"]),
        ("jobs_twice", Story::Load, &["appended-once"]),
        ("jobs_out_of_order", Story::Load, &["log-in-order"]),
    ];
    for (service, story, checks) in wrong {
        if has_python() {
            jobs(service, story).found(service, checks);
        }
    }
}

#[test]
fn a_check_of_a_target_writes_reads_and_looks_whether_it_is_there_after_a_restart() {
    if !has_python() {
        return;
    }
    let cases: [(&str, i32, &[&str]); 4] = [
        ("store", 0, &["ok       compare-and-set", "is still there"]),
        ("store_client", 0, &["ok       client connect", "is still there"]),
        ("jobs", 0, &["ok       append", "is still there"]),
        ("store_memory_only", 1, &["is not there any more: rejected: "]),
    ];
    for (service, code, lines) in cases {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/tests/zoo");
        let file = file.join(format!("{service}.toml"));
        let output = harness(folder.path(), &["target", "check", file.to_str().unwrap()])
            .env("TMPDIR", folder.path())
            .output();
        let (ended_with, stdout, stderr) = ended(&output.unwrap());
        assert_eq!(ended_with, Some(code), "{service}: {stdout}{stderr}");
        for line in lines {
            assert!(stdout.contains(line), "{service}: {line}: {stdout}");
        }
        assert!(running_in(folder.path()).is_empty());
        assert!(names(folder.path()).is_empty() || code == 1, "{:?}", names(folder.path()));
    }
}
