//! What a replica takes from a leader.

use base::planted::Bug;
use wire::ids::{Epoch, OrderNo};
use wire::internal::{Append, AppendReply};

use super::{Effect, Reception, Replica};
use crate::change::Change;
use crate::log::{Contradiction, Plan};

impl Replica {
    /// A leader's message arrived at a follower.
    ///
    /// # Errors
    /// If no correct leader could have sent it.
    pub fn receive(&self, message: &Append) -> Result<Reception, Contradiction> {
        if let Some(own) = self.bazaar.as_ref().filter(|_| self.is_of_another(&message.bazaar)) {
            return Err(Contradiction::OtherBazaar(message.bazaar.clone(), own.clone()));
        }
        let led_here = self.leadership.as_ref().map(|leadership| leadership.epoch);
        let is_over = message.epoch < self.accepted && !self.bugs.has(Bug::NoEpochCheckAtFollower);
        if is_over || led_here == Some(message.epoch) {
            return Ok(Reception::Stale(self.accepted));
        }
        match self.log.plan(message, self.committed, self.bugs) {
            Ok(plan) => Ok(Reception::Plan(plan)),
            Err(refusal) if refusal.committed().is_some() => Ok(Reception::Refused(refusal)),
            Err(contradiction) => Err(contradiction),
        }
    }

    /// What has to be on disk before a message is accepted as planned, and the answer that it gets then. The commit
    /// mark ([`Replica::mark_with`]) goes with it.
    #[must_use]
    pub fn prepare<'a>(&self, message: &'a Append, plan: &'a Plan) -> (Change<'a>, AppendReply) {
        let identity = self.identity.clone();
        let mut change = Change {
            accepted: self.epoch_to_store(message.epoch),
            bazaar: self.bazaar.is_none().then_some(&message.bazaar),
            ..Change::default()
        };
        let reply = match plan {
            Plan::Mismatch { try_after } => {
                AppendReply::Mismatch { try_after: *try_after, identity }
            }
            Plan::Change { restamped, keep, entries, matched } => {
                change.restamped = restamped;
                change.keep = (*keep < self.log.last().order_no).then_some(*keep);
                change.entries = entries;
                AppendReply::Accepted { matched: *matched, identity }
            }
        };
        (change, reply)
    }

    /// The mark that belongs on disk together with a plan for `message`.
    #[must_use]
    pub fn mark_with(&self, message: &Append, plan: &Plan) -> OrderNo {
        match plan {
            Plan::Change { matched, .. } => self.committed.max(message.committed.min(*matched)),
            Plan::Mismatch { .. } => self.committed,
        }
    }

    /// Carries out what [`Replica::receive`] planned and the disk now holds.
    pub fn accept(&mut self, message: &Append, plan: Plan) -> Vec<Effect> {
        let effects = self.saw_epoch(message.epoch);
        self.accepted = self.accepted.max(message.epoch);
        self.bazaar.get_or_insert_with(|| message.bazaar.clone());
        self.committed = self.mark_with(message, &plan);
        if let Plan::Change { restamped, keep, entries, .. } = plan {
            self.log.restamp(restamped);
            self.log.apply(keep, entries);
        }
        effects
    }

    /// What has to be on disk before a message of `epoch` is answered (I4): the epoch, if it is newer
    /// than the newest that is.
    fn epoch_to_store(&self, epoch: Epoch) -> Option<Epoch> {
        (epoch > self.accepted && !self.bugs.has(Bug::ForgetEpoch)).then_some(epoch)
    }
}
