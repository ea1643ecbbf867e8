//! How the front-end begins: for the first time, after it has lost its file, or after a restart.
//!
//! The decisions are in [`start_check`](super::start_check); here is who is asked, and who is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::tasks::Tasks;
use wire::configuration::{Cause, Configuration, Fence};
use wire::ids::ReplicaId;
use wire::internal::{CatalogStatus, Part, PingReply};

use super::Detector;
use crate::membership::Standing;
use crate::start_check::{self, PartName, Past, StartError};
use crate::{election, fence};

impl Detector {
    /// Without a configuration every replica and the catalog must answer (rule L4): one that is down
    /// might hold orders that nobody else holds.
    pub(super) async fn begin(&mut self) -> Result<(), StartError> {
        let configuration = loop {
            let round = self.round(self.everybody.iter().copied());
            let (answered, catalog) =
                tokio::join!(election::ask(&self.pinger, round), self.pinger.ask_catalog());
            let missing =
                start_check::missing(&self.everybody, &answered, catalog.as_ref(), self.bugs);
            if let Some(catalog) = catalog.filter(|_| missing.is_empty()) {
                match start_check::look(&answered, &catalog, self.bugs)? {
                    Past::Nothing => break self.membership.first(answered, catalog).await?,
                    Past::Of(fence) => {
                        let fenced = self.fence(&fence, answered.keys().copied()).await;
                        let fenced = fence::counted(answered, fenced, self.bugs);
                        let missing = start_check::missing(
                            &self.everybody,
                            &fenced,
                            Some(&catalog),
                            self.bugs,
                        );
                        if missing.is_empty() {
                            let adopted =
                                start_check::adopted(&fence, &fenced, &catalog, self.bugs)?;
                            break self.membership.adopt(adopted).await?;
                        }
                        self.waits_for(&missing);
                    }
                }
            } else {
                self.waits_for(&missing);
            }
            tokio::time::sleep(self.retry_period).await;
        };
        self.led_by(&configuration);
        Ok(())
    }

    /// What each says that shuts out every older epoch from now on.
    pub(super) async fn fence(
        &self,
        fence: &Fence,
        replicas: impl Iterator<Item = ReplicaId>,
    ) -> BTreeMap<ReplicaId, PingReply> {
        let mut asked = Tasks::new();
        for replica in replicas {
            let (pinger, fence) = (Arc::clone(&self.pinger), fence.clone());
            asked.spawn(async move { pinger.fence(replica, &fence).await });
        }
        let fenced = asked.join_all().await;
        fenced.into_iter().flatten().map(|reply| (reply.id, reply)).collect()
    }

    fn waits_for(&self, missing: &[Part]) {
        let names: Vec<String> = missing.iter().map(|part| PartName(*part).to_string()).collect();
        let reason = format!("waiting for {}", names.join(", "));
        let standing = Standing::Waiting(reason.as_str().into());
        if self.membership.standing() != standing {
            tracing::info!("{reason}");
            self.membership.set_standing(standing);
        }
    }

    /// A restart of the front-end: the recorded leader goes on if no log is longer (rule L3), under a
    /// new epoch (rule R4), above all that anybody has heard of (rule L5).
    pub(super) async fn begin_again(&mut self) -> Result<(), StartError> {
        loop {
            if let Some(configuration) = self.membership.configuration() {
                let (answered, catalog) = self.ask_everybody(&configuration).await?;
                let cause = Cause::FrontEndRestart;
                self.conclude_with(&configuration, answered, catalog, cause, None).await;
            }
            if self.membership.standing() == Standing::Led {
                return Ok(());
            }
            tokio::time::sleep(self.retry_period).await;
        }
    }

    async fn ask_everybody(
        &self,
        current: &Configuration,
    ) -> Result<(BTreeMap<ReplicaId, PingReply>, Option<CatalogStatus>), StartError> {
        let all: BTreeSet<ReplicaId> = self.pinger.replicas().collect();
        let (answered, catalog) =
            tokio::join!(election::ask(&self.pinger, self.round(all)), self.pinger.ask_catalog());
        start_check::again(answered.values(), catalog.as_ref(), &current.bazaar, self.bugs)?;
        Ok((answered, catalog))
    }
}
