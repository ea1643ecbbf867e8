//! Where everything that happens in a trial is told.
//!
//! An event is stamped where it happens and sent on at once; somebody else writes the file, so
//! that a slow disk cannot delay a fault.

use std::fmt;
use std::sync::{Arc, Mutex};

use records::{Event, EventKind};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Origin;
use crate::memberships::Memberships;
use crate::process::ProcessName;
use supervisor::locked::locked;

/// Somebody who wants to know at once. Called where the event happens, so it must not wait for
/// anything.
pub trait Listener: fmt::Debug + Send + Sync {
    /// Hears an event.
    fn hear(&self, event: &Event);
}

/// Takes the events of one trial.
#[derive(Clone, Debug)]
pub struct EventSink {
    cell: Arc<str>,
    trial: u32,
    origin: Origin,
    rows: UnboundedSender<Event>,
    listener: Option<Arc<dyn Listener>>,
    memberships: Arc<Mutex<Memberships>>,
    bounds: Bounds,
}

/// How far the times of what is seen of a process where it runs may be off, in microseconds; nothing of one on this host.
#[derive(Clone)]
struct Bounds(Arc<dyn Fn(ProcessName) -> Option<u64> + Send + Sync>);

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bounds")
    }
}

impl EventSink {
    /// A sink that labels events with `cell` and `trial`, stamps them against `origin`, and
    /// sends them to `rows`. The channel needs no bound: a trial has some hundred events.
    pub fn new(
        cell: impl Into<Arc<str>>,
        trial: u32,
        origin: Origin,
        rows: UnboundedSender<Event>,
    ) -> Self {
        let (memberships, bounds) = (Arc::default(), Bounds(Arc::new(|_| None)));
        Self { cell: cell.into(), trial, origin, rows, listener: None, memberships, bounds }
    }

    /// The same, which notes how far times of processes on other hosts may be off: `bounds` says that of now, in microseconds.
    #[must_use]
    pub fn bounded_by(
        self,
        bounds: impl Fn(ProcessName) -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        Self { bounds: Bounds(Arc::new(bounds)), ..self }
    }

    /// The same, heard by `listener` as well.
    #[must_use]
    pub fn heard_by(self, listener: Arc<dyn Listener>) -> Self {
        Self { listener: Some(listener), ..self }
    }

    /// The origin that events are stamped against.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Who was in sync, as far as was told here or to a clone of this.
    pub(crate) fn memberships(&self) -> Memberships {
        self.locked_memberships().clone()
    }

    fn locked_memberships(&self) -> std::sync::MutexGuard<'_, Memberships> {
        locked(&self.memberships)
    }

    /// Tells of something that happens now.
    pub fn emit(&self, kind: EventKind, fill: impl FnOnce(&mut Event)) {
        self.emit_at(self.origin.elapsed_us(), kind, fill);
    }

    /// Tells of something that happened at `at_us`, in microseconds since the origin.
    pub fn emit_at(&self, at_us: u64, kind: EventKind, fill: impl FnOnce(&mut Event)) {
        let mut event = Event::new(&*self.cell, self.trial, at_us, kind);
        fill(&mut event);
        if is_seen_there(kind)
            && let Some(process) = event.process.and_then(|it| it.process())
        {
            event.bound_us = (self.bounds.0)(process);
        }
        self.locked_memberships().note(&event);
        if let Some(listener) = &self.listener {
            listener.hear(&event);
        }
        // The receiver is gone only when the run is being given up; nobody is left to tell.
        if self.rows.send(event).is_err() {
            tracing::debug!("an event came after the end of its run");
        }
    }
}

/// Whether what is told of a process was seen where it runs, by the clock there.
fn is_seen_there(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Started | EventKind::Injected | EventKind::Confirmed | EventKind::Died
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_on_another_host_has_a_bound_and_nothing_else_has() {
        let (rows, mut received) = tokio::sync::mpsc::unbounded_channel();
        let there: ProcessName = "order-3".parse().unwrap();
        let bounds = move |name| (name == there).then_some(40);
        let sink = EventSink::new("cell", 1, Origin::now(), rows).bounded_by(bounds);
        for (kind, process) in [
            (EventKind::Injected, "order-3"),
            (EventKind::Ready, "order-3"),
            (EventKind::Injected, "order-1"),
        ] {
            sink.emit(kind, |event| event.process = Some(process.parse().unwrap()));
        }
        let bounds = [(); 3].map(|()| received.try_recv().unwrap().bound_us);
        assert_eq!(bounds, [Some(40), None, None]);
    }

    #[test]
    fn an_event_carries_its_place_and_time() {
        let (rows, mut received) = tokio::sync::mpsc::unbounded_channel();
        let sink = EventSink::new("p0.4-cache-on", 2, Origin::now(), rows);
        sink.emit_at(17, EventKind::Injected, |event| event.fault = Some(3));
        let event = received.try_recv().unwrap();
        assert_eq!((event.cell.as_str(), event.trial, event.at_us), ("p0.4-cache-on", 2, 17));
        assert_eq!((event.event, event.fault), (EventKind::Injected, Some(3)));
    }

    #[test]
    fn an_event_after_the_end_of_the_run_is_dropped() {
        let (rows, received) = tokio::sync::mpsc::unbounded_channel();
        drop(received);
        EventSink::new("cell", 1, Origin::now(), rows).emit(EventKind::Healed, |_| {});
    }
}
