//! Numbers for orders that a target calls by texts: rows have a column of numbers.
//!
//! A number from 0 up stays itself. A text, and a number below 0, gets the next number of a table: 1, 2, 3 in the order in
//! which they are first seen. One table serves all clients of a trial and whatever reads its state, so that an order has one
//! number wherever it turns up. Should a target mix the two, its texts are counted from far beyond any real number, if a
//! real one was seen first: no text and no number are taken for the same order then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use targets::order_no::OrderNo;

/// Where names are counted from beside real numbers, which no service reaches by counting.
const BESIDE_NUMBERS: u64 = 1 << 62;

/// The table of a trial.
#[derive(Debug, Default)]
pub struct OrderNames {
    has_numbers: AtomicBool,
    table: Mutex<Table>,
    /// The orders that were acknowledged, if somebody asks for each in the end.
    acknowledged: Option<Mutex<Vec<OrderNo>>>,
}

#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<OrderNo, u64>,
    names: HashMap<u64, OrderNo>,
    last: u64,
}

impl OrderNames {
    /// A table that keeps the orders that were acknowledged.
    #[must_use]
    pub fn remembering() -> Self {
        Self { acknowledged: Some(Mutex::default()), ..Self::default() }
    }

    /// Keeps an order that was acknowledged, if this table does so.
    pub fn acknowledge(&self, order_no: &OrderNo) {
        if let Some(kept) = &self.acknowledged {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(order_no.clone());
        }
    }

    /// The orders that were kept.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<OrderNo> {
        let kept = self.acknowledged.as_ref();
        kept.map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    /// The number of an order in rows: always the same for the same order.
    #[must_use]
    pub fn number(&self, order_no: &OrderNo) -> u64 {
        if let Some(number) = real(order_no) {
            // Looked at first: what is shared is written once, not by every client all the time.
            if !self.has_numbers.load(Ordering::Relaxed) {
                self.has_numbers.store(true, Ordering::Relaxed);
            }
            return number;
        }
        let mut table = self.table();
        if let Some(number) = table.numbers.get(order_no) {
            return *number;
        }
        if table.last == 0 && self.has_numbers.load(Ordering::Relaxed) {
            table.last = BESIDE_NUMBERS;
        }
        table.last += 1;
        let number = table.last;
        table.numbers.insert(order_no.clone(), number);
        table.names.insert(number, order_no.clone());
        number
    }

    /// The order that has this number in rows, as the target calls it.
    #[must_use]
    pub fn name(&self, number: u64) -> Option<OrderNo> {
        let named = self.table().names.get(&number).cloned();
        named.or_else(|| i64::try_from(number).ok().map(OrderNo::Number))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn real(order_no: &OrderNo) -> Option<u64> {
    match order_no {
        OrderNo::Number(number) => u64::try_from(*number).ok(),
        OrderNo::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> OrderNo {
        OrderNo::Text(text.to_owned())
    }

    #[test]
    fn numbers_from_0_up_stay_themselves() {
        let names = OrderNames::default();
        for number in [0, 1, 7, i64::MAX] {
            assert_eq!(names.number(&OrderNo::Number(number)), number.unsigned_abs());
            assert_eq!(names.name(number.unsigned_abs()), Some(OrderNo::Number(number)));
        }
        assert_eq!(names.name(u64::MAX), None);
    }

    #[test]
    fn texts_and_numbers_below_0_are_counted_and_found_both_ways() {
        let names = OrderNames::default();
        let orders = [text("b"), text("a"), OrderNo::Number(-1), text("7"), text("a")];
        let numbers: Vec<_> = orders.iter().map(|order| names.number(order)).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 2]);
        for (order, number) in orders.into_iter().zip(numbers) {
            assert_eq!(names.name(number), Some(order));
        }
    }

    #[test]
    fn a_text_among_numbers_is_taken_for_none_of_them() {
        let names = OrderNames::default();
        assert_eq!(names.number(&OrderNo::Number(1)), 1);
        let number = names.number(&text("x"));
        assert!(number > BESIDE_NUMBERS);
        assert_eq!(names.name(number), Some(text("x")));
        assert_eq!(names.name(1), Some(OrderNo::Number(1)));
    }
}
