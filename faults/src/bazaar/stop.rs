//! The end of a bazaar: at once, or politely.

use supervisor::locked::locked;

use super::{Bazaar, LinkHealed};

impl Bazaar {
    /// Kills everything at once, for somebody who does not wait for [`stop`](Self::stop). Afterwards
    /// nothing can be restarted. The files of the services are as a power failure would leave them,
    /// which they are made for.
    pub fn kill_all(&self) {
        // Each is taken back by its guard.
        locked(&self.own_lasting).clear();
        if let Some(hosts) = &self.host_network {
            hosts.let_go();
        }
        self.system.order_kills();
    }

    /// Stops everything: ends what is wrong with links, disks, speed, what the target's own commands broke, and paused processes, then the signal that each is asked
    /// to end with, a bounded wait, and SIGKILL for what is left, stage by stage. Afterwards nothing can be restarted.
    pub async fn stop(&self) {
        // A service drains what it has begun, for which it may need the others.
        for (fault, route) in self.faulty_links() {
            if let Some(LinkHealed { seen: Err(error), .. }) = self.heal_link(fault).await {
                tracing::warn!(link = %route, %error, "was not healed");
            }
        }
        self.heal_disks();
        self.undo_own_faults().await;
        self.leave_in_peace();
        self.system.stop().await;
    }
}
