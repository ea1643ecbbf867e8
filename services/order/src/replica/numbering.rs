//! From applied trades to numbers, and what the catalog is asked for that: rules N1, L6 and L7.
//!
//! Pure, a part of the [replica](super). A number is the trade's place at the catalog, so the log is
//! appended to in the order of places, and log and catalog can each be made again from the other with
//! the same numbers. An answer whose place leaves a gap waits; a gap that outlives a tick is asked for.
//!
//! What is numbered comes from one incarnation of the catalog, the one that was listed whole: a file that was
//! lost or replaced between two lives gives places away again. Whatever contradicts the log stops the
//! numbering with an obstacle that names both, and nothing else: a process that dies of it would die at
//! every start.

use std::sync::Arc;

use base::planted::{Bug, Bugs};
use wire::ids::{Epoch, Incarnation, OrderNo, RequestId};
use wire::internal::{
    AppliedTrade, Entry, FillReply, FillRequest, MAX_LISTED, Obstacle, Tail, UnnumberedReply,
    UnnumberedRequest,
};

use super::leadership::Phase;
use super::{Effect, NoNumber, Replica, Ticket};

/// Answers that wait for others with lower places: more than there are trades under way.
const MAX_EARLY: usize = 8192;

/// Whether numbers are places. Bugs whose harm is a wrong number count instead, as it was done before
/// there were places: with them it could not come to that.
fn goes_by_places(bugs: Bugs) -> bool {
    let counting = [
        Bug::NumberByArrival,
        Bug::NumberFromDisk,
        Bug::NoOrderLogCheck,
        Bug::LeadOldEpoch,
        Bug::SkipUnnumbered,
    ];
    !counting.into_iter().any(|bug| bugs.has(bug))
}

/// What became of an applied trade.
enum Placed {
    /// It stands in the log.
    At(OrderNo),
    /// There is a gap before it.
    Early,
    /// Another trade stands there, or it stands elsewhere.
    Contradiction(Obstacle),
}

impl Replica {
    /// Numbers an applied trade, unless it has a number: then the caller joins those who wait for
    /// it (R7, R8). The caller's `epoch` is the one in which it sent the trade to the catalog, and
    /// `incarnation` the incarnation of the catalog that answered.
    pub fn number(
        &mut self,
        epoch: Epoch,
        incarnation: &Incarnation,
        trade: &AppliedTrade,
        ticket: Option<Ticket>,
    ) -> Vec<Effect> {
        let refuse = |no| ticket.map(|ticket| Effect::Answer(ticket, Err(no)));
        let bugs = self.bugs;
        let Some(leadership) = self.leadership.as_mut().filter(|leading| leading.epoch == epoch)
        else {
            return refuse(NoNumber::Replaced).into_iter().collect();
        };
        let is_listed = leadership.catalog.listed.as_ref() == Some(incarnation)
            || bugs.has(Bug::NumberFromAnyLife)
            || bugs.has(Bug::LeadOldEpoch);
        if matches!(leadership.obstacle, Some(Obstacle::Contradiction { .. })) && is_listed {
            return refuse(NoNumber::Stopped).into_iter().collect();
        }
        if !is_listed {
            // What stands in the log has its number, whatever has become of the catalog.
            if let Some(order_no) = self.log.number_of(&trade.request_id) {
                return self.join(order_no, ticket, false);
            }
            let mut effects = self.saw_catalog(epoch, incarnation);
            effects.extend(refuse(NoNumber::AskAgain));
            return effects;
        }
        let known = self.log.number_of(&trade.request_id);
        match self.place(epoch, trade) {
            Placed::At(order_no) => {
                let mut effects = self.join(order_no, ticket, known.is_some());
                effects.extend(self.place_early(epoch));
                effects
            }
            Placed::Early => {
                let Some(leadership) = &mut self.leadership else { return Vec::new() };
                let early = &mut leadership.catalog.early;
                if early.len() >= MAX_EARLY {
                    return refuse(NoNumber::AskAgain).into_iter().collect();
                }
                let waits = early.entry(trade.applied_seq.order_no());
                waits.or_insert_with(|| (trade.clone(), Vec::new())).1.extend(ticket);
                Vec::new()
            }
            Placed::Contradiction(obstacle) => {
                let mut effects = self.stop_numbering(obstacle);
                effects.extend(refuse(NoNumber::Stopped));
                effects
            }
        }
    }

