//! The attempts at one operation. What has been lost on the way is remembered here, so that a later attempt cannot deny it.
//!
//! The invariant: an operation of which an attempt was sent and not answered is never *failed*.

use std::time::Duration;

use records::Outcome;
use tokio::time::{Instant, sleep_until};

use crate::protocol::Answer;

/// How long one attempt may take: a member that answers nothing for as long as an election takes is given up for another.
const ATTEMPT: Duration = Duration::from_secs(1);

/// How long is waited after an attempt without success. Members that refuse do so within a millisecond, and clients that
/// ask them at once again would take the processors that an election needs.
const PAUSE: Duration = Duration::from_millis(20);

/// Why an attempt had no success.
#[derive(Debug)]
pub(crate) enum Setback {
    /// Somebody was in the way: it had no effect, and may be tried at once.
    InTheWay(String),
    /// It certainly had no effect, and cannot have one any more.
    Refused(String),
    /// It was sent, and nobody knows what became of it.
    Lost(String),
}

impl Setback {
    /// The reason alone.
    pub(crate) fn into_words(self) -> String {
        let (Self::InTheWay(why) | Self::Refused(why) | Self::Lost(why)) = self;
        why
    }
}

/// Attempts at one operation.
#[derive(Debug)]
pub(crate) struct Attempts {
    until: Instant,
    begun: bool,
    lost: bool,
    last: String,
}

impl Attempts {
    pub(crate) fn new(until: Instant) -> Self {
        Self { until, begun: false, lost: false, last: "there was no time".to_owned() }
    }

    /// Until when the next attempt may last, after a pause unless it is the first; nothing once time is over.
    pub(crate) async fn next(&mut self) -> Option<Instant> {
        if self.begun {
            sleep_until(self.until.min(Instant::now() + PAUSE)).await;
        }
        self.begun = true;
        self.at_once()
    }

    /// The same without a pause, for an attempt that others were faster than: of all these one had success.
    pub(crate) fn at_once(&self) -> Option<Instant> {
        let now = Instant::now();
        (now < self.until).then(|| self.until.min(now + ATTEMPT))
    }

    /// Until when the next attempt may last, after one with a setback.
    pub(crate) async fn after(&mut self, setback: Setback) -> Option<Instant> {
        let may_be_at_once = matches!(setback, Setback::InTheWay(_));
        self.note(setback);
        if may_be_at_once { self.at_once() } else { self.next().await }
    }

    /// Takes in what became of an attempt without success.
    pub(crate) fn note(&mut self, setback: Setback) {
        match setback {
            Setback::InTheWay(why) | Setback::Refused(why) => self.refused(why),
            Setback::Lost(why) => self.lost(why),
        }
    }

    /// The attempt certainly had no effect, and cannot have one any more.
    pub(crate) fn refused(&mut self, why: impl Into<String>) {
        self.last = why.into();
    }

    /// The attempt was sent, and nobody knows what became of it.
    pub(crate) fn lost(&mut self, why: impl Into<String>) {
        self.lost = true;
        self.last = why.into();
    }

    /// The present attempt was rejected. One that was lost may be applied after that: the stock may have more then.
    pub(crate) fn rejected(self, reason: &str) -> Answer {
        match self.lost {
            true => {
                Answer::because(Outcome::Unknown, format!("{reason}, but before: {}", self.last))
            }
            false => Answer::rejected(reason),
        }
    }

    /// No attempt had success.
    pub(crate) fn over(self) -> Answer {
        let outcome = if self.lost { Outcome::Unknown } else { Outcome::Failed };
        Answer::because(outcome, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts() -> Attempts {
        Attempts::new(Instant::now() + Duration::from_millis(1500))
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_the_operations_time() {
        let begin = Instant::now();
        let mut attempts = attempts();
        assert_eq!(attempts.next().await, Some(begin + ATTEMPT));
        assert_eq!(Instant::now(), begin, "nobody waits before the first");
        tokio::time::advance(ATTEMPT).await;
        assert_eq!(attempts.next().await, Some(begin + Duration::from_millis(1500)));
        tokio::time::advance(ATTEMPT).await;
        assert_eq!(attempts.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_each_time_has_failed() {
        let mut attempts = attempts();
        attempts.refused("connection refused");
        assert_eq!(attempts.over(), Answer::failed("connection refused"));
    }

    #[tokio::test(start_paused = true)]
    async fn only_whoever_was_in_somebodys_way_is_asked_again_at_once() {
        let begin = Instant::now();
        let mut attempts = attempts();
        attempts.next().await;
        let again = attempts.after(Setback::InTheWay("deadlock".to_owned())).await;
        assert_eq!((again, Instant::now()), (Some(begin + ATTEMPT), begin));
        attempts.after(Setback::Refused("read-only".to_owned())).await;
        assert_eq!(Instant::now(), begin + PAUSE);
        attempts.after(Setback::Lost("connection reset".to_owned())).await;
        assert_eq!(Instant::now(), begin + 2 * PAUSE);
        let unknown = Answer::because(Outcome::Unknown, "connection reset");
        assert_eq!(attempts.over(), unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lost_once_stays_unknown_whatever_is_said_later() {
        for deny in
            [Attempts::over as fn(Attempts) -> Answer, |attempts| attempts.rejected("sold out")]
        {
            let mut attempts = attempts();
            attempts.lost("connection reset");
            attempts.refused("connection refused");
            assert_eq!(deny(attempts).outcome, Outcome::Unknown);
        }
        assert_eq!(attempts().rejected("sold out"), Answer::rejected("sold out"));
    }
}
