//! The consistency report for people: verdict first, evidence last.

use std::fmt::{self, Write as _};

use super::anomalies::AnomalyTotals;
use super::consistency_report::{
    CheckResult, CheckStatus, ConsistencyReport, Count, DoubtReport, grouped_doubts,
};
use super::evidence::{HeldRow, NearestFault, OperationRow, Violation};
use super::gates::Gate;
use super::replicas::LogDigest;
use super::trial_name::TrialName;
use super::{MAX_EVIDENCE, milliseconds};
use crate::records::{Fact, FinalKind, Keyed};
use crate::text::{aligned, capitalised, counted, listed};
use crate::verdict::Verdict;

/// How many trials are named where a reason concerns many.
const NAMED_TRIALS: usize = 3;
/// How many characters of a digest are shown; the JSON has them all.
const DIGEST_CHARACTERS: usize = 16;
/// Of how many trials the digests are shown if the replicas agree everywhere; the JSON has them all.
const SHOWN_AGREEMENTS: usize = 10;
/// How many operations and rows are shown per violation; the JSON has them all.
const SHOWN_ROWS: usize = 12;

impl CheckResult {
    /// What was looked at, and the largest values that were met, in words.
    #[must_use]
    pub fn examined_text(&self) -> String {
        examined(self)
    }

    /// Why it is not applicable, in words: `the target does not tell volumes`. Nothing if it is.
    #[must_use]
    pub fn why_not_applicable(&self) -> Option<String> {
        (!self.lacks.is_empty()).then(|| why(&self.lacks))
    }
}

impl ConsistencyReport {
    /// The verdict in a sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        headline(self)
    }

    /// The report for people: verdict first, then the checks, the doubts, the logs, the evidence.
    #[must_use]
    pub fn to_text(&self) -> String {
        render(self)
    }
}

/// The whole report.
fn render(report: &ConsistencyReport) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut text, report);
    report.run.model.worded(&text)
}

fn write_report(text: &mut String, report: &ConsistencyReport) -> fmt::Result {
    writeln!(text, "Consistency: {}. {}", report.verdict, headline(report))?;
    write_run(text, report)?;
    write_table(text, &report.checks)?;
    write_not_applicable(text, &report.checks)?;
    write_doubts(text, &report.checks)?;
    write_gates(text, &report.gates)?;
    write_digests(text, &report.digests)?;
    for check in report.checks.iter().filter(|check| check.violations > 0) {
        write_violations(text, check)?;
    }
    if !report.reproduce.is_empty() {
        writeln!(text, "\nThe same schedule again\n  {}", report.reproduce)?;
    }
    Ok(())
}

/// The verdict in a sentence, and which checks had nothing to look at.
fn headline(report: &ConsistencyReport) -> String {
    let with =
        |verdict| report.checks.iter().filter(|check| check.verdict == Some(verdict)).count();
    let judged = report.checks.iter().filter(|check| check.verdict.is_some()).count();
    let all = report.checks.len();
    let absent = not_applicable(report).count();
    let found = match report.verdict {
        Verdict::Pass if judged == all => {
            format!("All {judged} checks looked, and found nothing wrong.")
        }
        Verdict::Pass => format!("{judged} of {all} checks looked, and found nothing wrong."),
        Verdict::Fail => format!(
            "{} of {judged} checks found {}{}.",
            with(Verdict::Fail),
            plural(report.violations(), "violation"),
            anomalies(report)
        ),
        Verdict::Inconclusive if report.nothing_judged() => {
            return format!(
                "Nothing was judged but that it lives and answers: {absent} of {all} checks do not apply to this \
                 target."
            );
        }
        Verdict::Inconclusive => {
            let shut = report.gates.iter().filter(|gate| !gate.is_open()).count();
            let gates = format!("too little happened for {}", plural(shut as u64, "gate"));
            let blind = with(Verdict::Inconclusive);
            let checks = format!("{blind} of {all} checks could not have found it");
            match (blind, shut) {
                (_, 0) => format!("Nothing wrong was found, but {checks}."),
                (0, _) => format!("Nothing wrong was found, but {gates}."),
                _ => format!("Nothing wrong was found, but {checks}, and {gates}."),
            }
        }
    };
    found + &do_not_apply(absent) + &not_asked(report)
}