    /// Gives a trade its place in the log, if it is its turn.
    fn place(&mut self, epoch: Epoch, trade: &AppliedTrade) -> Placed {
        let last = self.log.last().order_no;
        let known = self.log.number_of(&trade.request_id);
        if !goes_by_places(self.bugs) {
            return self.count(epoch, trade, known);
        }
        let place = trade.applied_seq.order_no();
        match known {
            Some(order_no) if order_no == place => Placed::At(order_no),
            Some(order_no) => Placed::Contradiction(Obstacle::Contradiction {
                place,
                log: format!("{} as #{order_no}", trade.request_id),
                catalog: said(trade),
            }),
            None if place <= last && self.bugs.has(Bug::NumberOverContradiction) => {
                self.append(epoch, trade, last.next())
            }
            None if place <= last => Placed::Contradiction(Obstacle::Contradiction {
                place,
                log: self.log.get(place).map_or_else(String::new, |held| written(held)),
                catalog: said(trade),
            }),
            None if place == last.next() => self.append(epoch, trade, place),
            None => Placed::Early,
        }
    }

    /// The number that follows: how it was done before places.
    fn count(&mut self, epoch: Epoch, trade: &AppliedTrade, known: Option<OrderNo>) -> Placed {
        let last = self.log.last().order_no;
        let flushed = self.leadership.as_ref().map_or(last, |leadership| leadership.flushed);
        let newest = if self.bugs.has(Bug::NumberFromDisk) { flushed } else { last };
        let known = known.filter(|_| !self.bugs.has(Bug::NoOrderLogCheck));
        match known.unwrap_or(newest.next()) {
            order_no if order_no > last => self.append(epoch, trade, order_no),
            order_no => Placed::At(order_no),
        }
    }

    fn append(&mut self, epoch: Epoch, trade: &AppliedTrade, order_no: OrderNo) -> Placed {
        self.log.push(Arc::new(Entry { order_no, ..trade.entry(epoch) }));
        Placed::At(order_no)
    }

    /// Anybody who waits for this number is told once it is committed.
    fn join(&mut self, order_no: OrderNo, ticket: Option<Ticket>, is_repeat: bool) -> Vec<Effect> {
        let Some(ticket) = ticket else { return Vec::new() };
        let answer_now = is_repeat && self.bugs.has(Bug::AnswerUncommittedRepeat);
        if order_no <= self.committed || answer_now {
            return vec![Effect::Answer(ticket, Ok(order_no))];
        }
        if let Some(leadership) = &mut self.leadership {
            leadership.waiting.entry(order_no).or_default().push(ticket);
        }
        Vec::new()
    }

    /// Places what has become next to the log's end.
    fn place_early(&mut self, epoch: Epoch) -> Vec<Effect> {
        let mut effects = Vec::new();
        loop {
            let Some(leadership) = &mut self.leadership else { return effects };
            let Some(first) = leadership.catalog.early.first_entry() else { return effects };
            if *first.key() > self.log.last().order_no.next() {
                return effects;
            }
            let (trade, tickets) = first.remove();
            match self.place(epoch, &trade) {
                Placed::At(order_no) => {
                    for ticket in tickets {
                        effects.extend(self.join(order_no, Some(ticket), false));
                    }
                }
                Placed::Early => return effects,
                Placed::Contradiction(obstacle) => {
                    effects.extend(self.stop_numbering(obstacle));
                    let stopped = |ticket| Effect::Answer(ticket, Err(NoNumber::Stopped));
                    effects.extend(tickets.into_iter().map(stopped));
                    return effects;
                }
            }
        }
    }

    fn stop_numbering(&mut self, obstacle: Obstacle) -> Vec<Effect> {
        let Some(leadership) = &mut self.leadership else { return Vec::new() };
        leadership.obstacle = Some(obstacle);
        let early = std::mem::take(&mut leadership.catalog.early);
        let tickets = early.into_values().flat_map(|(_, tickets)| tickets);
        tickets.map(|ticket| Effect::Answer(ticket, Err(NoNumber::Stopped))).collect()
    }

    /// The task that carried a trade of `epoch` has ended before it was numbered, and nobody asks for it any more:
    /// at the next tick it is looked up what was applied. *Otherwise (E2): it is applied, and has no number
    /// until another trade follows it.*
    pub fn lost_trade(&mut self, epoch: Epoch) {
        let leadership = self.leadership.as_mut().filter(|leading| leading.epoch == epoch);
        if let Some(leadership) = leadership {
            leadership.catalog.has_lost = !self.bugs.has(Bug::DieWithTask);
        }
    }

