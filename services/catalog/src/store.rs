//! The catalog on disk: `catalog.db`, which anybody can read with the `sqlite3` shell.
//!
//! It decides nothing. Its one promise is that a [`Batch`] is committed whole or not at all, and
//! that what is read in a batch includes what the batch has written so far: a request id that
//! comes twice in one batch is found the second time.

use std::borrow::Cow;
use std::path::Path;

use base::planted::{Bug, Bugs};
use base::storage::{Change, Database, Durability, StorageError};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};
use wire::bazaar::TradeType;
use wire::ids::{AppliedSeq, BazaarId, Epoch, Identity, OrderNo, RequestId, StockVersion};
use wire::internal::{AppliedTrade, Decision, Origin, StockRecord, TradeRecord};

use super::ledger::Ledger;

/// `state` has no row until the first stocks are in, so a process that dies in between starts
/// over with them.
const SCHEMA: &str = "
    CREATE TABLE state (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        epoch INTEGER NOT NULL, -- the highest one seen
        is_new INTEGER NOT NULL CHECK (is_new IN (0, 1)) -- 1 until it was open for the first time
    ) STRICT;
    CREATE TABLE stocks (
        stock_name TEXT PRIMARY KEY,
        price REAL NOT NULL,
        quantity INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND cap),
        trade_volume INTEGER NOT NULL CHECK (trade_volume >= 0),
        version INTEGER NOT NULL, -- how many trades it has seen
        cap INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE trades (
        decided INTEGER PRIMARY KEY, -- in this order
        request_id TEXT NOT NULL UNIQUE,
        applied_seq INTEGER UNIQUE, -- the place, which is the order's number
        decision TEXT NOT NULL,
        epoch INTEGER,
        stock_name TEXT NOT NULL,
        trade_type TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        version INTEGER,
        quantity_after INTEGER,
        volume_after INTEGER,
        origin TEXT NOT NULL
    ) STRICT;
";

/// The columns of a [`TradeRecord`].
const TRADE: &str = "request_id, applied_seq, decision, epoch, stock_name, trade_type, quantity, \
                     version, quantity_after, volume_after, origin";

/// The open database.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

/// One transaction.
#[derive(Debug)]
pub struct Batch<'a> {
    transaction: Change<'a>,
}

impl Store {
    /// Opens `dir/catalog.db`, or makes it.
    pub fn open(dir: &Path, durability: Durability, bugs: Bugs) -> Result<Self, StorageError> {
        let database = Database::open(dir, "catalog", durability, &schema(bugs))?;
        Ok(Self { database: database.with_bugs(bugs) })
    }

    /// What tells this file from every other (rule L1).
    #[must_use]
    pub fn identity(&self) -> &Identity {
        self.database.identity()
    }

    /// The bazaar that the file belonged to when it was opened, if it had been told.
    #[must_use]
    pub fn bazaar(&self) -> Option<&BazaarId> {
        self.database.bazaar()
    }

    /// Whether the catalog was never open on this file (rule L7).
    pub fn is_new(&self) -> rusqlite::Result<bool> {
        let sql = "SELECT is_new FROM state";
        let is_new = self.database.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok(is_new.unwrap_or(true))
    }

    /// The ledger as it was committed last; `None` if the database has no stocks yet.
    pub fn load(&self) -> rusqlite::Result<Option<Ledger>> {
        let connection = &self.database.connection;
        let epoch =
            connection.query_row("SELECT epoch FROM state", [], |row| row.get(0)).optional()?;
        let Some(epoch) = epoch else { return Ok(None) };
        let last_applied: Option<u64> =
            connection.query_row("SELECT max(applied_seq) FROM trades", [], |row| row.get(0))?;
        let stocks = connection
            .prepare("SELECT stock_name, price, quantity, trade_volume, version, cap FROM stocks")?
            .query_map([], stock)?
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Ledger::new(Epoch(epoch), AppliedSeq(last_applied.unwrap_or(0)), stocks)))
    }

    /// Puts the first stocks into a new database.
    pub fn seed(&mut self, stocks: Vec<StockRecord>) -> rusqlite::Result<Ledger> {
        let batch = self.batch()?;
        for stock in &stocks {
            batch.transaction.execute(
                "INSERT INTO stocks (stock_name, price, quantity, trade_volume, version, cap)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    stock.stock_name,
                    stock.price,
                    stock.quantity,
                    stock.trade_volume,
                    stock.version.0,
                    stock.cap
                ],
            )?;
        }
        batch.transaction.execute("INSERT INTO state VALUES (1, 0, 1)", [])?;
        batch.commit()?;
        Ok(Ledger::new(Epoch(0), AppliedSeq(0), stocks))
    }

    /// What an error of this file means, in words that say what to do.
    #[must_use]
    pub fn explain(&self, error: &rusqlite::Error) -> StorageError {
        self.database.explain(error)
    }

    /// Begins a transaction.
    pub fn batch(&mut self) -> rusqlite::Result<Batch<'_>> {
        Ok(Batch { transaction: self.database.change()? })
    }
}

