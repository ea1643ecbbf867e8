//! What replicas and catalog held at the end of a trial, by request, number and volume.
//!
//! A dumped row is looked at through the view of its kind. What a kind promises is demanded when the view
//! is made: a row that lacks some of it is an error, and can be mistaken for an agreeing one by no check.
//! What the target does not show is not demanded. Which process keeps orders and which keeps stocks, the target
//! says; one process may keep both.

use std::collections::BTreeMap;

use wire::internal::Origin;

use super::index::{ByRequest, ByVolume, Request, Requests};
use super::malformed::MalformedRow;
use super::rows::Content;
use crate::records::{
    AtLine as _, DumpRow, Fact, FinalKind, FinalRow, Model, ProcessName, Row as _, Target,
};

/// An entry of a replica's log.
#[derive(Clone, Copy)]
pub(crate) struct LogEntry<'a> {
    /// Under which id its client sent it, if the replica shows that.
    pub(crate) request: Option<Request>,
    pub(crate) row: &'a DumpRow,
}

impl<'a> LogEntry<'a> {
    fn new(
        row: &'a DumpRow,
        requests: &mut Requests<'a>,
        target: &Target,
    ) -> Result<Self, MalformedRow> {
        let need = Needed { row, kind: "an order" };
        need.value(row.order_no(), "order_no")?;
        let request_id = row.request_id.as_deref();
        if target.has(Fact::RequestKeys) {
            need.value(request_id, "request_id")?;
        }
        need.content()?;
        Ok(Self { request: request_id.map(|request_id| requests.number(request_id)), row })
    }

    pub(crate) fn order_no(&self) -> u64 {
        demanded(self.row.order_no())
    }

    pub(crate) fn content(&self) -> Content<'a> {
        demanded(Content::held(self.row))
    }
}

/// A replica's log as it was dumped, ascending by number.
pub(crate) struct ReplicaLog<'a> {
    pub(crate) source: &'a str,
    /// How many orders the replica knew to be committed, if the dump says so.
    pub(crate) committed: Option<u64>,
    pub(crate) entries: Vec<LogEntry<'a>>,
    by_request: ByRequest,
}

impl<'a> ReplicaLog<'a> {
    /// The entries that record this request; more than one is a violation of its own.
    pub(crate) fn of_request(
        &self,
        request: Request,
    ) -> impl Iterator<Item = &LogEntry<'a>> + Clone {
        self.by_request.find(request).map(|place| &self.entries[place])
    }

    /// Whether it records this request.
    pub(crate) fn holds(&self, request: Request) -> bool {
        self.of_request(request).next().is_some()
    }

    /// The first entry with this number.
    pub(crate) fn at(&self, order_no: u64) -> Option<&LogEntry<'a>> {
        let of_this = |entry: &&LogEntry<'a>| entry.order_no() == order_no;
        let before = |place: usize| self.entries[..place].last();
        // A log that is as it should be has every number in its place.
        let place = usize::try_from(order_no.saturating_sub(1)).unwrap_or(usize::MAX);
        let expected = self.entries.get(place).filter(of_this);
        if expected.is_some() && before(place).is_none_or(|entry| entry.order_no() < order_no) {
            return expected;
        }
        let first = self.entries.partition_point(|entry| entry.order_no() < order_no);
        self.entries.get(first).filter(of_this)
    }
}

/// A trade that the catalog applied.
#[derive(Clone, Copy)]
pub(crate) struct Applied<'a> {
    pub(crate) request: Request,
    pub(crate) row: &'a DumpRow,
}

impl<'a> Applied<'a> {
    fn new(row: &'a DumpRow, requests: &mut Requests<'a>) -> Result<Self, MalformedRow> {
        let need = Needed { row, kind: "an applied trade" };
        let request = requests.number(need.value(row.request_id.as_deref(), "request_id")?);
        need.content()?;
        need.value(row.version(), "version")?;
        need.value(row.quantity_after(), "quantity_after")?;
        need.value(row.volume_after(), "volume_after")?;
        need.value(row.origin, "origin")?;
        Ok(Self { request, row })
    }

