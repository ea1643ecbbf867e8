//! One page of a replica's log (rule L9).
//!
//! Pure. An entry's number and epoch name it, and with it everything before it (ARCHITECTURE.md I1):
//! so the pages of a dump belong together as long as the entry at their end is still there. Nothing
//! has to be remembered between two pages, and anybody who dumps a long log never holds up the replica
//! for longer than a page's pointers take to copy.

use std::sync::Arc;

use base::http::{BadRequest, Request};
use wire::dump::{MAX_PAGE, OrderPage};
use wire::ids::{Epoch, OrderNo, ReplicaId};
use wire::internal::{Entry, LogPoint};

use super::replica::Replica;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// After which number.
    pub after: OrderNo,
    /// At most so many entries.
    pub limit: usize,
    /// Where the dump ends: what an earlier page said; nothing for the first page.
    pub through: Option<OrderNo>,
    /// In which epoch that entry stands. Without it a dump can only go on within what is committed.
    pub through_epoch: Option<Epoch>,
}

/// A page, its entries shared with the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf {
    accepted: Epoch,
    committed: OrderNo,
    through: LogPoint,
    entries: Vec<Arc<Entry>>,
}

/// The answer to a [`PageRequest`].
pub type Page = Result<PageOf, Changed>;

/// What lies at or below the dump's end is no longer what the pages before said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("through: the log up to order {0} has changed since the dump began; begin again")]
pub struct Changed(OrderNo);

impl PageRequest {
    /// Reads it from a query string.
    ///
    /// # Errors
    /// A parameter that is no number, or out of bounds.
    pub fn of(request: &Request) -> Result<Self, BadRequest> {
        Ok(Self {
            after: request.optional("after")?.unwrap_or_default(),
            limit: request.limit(MAX_PAGE)?,
            through: request.optional("through")?,
            through_epoch: request.optional("through_epoch")?,
        })
    }
}

/// Cuts a page out of a replica's log.
///
/// # Errors
/// If the dump that it would belong to can no longer be had.
pub fn page(replica: &Replica, request: &PageRequest) -> Page {
    let log = replica.log();
    let end = match request.through {
        None => log.last(),
        Some(through) => {
            let held = log.point_at(through).ok_or(Changed(through))?;
            let is_same = match request.through_epoch {
                Some(epoch) => held.epoch == epoch,
                // What is committed never changes.
                None => through <= replica.committed(),
            };
            if !is_same {
                return Err(Changed(through));
            }
            held
        }
    };
    let left = end.order_no.0.saturating_sub(request.after.0);
    let limit = request.limit.min(usize::try_from(left).unwrap_or(usize::MAX));
    Ok(PageOf {
        accepted: replica.accepted(),
        committed: replica.committed(),
        through: end,
        entries: log.after(request.after, limit).to_vec(),
    })
}

impl PageOf {
    /// The page as it is sent.
    #[must_use]
    pub fn into_wire(self, id: ReplicaId) -> OrderPage {
        OrderPage {
            id,
            accepted_epoch: self.accepted,
            committed: self.committed,
            through: self.through.order_no,
            through_epoch: self.through.epoch,
            total: self.through.order_no.0,
            entries: self.entries.iter().map(|entry| Entry::clone(entry)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::bazaar::TradeType;
    use wire::ids::{Identity, Incarnation, RequestId};

    use super::super::log::OrderLog;
    use super::super::replica::Found;
    use super::*;

    fn entry(order_no: u64, epoch: u64) -> Entry {
        Entry {
            order_no: OrderNo(order_no),
            epoch: Epoch(epoch),
            request_id: RequestId::new(format!("R{order_no}-{epoch}")).unwrap(),
            stock_name: "Stock1".into(),
            trade_type: TradeType::Buy,
            quantity: 1,
        }
    }

    fn replica(epochs: &[u64]) -> Replica {
        let entries = (1..).zip(epochs).map(|(order_no, epoch)| entry(order_no, *epoch));
        let log = OrderLog::from_entries(entries, OrderNo(0)).unwrap();
        let identity = Identity::new("d1").unwrap();
        let found = Found { accepted: Epoch(9), log, ..Found::nothing(identity) };
        Replica::new(ReplicaId(1), Incarnation::new("i1").unwrap(), Vec::new(), found)
    }

    fn asked(after: u64, limit: usize) -> PageRequest {
        PageRequest { after: OrderNo(after), limit, through: None, through_epoch: None }
    }

    fn numbers(page: &OrderPage) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.order_no.0).collect()
    }

    /// Every page of a dump, with `between` done to the replica before each further one.
    fn dump(
        mut replica: Replica,
        limit: usize,
        between: impl Fn(Replica) -> Replica,
    ) -> Result<Vec<OrderPage>, Changed> {
        let mut pages = Vec::new();
        let mut request = asked(0, limit);
        loop {
            let page = page(&replica, &request)?.into_wire(ReplicaId(1));
            let next = page.next();
            request.through = Some(page.through);
            request.through_epoch = Some(page.through_epoch);
            pages.push(page);
            match next {
                None => return Ok(pages),
                Some(after) => request.after = after,
            }
            replica = between(replica);
        }
    }

    #[test]
    fn pages_put_together_are_the_log() {
        for limit in 1..=8 {
            let pages = dump(replica(&[1, 1, 2, 2, 2, 4, 4]), limit, |same| same).unwrap();
            let all: Vec<u64> = pages.iter().flat_map(numbers).collect();
            assert_eq!(all, [1, 2, 3, 4, 5, 6, 7], "{limit} a page");
            assert_eq!(pages.len(), 7_usize.div_ceil(limit));
            assert!(pages.iter().all(|page| page.through == OrderNo(7) && page.total == 7));
        }
        let empty = dump(replica(&[]), 3, |same| same).unwrap();
        assert_eq!((empty.len(), empty[0].total), (1, 0));
    }

    #[test]
    fn what_is_appended_meanwhile_is_not_in_the_dump() {
        let grown = || replica(&[1, 1, 1, 1, 2, 2]);
        let pages = dump(replica(&[1, 1, 1, 1]), 3, |_| grown()).unwrap();
        let all: Vec<u64> = pages.iter().flat_map(numbers).collect();
        assert_eq!(all, [1, 2, 3, 4]);
    }

    #[test]
    fn a_log_that_was_cut_and_grown_again_is_another_dump() {
        // The leader's #4 replaces the one that the first page ended at.
        let other = || replica(&[1, 1, 1, 2, 2]);
        assert_eq!(dump(replica(&[1, 1, 1, 1]), 3, |_| other()), Err(Changed(OrderNo(4))));
        let cut = || replica(&[1, 1, 1]);
        assert_eq!(dump(replica(&[1, 1, 1, 1]), 3, |_| cut()), Err(Changed(OrderNo(4))));
    }

    #[test]
    fn without_the_epoch_a_dump_goes_on_only_within_what_is_committed() {
        let request = PageRequest { through: Some(OrderNo(2)), ..asked(1, 9) };
        // Nothing is known to be committed by a replica that has just started.
        assert_eq!(page(&replica(&[1, 1]), &request), Err(Changed(OrderNo(2))));
    }
}