fn not_applicable(report: &ConsistencyReport) -> impl Iterator<Item = &CheckResult> {
    report.checks.iter().filter(|check| check.status() == CheckStatus::NotApplicable)
}

/// ` 5 do not apply to this target.`; nothing if all do.
fn do_not_apply(checks: usize) -> String {
    match checks {
        0 => String::new(),
        1 => " 1 does not apply to this target.".to_owned(),
        _ => format!(" {checks} do not apply to this target."),
    }
}

/// Up to so many checks that were not asked are named.
const NAMED: usize = 3;

/// ` Not asked: trades go on whenever what they need is up.`; nothing if every check was.
fn not_asked(report: &ConsistencyReport) -> String {
    let unasked = report.checks.iter().filter(|check| check.status() == CheckStatus::NotAsked);
    let claims: Vec<&str> = unasked.map(|check| check.claim.as_str()).collect();
    match claims.as_slice() {
        [] => String::new(),
        few if few.len() <= NAMED => format!(" Not asked: {}.", few.join("; ")),
        many => format!(" Not asked: {} checks.", many.len()),
    }
}

/// What the violations come to for clients: `: 1 order lost, 0 doubled, 0 stale reads`.
fn anomalies(report: &ConsistencyReport) -> String {
    let totals = AnomalyTotals::of(&report.anomalies);
    if totals.total() > 0 { format!(": {totals}") } else { String::new() }
}

fn write_run(text: &mut String, report: &ConsistencyReport) -> fmt::Result {
    let run = &report.run;
    writeln!(
        text,
        "{} run of plan {}{} (seed {}, begun {}): {} of {} finished, {}, {}, {}, {}.",
        capitalised(&run.kind),
        run.plan_name,
        run.target.as_ref().map(|name| format!(" on {name}")).unwrap_or_default(),
        run.seed,
        run.started_at,
        run.finished_trials,
        plural(u64::from(run.trials), "trial"),
        plural(run.operations, "operation"),
        plural(run.acknowledged_trades, "acknowledged trade"),
        plural(run.reads, "read"),
        plural(run.faults, "fault action"),
    )?;
    if run.deaths > 0 {
        let processes = counted(run.deaths, "process", "processes");
        writeln!(text, "{processes} ended that nobody had killed: see `died` in events.csv.")?;
    }
    for sentence in run.about_clients() {
        writeln!(text, "{sentence}")?;
    }
    Ok(())
}

fn write_table(text: &mut String, checks: &[CheckResult]) -> fmt::Result {
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            let verdict = match check.status() {
                CheckStatus::Judged(verdict) => verdict.to_string(),
                CheckStatus::NotAsked => "-".to_owned(),
                CheckStatus::NotApplicable => "not applicable".to_owned(),
            };
            vec![check.claim.clone(), verdict, check.violations.to_string(), examined(check)]
        })
        .collect();
    let header = ["check", "verdict", "violations", "examined"];
    writeln!(text, "\n{}", aligned(&header, header.len(), &rows).trim_end())?;
    if checks.iter().any(|check| check.status() == CheckStatus::NotAsked) {
        writeln!(text, "(-: the plan gave this check nothing to examine)")?;
    }
    Ok(())
}

