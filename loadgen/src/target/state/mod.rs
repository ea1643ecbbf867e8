//! What a target holds, read from the places that its file names: files, answers, outputs of commands, databases, and what its
//! client program dumps.
//!
//! How rows are found and what they mean is decided by `targets::state`, which is pure. A place that cannot be read, or has
//! a row that makes no sense, is a finding with its reason, and never an empty place. Registers and logs are in `keys`.

mod keys;

use std::collections::HashSet;
use std::fs::File;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use driver::program::{Dump, Program};
use driver::service::Connection;
use faults::converge::{Reading, SourceReading, StateReading};
use minijinja::Value;
use results::records::{FinalKind, FinalRow, Keyed, Texts};
use targets::file::{ModelKind, WhenRead};
use targets::name;
use targets::order_no::OrderNo;
use targets::state::{
    Asked, MAX_ROWS, MAX_SOURCE_BYTES, OrderRow, RowReader, Rows, StateError, StateRow, StockRow,
};
use targets::target::{Place, Source, Target};
use tokio::time::timeout;
use wire::bazaar::TradeType;

use super::asking::{Asking, Question};
use super::sqlite;

/// How long one source may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How often one source is asked, where it is asked once per order: some ten seconds of requests.
const MAX_ASKED: usize = 10_000;

/// Reads a target's places.
#[derive(Debug)]
pub struct StateReader {
    target: Arc<Target>,
    asking: Asking,
    stocks: Vec<String>,
    order_nos: Vec<OrderNo>,
    programs: Vec<Program>,
}

impl StateReader {
    /// Of a target that `asking` reaches. A source that is asked once for each is asked about these stocks, or these orders.
    #[must_use]
    pub fn new(
        target: Arc<Target>,
        asking: Asking,
        stocks: Vec<String>,
        order_nos: Vec<OrderNo>,
    ) -> Self {
        Self { target, asking, stocks, order_nos, programs: Vec::new() }
    }

    /// The same, of which the first of `programs` is asked for what a client program dumps.
    #[must_use]
    pub fn dumping(self, programs: &[Program]) -> Self {
        Self { programs: programs.to_vec(), ..self }
    }

    /// Reads one place of the target's.
    ///
    /// # Errors
    /// Why it cannot be read. A row that makes no sense is no such reason.
    pub async fn read<T: StateRow + Send>(&self, place: &Place<T>) -> Result<Rows<T>, String> {
        let reader = &place.reader;
        let source = &place.source;
        let mut rows = Rows::new();
        match source {
            Source::File(path) => {
                let asking = self.asking.at(&place.process);
                let path = asking.path(path)?;
                let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
                let read = match asking.host() {
                    Some(host) => {
                        let content = timeout(READ_WITHIN, host.read(&path, MAX_SOURCE_BYTES));
                        let content = content.await.map_err(|_| {
                            let within = READ_WITHIN.as_secs();
                            format!("{}: it took longer than {within} s", path.display())
                        });
                        let content = content?.map_err(|error| error.to_string())?;
                        reader.read(Cursor::new(content), Asked::default())
                    }
                    None => {
                        let file = File::open(&path).map_err(|error| said(&error))?;
                        reader.read(file, Asked::default())
                    }
                };
                rows = read.map_err(|error| said(&error))?;
            }
            Source::Sqlite { path, query } => {
                let asking = self.asking.at(&place.process);
                let path = asking.path(path)?;
                let fetched = sqlite::fetched(asking.host(), &path, READ_WITHIN).await?;
                let path = fetched.as_ref().map_or(path, |fetched| fetched.path());
                let take = |number, row: &serde_json::Value| {
                    reader.add(number, row, &mut rows).map_err(|error| error.to_string())
                };
                sqlite::select(path, query.clone(), READ_WITHIN, take).await?;
            }
            Source::Url(_) | Source::Exec(_) => {
                let asking = self.asking.at(&place.process);
                for asked in self.asked(source)? {
                    let Some(text) = self.text(&asking, source, asked).await? else { continue };
                    read_more(reader, &text, asked, &mut rows)?;
                }
            }
            Source::Dump => {
                let mut dump = self.dump::<T>(&place.process).await?;
                let mut number = 0;
                while let Some(more) = dump.next().await? {
                    for row in &more {
                        number += 1;
                        reader.add(number, row, &mut rows).map_err(|error| error.to_string())?;
                    }
                }
            }
        }
        Ok(rows)
    }

