//! Commands that take something back: run when they are told to, and when nobody holds them.

use std::ffi::OsString;
use std::path::Path;

use supervisor::tree::Undo;

use crate::testing::*;

async fn armed(folder: &Path, command: &[&str]) -> Undo {
    let command: Vec<OsString> = command.iter().map(Into::into).collect();
    Undo::arm(&guard(), command, surroundings(folder), SOON).await.unwrap()
}

#[tokio::test]
async fn it_is_run_once_it_is_told_to_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let undo = armed(folder.path(), &["mkdir", "undone"]).await;
    assert!(!folder.path().join("undone").exists());
    let before_us = supervisor::clock::monotonic_us();
    assert!(undo.undo().await.unwrap() >= before_us);
    assert!(folder.path().join("undone").exists());
    drop(undo);
}

#[tokio::test]
async fn it_is_run_when_nobody_holds_it_any_more() {
    let folder = tempfile::tempdir().unwrap();
    drop(armed(folder.path(), &["mkdir", "undone"]).await);
    assert!(folder.path().join("undone").exists());
}

#[tokio::test]
async fn a_command_that_fails_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let failed = armed(folder.path(), &["false"]).await.undo().await.unwrap_err();
    assert_eq!(failed.to_string(), "`false` failed (exit status: 1)");
}
