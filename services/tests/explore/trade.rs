//! The model of one trade between a client and its number: what is told, and what comes of it.
//!
//! Real are what the front-end and a leader make of attempts without an outcome
//! ([`services::http::Attempts`]), what a leader does next with a trade that it carries
//! ([`services::order::progress`]), and the catalog's decision ([`services::catalog::ledger`]).
//! Modelled are the shells around them (`front_end/failover.rs`, `order/trades.rs`), and of the
//! replicas only what matters here: a leader numbers a trade while its epoch lasts, and a new one
//! shuts the old one out at the catalog, then numbers what was applied without a number.
//!
//! Without a fault: everything takes as long as it likes, the front-end's patience ends, a dead
//! leader is replaced. Faults, each of which counts: a leader dies, or is replaced while it lives;
//! the front-end dies; a connection breaks, to the leader or to the catalog, and what was on it may
//! yet arrive.

use std::hash::{Hash, Hasher};

use hyper::{HeaderMap, StatusCode};
use services::catalog::ledger::{Ledger, Stale, Trade, Verdict};
use services::http::{Attempt, Attempts, CallError, Reply};
use services::order::trade_progress::{CatalogReply, Next, TradeProgress};
use services::planted::Bugs;
use wire::bazaar::{CatalogTrade, ErrorBody, Quantity, TradeType};
use wire::ids::{Epoch, RequestId};
use wire::internal::TradeRecord;

use crate::ledger::{STOCK, hash_printed, new_ledger};
use crate::search::Model;

/// How often the front-end tries.
const MAX_TRIES: u8 = 2;
/// Steps after which nothing may be under way any more, if nothing goes wrong.
const MAX_SETTLING: usize = 50;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OneTrade {
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    ledger: Ledger,
    record: Option<TradeRecord>,
    is_numbered: bool,
    /// The newest epoch.
    epoch: Epoch,
    leader_is_up: bool,
    /// `None` once the client has been told, or the front-end is dead.
    front_end: Option<FrontEnd>,
    carriers: Vec<Carrier>,
    /// Requests of these epochs that nobody waits for any more, on their way to the catalog.
    orphans: Vec<Epoch>,
    told: Option<Told>,
}

/// The front-end's task for the trade.
#[derive(Clone, Copy, Debug)]
struct FrontEnd {
    tried: Attempts,
    tries: u8,
}

/// A leader's task for the trade.
#[derive(Clone, Copy, Debug)]
struct Carrier {
    epoch: Epoch,
    progress: TradeProgress,
    stage: Stage,
    /// The front-end waits for what it says.
    is_awaited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is about to ask the catalog.
    ToAsk,
    /// The question is on its way.
    Asked,
    /// The answer is.
    Answered(Answered),
    /// It is about to have the trade numbered.
    ToNumber,
}

/// What the catalog says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Applied,
    /// A newer epoch has begun; whether the trade had been decided before.
    Stale(bool),
}

/// What the client knows in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Number,
    /// Certainly nothing happened.
    Failed,
    Unknown,
}

/// What can happen. Carriers and orphans are named by their places.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Try,
    PatienceEnds,
    Ask(usize),
    Decide(usize),
    Hear(usize),
    Number(usize),
    OrphanArrives(usize),
    Elect,
    CatalogBreaks(usize),
    LeaderBreaks,
    LeaderDies,
    LeaderIsReplaced,
    FrontEndDies,
}

impl Hash for Deal {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // One stock: equal deals, and only those, print the same.
        hash_printed(self, hasher);
    }
}

impl Model for OneTrade {
    type State = Deal;
    type Action = Action;

    fn start(&self) -> Deal {
        Deal {
            ledger: new_ledger(Epoch(1), 100, 100, self.bugs),
            record: None,
            is_numbered: false,
            epoch: Epoch(1),
            leader_is_up: true,
            front_end: Some(FrontEnd { tried: Attempts::new(self.bugs), tries: 0 }),
            carriers: Vec::new(),
            orphans: Vec::new(),
            told: None,
        }
    }

    fn actions(&self, deal: &Deal) -> Vec<(Action, u8)> {
        let mut actions = Vec::new();
        for (place, carrier) in deal.carriers.iter().enumerate() {
            actions.push(match carrier.stage {
                Stage::ToAsk => (Action::Ask(place), 0),
                Stage::Asked => (Action::Decide(place), 0),
                Stage::Answered(_) => (Action::Hear(place), 0),
                Stage::ToNumber => (Action::Number(place), 0),
            });
            if matches!(carrier.stage, Stage::Asked | Stage::Answered(_)) {
                actions.push((Action::CatalogBreaks(place), 1));
            }
        }
        actions.extend((0..deal.orphans.len()).map(|place| (Action::OrphanArrives(place), 0)));
        if deal.leader_is_up {
            actions.extend([(Action::LeaderDies, 1), (Action::LeaderIsReplaced, 1)]);
        } else {
            actions.push((Action::Elect, 0));
        }
        if let Some(front_end) = deal.front_end {
            let is_waiting = deal.carriers.iter().any(|carrier| carrier.is_awaited);
            if is_waiting {
                actions.push((Action::LeaderBreaks, 1));
            } else if front_end.tries < MAX_TRIES {
                actions.push((Action::Try, 0));
            }
            actions.extend([(Action::PatienceEnds, 0), (Action::FrontEndDies, 1)]);
        }
        actions
    }