    /// Time has passed: a gap that was there at the last tick is asked for (N1), and so is what was lost.
    pub fn tick(&mut self) -> Vec<Effect> {
        let end = self.log.last().order_no;
        let Some(leadership) = &mut self.leadership else { return Vec::new() };
        let catalog = &mut leadership.catalog;
        let has_gap = !catalog.early.is_empty();
        let outlived = has_gap && catalog.gap_since == Some(end);
        catalog.gap_since = has_gap.then_some(end);
        let is_left =
            [Bug::SkipUnnumbered, Bug::NeverAskForGap].iter().any(|bug| self.bugs.has(*bug));
        let has_lost = catalog.has_lost && !catalog.asked;
        if has_lost || (outlived && !catalog.asked && !is_left) {
            catalog.has_lost = false;
            return self.list();
        }
        Vec::new()
    }

    /// An incarnation of the catalog was met: in an answer, or because it was looked up. Another one than was
    /// listed is listed first, and answers of the earlier one are numbered no more (rule L6).
    pub fn saw_catalog(&mut self, epoch: Epoch, incarnation: &Incarnation) -> Vec<Effect> {
        let bugs = self.bugs;
        let Some(leadership) = self.leadership.as_mut().filter(|leading| leading.epoch == epoch)
        else {
            return Vec::new();
        };
        let catalog = &mut leadership.catalog;
        if catalog.asked || catalog.answered.as_ref() == Some(incarnation) || ignores_lives(bugs) {
            return Vec::new();
        }
        if bugs.has(Bug::ListOnce) {
            return self.forget_list(incarnation);
        }
        self.list_anew(incarnation)
    }

    /// Another incarnation of the catalog than the one that is known: it is listed from the log's end, and by
    /// its name, so that no other opens for it.
    fn list_anew(&mut self, incarnation: &Incarnation) -> Vec<Effect> {
        let mut effects = self.forget_list(incarnation);
        effects.extend(self.list());
        effects
    }

    /// From now on only what this incarnation of the catalog answers is numbered, once it has been listed (L6).
    fn forget_list(&mut self, incarnation: &Incarnation) -> Vec<Effect> {
        let Some(leadership) = &mut self.leadership else { return Vec::new() };
        let catalog = &mut leadership.catalog;
        catalog.listed = None;
        catalog.answered = Some(incarnation.clone());
        catalog.gap_since = None;
        let early = std::mem::take(&mut catalog.early);
        let tickets = early.into_values().flat_map(|(_, tickets)| tickets);
        tickets.map(|ticket| Effect::Answer(ticket, Err(NoNumber::AskAgain))).collect()
    }

    /// Asks the catalog what follows the log's end.
    pub(super) fn list(&mut self) -> Vec<Effect> {
        let by_places = goes_by_places(self.bugs);
        let end = self.log.last().order_no;
        let (Some(leadership), Some(configuration)) = (&mut self.leadership, &self.configuration)
        else {
            return Vec::new();
        };
        leadership.catalog.asked = true;
        let meant_for = leadership.catalog.answered.clone();
        let after = match by_places {
            true => Tail { place: end, entry: self.log.get(end).cloned() },
            false => Tail::default(),
        };
        let floor = match self.bugs.has(Bug::NoFloor) {
            true => OrderNo(0),
            false => self.committed.max(configuration.committed),
        };
        vec![Effect::List(UnnumberedRequest {
            epoch: leadership.epoch,
            log_end: after.place,
            after,
            floor: if by_places { floor } else { OrderNo(0) },
            by_everybody: configuration.by_everybody || self.bugs.has(Bug::FillByAnybody),
            new_catalog: configuration.new_catalog.clone(),
            meant_for,
            limit: MAX_LISTED,
        })]
    }

