//! Why an operation of an open loop was sent later than it was due.

use std::collections::HashMap;

use crate::records::{Observation, Op};

/// How much later than it was due an operation was sent, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Because of the generator, in microseconds.
    pub own_us: u64,
    /// What of that came after the operation before it in its iteration.
    pub added_us: u64,
    /// Because its client was busy with earlier iterations, in microseconds.
    pub waited_us: u64,
}

/// What the clients of a trial did last.
#[derive(Debug, Default)]
pub struct Clients {
    last: HashMap<u32, Last>,
}

/// A client's last operation.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    op: Option<Op>,
    end_us: u64,
    /// When the operation that follows it in its iteration is due.
    next_due_us: Option<u64>,
    late: Late,
}

impl Clients {
    /// Why a row's operation was late. The first of an iteration could have been sent once it was due and
    /// the client's iteration before was over. One that follows in the iteration is late for the same
    /// reasons, since it would have been due when the one before was answered, had that been on time.
    /// Nothing for an operation of a closed loop. To be asked about every row of one trial, in the order
    /// of the file.
    pub fn lateness(&mut self, row: &Observation) -> Option<Late> {
        let last = self.last.get(&row.client).copied().unwrap_or_default();
        let late = row.planned_us.map(|due_us| {
            // An iteration may begin with a lookup, has a query, and may end with a trade.
            let goes_on = row.op == Op::Trade || last.op == Some(Op::Lookup);
            if goes_on && last.next_due_us == Some(due_us) {
                let added_us = row.start_us.saturating_sub(last.end_us);
                return Late { own_us: last.late.own_us + added_us, added_us, ..last.late };
            }
            let could_us = due_us.max(last.end_us);
            let waited_us = could_us.min(row.start_us).saturating_sub(due_us);
            let own_us = row.start_us.saturating_sub(could_us);
            Late { own_us, added_us: own_us, waited_us }
        });
        let next_due_us = row.planned_us.map(|due_us| due_us + row.latency_us);
        let late_now = late.unwrap_or_default();
        let (op, end_us) = (Some(row.op), row.end_us);
        self.last.insert(row.client, Last { op, end_us, next_due_us, late: late_now });
        late
    }
}