    pub(crate) fn content(&self) -> Content<'a> {
        demanded(Content::held(self.row))
    }

    pub(crate) fn version(&self) -> u64 {
        demanded(self.row.version())
    }

    pub(crate) fn quantity_after(&self) -> u32 {
        demanded(self.row.quantity_after())
    }

    pub(crate) fn volume_after(&self) -> u64 {
        demanded(self.row.volume_after())
    }

    /// Whether the order service brought it, so that it must have a number.
    pub(crate) fn is_for_order(&self) -> bool {
        self.row.origin == Some(Origin::Order)
    }
}

/// A stock as a process held it at the end.
#[derive(Clone, Copy)]
pub(crate) struct FinalStock<'a> {
    pub(crate) quantity: u32,
    pub(crate) row: &'a DumpRow,
}

impl<'a> FinalStock<'a> {
    /// The stock's name, and what it was.
    fn new(row: &'a DumpRow, target: &Target) -> Result<(&'a str, Self), MalformedRow> {
        let need = Needed { row, kind: "a stock" };
        let tells_trades = target.has(Fact::AppliedTrades);
        if tells_trades {
            need.value(row.version(), "version")?;
        }
        let quantity = need.value(row.quantity_after(), "quantity_after")?;
        if tells_trades {
            need.value(row.volume_after(), "volume_after")?;
        }
        let name = need.value(row.stock_name.as_deref(), "stock_name")?;
        Ok((name, Self { quantity, row }))
    }

    /// Its version, where the catalog tells its trades.
    pub(crate) fn version(&self) -> u64 {
        demanded(self.row.version())
    }

    /// Its volume, where the catalog tells its trades.
    pub(crate) fn volume(&self) -> u64 {
        demanded(self.row.volume_after())
    }
}

/// What one process held of the stocks.
pub(crate) struct StockHolder<'a> {
    pub(crate) source: &'a str,
    pub(crate) stocks: BTreeMap<&'a str, FinalStock<'a>>,
}

/// The stocks as they were dumped, and the trades that made them so.
#[derive(Default)]
pub(crate) struct CatalogState<'a> {
    pub(crate) applied: Vec<Applied<'a>>,
    /// Of a stock that several processes hold, what the first of them holds.
    pub(crate) stocks: BTreeMap<&'a str, FinalStock<'a>>,
    by_request: ByRequest,
    by_volume: ByVolume<'a>,
}

impl<'a> CatalogState<'a> {
    /// The applications of this request; more than one is a violation of its own.
    pub(crate) fn of_request(
        &self,
        request: Request,
    ) -> impl Iterator<Item = &Applied<'a>> + Clone {
        self.by_request.find(request).map(|place| &self.applied[place])
    }

    /// The applications that left this stock with this volume; more than one is a violation of its
    /// own.
    pub(crate) fn of_volume(
        &self,
        stock_name: &str,
        volume: u64,
    ) -> impl Iterator<Item = &Applied<'a>> {
        self.by_volume.find(stock_name, volume).map(|place| &self.applied[place])
    }
}

/// What was dumped in one trial.
pub(super) struct Dumps<'a> {
    target: &'a Target,
    /// By the names of the replicas.
    logs: BTreeMap<&'a str, (Option<u64>, Vec<LogEntry<'a>>)>,
    applied: Vec<Applied<'a>>,
    /// By the names of the processes that keep stocks.
    stocks: BTreeMap<&'a str, BTreeMap<&'a str, FinalStock<'a>>>,
}

/// The same, indexed.
pub(super) struct Indexed<'a> {
    pub(super) logs: Vec<ReplicaLog<'a>>,
    /// None if no process showed its stocks.
    pub(super) catalog: Option<CatalogState<'a>>,
    /// In the order in which the target names them.
    pub(super) holders: Vec<StockHolder<'a>>,
}

