//! A CSV file of a run, as rows of text that can be changed one by one.

/// The header and the rows.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Rows whose fields have these values: `op=trade outcome=ok`, or `reason=` for an empty one, or
/// `phase!=lookup`. Spaces separate them, so `_` stands for one in a value.
pub(crate) type Where = &'static str;

/// One row: the `nth`, from 0, of those.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) among: Where,
    pub(crate) nth: usize,
}

pub(crate) const fn nth(nth: usize, among: Where) -> Pick {
    Pick { among, nth }
}

impl Table {
    pub(crate) fn parse(text: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut rows =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
        Self { header: rows.next().unwrap(), rows: rows.collect() }
    }

    pub(crate) fn text(&self) -> String {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in std::iter::once(&self.header).chain(&self.rows) {
            writer.write_record(row).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }

    #[track_caller]
    pub(crate) fn column(&self, name: &str) -> usize {
        let found = self.header.iter().position(|known| known == name);
        found.unwrap_or_else(|| panic!("there is no column {name}"))
    }

    /// Adds an empty column, if it is not there.
    pub(crate) fn add_column(&mut self, name: &str, after: &str) {
        if self.header.iter().any(|known| known == name) {
            return;
        }
        let place = self.column(after) + 1;
        self.header.insert(place, name.to_owned());
        for row in &mut self.rows {
            row.insert(place, String::new());
        }
    }

    pub(crate) fn get(&self, row: usize, column: &str) -> &str {
        &self.rows[row][self.column(column)]
    }

    pub(crate) fn set(&mut self, row: usize, column: &str, value: impl Into<String>) {
        let column = self.column(column);
        self.rows[row][column] = value.into();
    }

    /// Adds to a number.
    pub(crate) fn shift(&mut self, row: usize, column: &str, by: i64) {
        let now: i64 = self.get(row, column).parse().unwrap();
        self.set(row, column, (now + by).to_string());
    }

    /// The rows in question, by place.
    #[track_caller]
    pub(crate) fn all(&self, among: Where) -> Vec<usize> {
        let wanted: Vec<(usize, bool, String)> = among
            .split_whitespace()
            .map(|condition| {
                let (name, value) = condition.split_once('=').unwrap();
                let (name, equal) = match name.strip_suffix('!') {
                    Some(name) => (name, false),
                    None => (name, true),
                };
                (self.column(name), equal, value.replace('_', " "))
            })
            .collect();
        let is_wanted = |row: &Vec<String>| {
            wanted.iter().all(|(column, equal, value)| (row[*column] == *value) == *equal)
        };
        (0..self.rows.len()).filter(|&place| is_wanted(&self.rows[place])).collect()
    }

    #[track_caller]
    pub(crate) fn pick(&self, Pick { among, nth }: Pick) -> usize {
        let all = self.all(among);
        *all.get(nth).unwrap_or_else(|| panic!("{among}: {} rows, no {nth}", all.len()))
    }

    pub(crate) fn remove(&mut self, places: &[usize]) {
        let mut place = 0;
        self.rows.retain(|_| {
            place += 1;
            !places.contains(&(place - 1))
        });
    }
}
