//! Since when nothing is broken.
//!
//! A bazaar is whole when every fault that was injected has been undone, every process that was
//! restarted is ready, and all replicas are in sync. What is read off the events is what was seen:
//! a fault whose end was not recorded is not over.

use crate::records::{Event, EventKind};

use super::FaultKind;

/// Since when the bazaar had been whole at `at_us`, in microseconds since the run's origin: 0 if
/// always, nothing if it was not. `events` are a trial's, by time.
pub(super) fn whole_since(events: &[&Event], replicas: usize, at_us: u64) -> Option<u64> {
    let before = || events.iter().copied().take_while(|event| event.at_us < at_us);
    let mut since_us = in_sync_since(before(), replicas)?;
    for fault in before().filter(|event| event.event == EventKind::Injected) {
        if FaultKind::of(fault).is_some() {
            let over_us = over_us(events, fault).filter(|&over_us| over_us < at_us)?;
            since_us = since_us.max(over_us);
        }
    }
    Some(since_us)
}

/// When the fault was over: what undid it was done, and whoever was restarted was ready.
fn over_us(events: &[&Event], fault: &Event) -> Option<u64> {
    let comeback = comeback(events, fault)?;
    let ready = events.iter().find(|event| {
        event.event == EventKind::Ready
            && event.fault == fault.fault
            && event.at_us >= comeback.at_us
    });
    Some(ready.map_or(comeback.at_us, |ready| ready.at_us))
}

/// What undid the fault: it carries the fault's number.
pub(super) fn comeback<'a>(events: &[&'a Event], fault: &Event) -> Option<&'a Event> {
    let from = events.partition_point(|event| event.at_us < fault.at_us);
    events[from..].iter().copied().find(|event| {
        event.event == EventKind::Injected && event.fault == fault.fault && event.undoes_fault()
    })
}

/// Since when all replicas had been in sync at the end of these events: 0 if nobody ever said who
/// was, nothing if not all were.
fn in_sync_since<'a>(events: impl Iterator<Item = &'a Event>, replicas: usize) -> Option<u64> {
    let mut since_us = Some(0);
    for event in events.filter(|event| is_configuration(event) && event.in_sync.is_some()) {
        let all = in_sync(event).count() >= replicas;
        since_us = match (all, since_us) {
            (false, _) => None,
            (true, Some(since_us)) => Some(since_us),
            (true, None) => Some(event.at_us),
        };
    }
    since_us
}

pub(super) fn is_configuration(event: &Event) -> bool {
    matches!(event.event, EventKind::LeaderChanged | EventKind::InSyncChanged)
}

/// The replicas that a configuration names as in sync.
pub(super) fn in_sync(event: &Event) -> impl Iterator<Item = u8> + '_ {
    event.in_sync.iter().flat_map(|members| members.split_whitespace()).flat_map(str::parse)
}