impl<'a> Dumps<'a> {
    /// The rows of a trial Their requests get numbers.
    pub(super) fn new(
        rows: &'a [DumpRow],
        requests: &mut Requests<'a>,
        target: &'a Target,
    ) -> Result<Self, MalformedRow> {
        let (logs, applied, stocks) = Default::default();
        let mut dumps = Self { target, logs, applied, stocks };
        for row in rows {
            dumps.add(row, requests)?;
        }
        Ok(dumps)
    }

    fn add(&mut self, row: &'a DumpRow, requests: &mut Requests<'a>) -> Result<(), MalformedRow> {
        let source = row.source.as_str();
        match row.kind {
            // What registers and logs hold is no order and no stock.
            FinalKind::Register | FinalKind::Entry => {}
            FinalKind::Source if self.target.model() != Model::Stocks => {}
            FinalKind::Source => {
                let is_of = |names: &[String]| names.iter().any(|name| name == source);
                let keeps_stocks = is_of(self.target.stocks_of());
                if keeps_stocks {
                    self.stocks.entry(source).or_default();
                }
                if !keeps_stocks || is_of(self.target.orders_of()) {
                    self.logs.entry(source).or_default().0 = row.order_no();
                }
            }
            FinalKind::Order => {
                let entry = LogEntry::new(row, requests, self.target)?;
                self.logs.entry(source).or_default().1.push(entry);
            }
            FinalKind::Applied => {
                self.stocks.entry(source).or_default();
                self.applied.push(Applied::new(row, requests)?);
            }
            FinalKind::Stock => {
                let (name, stock) = FinalStock::new(row, self.target)?;
                if self.stocks.entry(source).or_default().insert(name, stock).is_some() {
                    return Err(malformed(row, format!("{name} is there twice")));
                }
            }
            FinalKind::Refused => {}
        }
        Ok(())
    }

    /// Logs and stocks, indexed. Every request must have its number by now.
    pub(super) fn index(self, requests: &Requests<'_>) -> Indexed<'a> {
        let Self { target, logs, applied, stocks } = self;
        let log = |(source, (committed, mut entries)): (&'a str, (_, Vec<LogEntry<'a>>))| {
            entries.shrink_to_fit();
            entries.sort_by_key(|entry| (entry.order_no(), entry.row.line()));
            let by_request = ByRequest::new(requests, entries.iter().map(|entry| entry.request));
            ReplicaLog { source, committed, entries, by_request }
        };
        let holder = |(source, stocks)| StockHolder { source, stocks };
        let mut holders: Vec<StockHolder<'a>> = stocks.into_iter().map(holder).collect();
        holders.sort_by_key(|holder| {
            target.stocks_of().iter().position(|name| name == holder.source).unwrap_or(usize::MAX)
        });
        let catalog = (!holders.is_empty()).then(|| catalog(requests, applied, &holders));
        let mut logs: Vec<_> = logs.into_iter().map(log).collect();
        logs.sort_by_key(|log| log.source.parse::<ProcessName>().ok());
        Indexed { logs, catalog, holders }
    }
}

fn catalog<'a>(
    requests: &Requests<'_>,
    applied: Vec<Applied<'a>>,
    holders: &[StockHolder<'a>],
) -> CatalogState<'a> {
    let mut stocks = BTreeMap::new();
    for (name, stock) in holders.iter().flat_map(|holder| &holder.stocks) {
        stocks.entry(*name).or_insert(*stock);
    }
    let by_request = ByRequest::new(requests, applied.iter().map(|one| one.request));
    let volumes = applied.iter().map(|one| (one.content().stock_name, one.volume_after()));
    let by_volume = ByVolume::new(volumes);
    CatalogState { applied, stocks, by_request, by_volume }
}

/// A row whose fields are about to be demanded.
struct Needed<'a> {
    row: &'a DumpRow,
    kind: &'static str,
}

impl<'a> Needed<'a> {
    fn value<T>(&self, value: Option<T>, field: &str) -> Result<T, MalformedRow> {
        let reason = || format!("{} needs the field `{field}`", self.kind);
        value.ok_or_else(|| malformed(self.row, reason()))
    }

