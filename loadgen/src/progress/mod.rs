//! Says how far a command is: bars on a terminal, plain lines elsewhere, and with `--json` events
//! for programs.
//!
//! The measuring code only hands [`ProgressEvent`] to a thread, which does the telling: a terminal that was
//! stopped with Ctrl-S, or a program that does not read, must not delay a fault. The queue needs no
//! bound: a trial has some dozen event.
//!
//! A command has *steps*, which the time that is left is counted in: trials of a run, rounds of a
//! soak, rows of a proof.

mod bars;
mod event;
mod json;
mod lines;
mod progress_event;
mod steps;

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use faults::events::Listener;
use results::records::Event;

use self::bars::Bars;
use self::event::Teller;
use self::json::JsonLines;
use self::lines::Lines;
pub(crate) use self::progress_event::{CheckFigures, PlannedAct, ProgressEvent, SCHEMA};
use self::steps::Steps;

/// How often a bar shows how the time goes by.
const TICK: Duration = Duration::from_millis(250);

/// Somebody who tells people or programs.
trait Reporter: Send {
    /// Tells of something.
    fn tell(&mut self, event: &ProgressEvent);
    /// Prints a line for people on stderr.
    fn line(&mut self, line: &str);
    /// Prints a line for people on stdout.
    fn print(&mut self, line: &str);
    /// Time has gone by.
    fn tick(&mut self) {}
}

/// What the thread is asked to do.
enum ReporterMessage {
    Tell(ProgressEvent),
    Line(String),
    Print(String),
    /// Everything before has been told.
    Settle(SyncSender<()>),
    End,
}

/// How far a command is. Dropping it tells what is still to be told.
#[derive(Debug)]
pub(crate) struct Progress {
    messages: Sender<ReporterMessage>,
    steps: Arc<Mutex<Steps>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to tell of a command: to people on stderr, and, if `json`, to programs on stdout.
    /// From then on everything else that is printed to stdout goes to stderr.
    ///
    /// # Errors
    /// The thread cannot be started, or stdout cannot be kept for programs.
    pub(crate) fn begin(json: bool) -> io::Result<Self> {
        let for_people: Box<dyn Reporter> = match Bars::on_terminal() {
            Some(bars) => Box::new(bars),
            None => Box::new(Lines::default()),
        };
        let mut reporters = vec![for_people];
        if json {
            reporters.push(Box::new(JsonLines::on_stdout()?));
        }
        let (messages, taken) = channel();
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || carry_out(&taken, &mut reporters))?;
        Ok(Self { messages, steps: Arc::default(), thread: Some(thread) })
    }

    /// A run, a soak or a proof begins: so many steps, each of which is expected to take so long.
    pub(crate) fn expect(&self, steps: u32, each: Duration) {
        *self.steps() = Steps::new(steps, each);
    }

    /// The next step begins.
    pub(crate) fn step(&self, name: impl Into<String>) {
        let (number, of, left) = self.steps().begin();
        self.tell(ProgressEvent::StepBegan {
            number,
            of,
            name: name.into(),
            left_ms: milliseconds(left),
        });
    }

    /// A step has ended.
    pub(crate) fn step_ended(&self) {
        let (ended, of, left) = self.steps().end();
        self.tell(ProgressEvent::StepEnded { ended, of, left_ms: milliseconds(left) });
    }

    /// Tells of something.
    pub(crate) fn tell(&self, event: ProgressEvent) {
        self.send(ReporterMessage::Tell(event));
    }

    /// Prints a line for people on stderr, without disturbing the bars.
    pub(crate) fn line(&self, line: impl Into<String>) {
        self.send(ReporterMessage::Line(line.into()));
    }

    /// Prints a line for people on stdout: a result, rather than progress.
    pub(crate) fn print(&self, line: impl Into<String>) {
        self.send(ReporterMessage::Print(line.into()));
    }

    /// A listener that tells of what happens in the trials of `run`.
    pub(crate) fn listener(&self, run: &str) -> Arc<dyn Listener> {
        let teller = Teller::new(run.to_owned());
        Arc::new(EventForwarder { told: Mutex::new((teller, self.messages.clone())) })
    }

    /// Returns once everything has been told.
    pub(crate) fn settle(&self) {
        let (told, answer) = sync_channel(1);
        self.send(ReporterMessage::Settle(told));
        // The thread is gone only if it panicked; there is nothing to wait for then.
        let _ = answer.recv();
    }

    fn send(&self, message: ReporterMessage) {
        // As above.
        let _ = self.messages.send(message);
    }

    fn steps(&self) -> std::sync::MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.send(ReporterMessage::End);
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has said so.
            let _ = thread.join();
        }
    }
}

fn carry_out(messages: &Receiver<ReporterMessage>, reporters: &mut [Box<dyn Reporter>]) {
    loop {
        match messages.recv_timeout(TICK) {
            Ok(ReporterMessage::Tell(event)) => {
                reporters.iter_mut().for_each(|reporter| reporter.tell(&event));
            }
            Ok(ReporterMessage::Line(line)) => {
                reporters.iter_mut().for_each(|reporter| reporter.line(&line));
            }
            Ok(ReporterMessage::Print(line)) => {
                reporters.iter_mut().for_each(|reporter| reporter.print(&line));
            }
            Ok(ReporterMessage::Settle(told)) => {
                // The caller may have stopped waiting.
                let _ = told.send(());
            }
            Err(RecvTimeoutError::Timeout) => {
                reporters.iter_mut().for_each(|reporter| reporter.tick());
            }
            Ok(ReporterMessage::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Hears what a trial's events say, and passes it on.
#[derive(Debug)]
struct EventForwarder {
    /// What it knows, and where it goes.
    told: Mutex<(Teller, Sender<ReporterMessage>)>,
}

impl Listener for EventForwarder {
    fn hear(&self, event: &Event) {
        let (teller, messages) = &mut *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = teller.told_of(event) {
            let _ = messages.send(ReporterMessage::Tell(event));
        }
    }
}

/// A length of time as people say it.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds} s")
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_minutes_from_one_minute_up() {
        let said = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!((said(59).as_str(), said(61).as_str()), ("59 s", "1 min 1 s"));
    }

    #[test]
    fn what_was_handed_in_is_told_in_order_before_settling_returns() {
        struct Heard(Arc<Mutex<Vec<String>>>);
        impl Reporter for Heard {
            fn tell(&mut self, event: &ProgressEvent) {
                self.0.lock().unwrap().push(event.name().to_owned());
            }
            fn line(&mut self, line: &str) {
                self.0.lock().unwrap().push(line.to_owned());
            }
            fn print(&mut self, line: &str) {
                self.line(line);
            }
        }
        let heard = Arc::default();
        let mut reporters: Vec<Box<dyn Reporter>> = vec![Box::new(Heard(Arc::clone(&heard)))];
        let (messages, taken) = channel();
        let thread = thread::spawn(move || carry_out(&taken, &mut reporters));
        let progress = Progress { messages, steps: Arc::default(), thread: Some(thread) };
        progress.expect(2, Duration::from_secs(1));
        progress.step("one");
        progress.line("said");
        progress.step_ended();
        progress.settle();
        assert_eq!(*heard.lock().unwrap(), ["step-began", "said", "step-ended"]);
    }
}