    /// The catalog said what was applied, or why it cannot.
    pub fn listed(&mut self, epoch: Epoch, reply: UnnumberedReply) -> Vec<Effect> {
        let asks =
            |leading: &&mut super::Leadership| leading.epoch == epoch && leading.catalog.asked;
        let Some(leadership) = self.leadership.as_mut().filter(asks) else { return Vec::new() };
        leadership.catalog.asked = false;
        leadership.obstacle = None;
        let (incarnation, obstacle) = match reply {
            UnnumberedReply::Page { incarnation, trades, done, .. } => {
                let before = leadership.catalog.answered.replace(incarnation.clone());
                let is_another = before.is_some_and(|before| before != incarnation);
                if is_another && !self.bugs.has(Bug::OpenForAnyList) {
                    return self.list_anew(&incarnation);
                }
                return self.take_page(epoch, incarnation, &trades, done);
            }
            UnnumberedReply::Behind { incarnation, last_place, is_new, may_fill } => {
                if may_fill && !self.bugs.has(Bug::NeverFill) {
                    leadership.catalog.answered = Some(incarnation.clone());
                    return self.fill(incarnation, last_place);
                }
                let log_end = self.log.last().order_no;
                (incarnation, Obstacle::CatalogBehind { last_place, log_end, is_new })
            }
            UnnumberedReply::Contradiction { incarnation, place, log, catalog } => {
                (incarnation, Obstacle::Contradiction { place, log, catalog })
            }
            UnnumberedReply::Short { incarnation, last_place } => {
                let known = self.configuration.as_ref().map_or(OrderNo(0), |known| known.committed);
                let committed = self.committed.max(known);
                (incarnation, Obstacle::ShortOfCommitted { committed, log_end: last_place })
            }
        };
        leadership.obstacle = Some(obstacle);
        let is_another =
            leadership.catalog.listed.as_ref().is_some_and(|known| *known != incarnation);
        if is_another && !ignores_lives(self.bugs) {
            return self.forget_list(&incarnation);
        }
        leadership.catalog.answered = Some(incarnation);
        Vec::new()
    }

    fn take_page(
        &mut self,
        epoch: Epoch,
        incarnation: Incarnation,
        trades: &[AppliedTrade],
        done: bool,
    ) -> Vec<Effect> {
        let trades = if self.bugs.has(Bug::SkipUnnumbered) { &[] } else { trades };
        for trade in trades {
            match self.place(epoch, trade) {
                Placed::At(_) => {}
                // A page without its beginning: ask again.
                Placed::Early => return self.list(),
                Placed::Contradiction(obstacle) => return self.stop_numbering(obstacle),
            }
        }
        if !done && goes_by_places(self.bugs) && !self.bugs.has(Bug::ListOnePage) {
            return self.list();
        }
        let mut effects = self.place_early(epoch);
        let Some(leadership) = &mut self.leadership else { return effects };
        let is_takeover = leadership.phase == Phase::Listing;
        leadership.catalog.listed = Some(incarnation);
        if is_takeover && self.bugs.has(Bug::ReconcileFirst) {
            leadership.phase = Phase::Serving;
        } else if is_takeover {
            self.begin_to_reconcile();
        }
        effects.extend(self.advance());
        effects
    }

    /// Gives the catalog what follows `last_place`, and that entry itself, to be compared.
    fn fill(&mut self, incarnation: Incarnation, last_place: OrderNo) -> Vec<Effect> {
        let Some(leadership) = &mut self.leadership else { return Vec::new() };
        leadership.catalog.asked = true;
        let from = OrderNo(last_place.0.saturating_sub(1));
        vec![Effect::Fill(FillRequest {
            epoch: leadership.epoch,
            incarnation,
            entries: self.log.after(from, MAX_LISTED as usize).to_vec(),
        })]
    }

    /// The catalog was given what it lacked, or said why it does not take it.
    pub fn filled(&mut self, epoch: Epoch, reply: FillReply) -> Vec<Effect> {
        let asks =
            |leading: &&mut super::Leadership| leading.epoch == epoch && leading.catalog.asked;
        let end = self.log.last().order_no;
        let Some(leadership) = self.leadership.as_mut().filter(asks) else { return Vec::new() };
        leadership.catalog.asked = false;
        match reply {
            FillReply::Filled { incarnation, last_place } if last_place < end => {
                self.fill(incarnation, last_place)
            }
            FillReply::Filled { .. } | FillReply::ListFirst { .. } => self.list(),
            FillReply::Contradiction { incarnation, place, log, catalog } => {
                leadership.catalog.answered = Some(incarnation);
                leadership.obstacle = Some(Obstacle::Contradiction { place, log, catalog });
                Vec::new()
            }
        }
    }
}

fn ignores_lives(bugs: Bugs) -> bool {
    bugs.has(Bug::NumberFromAnyLife)
}

/// A trade in words.
pub(crate) fn said(trade: &AppliedTrade) -> String {
    words(&trade.request_id, trade.trade_type.as_str(), trade.quantity, &trade.stock_name)
}

/// The same of an entry.
pub(crate) fn written(entry: &Entry) -> String {
    words(&entry.request_id, entry.trade_type.as_str(), entry.quantity, &entry.stock_name)
}

fn words(id: &RequestId, trade_type: &str, quantity: u32, stock_name: &str) -> String {
    format!("{id} ({trade_type} {quantity} {stock_name})")
}
