//! When a replica whose files were lost, or old, was one of those that hold all orders again.
//!
//! A replica with a new file is another database, and no member until the leader has removed the old one and added
//! the new one (rule L1 of ARCHITECTURE.md). One with an old copy is the database that it was: it may be
//! removed and added, or catch up as a member. Then no configuration tells; a trade that was tried once it
//! was ready and that was acknowledged while it was a member does, since the leader waits for every member (I2).

use super::{Fault, Span, Timeline};

impl Timeline {
    /// When replicas, by their numbers, did not hold all orders since their files were changed. `acknowledged`: from
    /// when to when each trade took that was acknowledged.
    pub fn incomplete(
        &self,
        acknowledged: impl Iterator<Item = (u64, u64)> + Clone,
    ) -> impl Iterator<Item = (u8, Span)> {
        let of_files = self.faults.iter().filter(|fault| fault.kind.is_of_files());
        of_files.filter_map(move |fault| {
            let number = self.processes.number_of(fault.process()?)?;
            let to_us = self.complete_us(fault, number, acknowledged.clone());
            Some((number, Span { from_us: fault.injected.at_us, to_us }))
        })
    }

    fn complete_us(
        &self,
        fault: &Fault,
        number: u8,
        mut acknowledged: impl Iterator<Item = (u64, u64)>,
    ) -> Option<u64> {
        let from_us = fault.injected.at_us;
        let later = self.configurations.iter().filter(|one| one.at_us > from_us);
        let mut sets = self.membership_at(from_us).into_iter().chain(later).filter_map(|one| {
            Some((one.at_us.max(from_us), one.members.as_ref()?.contains(number)))
        });
        let removed_us = sets.find(|(_, is_member)| !is_member).map(|(at_us, _)| at_us);
        let added_us =
            removed_us.and_then(|_| sets.find(|(_, is_member)| *is_member)).map(|(at_us, _)| at_us);
        let is_same_database = fault.kind == super::FaultKind::OldFiles;
        let caught_up_us = fault.over_us.filter(|_| is_same_database).and_then(|ready_us| {
            let as_member = |(start_us, end_us): &(u64, u64)| {
                *start_us >= ready_us && removed_us.is_none_or(|us| *end_us < us)
            };
            acknowledged.find(as_member).map(|(_, end_us)| end_us)
        });
        added_us.into_iter().chain(caught_up_us).min()
    }
}
