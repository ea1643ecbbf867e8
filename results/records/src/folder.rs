//! Where the files of a run lie, and how they are read back.
//!
//! Rows are appended as things happen, so a run that is killed may leave half a last row. What
//! follows the last line break of a CSV is therefore dropped, complete or not (of `12` cut short
//! nobody can say that it was not `1`). Any other row that cannot be read is an error that names
//! the file and the line: a checker that skips rows could miss the one that matters.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::manifest::OLDEST_FORMAT;
use super::{Event, FinalRow, MANIFEST_FORMAT, Manifest, Numbered, Observation, Row, Texts};

/// Why a run's folder could not be read, or written to.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file is missing or cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A row of the file is not what it should be.
    #[error("{path}:{line}: {reason}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Its line; the header is line 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest is not what it should be.
    #[error("{path}: {reason}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// So much is read from a file at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A run's folder, `results/runs/<UTC>-<plan>/`.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// The folder at `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its own name, whatever link it was reached by.
    #[must_use]
    pub fn name(&self) -> String {
        let real = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        real.file_name().unwrap_or(real.as_os_str()).to_string_lossy().into_owned()
    }

    /// `name` inside the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Reads `manifest.json`.
    pub fn manifest(&self) -> Result<Manifest, FolderError> {
        let path = self.path("manifest.json");
        let text = fs::read_to_string(&path)
            .map_err(|source| FolderError::Read { path: path.clone(), source })?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| {
            FolderError::Manifest { path: path.clone(), reason: error.to_string() }
        })?;
        if !(OLDEST_FORMAT..=MANIFEST_FORMAT).contains(&manifest.format) {
            let reason = format!(
                "format {} is none that this version reads: {OLDEST_FORMAT} to {MANIFEST_FORMAT}",
                manifest.format
            );
            return Err(FolderError::Manifest { path, reason });
        }
        Ok(manifest)
    }

    /// Reads `observations.csv`.
    pub fn observations(&self) -> Result<Vec<Observation>, FolderError> {
        self.rows()
    }

    /// Reads `events.csv`.
    pub fn events(&self) -> Result<Vec<Event>, FolderError> {
        self.rows()
    }

    /// Reads `final.csv`.
    pub fn final_rows(&self) -> Result<Vec<FinalRow>, FolderError> {
        self.rows()
    }

    /// Reads a file of a run of any format.
    fn rows<T: Row>(&self) -> Result<Vec<T>, FolderError> {
        let mut rows = Vec::new();
        self.read(OLDEST_FORMAT..=MANIFEST_FORMAT, |numbered: Numbered<T>| {
            rows.push(numbered.row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Reads the file of these rows, of a run of one of these formats, and hands each row to `take`,
    /// which may refuse it and say why. Returns whether the file ended in half a row.
    ///
    /// # Errors
    /// The file cannot be read, its header is none of these formats', or a row is not what it should be.
    pub fn read<T: Row>(
        &self,
        formats: RangeInclusive<u32>,
        mut take: impl FnMut(Numbered<T>) -> Result<(), String>,
    ) -> Result<bool, FolderError> {
        let path = self.path(T::FILE);
        let unreadable = |source| FolderError::Read { path: path.clone(), source };
        let mut file = File::open(&path).map_err(unreadable)?;
        let whole_bytes = whole_bytes(&mut file).map_err(unreadable)?;
        // Lengths are compared below: a torn last row must not be an error.
        let buffered = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(buffered);
        let headers = reader.byte_headers().map_err(|error| bad_csv(&path, error))?.clone();
        if reader.position().byte() > whole_bytes || headers.is_empty() {
            return Ok(true);
        }
        let header = headers.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(",");
        let is_keyed = T::keyed_header() == Some(header.as_str());
        let is_of = |format: &u32| is_keyed || T::header(*format) == header;
        let Some(format) = formats.clone().rev().find(is_of) else {
            let expected = T::header(*formats.end());
            let reason = format!("the header must be `{expected}`, and is `{header}`");
            return Err(FolderError::Row { path, line: 1, reason });
        };
        // Columns that stand where the fields do need not be found by their names, row by row.
        let by_name = (T::header(format) != T::header(MANIFEST_FORMAT)).then_some(&headers);

        let (mut record, mut texts) = (ByteRecord::new(), Texts::default());
        while reader.read_byte_record(&mut record).map_err(|error| bad_csv(&path, error))? {
            if reader.position().byte() > whole_bytes {
                return Ok(true);
            }
            let line = record.position().map_or(0, csv::Position::line);
            let row = typed(&record, &headers, by_name, &mut texts);
            let taken = row.and_then(|row| take(Numbered { line, row }));
            taken.map_err(|reason| FolderError::Row { path: path.clone(), line, reason })?;
        }
        Ok(false)
    }
}

/// How many bytes of the file can be trusted: all if it ends with a line break, and otherwise all
/// but the last one, which leaves out the row that runs into the end of the file.
fn whole_bytes(file: &mut File) -> io::Result<u64> {
    let bytes = file.seek(SeekFrom::End(0))?;
    if bytes == 0 {
        return Ok(0);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    file.rewind()?;
    Ok(if last == *b"\n" { bytes } else { bytes - 1 })
}

/// The row, or what is wrong with it.
fn typed<T: Row>(
    record: &ByteRecord,
    headers: &ByteRecord,
    by_name: Option<&ByteRecord>,
    texts: &mut Texts,
) -> Result<T, String> {
    if record.len() != headers.len() {
        return Err(format!("{} fields where the header has {}", record.len(), headers.len()));
    }
    let raw = record.deserialize(by_name).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let index = err.field().and_then(|index| usize::try_from(index).ok());
            let field = index.and_then(|index| headers.get(index)).map(String::from_utf8_lossy);
            match field {
                Some(field) => format!("field `{field}`: {}", err.kind()),
                None => err.kind().to_string(),
            }
        }
        other => format!("{other:?}"),
    })?;
    Ok(T::of_raw(raw, texts))
}

fn bad_csv(path: &Path, error: csv::Error) -> FolderError {
    let line = error.position().map_or(0, csv::Position::line);
    let path = path.to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => FolderError::Read { path, source },
        other => FolderError::Row { path, line, reason: format!("{other:?}") },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::Deserialize;

    use super::{FolderError, Numbered, Row, RunFolder};
    use crate::Texts;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Counted {
        name: String,
        count: u32,
    }

    impl Row for Counted {
        const FILE: &'static str = "rows.csv";

        fn header(format: u32) -> &'static str {
            if format == 1 { "count,name" } else { "name,count" }
        }

        fn trial(&self) -> (&str, u32) {
            (&self.name, self.count)
        }

        type Raw<'r> = Self;
        type Kept = Numbered<Self>;

        fn of_raw(raw: Self, _: &mut Texts) -> Self {
            raw
        }

        fn keep(self, line: u64) -> Result<Self::Kept, String> {
            Ok(Numbered { line, row: self })
        }
    }

    fn read(text: &[u8]) -> Result<Vec<(u64, String, u32)>, FolderError> {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("rows.csv"), text).unwrap();
        let mut rows = Vec::new();
        RunFolder::new(root.path()).read(1..=2, |Numbered { line, row }| {
            let Counted { name, count } = row;
            rows.push((line, name, count));
            if count == 13 { Err("unlucky".to_owned()) } else { Ok(()) }
        })?;
        Ok(rows)
    }

    fn complaint(text: &[u8]) -> String {
        let message = read(text).unwrap_err().to_string();
        message.rsplit('/').next().unwrap().to_owned()
    }

    #[test]
    fn rows_carry_the_line_they_begin_on() {
        let rows = read(b"name,count\na,1\n\"b\nb\",2\nc,3\n").unwrap();
        let lines: Vec<_> = rows.iter().map(|row| row.0).collect();
        assert_eq!(lines, [2, 3, 5]);
    }

    #[test]
    fn a_torn_last_row_is_dropped() {
        let whole = vec![(2, "a".to_owned(), 1)];
        for torn in [&b"b"[..], b"b,", b"b,12", b"\"b", b"\"b\nb", b"\xc3", b"b,x"] {
            assert_eq!(read(&[b"name,count\na,1\n", torn].concat()).unwrap(), whole, "{torn:?}");
        }
    }

    #[test]
    fn a_torn_header_and_an_empty_file_hold_no_rows() {
        assert_eq!(read(b"").unwrap(), []);
        assert_eq!(read(b"nam").unwrap(), []);
        assert_eq!(read(b"name,count\n").unwrap(), []);
    }

    #[test]
    fn any_other_bad_row_is_an_error_with_file_and_line() {
        assert_eq!(
            complaint(b"name,count\na,1\nb\nc,3\n"),
            "rows.csv:3: 1 fields where the header has 2"
        );
        assert_eq!(
            complaint(b"name,count\na,1\nb,many\n"),
            "rows.csv:3: field `count`: invalid digit found in string"
        );
        assert_eq!(
            complaint(b"name,count\na,1\nb,many\nc"),
            "rows.csv:3: field `count`: invalid digit found in string"
        );
        assert_eq!(complaint(b"name,count\na,1\nb,13\n"), "rows.csv:3: unlucky");
    }

    #[test]
    fn the_header_is_exactly_that_of_the_format() {
        assert_eq!(read(b"count,name\n1,a\n").unwrap(), [(2, "a".to_owned(), 1)]);
        for header in ["name,number", "name,count,more", "name", "Name,count"] {
            let text = format!("{header}\na,1\n");
            let expected =
                format!("rows.csv:1: the header must be `name,count`, and is `{header}`");
            assert_eq!(complaint(text.as_bytes()), expected);
        }
    }
}