    fn after(&self, deal: &Deal, action: Action) -> Deal {
        let mut deal = deal.clone();
        deal.happen(action, self.bugs);
        deal
    }

    fn broken(&self, deal: &Deal, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        deal.lie().or_else(|| self.settled(deal, &mut None).unsettled())
    }

    fn describe(&self, deal: &Deal, action: Action) -> String {
        deal.describe(action)
    }

    fn epilogue(&self, deal: &Deal) -> Vec<String> {
        let mut told = Some(Vec::new());
        if deal.lie().is_none() {
            self.settled(deal, &mut told);
        }
        told.unwrap_or_default()
    }
}

impl OneTrade {
    /// What becomes of it if nothing goes wrong any more and the front-end does not try again: nobody
    /// can count on that, since its patience may end at any time.
    fn settled(&self, deal: &Deal, told: &mut Option<Vec<String>>) -> Deal {
        let mut deal = deal.clone();
        for _ in 0..MAX_SETTLING {
            let actions = self.actions(&deal).into_iter();
            let mut free =
                actions.filter(|(action, faults)| *faults == 0 && !matches!(action, Action::Try));
            let Some((action, _)) = free.next() else { break };
            if let Some(told) = told {
                told.push(deal.describe(action));
            }
            deal.happen(action, self.bugs);
        }
        deal
    }
}

impl Deal {
    /// Anybody who was told something was told the truth.
    fn lie(&self) -> Option<String> {
        let lie = match self.told {
            Some(Told::Failed) if self.record.is_some() => {
                "the client was told that nothing happened, and the trade is applied"
            }
            Some(Told::Number) if !self.is_numbered => "the client was told a number that is none",
            _ => return None,
        };
        Some(lie.to_owned())
    }

    fn unsettled(&self) -> Option<String> {
        let lost = self.record.is_some() && !self.is_numbered;
        self.lie().or_else(|| lost.then(|| "the trade is applied and never numbered".to_owned()))
    }

    fn happen(&mut self, action: Action, bugs: Bugs) {
        match action {
            Action::Try => self.try_leader(bugs),
            Action::PatienceEnds => {
                self.hang_up(&CallError::Timeout(std::time::Duration::ZERO), bugs);
                let front_end = self.front_end.take();
                let is_certain = front_end.is_some_and(|it| it.tried.are_without_effect());
                self.told = Some(if is_certain { Told::Failed } else { Told::Unknown });
            }
            Action::FrontEndDies => {
                self.hang_up(&broken(), bugs);
                (self.front_end, self.told) = (None, Some(Told::Unknown));
            }
            Action::LeaderBreaks => self.hang_up(&broken(), bugs),
            Action::Ask(place) => {
                let carrier = &mut self.carriers[place];
                if carrier.epoch == self.epoch {
                    carrier.stage = Stage::Asked;
                } else {
                    let next = carrier.progress.replaced();
                    self.go_on(place, next);
                }
            }
            Action::Decide(place) => {
                let answered = self.decide(self.carriers[place].epoch);
                self.carriers[place].stage = Stage::Answered(answered);
            }
            Action::OrphanArrives(place) => {
                let epoch = self.orphans.remove(place);
                self.decide(epoch);
            }
            Action::Hear(place) => {
                let Stage::Answered(answered) = self.carriers[place].stage else { return };
                let heard = match answered {
                    Answered::Applied => CatalogReply::Applied(()),
                    Answered::Stale(true) => CatalogReply::Deposed(Attempt::Unclear),
                    Answered::Stale(false) => CatalogReply::Deposed(Attempt::WithoutEffect),
                };
                let next = self.carriers[place].progress.heard(heard);
                self.go_on(place, next);
            }
            Action::CatalogBreaks(place) => {
                self.orphan(place);
                let heard = CatalogReply::Nothing(broken().as_attempt(bugs));
                let next = self.carriers[place].progress.heard(heard);
                self.go_on(place, next);
            }
            Action::Number(place) => {
                let carrier = self.carriers.remove(place);
                let leads = carrier.epoch == self.epoch;
                self.is_numbered |= leads;
                if carrier.is_awaited && leads {
                    (self.front_end, self.told) = (None, Some(Told::Number));
                } else if carrier.is_awaited {
                    self.note(put_off(false).as_attempt());
                }
            }
            Action::LeaderDies => {
                self.leader_is_up = false;
                for place in (0..self.carriers.len()).rev() {
                    if self.carriers[place].epoch == self.epoch {
                        self.orphan(place);
                        if self.carriers.remove(place).is_awaited {
                            self.note(broken().as_attempt(bugs));
                        }
                    }
                }
            }
            Action::Elect | Action::LeaderIsReplaced => self.take_over(),
        }
    }