/// The schema; without its second line of defence where a bug is planted that has to get past it.
fn schema(bugs: Bugs) -> Cow<'static, str> {
    if bugs.has(Bug::NoRequestIdCheck) {
        Cow::Owned(SCHEMA.replace(" UNIQUE", ""))
    } else {
        Cow::Borrowed(SCHEMA)
    }
}

impl Batch<'_> {
    /// What was decided under a request id.
    pub fn find(&self, id: &RequestId) -> rusqlite::Result<Option<TradeRecord>> {
        let sql = format!("SELECT {TRADE} FROM trades WHERE request_id = ?1");
        self.transaction.prepare_cached(&sql)?.query_row([id.as_str()], trade).optional()
    }

    /// Records a decision.
    pub fn record(&self, trade: &TradeRecord) -> rusqlite::Result<()> {
        let sql = format!(
            "INSERT INTO trades ({TRADE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        );
        self.transaction.prepare_cached(&sql)?.execute(params![
            trade.request_id.as_str(),
            trade.applied_seq.map(|seq| seq.0),
            Stored(trade.decision),
            trade.epoch.map(|epoch| epoch.0),
            trade.stock_name,
            trade.trade_type.as_str(),
            trade.quantity,
            trade.version.map(|version| version.0),
            trade.quantity_after,
            trade.volume_after,
            Stored(trade.origin),
        ])?;
        Ok(())
    }

    /// Writes what trades change of a stock.
    pub fn update(&self, stock: &StockRecord) -> rusqlite::Result<()> {
        let sql = "UPDATE stocks SET quantity = ?2, trade_volume = ?3, version = ?4
                   WHERE stock_name = ?1";
        self.transaction.prepare_cached(sql)?.execute(params![
            stock.stock_name,
            stock.quantity,
            stock.trade_volume,
            stock.version.0
        ])?;
        Ok(())
    }

    /// Writes the highest epoch seen.
    pub fn raise_epoch(&self, epoch: Epoch) -> rusqlite::Result<()> {
        self.transaction.prepare_cached("UPDATE state SET epoch = ?1")?.execute([epoch.0])?;
        Ok(())
    }

    /// Writes down that the catalog was open on this file.
    pub fn mark_open(&self) -> rusqlite::Result<()> {
        self.transaction.prepare_cached("UPDATE state SET is_new = 0")?.execute([]).map(|_| ())
    }

    /// Writes down which bazaar the file belongs to.
    pub fn set_bazaar(&self, bazaar: &BazaarId) -> rusqlite::Result<()> {
        self.transaction.set_bazaar(bazaar)
    }

    /// What was applied in a place.
    pub fn in_place(&self, place: OrderNo) -> rusqlite::Result<Option<TradeRecord>> {
        let sql = format!("SELECT {TRADE} FROM trades WHERE applied_seq = ?1");
        self.transaction.prepare_cached(&sql)?.query_row([place.0], trade).optional()
    }

    /// The trades applied for the order service after a place, ascending, at most `limit` of them.
    pub fn applied_after(&self, after: OrderNo, limit: u32) -> rusqlite::Result<Vec<AppliedTrade>> {
        let sql = "SELECT applied_seq, request_id, stock_name, trade_type, quantity FROM trades
                   WHERE applied_seq > ?1 ORDER BY applied_seq LIMIT ?2";
        self.transaction
            .prepare_cached(sql)?
            .query_map(params![after.0, limit], |row| {
                Ok(AppliedTrade {
                    applied_seq: AppliedSeq(row.get(0)?),
                    request_id: request_id(row, 1)?,
                    stock_name: row.get(2)?,
                    trade_type: row.get::<_, Stored<TradeType>>(3)?.0,
                    quantity: row.get(4)?,
                })
            })?
            .collect()
    }

    /// The position of the last decision; they are counted from 1, and none ever goes.
    pub fn last_decided(&self) -> rusqlite::Result<u64> {
        let sql = "SELECT max(decided) FROM trades";
        let last: Option<u64> =
            self.transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(last.unwrap_or(0))
    }

    /// Decided trades after one position and up to another, in the order of the decisions, at most
    /// `limit` of them.
    pub fn trades(
        &self,
        after: u64,
        through: u64,
        limit: usize,
    ) -> rusqlite::Result<Vec<TradeRecord>> {
        let sql = format!(
            "SELECT {TRADE} FROM trades WHERE decided > ?1 AND decided <= ?2 ORDER BY decided LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.transaction.prepare_cached(&sql)?;
        statement.query_map(params![after, through, limit], trade)?.collect()
    }

    /// Makes it last.
    pub fn commit(self) -> rusqlite::Result<()> {
        self.transaction.commit()
    }
}

fn stock(row: &Row<'_>) -> rusqlite::Result<StockRecord> {
    Ok(StockRecord {
        stock_name: row.get(0)?,
        price: row.get(1)?,
        quantity: row.get(2)?,
        trade_volume: row.get(3)?,
        version: StockVersion(row.get(4)?),
        cap: row.get(5)?,
    })
}

fn trade(row: &Row<'_>) -> rusqlite::Result<TradeRecord> {
    Ok(TradeRecord {
        request_id: request_id(row, 0)?,
        applied_seq: row.get::<_, Option<u64>>(1)?.map(AppliedSeq),
        decision: row.get::<_, Stored<Decision>>(2)?.0,
        epoch: row.get::<_, Option<u64>>(3)?.map(Epoch),
        stock_name: row.get(4)?,
        trade_type: row.get::<_, Stored<TradeType>>(5)?.0,
        quantity: row.get(6)?,
        version: row.get::<_, Option<u64>>(7)?.map(StockVersion),
        quantity_after: row.get(8)?,
        volume_after: row.get(9)?,
        origin: row.get::<_, Stored<Origin>>(10)?.0,
    })
}

fn request_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RequestId> {
    RequestId::new(row.get::<_, String>(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

/// An enumeration of `wire` as the word that a column holds.
struct Stored<T>(T);

impl ToSql for Stored<Decision> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(match self.0 {
            Decision::Applied => "applied",
            Decision::Failed => "failed",
            Decision::NotFound => "not_found",
        }))
    }
}

impl FromSql for Stored<Decision> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "applied" => Ok(Self(Decision::Applied)),
            "failed" => Ok(Self(Decision::Failed)),
            "not_found" => Ok(Self(Decision::NotFound)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl ToSql for Stored<Origin> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(match self.0 {
            Origin::Order => "order",
            Origin::ByHand => "by_hand",
        }))
    }
}

