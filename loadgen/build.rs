//! Tells the manifest which commit the harness was built from, if that is known, and links a release smaller.
//!
//! The commit only in optimised builds, which are the ones that measure: a debug build would be compiled
//! anew after every commit.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    linking::smaller();
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    if let Some(commit) = git(&["rev-parse", "HEAD"]) {
        println!("cargo:rustc-env=DOUBLE_TROUBLE_COMMIT={commit}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
