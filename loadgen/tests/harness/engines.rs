//! Systems beside each other, and what is said of their runs later.

use std::fs;
use std::path::{Path, PathBuf};

use results::records::RunFolder;

use crate::common::{ended, harness, names};
use crate::target::has_python;
use crate::zoo::running_in;

const KILL: &str = "\
name = \"kill\"
[load]
clients = 3
p = [0.5]
duration_s = 2.5
warm_up_s = 0.1
[checks]
converge_within_ms = 2000
[[faults]]
at_ms = 800
action = \"kill\"
target = \"shop\"
for_ms = 300
";

/// Nothing of these processes can be cut off from anything.
const CUT: &str = "\
name = \"cut\"
[load]
clients = 3
p = [0.5]
duration_s = 2.5
[[faults]]
at_ms = 800
action = \"cut\"
link = \"shop <-> any\"
for_ms = 300
";

const MISSING: &str = "\
name = \"missing\"
[setup]
commands = [[\"sh\", \"-c\", \"echo 'it is missing: apt-get install it' >&2; exit 1\"]]
[processes.missing]
command = \"sleep 1\"
[operations.query]
url = \"http://127.0.0.1:1/\"
[stocks]
names = [\"Tux\"]
";

fn zoo(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("targets/tests/zoo/{name}.toml"));
    path.to_str().unwrap().to_owned()
}

/// Runs the program in a folder, with the temporary files below it.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let scratch = folder.join("tmp");
    fs::create_dir_all(&scratch).unwrap();
    let output = harness(folder, arguments).env("TMPDIR", &scratch).output().unwrap();
    assert_eq!(names(&scratch), Vec::<PathBuf>::new(), "nothing temporary is left");
    ended(&output)
}

#[test]
fn systems_are_compared_run_by_run_and_who_is_not_installed_is_a_row() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("kill.toml", KILL), ("cut.toml", CUT), ("missing.toml", MISSING)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let arguments = [
        "engines",
        "--target",
        &zoo("shop"),
        &zoo("memory_only"),
        "missing.toml",
        "--without-bazaar",
        "--plan",
        "kill.toml",
        "--plan",
        "cut.toml",
        "--clients",
        "1,2",
        "--seconds",
        "1",
        "--rounds",
        "1",
    ];
    let (code, stdout, stderr) = run(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(running_in(folder.path()).is_empty());
    let place = fs::canonicalize(folder.path().join("results/engines/latest")).unwrap();
    let markdown = fs::read_to_string(place.join("engines.md")).unwrap();
    for part in [
        "3 systems beside each other",
        "Nothing was found wrong with",
        "A promise was broken at",
        "apt-get install it",
        "acknowledged-orders-survive",
        "no relay can stand between them",
        "--plan kill.toml --seed 1",
    ] {
        assert!(markdown.contains(part), "{part} is not in {markdown}");
    }
    assert!(place.join("engines.html").is_file() && place.join("engines.csv").is_file());
    // Every run is an ordinary one, and what it says by itself is what the page says.
    let rounds = names(&place.join("round-1"));
    assert_eq!(rounds.len(), 2, "{rounds:?}");
    for (system, verdict) in rounds.iter().zip([1, 0]) {
        let run_folder = place.join("round-1").join(system);
        assert_eq!(names(&run_folder), ["kill", "load-1", "load-2"].map(PathBuf::from));
        let kill = RunFolder::new(run_folder.join("kill"));
        assert!(kill.path("report.html").is_file());
        let (code, stdout, _) = run(folder.path(), &["check", kill.root().to_str().unwrap()]);
        assert_eq!(code, Some(verdict), "{stdout}");
    }
    // The page again, from the runs' files alone.
    fs::remove_file(place.join("engines.md")).unwrap();
    let (code, _, stderr) = run(folder.path(), &["engines", "--page", place.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(fs::read_to_string(place.join("engines.md")).unwrap(), markdown);

    // Runs of one plan and target that differ in their clients are no history.
    let runs = place.join("round-1").join(&rounds[1]);
    let (code, _, stderr) = run(folder.path(), &["history", runs.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(
        stderr.contains("it differs in") && stderr.contains("load.clients: 1, not 2"),
        "{stderr}"
    );
    let load = runs.join("load-1");
    let twice = folder.path().join("twice");
    fs::create_dir_all(&twice).unwrap();
    let files = [
        "manifest.json",
        "summary.csv",
        "consistency.json",
        "observations.csv",
        "events.csv",
        "final.csv",
    ];
    for file in files {
        fs::copy(load.join(file), twice.join(file)).unwrap();
    }
    let named = ["history", load.to_str().unwrap(), twice.to_str().unwrap(), "--out", "past"];
    let (code, stdout, stderr) = run(folder.path(), &named);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("past/history.html"), "{stdout}");
}

#[test]
fn mistakes_are_told_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let missing = ["engines", "--target", "no/such.toml", &format!("{}:fast", zoo("shop"))];
    let (code, _, stderr) = run(folder.path(), &missing);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("no/such.toml") && stderr.contains("fast"), "{stderr}");
    let (code, _, stderr) = run(folder.path(), &["engines", "--page", "."]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("engines.json"), "{stderr}");
    assert!(!folder.path().join("results").exists());
}