/// What was not looked at, since the target lacks what that needs: whole checks, and parts of others.
fn write_not_applicable(text: &mut String, checks: &[CheckResult]) -> fmt::Result {
    let whole = checks.iter().filter(|check| !check.lacks.is_empty());
    let whole = whole.map(|check| (format!("\"{}\"", check.claim), &check.lacks));
    let parts = checks.iter().flat_map(|check| {
        let parts = check.left_out.iter();
        parts.map(|part| (format!("of \"{}\": {}", check.claim, part.what), &part.lacks))
    });
    let all: Vec<(String, &Vec<Fact>)> = whole.chain(parts).collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nNot applicable")?;
    all.into_iter().try_for_each(|(what, lacks)| writeln!(text, "  {what}: {}.", why(lacks)))
}

/// `the target does not tell volumes, and has no lookups of orders`.
pub(crate) fn why(lacks: &[Fact]) -> String {
    let words: Vec<&str> = lacks.iter().map(|fact| fact.lacking()).collect();
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => {
            format!("the target {}, and {last}", first.join(", "))
        }
        words => format!("the target {}", words.concat()),
    }
}

/// What a check looked at, and the largest values that it met.
fn examined(check: &CheckResult) -> String {
    let counts = check.examined.iter().map(|Count { what, count }| format!("{count} {what}"));
    let maxima = check.maxima.iter().map(|(name, value)| match name.as_str() {
        "stale_ms" => format!("stalest by {value:.3} ms"),
        "backwards_ms" => format!("back by up to {value:.3} ms"),
        "converge_ms" => format!("equal after at most {value:.0} ms"),
        "in_sync_ms" => format!("in sync after at most {value:.0} ms"),
        "trades_paused_ms" => format!("trades paused for {value:.0} ms at most"),
        other => format!("{other} at most {value:.3}"),
    });
    counts.chain(maxima).collect::<Vec<_>>().join(", ")
}

/// The reasons come first, then the checks that each concerns.
fn write_doubts(text: &mut String, checks: &[CheckResult]) -> fmt::Result {
    let grouped = grouped_doubts(checks);
    if grouped.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nWhat could not be judged")?;
    for (doubt, concerned) in grouped {
        let concerned = if concerned.len() == checks.len() {
            "every check".to_owned()
        } else {
            concerned.iter().map(|claim| format!("\"{claim}\"")).collect::<Vec<_>>().join(", ")
        };
        let DoubtReport { reason, trials } = doubt;
        writeln!(text, "  In {}, {reason}.\n    Concerns {concerned}.", named(trials))?;
    }
    Ok(())
}

/// What there was enough of, and where there was not.
fn write_gates(text: &mut String, gates: &[Gate]) -> fmt::Result {
    let asked: Vec<&Gate> = gates.iter().filter(|gate| gate.places > 0).collect();
    if asked.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nWas there enough to find something?")?;
    let rows: Vec<Vec<String>> = asked
        .iter()
        .map(|gate| {
            let verdict = if gate.is_open() { "yes" } else { "no" };
            let worst = gate.worst.map(|worst| worst.to_string()).unwrap_or_default();
            let places = counted(gate.places, "place", "places");
            vec![gate.name.clone(), verdict.to_owned(), gate.bound(), worst, places]
        })
        .collect();
    let header = ["gate", "enough", "needs", "worst", "looked at"];
    writeln!(text, "{}", aligned(&header, header.len(), &rows).trim_end())?;
    asked.iter().try_for_each(|gate| write_shut(text, gate))
}

fn write_shut(text: &mut String, gate: &Gate) -> fmt::Result {
    let name = &gate.name;
    for shut in &gate.shut {
        let trial = shut.trial.as_ref().map(|trial| format!(" of {trial}")).unwrap_or_default();
        let (number, what, place) = (shut.number, &gate.what, &shut.place);
        writeln!(text, "  {name}: in {place}{trial}, {number} {what}; it needs {}.", gate.bound())?;
    }
    let hidden = gate.shut_places - gate.shut.len() as u64;
    if hidden > 0 {
        let places = counted(hidden, "more place", "more places");
        writeln!(text, "  {name}: the same at {places}.")?;
    }
    Ok(())
}

