//! What a replica makes of what the front-end announces.

use base::planted::Bug;
use wire::configuration::{Configuration, Fence};
use wire::ids::{BazaarId, Epoch};

use super::{Effect, Replica, Unfenced};

impl Replica {
    /// A configuration was announced. Only a newer one than the newest known matters (rule L5:
    /// by epoch first, since a front-end with an old file goes on from an old version).
    pub fn hear(&mut self, heard: Configuration) -> Vec<Effect> {
        let is_known = |known: &Configuration| match self.bugs.has(Bug::CompareVersions) {
            true => known.version >= heard.version,
            false => known.age() >= heard.age(),
        };
        let is_foreign = self.is_of_another(&heard.bazaar);
        if self.configuration.as_ref().is_some_and(is_known) || is_foreign {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.leadership.as_ref().is_some_and(|leadership| leadership.epoch < heard.epoch) {
            effects = self.step_down();
        }
        let leads = self.is_chosen_by(&heard);
        let goes_on = heard.epoch <= self.accepted && self.bugs.has(Bug::LeadOldEpoch);
        let epoch = heard.epoch;
        effects.extend(self.store_heard(epoch, &heard.bazaar));
        self.note_removals(&heard);
        let before = self.configuration.replace(heard).map(|before| before.leader);
        self.predecessor = before.filter(|leader| *leader != self.id);
        if leads && goes_on {
            self.begin(epoch);
            self.begin_to_reconcile();
        } else if leads {
            effects.push(Effect::Lead(epoch));
        }
        effects.extend(self.advance());
        effects
    }

    /// Rule L1: whether this replica's file belongs to another bazaar. *Otherwise: front-end.db is lost and
    /// another bazaar's order-3.db is in the folder; it is the longest log, and leads.*
    pub(super) fn is_of_another(&self, bazaar: &BazaarId) -> bool {
        let is_another = self.bazaar.as_ref().is_some_and(|own| own != bazaar);
        is_another && !self.bugs.has(Bug::TakeAnyBazaar)
    }

    /// Whether this replica is a member as far as it knows, and is none any more by what it hears.
    #[must_use]
    pub fn is_removed_by(&self, heard: &Configuration) -> bool {
        let was_member = self.configuration.as_ref().is_some_and(|known| known.has_member(self.id));
        was_member && !heard.has_member(self.id)
    }

    /// No matter who asked for a removal, it counts (rule G2).
    fn note_removals(&mut self, heard: &Configuration) {
        let Some(known) = &self.configuration else { return };
        for (id, probation) in &mut self.probation {
            if known.has_member(*id) && !heard.has_member(*id) {
                probation.removed();
            }
        }
    }

    /// Rules R4 and L5: a leadership was given to a process. One that was started since does not know
    /// what its predecessor had sent and not flushed, and may run on another copy of the file.
    fn is_chosen_by(&self, heard: &Configuration) -> bool {
        let is_over = heard.epoch < self.accepted;
        let is_own = heard.leader_incarnation == self.incarnation
            || (self.bugs.has(Bug::LeadAnyIncarnation) && heard.epoch > self.accepted)
            || self.bugs.has(Bug::LeadOldEpoch);
        heard.leader == self.id && is_own && !is_over && !self.is_leading()
    }

    /// Rule L5: anybody who has heard of an epoch takes nothing from older ones.
    fn store_heard(&mut self, epoch: Epoch, bazaar: &BazaarId) -> Option<Effect> {
        let is_told = self.bazaar.is_none();
        let newer = epoch > self.accepted && !self.bugs.has(Bug::ObeyBelowHeard);
        if newer {
            self.accepted = epoch;
        }
        if is_told {
            self.bazaar = Some(bazaar.clone());
        }
        let is_stored = (newer && !self.bugs.has(Bug::ForgetEpoch)) || is_told;
        is_stored.then(|| Effect::Store {
            epoch: self.accepted,
            bazaar: is_told.then(|| bazaar.clone()),
        })
    }

    /// Rule L4: a front-end without a configuration wants to know what there is. From now on no
    /// message of an older epoch is taken, so what it is told stays true.
    ///
    /// # Errors
    /// If this replica belongs to another bazaar, or to none: then it cannot vouch for anything.
    pub fn fence(&mut self, fence: &Fence) -> Result<Vec<Effect>, Unfenced> {
        match &self.bazaar {
            None => return Err(Unfenced::NoBazaar),
            Some(own) if self.is_of_another(&fence.bazaar) => {
                return Err(Unfenced::OtherBazaar(own.clone()));
            }
            Some(_) => {}
        }
        let mut effects = self.saw_epoch(fence.epoch);
        effects.extend(self.store_heard(fence.epoch, &fence.bazaar));
        Ok(effects)
    }
}
