//! Rows by what they have in common: a request, or a stock's volume.
//!
//! A run of a million operations has two million rows, and nearly every check asks of each what others
//! know of the same request. So a trial's request ids are numbered once ([`Requests`]), and rows are found
//! by number ([`ByRequest`]): checks compare integers, and of a row an index keeps four bytes.

use std::collections::HashMap;

use hashbrown::DefaultHashBuilder;
use indexmap::IndexSet;

/// The number of a request id within its trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request(u32);

/// Every request id of a trial, numbered in the order in which they were met.
#[derive(Default)]
pub(crate) struct Requests<'a>(IndexSet<&'a str, DefaultHashBuilder>);

impl<'a> Requests<'a> {
    /// The id's number; a new one if it was not met before.
    pub(super) fn number(&mut self, request_id: &'a str) -> Request {
        Request(position(self.0.insert_full(request_id).0))
    }

    /// Takes the room for so many more ids.
    pub(super) fn reserve(&mut self, ids: usize) {
        self.0.reserve_exact(ids);
    }

    /// The id's number, if it has one.
    pub(crate) fn find(&self, request_id: &str) -> Option<Request> {
        self.0.get_index_of(request_id).map(|index| Request(position(index)))
    }

    /// The id of one of these requests.
    pub(crate) fn id(&self, request: Request) -> &'a str {
        self.0[request.0 as usize]
    }

    /// What was found of requests, in the order of their ids, and of each in the order in which it was found.
    pub(crate) fn by_id<T>(&self, mut found: Vec<(Request, T)>) -> Vec<(Request, T)> {
        found.sort_by_key(|&(request, _)| self.id(request));
        found
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Request> + use<> {
        (0..position(self.0.len())).map(Request)
    }
}

/// Says that a chain of rows ends.
const NONE: u32 = u32::MAX;

/// Places of rows by the request that they are about. Mostly there is one of each; more are a violation
/// of its own, or a client that sent the same again.
#[derive(Default)]
pub(super) struct ByRequest {
    /// Of each request the first row.
    first: Vec<u32>,
    /// Of each row the next one that is about the same request.
    next: Vec<u32>,
}

impl ByRequest {
    /// An index of rows that are about these requests, or about one that nobody knows.
    pub(super) fn new(
        requests: &Requests<'_>,
        rows: impl DoubleEndedIterator<Item: Into<Option<Request>>> + ExactSizeIterator,
    ) -> Self {
        let mut first = vec![NONE; requests.0.len()];
        let mut next = vec![NONE; rows.len()];
        // From the last to the first, so that each chain begins with the first.
        for (row, request) in rows.enumerate().rev() {
            let Some(Request(number)) = request.into() else { continue };
            let head = &mut first[number as usize];
            next[row] = *head;
            *head = position(row);
        }
        Self { first, next }
    }

    /// The places of the rows about this request, ascending.
    pub(super) fn find(&self, request: Request) -> impl Iterator<Item = usize> + Clone {
        let place = |row: u32| (row != NONE).then_some(row as usize);
        let first = self.first.get(request.0 as usize).copied().and_then(place);
        std::iter::successors(first, move |&row| place(self.next[row]))
    }
}

/// Places of rows by a stock and its volume, which they should not share, and may.
#[derive(Default)]
pub(super) struct ByVolume<'a>(HashMap<&'a str, Vec<(u64, u32)>>);

impl<'a> ByVolume<'a> {
    /// An index of rows with these stocks and volumes.
    pub(super) fn new(rows: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let mut stocks: HashMap<&str, Vec<(u64, u32)>> = HashMap::new();
        for (row, (stock_name, volume)) in rows.enumerate() {
            stocks.entry(stock_name).or_default().push((volume, position(row)));
        }
        stocks.values_mut().for_each(|rows| rows.sort());
        Self(stocks)
    }

    /// The places of the rows with this stock and this volume, ascending.
    pub(super) fn find(&self, stock_name: &str, volume: u64) -> impl Iterator<Item = usize> {
        let rows = self.0.get(stock_name).map_or(&[][..], Vec::as_slice);
        let first = rows.partition_point(|&(known, _)| known < volume);
        let equal = rows[first..].iter().take_while(move |&&(known, _)| known == volume);
        equal.map(|&(_, row)| row as usize)
    }
}

/// A place in a list of rows, which fit into memory.
fn position(place: usize) -> u32 {
    u32::try_from(place).ok().filter(|&place| place != NONE).expect("rows in memory are below 2^32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_have_one_number() {
        let mut requests = Requests::default();
        let [b, a, again] = ["b", "a", "b"].map(|id| requests.number(id));
        assert!(b == again && b != a);
        assert_eq!((requests.find("a"), requests.find("c")), (Some(a), None));
        assert_eq!(
            requests.iter().map(|request| requests.id(request)).collect::<Vec<_>>(),
            ["b", "a"]
        );
    }

    #[test]
    fn what_was_found_is_put_in_the_order_of_the_ids() {
        let mut requests = Requests::default();
        let [b, a] = ["b", "a"].map(|id| requests.number(id));
        assert_eq!(requests.by_id(vec![(b, 1), (a, 2), (b, 0)]), [(a, 2), (b, 1), (b, 0)]);
    }

    #[test]
    fn rows_are_found_by_request_in_the_order_of_the_file() {
        let mut requests = Requests::default();
        let rows = ["b", "a", "b", "c", "b"].map(|id| requests.number(id));
        let elsewhere = requests.number("elsewhere");
        let index = ByRequest::new(&requests, rows.into_iter());
        let find = |request| index.find(request).collect::<Vec<_>>();
        assert_eq!(
            [find(rows[0]), find(rows[1]), find(rows[3])],
            [vec![0, 2, 4], vec![1], vec![3]]
        );
        assert!(find(elsewhere).is_empty());
        assert!(ByRequest::default().find(elsewhere).next().is_none());
    }

    #[test]
    fn a_request_that_was_met_after_the_index_was_made_is_not_in_it() {
        let mut requests = Requests::default();
        let index = ByRequest::new(&requests, std::iter::empty::<Request>());
        let later = requests.number("later");
        assert!(index.find(later).next().is_none());
    }

    #[test]
    fn rows_are_found_by_stock_and_volume() {
        let index = ByVolume::new([("b", 1), ("a", 7), ("b", 3), ("b", 1)].into_iter());
        let find = |stock, volume| index.find(stock, volume).collect::<Vec<_>>();
        assert_eq!([find("b", 1), find("b", 3), find("a", 7)], [vec![0, 3], vec![2], vec![1]]);
        assert!(find("b", 2).is_empty() && find("a", 1).is_empty() && find("c", 1).is_empty());
    }
}