    /// A new leader shuts out the old one, then numbers what it left.
    fn take_over(&mut self) {
        self.epoch = self.epoch.next();
        self.leader_is_up = true;
        self.ledger.fence(self.epoch).expect("it is the newest");
        self.is_numbered |= self.record.is_some();
    }

    fn try_leader(&mut self, bugs: Bugs) {
        let Some(front_end) = &mut self.front_end else { return };
        front_end.tries += 1;
        if !self.leader_is_up {
            return front_end.tried.note(CallError::Refused.as_attempt(bugs));
        }
        self.carriers.push(Carrier {
            epoch: self.epoch,
            progress: TradeProgress::new(bugs),
            stage: Stage::ToAsk,
            is_awaited: true,
        });
    }

    /// The connection between the front-end and the leader is gone.
    fn hang_up(&mut self, error: &CallError, bugs: Bugs) {
        let awaited = self.carriers.iter().position(|carrier| carrier.is_awaited);
        let Some(place) = awaited else { return };
        self.carriers[place].is_awaited = false;
        self.note(error.as_attempt(bugs));
        if !TradeProgress::outlives_its_connection(bugs) {
            self.orphan(place);
            self.carriers.remove(place);
        }
    }

    /// A carrier's question, if it is on its way, goes on without it.
    fn orphan(&mut self, place: usize) {
        let Carrier { epoch, stage, .. } = self.carriers[place];
        if stage == Stage::Asked {
            self.orphans.push(epoch);
        }
    }

    fn decide(&mut self, epoch: Epoch) -> Answered {
        let trade = Trade {
            request_id: RequestId::new("R1").expect("short and visible"),
            epoch: Some(epoch),
            body: CatalogTrade {
                stock_name: STOCK.to_owned(),
                trade_type: TradeType::Buy,
                quantity: Quantity::new(1).expect("1 is positive"),
            },
        };
        match self.ledger.decide(&trade, self.record.clone()) {
            Verdict::New(record) => {
                self.record = Some(record);
                Answered::Applied
            }
            Verdict::Repeat(_) => Answered::Applied,
            Verdict::Stale(Stale { recorded, .. }) => Answered::Stale(recorded),
            Verdict::Conflict => unreachable!("the request id always brings the same trade"),
        }
    }

    fn go_on(&mut self, place: usize, next: Next<(), ()>) {
        match next {
            Next::Ask => self.carriers[place].stage = Stage::ToAsk,
            Next::Number(()) => self.carriers[place].stage = Stage::ToNumber,
            Next::GiveUp { without_effect } => {
                if self.carriers.remove(place).is_awaited {
                    self.note(put_off(without_effect).as_attempt());
                }
            }
            Next::Answer(()) => unreachable!("the trade is never refused"),
        }
    }

    fn note(&mut self, attempt: Attempt) {
        if let Some(front_end) = &mut self.front_end {
            front_end.tried.note(attempt);
        }
    }

    fn describe(&self, action: Action) -> String {
        let leader = |place: usize| format!("the leader of epoch {}", self.carriers[place].epoch);
        match action {
            Action::Try if self.leader_is_up => {
                format!("the front-end sends the trade to the leader of epoch {}", self.epoch)
            }
            Action::Try => "the front-end's connection is refused: the leader is dead".to_owned(),
            Action::PatienceEnds => {
                let certain = self.front_end.is_some_and(|it| it.tried.are_without_effect());
                let is_waiting = self.carriers.iter().any(|carrier| carrier.is_awaited);
                let known = if certain && !is_waiting { "" } else { ", not knowing what happened" };
                format!("the front-end's patience ends{known}")
            }
            Action::Ask(place) => format!("{} asks the catalog, if it leads", leader(place)),
            Action::Decide(place) => {
                format!("the question of {} arrives at the catalog", leader(place))
            }
            Action::Hear(place) => format!("{} hears the catalog's answer", leader(place)),
            Action::Number(place) => format!("{} numbers the trade, if it leads", leader(place)),
            Action::OrphanArrives(place) => format!(
                "a question of epoch {} that nobody waits for arrives at the catalog",
                self.orphans[place]
            ),
            Action::Elect => "another leader takes over".to_owned(),
            Action::CatalogBreaks(place) => {
                format!("the connection between {} and the catalog breaks", leader(place))
            }
            Action::LeaderBreaks => {
                "the connection between the front-end and the leader breaks".to_owned()
            }
            Action::LeaderDies => "the leader dies".to_owned(),
            Action::LeaderIsReplaced => "the leader hangs, and another one takes over".to_owned(),
            Action::FrontEndDies => "the front-end dies".to_owned(),
        }
    }
}

fn broken() -> CallError {
    CallError::Broken("reset".to_owned())
}

/// A leader's 503.
fn put_off(without_effect: bool) -> Reply {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let body = ErrorBody::new(status.as_u16(), "this replica was replaced as the leader");
    let body = if without_effect { body.without_effect() } else { body };
    let body = serde_json::to_vec(&body).expect("it can always be written as JSON");
    Reply { status, headers: HeaderMap::new(), body: body.into() }
}
