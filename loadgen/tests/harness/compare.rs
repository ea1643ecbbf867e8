//! Thresholds and comparisons as a build would use them: by their exit codes.

use std::fs;

use results::compare::{Change, Comparison};
use results::thresholds;
use results::verdict::Verdict;

use crate::common::{ended, latest, plan, run};

const HARD_TO_PLEASE: &str = "\
[load]
clients = 3
iterations = 40
p = [0.5]
warm_up_s = 0.3
[system]
cache = [\"on\"]
[checks]
thresholds = [\"consistency = pass\", \"query.p50_us < 1\", \"failover.first_ack_ms.max < 9\"]
";

#[test]
fn a_broken_threshold_fails_a_run_and_two_short_runs_cannot_be_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), HARD_TO_PLEASE);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("\nBROKEN        query.p50_us < 1 "), "{stdout}");
    let run_folder = latest(folder.path());
    let results = thresholds::read(&run_folder).unwrap();
    let verdicts: Vec<Verdict> = results.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive]);
    assert!(run_folder.path("data").exists(), "evidence is kept");
    let path = run_folder.root().to_str().unwrap();
    assert_eq!(run(folder.path(), &["check", path]).status.code(), Some(1));

    let compare = ["compare", path, path, "--format", "json", "--out", "compared.json"];
    let (code, stdout, stderr) = ended(&run(folder.path(), &compare));
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    assert!(stdout.starts_with("Cannot be told: it takes 3 trials of each cell"), "{stdout}");
    let written = fs::read_to_string(folder.path().join("compared.json")).unwrap();
    let comparison: Comparison = serde_json::from_str(&written).unwrap();
    assert_eq!((comparison.verdict, comparison.common_cells), (Change::Unknown, 1));

    let page = ["compare", path, path, "--format", "html", "--out", "compared.html"];
    assert_eq!(run(folder.path(), &page).status.code(), Some(2));
    let written = fs::read_to_string(folder.path().join("compared.html")).unwrap();
    assert!(written.contains("<h1>Compared: the bazaar, twice</h1>"), "{written}");

    let (code, stdout, stderr) = ended(&run(folder.path(), &["compare", path]));
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains("did not measure two builds side by side"), "{stderr}");
}