/// The first trials by name, and how many more there are.
pub(crate) fn named(trials: &[TrialName]) -> String {
    let mut names: Vec<_> = trials.iter().take(NAMED_TRIALS).map(TrialName::to_string).collect();
    if trials.len() > NAMED_TRIALS {
        names.push(format!("{} more", trials.len() - NAMED_TRIALS));
    }
    listed(&names)
}

fn write_digests(text: &mut String, digests: &[LogDigest]) -> fmt::Result {
    if digests.is_empty() {
        return Ok(());
    }
    let same_trial = |a: &LogDigest, b: &LogDigest| a.cell == b.cell && a.trial == b.trial;
    let mut trials: Vec<Vec<Vec<&LogDigest>>> =
        digests.chunk_by(same_trial).map(by_digest).collect();
    let agreed = trials.iter().filter(|groups| groups.len() == 1).count();
    writeln!(text, "\nOrder logs at the end (SHA-256)")?;
    if agreed > SHOWN_AGREEMENTS {
        writeln!(
            text,
            "  {agreed} of {} trials: every replica holds the same log; consistency.json has the digests",
            trials.len()
        )?;
        trials.retain(|groups| groups.len() > 1);
    }
    for groups in trials {
        for equal in groups {
            let trial = TrialName { cell: equal[0].cell.clone(), trial: equal[0].trial };
            let sources: Vec<_> = equal.iter().map(|log| log.source.as_str()).collect();
            let digest: String = equal[0].sha256.chars().take(DIGEST_CHARACTERS).collect();
            writeln!(
                text,
                "  {trial}: {digest}  {}  {}",
                plural(equal[0].orders, "order"),
                sources.join(" = ")
            )?;
        }
    }
    Ok(())
}

/// The logs of a trial, equal ones together. No group is empty.
fn by_digest(logs: &[LogDigest]) -> Vec<Vec<&LogDigest>> {
    let mut groups: Vec<Vec<&LogDigest>> = Vec::new();
    for log in logs {
        match groups.iter_mut().find(|group| group[0].sha256 == log.sha256) {
            Some(group) => group.push(log),
            None => groups.push(vec![log]),
        }
    }
    groups
}

fn write_violations(text: &mut String, check: &CheckResult) -> fmt::Result {
    write!(text, "\nViolated: {} ({}", check.claim, plural(check.violations, "violation"))?;
    if check.violations > MAX_EVIDENCE as u64 {
        write!(text, ", the first {MAX_EVIDENCE} shown")?;
    }
    writeln!(text, ")")?;
    for (number, violation) in (1..).zip(&check.evidence) {
        write_violation(text, number, violation)?;
    }
    Ok(())
}

fn write_violation(text: &mut String, number: usize, violation: &Violation) -> fmt::Result {
    let Violation {
        cell,
        trial,
        what,
        at_us,
        request_ids,
        operations,
        held,
        nearest_fault,
        picture,
    } = violation;
    let trial = TrialName { cell: cell.clone(), trial: *trial };
    writeln!(text, "  {number}. {} ({trial})", capitalised(what))?;
    if !request_ids.is_empty() {
        writeln!(text, "     requests: {}", request_ids.join(", "))?;
    }
    if let Some(at_us) = at_us {
        write!(text, "     at {:.3} ms", milliseconds(*at_us))?;
        match nearest_fault {
            Some(fault) => writeln!(text, ", {}", beside(fault))?,
            None => writeln!(text, ", no fault was injected")?,
        }
    }
    if let Some(picture) = picture {
        writeln!(text, "     picture: {picture}")?;
    }
    for row in operations.iter().take(SHOWN_ROWS) {
        writeln!(text, "     {}", operation(row))?;
    }
    for row in held.iter().take(SHOWN_ROWS) {
        writeln!(text, "     {}", held_row(row))?;
    }
    let hidden =
        operations.len().saturating_sub(SHOWN_ROWS) + held.len().saturating_sub(SHOWN_ROWS);
    if hidden > 0 {
        writeln!(text, "     and {} in consistency.json", plural(hidden as u64, "more row"))?;
    }
    Ok(())
}

