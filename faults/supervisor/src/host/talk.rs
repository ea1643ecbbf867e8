//! A program on a host that speaks lines with the harness, as the harness sees it: this very program, started there by the agent with
//! arguments of its own, beside the guards.
//!
//! The invariant: who listens hears of the end once, and nothing after it; and the program ends there when it is dropped here, or with
//! the connection.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use super::link::HostLink;
use super::protocol::Request;
use super::session::Session;
use crate::locked::locked;

/// What a program on a host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A line, with its end.
    Line(String),
    /// Nothing more: it has ended, or its host was lost.
    Ended(TalkEnd),
}

/// The end of a program on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkEnd {
    /// Why, in words.
    pub reason: String,
    /// When that was seen, on our `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// When its host was heard of last: what became of the program since nobody knows.
    pub heard_monotonic_us: u64,
}

/// Who listens to a program. Called by the thread that hears the host, which it must not hold up.
pub(super) type Listener = Arc<dyn Fn(Said) + Send + Sync>;

/// The programs of a connection that somebody listens to.
#[derive(Default)]
pub(super) struct Talks(Mutex<BTreeMap<u64, Listener>>);

impl fmt::Debug for Talks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(locked(&self.0).keys()).finish()
    }
}

impl Talks {
    /// Adds one, unless this says that it is too late.
    fn add(
        &self,
        channel: u64,
        listener: Listener,
        too_late: impl FnOnce() -> Option<String>,
    ) -> io::Result<()> {
        // Under the lock, so that none is added that nobody tells of the end.
        let mut talks = locked(&self.0);
        if let Some(reason) = too_late() {
            return Err(io::Error::other(format!("its host was lost: {reason}")));
        }
        talks.insert(channel, listener);
        Ok(())
    }

    /// Hands a line to who listens to this program; gives it back if nobody does.
    pub(super) fn line(&self, channel: u64, line: String) -> Result<(), String> {
        let listener = locked(&self.0).get(&channel).cloned();
        match listener {
            Some(listener) => {
                listener(Said::Line(line));
                Ok(())
            }
            None => Err(line),
        }
    }

    /// One has ended.
    pub(super) fn end(&self, channel: u64, end: TalkEnd) {
        let listener = locked(&self.0).remove(&channel);
        listener.into_iter().for_each(|listener| listener(Said::Ended(end.clone())));
    }

    /// All have ended, as far as anybody will know.
    pub(super) fn end_all(&self, end: &TalkEnd) {
        let listeners = std::mem::take(&mut *locked(&self.0));
        listeners.into_values().for_each(|listener| listener(Said::Ended(end.clone())));
    }
}

/// A program on a host that takes lines. Dropping it ends the program.
#[derive(Debug)]
pub struct HostTalk {
    session: Arc<Session>,
    channel: u64,
}

impl HostLink {
    /// Starts this very program there with these arguments. What it says, and its end, is told to `listener`, from a thread that must not
    /// wait.
    ///
    /// # Errors
    /// If the host is lost.
    pub fn talk(
        &self,
        words: &[&str],
        listener: impl Fn(Said) + Send + Sync + 'static,
    ) -> io::Result<HostTalk> {
        let session = Arc::clone(self.session());
        let channel = session.next_number();
        let too_late = || session.over().map(|over| over.reason);
        session.talks().add(channel, Arc::new(listener), too_late)?;
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        session.tell(&Request::Talk { channel, words });
        Ok(HostTalk { session, channel })
    }
}

impl HostTalk {
    /// Hands it a line. That it has ended is told by itself.
    pub fn tell(&self, line: String) {
        self.session.tell(&Request::Line { channel: self.channel, line });
    }
}

impl Drop for HostTalk {
    fn drop(&mut self) {
        // Nobody listens any more. What is taken out is dropped once the lock is free again.
        let listener = locked(&self.session.talks().0).remove(&self.channel);
        drop(listener);
        self.session.tell(&Request::Close { channel: self.channel });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_hears_of_the_end_once_and_nothing_after_it() {
        let talks = Talks::default();
        let heard = Arc::<Mutex<Vec<Said>>>::default();
        let end = |reason: &str| TalkEnd {
            reason: reason.to_owned(),
            at_monotonic_us: 9,
            heard_monotonic_us: 4,
        };
        for channel in [1, 2] {
            let heard = Arc::clone(&heard);
            let listener = Arc::new(move |said| locked(&heard).push(said));
            talks.add(channel, listener, || None).unwrap();
        }
        let late = talks.add(3, Arc::new(|_: Said| {}), || Some("gone".to_owned())).unwrap_err();
        assert_eq!(late.to_string(), "its host was lost: gone");
        assert_eq!(talks.line(7, "x\n".to_owned()), Err("x\n".to_owned()));
        talks.line(1, "a\n".to_owned()).unwrap();
        talks.end(1, end("it has ended"));
        assert!(talks.line(1, "b\n".to_owned()).is_err());
        talks.end_all(&end("lost"));
        talks.end_all(&end("lost again"));
        let ends = [end("it has ended"), end("lost")].map(Said::Ended);
        let all: Vec<Said> = [Said::Line("a\n".to_owned())].into_iter().chain(ends).collect();
        assert_eq!(*locked(&heard), all);
    }
}
