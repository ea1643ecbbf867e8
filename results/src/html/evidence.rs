//! A broken promise: the operations, the rows and the fault that show it.

use super::embed::{Embedded, Embedder};
use super::format::{anchor, counted, exact_ms, or_none};
use crate::checks::{CheckResult, HeldRow, OperationRow, TrialName, Violation, beside, keyed};
use crate::records::{FinalKind, Op};
use crate::summary::op_name;
use crate::text::capitalised;

/// How many violations of a check are shown, and how many rows of each; `consistency.json` has more.
const SHOWN_VIOLATIONS: usize = 10;
/// See [`SHOWN_VIOLATIONS`].
const SHOWN_ROWS: usize = 12;

/// A check that found something.
pub(super) struct Broken {
    pub(super) id: String,
    pub(super) claim: String,
    pub(super) count: String,
    pub(super) violations: Vec<Shown>,
    /// How many are not shown, if any are not.
    pub(super) hidden: Option<String>,
}

/// One violation.
pub(super) struct Shown {
    /// For the ids of its parts.
    pub(super) id: String,
    pub(super) what: String,
    pub(super) trial: String,
    pub(super) when: Option<String>,
    pub(super) requests: Vec<String>,
    /// The file that shows it.
    pub(super) picture: Option<Embedded>,
    pub(super) operations: Vec<OperationLine>,
    pub(super) held: Vec<HeldLine>,
    /// How many rows are not shown, if any are not.
    pub(super) hidden: Option<String>,
}

/// What a client did and saw.
pub(super) struct OperationLine {
    pub(super) line: u64,
    pub(super) client: u32,
    pub(super) what: String,
    pub(super) seen: String,
    pub(super) outcome: String,
    pub(super) from_ms: String,
    pub(super) to_ms: String,
    pub(super) request: String,
}

/// What a process held at the end.
pub(super) struct HeldLine {
    pub(super) line: u64,
    pub(super) source: String,
    pub(super) what: String,
    pub(super) state: String,
    pub(super) epoch: String,
    pub(super) request: String,
}

impl Broken {
    /// What a check found, if it found anything.
    pub(super) fn of(check: &CheckResult, embedder: &mut Embedder<'_>) -> Option<Self> {
        let shown = check.evidence.iter().take(SHOWN_VIOLATIONS);
        let violations: Vec<Shown> =
            (1..).zip(shown).map(|(n, found)| Shown::new(check, n, found, embedder)).collect();
        let hidden = check.violations.saturating_sub(violations.len() as u64);
        let hidden = (hidden > 0).then(|| counted(hidden, "more violation", "more violations"));
        (check.violations > 0).then(|| Self {
            id: anchor(&check.name),
            claim: capitalised(&check.claim),
            count: counted(check.violations, "violation", "violations"),
            violations,
            hidden,
        })
    }
}

impl Shown {
    fn new(
        check: &CheckResult,
        number: usize,
        violation: &Violation,
        embedder: &mut Embedder<'_>,
    ) -> Self {
        let (operations, held) = (&violation.operations, &violation.held);
        let hidden =
            operations.len().saturating_sub(SHOWN_ROWS) + held.len().saturating_sub(SHOWN_ROWS);
        let fault = violation.nearest_fault.as_ref();
        Self {
            id: format!("{}-{number}", anchor(&check.name)),
            what: capitalised(&violation.what),
            trial: TrialName { cell: violation.cell.clone(), trial: violation.trial }.to_string(),
            when: violation.at_us.map(|at_us| {
                let fault = fault.map_or("no fault was injected".to_owned(), beside);
                format!("{} ms into the run, {fault}", exact_ms(at_us))
            }),
            requests: violation.request_ids.clone(),
            picture: violation.picture.as_ref().map(|name| embedder.embed(name)),
            operations: operations.iter().take(SHOWN_ROWS).map(OperationLine::new).collect(),
            held: held.iter().take(SHOWN_ROWS).map(HeldLine::new).collect(),
            hidden: (hidden > 0).then(|| counted(hidden as u64, "more row", "more rows")),
        }
    }
}

impl OperationLine {
    fn new(OperationRow { line, observation: row }: &OperationRow) -> Self {
        let mut what = vec![op_name(row.op).to_owned()];
        what.extend(row.trade_type.map(|trade_type| trade_type.to_string()));
        what.extend(row.quantity.map(|quantity| quantity.to_string()));
        what.extend(row.stock_name.as_deref().map(str::to_owned));
        what.extend(row.keyed.as_deref().map(keyed));
        let mut seen = Vec::new();
        seen.extend(row.order_no.map(|order_no| format!("#{order_no}")));
        seen.extend(row.seen_quantity.map(|quantity| format!("quantity {quantity}")));
        seen.extend(row.seen_volume.map(|volume| format!("volume {volume}")));
        if row.op != Op::Query {
            seen.extend(row.reason.as_deref().map(str::to_owned));
        }
        Self {
            line: *line,
            client: row.client,
            what: what.join(" "),
            seen: seen.join(", "),
            outcome: format!("{:?}", row.outcome).to_lowercase(),
            from_ms: exact_ms(row.start_us),
            to_ms: exact_ms(row.end_us),
            request: row.request_id.as_deref().unwrap_or_default().to_owned(),
        }
    }
}

impl HeldLine {
    fn new(HeldRow { line, held: row }: &HeldRow) -> Self {
        let kind = match row.kind {
            FinalKind::Source => "was dumped",
            FinalKind::Order => "holds",
            FinalKind::Applied => "applied",
            FinalKind::Refused => "refused",
            FinalKind::Stock | FinalKind::Register => "ended with",
            FinalKind::Entry => "holds",
        };
        let mut what = vec![kind.to_owned()];
        what.extend(row.order_no.map(|order_no| format!("#{order_no}")));
        what.extend(row.trade_type.map(|trade_type| trade_type.to_string()));
        what.extend(row.quantity.map(|quantity| quantity.to_string()));
        what.extend(row.stock_name.as_deref().map(str::to_owned));
        what.extend(row.keyed.as_deref().map(keyed));
        let mut state = Vec::new();
        state.extend(row.version.map(|version| format!("version {version}")));
        state.extend(row.quantity_after.map(|quantity| format!("quantity {quantity}")));
        state.extend(row.volume_after.map(|volume| format!("volume {volume}")));
        Self {
            line: *line,
            source: row.source.to_string(),
            what: what.join(" "),
            state: state.join(", "),
            epoch: or_none(row.epoch, |epoch| epoch.to_string()),
            request: row.request_id.as_deref().unwrap_or_default().to_owned(),
        }
    }
}
