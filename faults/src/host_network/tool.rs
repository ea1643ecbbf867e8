//! The programs that change a host's network: `nft`, and `tc` and `ip` of iproute2.
//!
//! Each runs within a bound and says what was wrong; one that is not installed is named with the line that installs it.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// How long one call may take: they take milliseconds.
const WITHIN: Duration = Duration::from_secs(10);

/// Runs a program that must succeed, and returns what it printed. `input` is its standard input.
pub(super) async fn run(
    program: &str,
    args: &[&str],
    input: Option<&str>,
) -> Result<String, String> {
    let output = output(program, args, input).await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(explain(program, args, said.trim()))
}

/// What is wrong, in words that say what to do where that is known.
fn explain(program: &str, args: &[&str], said: &str) -> String {
    let what = format!("{program} {}", args.join(" "));
    if said.contains("Operation not permitted") {
        return format!(
            "{what}: {said}; it takes root on the host, or a network namespace of one's own (`double-trouble hosts`)"
        );
    }
    if said.contains("qdisc kind is unknown") {
        let has = |kind: &&&str| args.contains(*kind);
        let kind = ["netem", "tbf", "htb"].iter().find(has).copied().unwrap_or("such queue");
        return format!(
            "the host's kernel has no {kind} (module sch_{kind}): it is in the package with the kernel's other modules \
             (on Ubuntu apt-get install linux-modules-extra-$(uname -r))"
        );
    }
    let first = said.lines().next().unwrap_or("it failed and said nothing");
    format!("{what}: {first}")
}

async fn output(program: &str, args: &[&str], input: Option<&str>) -> Result<Output, String> {
    let path = find(program)?;
    let failed = |error: std::io::Error| format!("cannot run {}: {error}", path.display());
    let mut command = Command::new(&path);
    command.args(args).env("LC_ALL", "C").kill_on_drop(true);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut process =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let talk = async {
        if let (Some(mut stdin), Some(input)) = (process.stdin.take(), input) {
            // One that does not read says why.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        process.wait_with_output().await
    };
    match timeout(WITHIN, talk).await {
        Ok(output) => output.map_err(failed),
        Err(_) => Err(format!("{program} did not end within {} s", WITHIN.as_secs())),
    }
}

/// Where a program is.
fn find(program: &str) -> Result<PathBuf, String> {
    supervisor::command::find(program).ok_or_else(|| {
        let package = if program == "nft" { "nftables" } else { "iproute2" };
        format!("the host has no {program}: apt-get install {package}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named_with_the_line_that_installs_it() {
        let error = find("no-such-program").unwrap_err();
        assert_eq!(error, "the host has no no-such-program: apt-get install iproute2");
        assert_eq!(run("cat", &[], Some("a\n")).await.unwrap(), "a\n");
        let error = run("ls", &["/no/such/folder"], None).await.unwrap_err();
        assert!(error.starts_with("ls /no/such/folder: "), "{error}");
        assert!(error.ends_with("No such file or directory"), "{error}");
    }

    #[test]
    fn what_lacks_rights_or_a_module_says_what_to_do() {
        let error = explain("nft", &["-f", "-"], "netlink: Error: Operation not permitted");
        assert!(error.contains("takes root on the host"), "{error}");
        let error =
            explain("tc", &["qdisc", "add", "netem"], "Error: Specified qdisc kind is unknown.");
        assert!(error.starts_with("the host's kernel has no netem (module sch_netem)"), "{error}");
    }
}
