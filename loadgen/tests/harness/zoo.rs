//! Services with one peculiarity each (`loadgen/targets/tests/zoo`), under load and kills: what is odd and right passes, and
//! what is wrong is found by name. Nothing of any is left behind.
//!
//! They need python3; where there is none these tests say so and try nothing.

use std::fs;
use std::path::{Path, PathBuf};

use results::checks::ConsistencyReport;
use results::verdict::Verdict;

use crate::common::{ended, harness, latest, names, plan};
use crate::target::has_python;

/// Five clients, each as likely to trade as not.
const LOAD: &str = "\
[load]
clients = 5
duration_s = SECONDS
p = [0.5]
warm_up_s = 0.1
[checks]
converge_within_ms = 2000
";

/// The one process, PROCESS, is killed in the middle, and comes back.
const KILL: &str = "
[[faults]]
at_ms = 800
action = \"kill\"
target = \"PROCESS\"
[[faults]]
at_ms = 1000
action = \"restart\"
target = \"PROCESS\"
";

/// What happens to a service.
#[derive(Clone, Copy)]
pub(crate) enum Story {
    Load,
    /// Load of a single client: nobody else is ever served meanwhile.
    Alone,
    Kill,
}

/// What a run said of a service.
pub(crate) struct Seen {
    code: Option<i32>,
    /// The checks that failed.
    pub(crate) failed: Vec<String>,
    pub(crate) said: String,
    /// Its page.
    pub(crate) page: String,
}

impl Seen {
    /// The run failed, and these checks among others found it.
    pub(crate) fn found(&self, service: &str, checks: &[&str]) {
        assert_eq!(self.code, Some(1), "{service}: {}", self.said);
        for &check in checks {
            let is_among = self.failed.iter().any(|failed| failed == check);
            assert!(is_among, "{service}: {check} is not among {:?}: {}", self.failed, self.said);
        }
    }

    pub(crate) fn passed(&self, service: &str) {
        assert_eq!((self.code, &self.failed[..]), (Some(0), &[][..]), "{service}: {}", self.said);
    }
}

/// Runs the story of a service of the zoo, and sees to it that nothing of it is left.
pub(crate) fn told(service: &str, story: Story) -> Seen {
    told_at(service, story, "shop")
}

/// The same of a service whose one process is called like this.
pub(crate) fn told_at(service: &str, story: Story, process: &str) -> Seen {
    told_of(&format!("tests/zoo/{service}.toml"), story, process)
}

/// The same of the target that this file of `loadgen/targets` describes.
fn told_of(file: &str, story: Story, process: &str) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("tmp");
    fs::create_dir(&scratch).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets").join(file);
    let (command, text) = match story {
        Story::Load => ("bench", LOAD.replace("SECONDS", "1.5")),
        Story::Alone => {
            ("bench", LOAD.replace("SECONDS", "1.5").replace("clients = 5", "clients = 1"))
        }
        Story::Kill => {
            ("failover", LOAD.replace("SECONDS", "2.5") + &KILL.replace("PROCESS", process))
        }
    };
    let plan = plan(folder.path(), &text);
    let arguments = [command, "--plan", &plan, "--target", path.to_str().unwrap()];
    let output = harness(folder.path(), &arguments).env("TMPDIR", &scratch).output().unwrap();
    let (code, stdout, stderr) = ended(&output);
    let report = ConsistencyReport::read(&latest(folder.path())).unwrap();
    let checks = report.into_iter().flat_map(|report| report.checks);
    let failed = checks.filter(|check| check.verdict == Some(Verdict::Fail));
    let page = fs::read_to_string(latest(folder.path()).path("report.html")).unwrap_or_default();
    let left = running_in(folder.path());
    assert!(left.is_empty(), "{file} has left {left:?}");
    assert_eq!(names(&scratch), Vec::<PathBuf>::new(), "{file}");
    Seen { code, failed: failed.map(|check| check.name).collect(), said: stdout + &stderr, page }
}

/// The command lines of processes that were told something of `folder`. Every service of the zoo is told where to keep its
/// files, and so is whatever it leaves behind.
pub(crate) fn running_in(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(folder).then_some(line)
    });
    all.collect()
}

#[test]
fn what_is_odd_and_right_passes() {
    let odd = [
        "shop",
        "http10_no_length",
        "form_bodies",
        "errors_with_200",
        "no_lookup",
        "only_sells",
        "restocks",
        "numbers_from_zero",
        "numbers_by_time",
        "ready_late",
        "forks",
        "daemonises",
        "fills_pipes",
    ];
    for service in odd {
        if has_python() {
            told(service, Story::Load).passed(service);
        }
    }
}

#[test]
fn the_bazaar_passes_as_the_target_that_its_own_file_describes() {
    told_of("bazaar.toml", Story::Load, "shop").passed("bazaar");
}

#[test]
fn what_survives_a_kill_passes_whether_or_not_it_ends_when_it_is_asked_to() {
    for service in ["shop", "ignores_sigterm", "adopted"] {
        if has_python() {
            told(service, Story::Kill).passed(service);
        }
    }
}

#[test]
fn wrong_answers_are_found_by_name() {
    let wrong: [(&str, &[&str]); 7] = [
        ("stale_second", &["no-stale-read", "linearizable"]),
        ("wrong_number", &["acknowledged-orders-survive", "order-numbers"]),
        ("trades_twice", &["conservation", "state-is-what-was-told"]),
        // Whose answer a client takes for its own is a matter of luck.
        ("answers_twice", &["answered-while-possible"]),
        ("answers_late", &["answered-while-possible"]),
        ("html_500", &["answered-while-possible"]),
        ("deadlocks", &["no-deadlock"]),
    ];
    for (service, checks) in wrong {
        if has_python() {
            told(service, Story::Load).found(service, checks);
        }
    }
}

#[test]
fn what_is_lost_or_given_twice_after_a_kill_is_found_by_name() {
    let losing: [(&str, &[&str]); 3] = [
        ("memory_only", &["acknowledged-orders-survive", "reads-forward"]),
        ("saves_on_sigterm", &["acknowledged-orders-survive", "state-is-what-was-told"]),
        ("reuses_numbers", &["order-numbers"]),
    ];
    for (service, checks) in losing {
        if has_python() {
            told(service, Story::Kill).found(service, checks);
        }
    }
}

#[test]
fn what_takes_more_than_its_limits_is_ended_and_told_by_the_limit() {
    for (service, limit) in
        [("eats_memory", "MiB of memory, and 64 are"), ("forks_on", "processes, and 16 are")]
    {
        if has_python() {
            let seen = told(service, Story::Load);
            seen.found(service, &["no-unordered-death"]);
            assert!(seen.said.contains(limit), "{service}: {}", seen.said);
        }
    }
}

#[test]
fn what_never_gets_ready_or_answers_nothing_is_no_pass() {
    if !has_python() {
        return;
    }
    let never = told("never_ready", Story::Load);
    assert_eq!((never.code, never.failed.len()), (Some(3), 0), "{}", never.said);
    assert!(never.said.contains("shop is not ready after"), "{}", never.said);
    // Who is not answered while others are has seen the service, and that is a violation; whether somebody was, within the three
    // milliseconds that it takes to notice that a connection is closed, is chance. Alone nobody can tell service and machine apart.
    for (service, story) in [("hangs_up", Story::Load), ("closes_connections", Story::Alone)] {
        let closed = told(service, story);
        assert_eq!(closed.code, Some(2), "{service}: {}", closed.said);
        assert!(closed.said.contains("not answered"), "{service}: {}", closed.said);
    }
}
