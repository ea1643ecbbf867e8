//! A catalog that cannot start says why in one line, exits with 3, and leaves everything alone.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use services::catalog::store::Store;
use services::storage::Durability;

/// Starts the binary and waits for it to end, which it must do by itself.
fn fails(dir: &Path, arguments: &[&str]) -> String {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_catalog"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir)
        .args(arguments)
        .env("RUST_LOG", "off")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said
}

#[test]
fn a_bad_line_of_the_stock_file_is_named_and_the_next_start_can_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("catalog.txt");
    fs::write(&file, "# stocks\nA 1 0 100\nB one 0 100\n").unwrap();
    let said = fails(&dir.path().join("data"), &["--stocks", file.to_str().unwrap()]);
    assert!(said.contains("catalog.txt, line 3, price: one is not"), "{said}");
    let store =
        Store::open(&dir.path().join("data"), Durability::Os, services::planted::Bugs::default())
            .unwrap();
    assert_eq!(store.load().unwrap(), None);
}

#[test]
fn a_missing_stock_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let said = fails(dir.path(), &["--stocks", "/nowhere/catalog.txt"]);
    assert!(said.contains("cannot read /nowhere/catalog.txt"), "{said}");
}

#[test]
fn a_damaged_database_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("catalog.db");
    fs::write(&database, "this is no database, but it may be dear to somebody").unwrap();
    let said = fails(dir.path(), &[]);
    assert!(said.contains("catalog.db is damaged"), "{said}");
    let kept = fs::read_to_string(&database).unwrap();
    assert_eq!(kept, "this is no database, but it may be dear to somebody");
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let said = fails(&file, &[]);
    assert!(said.contains(&format!("cannot use {}", file.display())), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_catalog"))
        .args(["--listen", &address, "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(!dir.path().join("catalog.db").exists());
}

#[test]
fn mistaken_arguments_are_named_all_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let said = fails(dir.path(), &["--cap", "0", "--front-end", "127.0.0.1:0"]);
    assert!(said.contains("--cap 0") && said.contains("--front-end 127.0.0.1:0"), "{said}");
}
