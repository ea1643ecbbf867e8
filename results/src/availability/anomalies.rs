//! Lost, doubled and stale: what the checks found, on the sheet of the fault that did it.

use super::row::AvailabilityRow;
use crate::checks::{ConsistencyReport, FaultAnomalies, TrialName};

/// The checks that must have been able to tell if a 0 is to mean anything.
const LOST: &[&str] = &["acknowledged-orders-survive", "exactly-once"];
const DOUBLED: &[&str] = &["exactly-once"];
const STALE: &[&str] = &["no-stale-read"];

/// Fills in what each fault lost, doubled and made stale, as the checks found it. What they could
/// not have found is left empty, not 0.
pub fn attribute(rows: &mut [AvailabilityRow], checked: &ConsistencyReport) {
    for row in rows {
        let trial = TrialName { cell: row.cell.clone(), trial: row.trial };
        let of_fault =
            checked.anomalies.iter().find(|one| one.trial == trial && one.fault == Some(row.fault));
        let count = |of: fn(&FaultAnomalies) -> u64, checks: &[&str]| {
            let known = checks.iter().all(|check| checked.could_tell(check, &trial));
            of_fault.map(of).filter(|&count| count > 0).or_else(|| known.then_some(0))
        };
        row.lost = count(|one| one.lost, LOST);
        row.doubled = count(|one| one.doubled, DOUBLED);
        row.stale = count(|one| one.stale, STALE);
    }
}
