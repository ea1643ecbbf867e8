//! What a run came to as JUnit's XML, which pipelines show: a test case for each check, gate and
//! threshold.
//!
//! What failed is a failure; what could not be told is an error, since a pipeline must not take it for a
//! pass; what the plan gave nothing to look at, or the
//! target nothing to judge by, is skipped.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use results::checks::{CheckResult, ConsistencyReport, Gate};
use results::thresholds::ThresholdResult;
use results::verdict::Verdict;

/// The XML of a run of which the checks say `checked` and the thresholds `held`; `cut` says why it was
/// cut short, if it was.
pub(crate) fn junit(
    checked: &ConsistencyReport,
    held: &[ThresholdResult],
    cut: Option<&str>,
) -> Result<String, quick_junit::SerializeError> {
    let name = format!("{} {}", checked.run.kind, checked.run.plan_name);
    let mut report = Report::new(format!("double-trouble {name}"));
    let mut checks = TestSuite::new("checks");
    checks.add_test_cases(checked.checks.iter().map(check));
    let mut gates = TestSuite::new("enough to look at");
    gates.add_test_cases(checked.gates.iter().map(gate));
    if let Some(cut) = cut {
        gates.add_test_case(case("whole-run", "run", unknown(cut)));
    }
    let mut thresholds = TestSuite::new("thresholds");
    thresholds.add_test_cases(held.iter().map(threshold));
    let suites = [checks, gates, thresholds];
    report.add_test_suites(suites.into_iter().filter(|suite| !suite.test_cases.is_empty()));
    report.to_string()
}

fn check(check: &CheckResult) -> TestCase {
    let status = match check.verdict {
        Some(Verdict::Pass) => TestCaseStatus::success(),
        Some(Verdict::Fail) => {
            let what: Vec<_> = check.evidence.iter().map(|violation| &*violation.what).collect();
            failed(&format!("{} violations of: {}", check.violations, check.claim), &what)
        }
        Some(Verdict::Inconclusive) => {
            let reasons: Vec<_> = check.doubts.iter().map(|doubt| &*doubt.reason).collect();
            unknown(&reasons.join("; "))
        }
        None => skipped(&check.why_not_applicable().map_or_else(
            || "the plan gave it nothing to look at".to_owned(),
            |why| format!("not applicable: {why}"),
        )),
    };
    case(&check.name, "checks", status)
}

fn gate(gate: &Gate) -> TestCase {
    let status = match (gate.is_open(), gate.places) {
        (true, 0) => skipped("the plan has no place for it"),
        (true, _) => TestCaseStatus::success(),
        (false, _) => unknown(&format!(
            "{}: must be {}, was {} at worst",
            gate.what,
            gate.bound(),
            gate.worst.unwrap_or_default()
        )),
    };
    case(&gate.name, "gates", status)
}

fn threshold(threshold: &ThresholdResult) -> TestCase {
    let status = match threshold.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => failed(&threshold.reason, &[]),
        Verdict::Inconclusive => unknown(&threshold.reason),
    };
    case(&threshold.threshold, "thresholds", status)
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn failed(message: &str, evidence: &[&str]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type("fail").set_description(evidence.join("\n"));
    status
}

fn unknown(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(message).set_type("inconclusive");
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}
