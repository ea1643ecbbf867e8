//! Every target file in this folder reads without a problem.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fs;
use std::path::Path;

#[test]
fn naive_and_mended_services_the_engines_hosts_and_the_whole_zoo_are_described_without_a_problem() {
    let mut read = 0;
    for folder in ["naive", "engines", "engines/hosts", "hosts", "tests/zoo"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|name| name == "toml") {
                if let Err(problems) = targets::read(&path, 3) {
                    panic!("{problems}");
                }
                read += 1;
            }
        }
    }
    assert!(read > 33, "only {read} were found");
}

/// From the ports on: without who is on which host and without the token, and with the loopback address instead of theirs.
fn on_this_machine(text: &str) -> String {
    let token = "headers = { x-double-trouble-secret = \"{{ token }}\" }";
    let (_, text) = text.split_once("\n[ports]\n").unwrap();
    let text = text.replace(&format!(", {token}"), "");
    let lines = text.lines().filter(|line| !line.starts_with("host = ") && *line != token);
    let here = lines.map(|line| {
        let mut parts = line.split("{{ address[");
        let mut line = parts.next().unwrap().to_owned();
        for part in parts {
            let (_, rest) = part.split_once("] }}").unwrap();
            line = line + "127.0.0.1" + rest;
        }
        line
    });
    here.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_bazaar_over_hosts_is_the_bazaar_but_for_hosts_and_addresses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
    let (here, there) = (read("bazaar.toml"), read("hosts/bazaar.toml"));
    assert!(there.contains("{{ address['catalog'] }}") && !there.contains("127.0.0.1"));
    assert_eq!(on_this_machine(&there), on_this_machine(&here));
}

#[test]
fn engines_over_hosts_are_the_engines_but_for_hosts_and_addresses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("engines");
    let read = |path: &str| on_this_machine(&fs::read_to_string(folder.join(path)).unwrap());
    for name in ["etcd.toml", "redis-sentinel.toml"] {
        assert_eq!(read(&format!("hosts/{name}")), read(name), "{name}");
    }
}
