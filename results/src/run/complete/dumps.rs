//! What `final.csv` says of itself: each dump begins with its `source` row, and the entries of a log
//! ascend, if the target says so. A dump is written as a whole.

use super::{Misfit, Part};
use crate::records::{AtLine as _, DumpRow, FinalKind, FinalRow, Row as _};

type Dump<'a> = &'a [DumpRow];

fn dumps(rows: Dump<'_>) -> impl DoubleEndedIterator<Item = Dump<'_>> {
    rows.chunk_by(|one, next| one.source == next.source)
}

/// Holds the order of the rows; that of the entries of a log only where those must ascend.
pub(super) fn audit(rows: Dump<'_>, must_ascend: bool) -> Result<(), Misfit> {
    let mut sources: Vec<&str> = Vec::new();
    for dump in dumps(rows) {
        let head = &dump[0];
        let source = head.source.as_str();
        let misfit = |line, reason| Err(Misfit { file: FinalRow::FILE, line, reason });
        if sources.contains(&source) {
            return misfit(head.line(), format!("the dump of {source} is there twice"));
        }
        if head.kind != FinalKind::Source {
            return misfit(head.line(), format!("there is no `source` row of {source} before it"));
        }
        if let Some(again) = dump[1..].iter().find(|row| row.kind == FinalKind::Source) {
            return misfit(again.line(), format!("the dump of {source} begins twice"));
        }
        let falls = |pair: &&[DumpRow]| {
            let is_order = |row: &DumpRow| row.kind == FinalKind::Order;
            is_order(&pair[0]) && is_order(&pair[1]) && pair[1].order_no() <= pair[0].order_no()
        };
        if let Some([one, next]) = dump.windows(2).filter(|_| must_ascend).find(falls) {
            let number = |row: &DumpRow| row.order_no().unwrap_or_default();
            let (one_no, next_no) = (number(one), number(next));
            let reason = format!("order {next_no} of {source} stands after its order {one_no}");
            return misfit(next.line(), reason);
        }
        sources.push(source);
    }
    Ok(())
}

/// What is missing at the end of the file, in a run without counts. Only the last dump is taken at its
/// word: of any other it may be the replica that lacks what it says to have.
pub(super) fn cut(part: &Part<'_, FinalRow>) -> Option<String> {
    if !part.is_last {
        return None;
    }
    let last = dumps(part.rows).next_back()?;
    let (source, said) = (&last[0].source, said(last));
    let of_kind = |kind| last.iter().filter(move |row| row.kind == kind).count() as u64;
    let there = of_kind(FinalKind::Order) + of_kind(FinalKind::Applied);
    let is_cut = part.is_torn || there < said;
    is_cut.then(|| format!("final.csv ends within {source}: it has {there} of {said} trades"))
}

/// How many trades a dump has by its own account: those that a replica had committed, or those that
/// the versions of the catalog's stocks have counted.
fn said(dump: Dump<'_>) -> u64 {
    let stocks = dump.iter().filter(|row| row.kind == FinalKind::Stock);
    let applied: u64 = stocks.filter_map(DumpRow::version).sum();
    dump[0].order_no().unwrap_or(applied)
}