    /// What `process` holds, as the client program tells it; one that broke just then is waited for.
    async fn dump<T: StateRow>(&self, process: &str) -> Result<Dump, String> {
        let program = self.programs.first().ok_or("there is no client program")?;
        // If it does not come back, asking it says so.
        let _ = timeout(READ_WITHIN, program.ready()).await;
        program.dump(process, T::DUMPED, READ_WITHIN)
    }

    /// What a source is asked about: once, or once for each.
    fn asked(&self, source: &Source) -> Result<Vec<Asked<'_>>, String> {
        let asked = Asked::default();
        if source.is_asked_for_each("stock") {
            let stocks = self.stocks.iter();
            return Ok(stocks.map(|stock| Asked { stock: Some(stock), ..asked }).collect());
        }
        if source.is_asked_for_each("register") {
            let keys = self.target.model.keys.iter();
            return Ok(keys.map(|key| Asked { register: Some(key), ..asked }).collect());
        }
        if !source.is_asked_for_each("order_no") {
            return Ok(vec![asked]);
        }
        let count = self.order_nos.len();
        if count > MAX_ASKED {
            return Err(format!(
                "it would be asked about {count} orders; {MAX_ASKED} are the most"
            ));
        }
        let orders = self.order_nos.iter();
        Ok(orders.map(|order_no| Asked { order_no: Some(order_no), ..asked }).collect())
    }

    /// What a source says; nothing if it is asked about an order that it does not know.
    async fn text(
        &self,
        asking: &Asking,
        source: &Source,
        asked: Asked<'_>,
    ) -> Result<Option<Vec<u8>>, String> {
        let stock = asked.stock.map(|stock| ("stock", Value::from(stock)));
        let number = asked.order_no.map(|order_no| ("order_no", order_no_value(order_no)));
        let register = asked.register.map(|register| ("register", Value::from(register)));
        let values = stock.into_iter().chain(number).chain(register).collect();
        let question = match source {
            Source::Url(request) => asking.request(request, values)?,
            Source::Exec(command) => asking.command(command, values)?,
            Source::File(_) | Source::Sqlite { .. } | Source::Dump => {
                return Err("it is not asked".to_owned());
            }
        };
        let url = match &question {
            Question::Get { url, .. } => url.clone(),
            Question::Run(_) => String::new(),
        };
        let max_bytes = usize::try_from(MAX_SOURCE_BYTES).unwrap_or(usize::MAX - 1);
        let answer = asking.ask(question, READ_WITHIN, max_bytes).await?;
        match answer.status {
            // The exit code of a command that succeeded, and answers that are fine.
            0 | 200..300 => Ok(Some(answer.text)),
            404 if asked.order_no.is_some() || asked.register.is_some() => Ok(None),
            status => {
                let said = name::excerpt(&String::from_utf8_lossy(&answer.text));
                Err(format!("{url}: status {status}: {said}"))
            }
        }
    }
}

/// What a target holds, as rows of `final.csv`. `N` gives each order's number there.
#[derive(Debug)]
pub struct FinalState<N> {
    reader: StateReader,
    cell: String,
    trial: u32,
    number: N,
    /// Reads what clients read, where nothing else says what registers and logs hold.
    front_door: Option<Connection>,
}

impl<N: Fn(&OrderNo) -> u64 + Send + Sync> FinalState<N> {
    /// Of one trial.
    #[must_use]
    pub fn new(reader: StateReader, cell: String, trial: u32, number: N) -> Self {
        Self { reader, cell, trial, number, front_door: None }
    }

    /// Reads every place that is read `when`, process by process: the orders of one, and then its stocks.
    pub async fn read_when(&self, when: WhenRead) -> Reading {
        let mut reading = Reading::default();
        let mut texts = Texts::default();
        let target = Arc::clone(&self.reader.target);
        for place in target.orders.iter().filter(|place| place.when == when) {
            let rows = self.reader.read(place).await;
            self.add(&mut reading, &place.process, rows, |row| {
                self.order(&place.process, row, &mut texts)
            });
        }
        for place in target.stock_places.iter().filter(|place| place.when == when) {
            let rows = self.reader.read(place).await;
            let mut seen = HashSet::new();
            self.add(&mut reading, &place.process, rows, |row| {
                if !seen.insert(row.stock.clone()) {
                    return Err(format!("{} is there twice", row.stock));
                }
                self.stock(&place.process, row, &mut texts)
            });
        }
        self.add_keys(&mut reading, when, &mut texts).await;
        reading
    }

