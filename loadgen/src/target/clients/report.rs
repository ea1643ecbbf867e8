//! What client programs did, as events of a trial.

use driver::program::{ProgramEvent, ProgramEventKind};
use faults::events::EventSink;
use results::records::{EventKind, Outcome};
use targets::client::Answer;
use targets::name::excerpt;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::name_of;

/// How many hints about the leader are written down in a trial: a program that changes its mind with every answer says
/// nothing after that.
const MAX_HINTS: u32 = 1_000;

/// Writes down what client programs do. It ends, when nobody holds it any more, with what has happened until then.
#[derive(Debug)]
pub(super) struct Reporting {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Reporting {
    pub(super) fn start(happened: UnboundedReceiver<ProgramEvent>, events: EventSink) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(report_all(happened, events, stopped)) }
    }

    /// Returns once everything that has happened is written down.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // A panic has been told where it was.
        let _ = self.task.await;
    }
}

async fn report_all(
    mut happened: UnboundedReceiver<ProgramEvent>,
    events: EventSink,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut hints = 0;
    loop {
        let event = tokio::select! {
            event = happened.recv() => event,
            // Dropped and asked mean the same.
            _ = &mut stopped => break,
        };
        match event {
            Some(event) => report(&event, &events, &mut hints),
            None => return,
        }
    }
    while let Ok(event) = happened.try_recv() {
        report(&event, &events, &mut hints);
    }
}

fn report(event: &ProgramEvent, events: &EventSink, hints: &mut u32) {
    if matches!(event.kind, ProgramEventKind::LeaderHint { .. }) {
        *hints += 1;
        if *hints > MAX_HINTS {
            return;
        }
    }
    let Some((kind, said)) = in_words(&event.kind) else { return };
    let at_us = events.origin().since_origin(event.at_monotonic_us);
    let detail = format!("{}: {said}", name_of(event.program));
    events.emit_at(at_us, kind, |event| event.detail = Some(detail));
}

/// The event, and what it says behind the program's name; none of what is no news.
pub(super) fn in_words(kind: &ProgramEventKind) -> Option<(EventKind, String)> {
    Some(match kind {
        // The first is part of the start.
        ProgramEventKind::Ready { life: 0 | 1 } => return None,
        ProgramEventKind::Ready { .. } => {
            (EventKind::ClientReady, "it was started again".to_owned())
        }
        ProgramEventKind::Broken { why, owed } => {
            let owed = match owed {
                0 => String::new(),
                1 => "; what became of 1 request is unknown".to_owned(),
                _ => format!("; what became of {owed} requests is unknown"),
            };
            (EventKind::ClientBroke, format!("{why}{owed}"))
        }
        ProgramEventKind::Late { asked, answer } => {
            (EventKind::LateAnswer, format!("{asked}: {}", answered(answer)))
        }
        ProgramEventKind::LeaderHint { process } => {
            (EventKind::LeaderHint, format!("{} leads", excerpt(process)))
        }
    })
}

fn answered(answer: &Answer) -> String {
    let outcome = match answer.outcome {
        Outcome::Ok => "ok",
        Outcome::Rejected => "rejected",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
    };
    let order = answer.order_no.as_ref().map(|order_no| format!(", order {order_no}"));
    format!("{outcome}{}", order.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use faults::clock::Origin;
    use targets::client::Broken;
    use targets::order_no::OrderNo;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    fn late(order_no: i64) -> ProgramEventKind {
        let answer = Answer {
            id: 7,
            outcome: Outcome::Ok,
            order_no: Some(OrderNo::Number(order_no)),
            position: None,
            seen: None,
            reason: None,
            times_us: None,
        };
        ProgramEventKind::Late { asked: "trade s1/a/1/1/4".to_owned(), answer }
    }

    #[tokio::test]
    async fn all_that_has_happened_is_written_down_before_the_end_with_its_time_and_its_program() {
        let (rows, mut written) = unbounded_channel();
        let (told, happened) = unbounded_channel();
        let origin = Origin::now();
        let reporting = Reporting::start(happened, EventSink::new("cell", 1, origin, rows));
        let broken = || ProgramEventKind::Broken { why: Broken::Twice { id: 9 }, owed: 2 };
        let ready = |life| ProgramEventKind::Ready { life };
        let hint = || ProgramEventKind::LeaderHint { process: "kv-1".to_owned() };
        let kinds = [ready(1), broken(), ready(2), late(12), hint()];
        for (at_us, kind) in (5..).zip(kinds) {
            let at_monotonic_us = origin.monotonic_us() + at_us;
            told.send(ProgramEvent { program: 2, at_monotonic_us, kind }).unwrap();
        }
        reporting.stop().await;
        let mut rows = Vec::new();
        while let Ok(row) = written.try_recv() {
            rows.push((row.at_us, row.event, row.detail.unwrap()));
        }
        let expected = [
            (
                6,
                EventKind::ClientBroke,
                "client-2: it answered request 9 twice; what became of 2 requests is unknown",
            ),
            (7, EventKind::ClientReady, "client-2: it was started again"),
            (8, EventKind::LateAnswer, "client-2: trade s1/a/1/1/4: ok, order 12"),
            (9, EventKind::LeaderHint, "client-2: kv-1 leads"),
        ];
        assert_eq!(rows, expected.map(|(at_us, kind, said)| (at_us, kind, said.to_owned())));
    }

    #[tokio::test]
    async fn hints_without_end_are_written_down_up_to_a_bound() {
        let (rows, mut written) = unbounded_channel();
        let (told, happened) = unbounded_channel();
        let reporting = Reporting::start(happened, EventSink::new("cell", 1, Origin::now(), rows));
        for number in 0..=MAX_HINTS {
            let kind = ProgramEventKind::LeaderHint { process: format!("kv-{number}") };
            told.send(ProgramEvent { program: 1, at_monotonic_us: 0, kind }).unwrap();
        }
        reporting.stop().await;
        let mut count = 0;
        while written.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, MAX_HINTS);
    }
}