/// Where a violation stands to the fault nearest to it.
pub(crate) fn beside(fault: &NearestFault) -> String {
    let distance_ms = milliseconds(fault.distance_us.unsigned_abs());
    let side = if fault.distance_us < 0 { "before" } else { "after" };
    let action = fault.action;
    let process =
        fault.process.map_or("an unknown process".to_owned(), |subject| subject.to_string());
    let number = fault.fault.map(|fault| format!(" (fault {fault})")).unwrap_or_default();
    format!("{distance_ms:.3} ms {side} the {action} of {process}{number}")
}

fn operation(OperationRow { line, observation: row }: &OperationRow) -> String {
    let op = row.op.as_str();
    let mut words = vec![format!("observations.csv:{line}  client {} {op}", row.client)];
    words.extend(row.trade_type.map(|trade_type| trade_type.to_string()));
    words.extend(row.quantity.map(|quantity| quantity.to_string()));
    words.extend(row.stock_name.as_deref().map(str::to_owned));
    words.extend(row.order_no.map(|order_no| format!("#{order_no}")));
    words.extend(row.seen_quantity.map(|quantity| format!("quantity {quantity}")));
    words.extend(row.seen_volume.map(|volume| format!("volume {volume}")));
    words.extend(row.keyed.as_deref().map(keyed));
    words.push(format!("{:?}", row.outcome).to_lowercase());
    words.push(format!("{:.3} to {:.3} ms", milliseconds(row.start_us), milliseconds(row.end_us)));
    words.join(" ")
}

/// Which register or log, and what: `k3 expected 5 value 7 at 12`.
pub(crate) fn keyed(keyed: &Keyed) -> String {
    let Keyed { key, value, expected, position } = keyed;
    let mut words: Vec<String> = key.iter().map(ToString::to_string).collect();
    words.extend(expected.as_ref().map(|expected| format!("expected {expected}")));
    words.extend(value.as_ref().map(|value| format!("value {value}")));
    words.extend(position.map(|position| format!("at {position}")));
    words.join(" ")
}

fn held_row(HeldRow { line, held: row }: &HeldRow) -> String {
    let kind = match row.kind {
        FinalKind::Source => "dumped",
        FinalKind::Order => "holds",
        FinalKind::Applied => "applied",
        FinalKind::Refused => "refused",
        FinalKind::Stock | FinalKind::Register => "ended with",
        FinalKind::Entry => "holds",
    };
    let mut words = vec![format!("final.csv:{line}  {} {kind}", row.source)];
    words.extend(row.order_no.map(|order_no| format!("#{order_no}")));
    words.extend(row.request_id.as_deref().map(str::to_owned));
    words.extend(row.trade_type.map(|trade_type| trade_type.to_string()));
    words.extend(row.quantity.map(|quantity| quantity.to_string()));
    words.extend(row.stock_name.as_deref().map(str::to_owned));
    words.extend(row.epoch.map(|epoch| format!("epoch {epoch}")));
    words.extend(row.version.map(|version| format!("version {version}")));
    words.extend(row.quantity_after.map(|quantity| format!("quantity {quantity}")));
    words.extend(row.volume_after.map(|volume| format!("volume {volume}")));
    words.join(" ")
}

fn plural(count: u64, noun: &str) -> String {
    counted(count, noun, &format!("{noun}s"))
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::checks::TrialName;

    #[test]
    fn long_lists_of_trials_are_cut_short() {
        let trials: Vec<_> =
            (1..=5).map(|trial| TrialName { cell: "c".to_owned(), trial }).collect();
        assert_eq!(named(&trials[..1]), "c trial 1");
        assert_eq!(named(&trials[..2]), "c trial 1 and c trial 2");
        assert_eq!(named(&trials), "c trial 1, c trial 2, c trial 3 and 2 more");
    }
}