    /// Adds what was read of one place to what is known of its process. If one place of a process cannot be read, nothing is
    /// known of it: half of it would look as if the rest were not there.
    fn add<T>(
        &self,
        reading: &mut Reading,
        process: &str,
        rows: Result<Rows<T>, String>,
        mut row_of: impl FnMut(T) -> Result<FinalRow, String>,
    ) {
        let known = reading.sources.iter().position(|source| source.source == process);
        let place = known.unwrap_or_else(|| {
            let source = process.to_owned();
            reading.sources.push(SourceReading { source, rows: Vec::new(), problem: None });
            reading.sources.len() - 1
        });
        let Some(source) = reading.sources.get_mut(place) else { return };
        let rows = match rows {
            Ok(rows) => rows,
            Err(reason) => {
                source.rows.clear();
                source.problem = Some(reason);
                return;
            }
        };
        if source.rows.is_empty() {
            if source.problem.is_some() {
                return;
            }
            source.rows.push(self.row(process, FinalKind::Source));
        }
        let mut bad_count = rows.bad_count;
        let mut first = rows
            .bad
            .first()
            .map(|bad| format!("line {}: {}: {}", bad.line, bad.reason, bad.excerpt));
        for (line, row) in rows.rows {
            match row_of(row) {
                Ok(row) => source.rows.push(row),
                Err(reason) => {
                    bad_count += 1;
                    first.get_or_insert_with(|| format!("line {line}: {reason}"));
                }
            }
        }
        if let (Some(first), None) = (first, &source.problem) {
            source.problem = Some(format!("{bad_count} of its rows make no sense; {first}"));
        }
    }

    fn row(&self, process: &str, kind: FinalKind) -> FinalRow {
        let row = FinalRow::new(&self.cell, self.trial, process, kind);
        // All rows of a file have the same columns.
        match self.reader.target.model.kind {
            ModelKind::Register | ModelKind::Log => row.with_keyed(Keyed::default()),
            ModelKind::Stocks | ModelKind::None => row,
        }
    }

    fn order(&self, process: &str, row: OrderRow, texts: &mut Texts) -> Result<FinalRow, String> {
        let sides = &self.reader.target.model.sides;
        let place = sides.iter().position(|side| *side == row.side);
        // The first takes from a stock, the second adds to it.
        let trade_type = match place {
            Some(0) => TradeType::Buy,
            Some(_) => TradeType::Sell,
            None => {
                return Err(format!("side: `{}` is none of {}", row.side, sides.join(", ")));
            }
        };
        Ok(FinalRow {
            order_no: Some((self.number)(&row.order_no)),
            stock_name: Some(texts.get(&row.stock)),
            trade_type: Some(trade_type),
            quantity: Some(count("quantity", row.quantity)?),
            ..self.row(process, FinalKind::Order)
        })
    }

    fn stock(&self, process: &str, row: StockRow, texts: &mut Texts) -> Result<FinalRow, String> {
        Ok(FinalRow {
            stock_name: Some(texts.get(&row.stock)),
            quantity_after: Some(count("quantity", row.quantity)?),
            volume_after: row.volume.map(|volume| count("volume", volume)).transpose()?,
            ..self.row(process, FinalKind::Stock)
        })
    }
}

impl<N: Fn(&OrderNo) -> u64 + Send + Sync> StateReading for FinalState<N> {
    async fn read(&self) -> Reading {
        self.read_when(WhenRead::Running).await
    }
}

/// A number of pieces, which is never below 0.
fn count<T: TryFrom<i64>>(what: &str, number: i64) -> Result<T, String> {
    T::try_from(number).map_err(|_| format!("{what}: {number} is no number of pieces"))
}

fn read_more<T: StateRow>(
    reader: &RowReader<T>,
    text: &[u8],
    asked: Asked<'_>,
    rows: &mut Rows<T>,
) -> Result<(), String> {
    let more = reader.read(Cursor::new(text), asked).map_err(|error| error.to_string())?;
    rows.rows.extend(more.rows);
    if rows.rows.len() > MAX_ROWS {
        return Err(StateError::TooManyRows.to_string());
    }
    rows.bad.extend(more.bad);
    rows.bad_count += more.bad_count;
    rows.unmatched += more.unmatched;
    Ok(())
}

fn order_no_value(order_no: &OrderNo) -> Value {
    match order_no {
        OrderNo::Number(number) => Value::from(*number),
        OrderNo::Text(text) => Value::from(text.as_str()),
    }
}

#[cfg(test)]
mod tests;