impl FromSql for Stored<Origin> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "order" => Ok(Self(Origin::Order)),
            "by_hand" => Ok(Self(Origin::ByHand)),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl FromSql for Stored<TradeType> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock_file;

    fn open(dir: &Path) -> Store {
        Store::open(dir, Durability::Flush, Bugs::default()).unwrap()
    }

    fn applied(id: &str, seq: u64) -> TradeRecord {
        TradeRecord {
            request_id: RequestId::new(id).unwrap(),
            applied_seq: Some(AppliedSeq(seq)),
            decision: Decision::Applied,
            epoch: Some(Epoch(3)),
            stock_name: "Stock1".to_owned(),
            trade_type: TradeType::Buy,
            quantity: 2,
            version: Some(StockVersion(seq)),
            quantity_after: Some(98),
            volume_after: Some(2),
            origin: Origin::Order,
        }
    }

    fn refused(id: &str) -> TradeRecord {
        TradeRecord {
            applied_seq: None,
            decision: Decision::NotFound,
            epoch: None,
            version: None,
            quantity_after: None,
            volume_after: None,
            origin: Origin::ByHand,
            ..applied(id, 1)
        }
    }

    #[test]
    fn a_new_database_is_seeded_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        assert_eq!(store.load().unwrap(), None);
        let seeded = store.seed(stock_file::read(None, 100).unwrap()).unwrap();
        drop(store);
        assert_eq!(open(dir.path()).load().unwrap(), Some(seeded));
    }

    #[test]
    fn a_file_is_new_until_the_catalog_was_open_on_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        assert!(store.is_new().unwrap());
        store.seed(stock_file::read(None, 100).unwrap()).unwrap();
        assert!(store.is_new().unwrap());
        let bazaar = BazaarId::new("b-1").unwrap();
        let batch = store.batch().unwrap();
        batch.mark_open().unwrap();
        batch.set_bazaar(&bazaar).unwrap();
        batch.commit().unwrap();
        drop(store);
        let store = open(dir.path());
        assert!(!store.is_new().unwrap());
        assert_eq!(store.bazaar(), Some(&bazaar));
    }

    #[test]
    fn a_committed_batch_survives_and_an_uncommitted_one_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let ledger = store.seed(stock_file::read(None, 100).unwrap()).unwrap();
        let changed = StockRecord {
            quantity: 98,
            trade_volume: 2,
            version: StockVersion(1),
            ..ledger.stock("Stock1").unwrap().clone()
        };

        let batch = store.batch().unwrap();
        batch.record(&applied("1", 1)).unwrap();
        batch.record(&refused("2")).unwrap();
        batch.update(&changed).unwrap();
        batch.raise_epoch(Epoch(3)).unwrap();
        batch.commit().unwrap();
        let batch = store.batch().unwrap();
        batch.record(&applied("3", 2)).unwrap();
        batch.raise_epoch(Epoch(4)).unwrap();
        drop(batch);
        drop(store);

        let mut store = open(dir.path());
        let ledger = store.load().unwrap().unwrap();
        assert_eq!(ledger.epoch(), Epoch(3));
        assert_eq!(ledger.stock("Stock1"), Some(&changed));
        let batch = store.batch().unwrap();
        assert_eq!(batch.trades(0, 9, 9).unwrap(), [applied("1", 1), refused("2")]);
        assert_eq!(batch.find(&RequestId::new("3").unwrap()).unwrap(), None);
    }

    #[test]
    fn a_batch_finds_what_it_has_recorded_itself() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let batch = store.batch().unwrap();
        batch.record(&applied("1", 1)).unwrap();
        let found = batch.find(&RequestId::new("1").unwrap()).unwrap();
        assert_eq!(found, Some(applied("1", 1)));
    }

    #[test]
    fn decisions_are_read_in_pages() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let batch = store.batch().unwrap();
        assert_eq!((batch.last_decided().unwrap(), batch.trades(0, 9, 9).unwrap()), (0, vec![]));
        let records = [applied("1", 1), refused("2"), applied("3", 2), applied("4", 3)];
        for record in &records {
            batch.record(record).unwrap();
        }
        assert_eq!(batch.last_decided().unwrap(), 4);
        assert_eq!(batch.trades(1, 4, 2).unwrap(), records[1..3]);
        assert_eq!(batch.trades(2, 3, 9).unwrap(), records[2..3]);
        assert_eq!(batch.trades(4, 4, 9).unwrap(), []);
    }

    #[test]
    fn the_list_begins_after_the_asked_place_and_leaves_out_what_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let batch = store.batch().unwrap();
        for record in [applied("1", 1), refused("2"), applied("3", 2), applied("4", 3)] {
            batch.record(&record).unwrap();
        }
        let places = |after, limit| {
            let trades = batch.applied_after(OrderNo(after), limit).unwrap();
            trades.iter().map(|trade| trade.applied_seq.0).collect::<Vec<_>>()
        };
        assert_eq!(places(0, 9), [1, 2, 3]);
        assert_eq!(places(0, 2), [1, 2]);
        assert_eq!(places(2, 9), [3]);
        assert_eq!(places(3, 9), [0; 0]);
        assert_eq!(batch.in_place(OrderNo(2)).unwrap(), Some(applied("3", 2)));
        assert_eq!(batch.in_place(OrderNo(4)).unwrap(), None);
    }
}
