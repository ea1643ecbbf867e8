//! How each action is told.

use services::front_end::cache::Lookup;

use super::{Action, Bazaar};
use crate::ledger::STOCK;

impl Bazaar {
    pub(super) fn describe(&self, action: Action) -> String {
        let said = |place: usize| self.reads[place].answer.unwrap_or_default();
        let least = |place: usize| self.reads[place].least;
        let outcome = || {
            let attempt = self.catalog.as_ref().and_then(|catalog| catalog.attempt.as_ref());
            attempt.and_then(|attempt| attempt.outcome)
        };
        match action {
            Action::Trade(trade) => format!("the catalog takes and commits R{}", trade + 1),
            Action::BeginPush => "the catalog's pusher looks what is new".to_owned(),
            Action::PushArrives { answer_is_lost } => format!(
                "the push arrives at the front-end{}",
                if answer_is_lost { "; its answer is lost" } else { "" }
            ),
            Action::PushRefused => "the push is refused: no front-end listens".to_owned(),
            Action::PushLost => "the push is lost".to_owned(),
            Action::Conclude => format!("the catalog sees what became of it: {:?}", outcome()),
            Action::Read => match self.front_end.clone().map(|mut fe| fe.cache.lookup(STOCK)) {
                Some(Lookup::Hit(version)) => format!("a read: the cache shows version {version}"),
                _ => "a read: not in the cache".to_owned(),
            },
            Action::FillAtCatalog(place) => {
                format!("the catalog is asked for version {} or newer", least(place))
            }
            Action::FillArrives(place) => {
                format!("version {} arrives at the front-end", said(place))
            }
            Action::FillLost(place) => {
                format!("version {} is lost on its way to the front-end", said(place))
            }
            Action::Remove => "the stock is dropped from the cache by hand".to_owned(),
            Action::StopFrontEnd => "the front-end is asked to stop".to_owned(),
            Action::EndFrontEnd => "the front-end has stopped".to_owned(),
            Action::CrashFrontEnd => "the front-end dies".to_owned(),
            Action::StartFrontEnd => "the front-end is back".to_owned(),
            Action::CrashCatalog => "the catalog dies".to_owned(),
            Action::LoseCatalog => "the catalog dies, and its file is lost".to_owned(),
            Action::StartCatalog => "the catalog is back".to_owned(),
        }
    }
}