    fn content(&self) -> Result<(), MalformedRow> {
        self.value(self.row.stock_name.as_deref(), "stock_name")?;
        self.value(self.row.trade_type, "trade_type")?;
        self.value(self.row.quantity(), "quantity")?;
        Ok(())
    }
}

fn malformed(row: &DumpRow, reason: String) -> MalformedRow {
    MalformedRow { file: FinalRow::FILE, line: row.line(), reason }
}

/// A value that was there when the view of its row was made.
fn demanded<T>(value: Option<T>) -> T {
    value.expect("views are made of rows that have what their kind promises")
}

#[cfg(test)]
mod tests {
    use wire::bazaar::TradeType;

    use super::*;

    /// The dump of a log with these numbers, in the lines from 2 on.
    fn dumped(numbers: &[u64]) -> Vec<DumpRow> {
        let row = |(line, &order_no): (u64, &u64)| {
            let row = FinalRow {
                order_no: Some(order_no),
                request_id: Some(format!("r{order_no}").into()),
                stock_name: Some("Stock1".into()),
                trade_type: Some(TradeType::Buy),
                quantity: Some(1),
                ..FinalRow::new("cell", 1, "order-1", FinalKind::Order)
            };
            DumpRow::new(row, line).unwrap()
        };
        (2..).zip(numbers).map(row).collect()
    }

    /// In which line the log says that each of these numbers stands.
    fn lines(numbers: &[u64], asked: &[u64]) -> Vec<Option<u64>> {
        let rows = dumped(numbers);
        let mut requests = Requests::default();
        let target = Target::bazaar(3);
        let dumps = Dumps::new(&rows, &mut requests, &target).unwrap();
        let logs = dumps.index(&requests).logs;
        let line = |&number: &u64| logs[0].at(number).map(|entry| entry.row.line());
        asked.iter().map(line).collect()
    }

    #[test]
    fn a_number_is_found_wherever_it_stands_and_of_two_the_first() {
        let none = None;
        assert_eq!(
            lines(&[1, 2, 3], &[0, 1, 3, 4, u64::MAX]),
            [none, Some(2), Some(4), none, none]
        );
        assert_eq!(lines(&[1, 3, 4], &[1, 2, 3, 4]), [Some(2), none, Some(3), Some(4)]);
        assert_eq!(lines(&[1, 1, 2, 2, 2, 6], &[1, 2, 4, 6]), [Some(2), Some(4), none, Some(7)]);
        assert_eq!(lines(&[2, 2, 1], &[1, 2]), [Some(4), Some(2)], "a log is put in order");
        assert_eq!(lines(&[0, 1], &[0, 1]), [Some(2), Some(3)]);
    }

    #[test]
    fn logs_are_in_the_order_in_which_people_count_their_replicas() {
        let source = |name: &&str| FinalRow::new("cell", 1, name, FinalKind::Source);
        let rows = ["order-10", "order-2", "order-1"];
        let rows = rows.map(|name| DumpRow::new(source(&name), 2).unwrap());
        let mut requests = Requests::default();
        let target = Target::bazaar(10);
        let dumps = Dumps::new(&rows, &mut requests, &target).unwrap();
        let logs = dumps.index(&requests).logs;
        let sources: Vec<_> = logs.iter().map(|log| log.source).collect();
        assert_eq!(sources, ["order-1", "order-2", "order-10"]);
    }

    #[test]
    fn a_row_that_lacks_what_its_kind_promises_is_an_error_that_names_it() {
        let sources = [
            (FinalKind::Order, "an order needs the field `order_no`"),
            (FinalKind::Applied, "an applied trade needs the field `request_id`"),
            (FinalKind::Stock, "a stock needs the field `version`"),
        ];
        for (kind, reason) in sources {
            let rows = [DumpRow::new(FinalRow::new("cell", 1, "order-1", kind), 7).unwrap()];
            let target = Target::bazaar(3);
            let told = Dumps::new(&rows, &mut Requests::default(), &target).err();
            let expected = MalformedRow { file: "final.csv", line: 7, reason: reason.to_owned() };
            assert_eq!(told, Some(expected));
        }
    }
}
