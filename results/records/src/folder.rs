//! Where the files of a run lie, and how they are read back.
//!
//! Rows are appended as things happen, so a run that is killed may leave half a last row. What
//! follows the last line break of a CSV is therefore dropped, complete or not (of `12` cut short
//! nobody can say that it was not `1`). Any other row that cannot be read is an error that names
//! the file and the line: a checker that skips rows could miss the one that matters.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use serde::de::DeserializeOwned;

use super::manifest::OLDEST_FORMAT;
use super::{Event, FinalRow, MANIFEST_FORMAT, Manifest, Observation};

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

/// A row and where it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    /// The line in the file on which the row begins; the header is line 1.
    pub line: u64,
    /// The row.
    pub row: T,
}

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
        self.rows("observations.csv")
    }

    /// Reads `events.csv`.
    pub fn events(&self) -> Result<Vec<Event>, FolderError> {
        self.rows("events.csv")
    }

    /// Reads `final.csv`.
    pub fn final_rows(&self) -> Result<Vec<FinalRow>, FolderError> {
        self.rows("final.csv")
    }

    fn rows<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, FolderError> {
        Ok(self.numbered(name)?.into_iter().map(|numbered| numbered.row).collect())
    }

    /// Reads the CSV file `name`, every row with its line.
    pub fn numbered<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Vec<Numbered<T>>, FolderError> {
        let path = self.path(name);
        let unreadable = |source| FolderError::Read { path: path.clone(), source };
        let mut file = File::open(&path).map_err(unreadable)?;
        let whole_bytes = whole_bytes(&mut file).map_err(unreadable)?;
        // Lengths are compared below: a torn last row must not be an error.
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
        let headers = reader.byte_headers().map_err(|error| bad_csv(&path, error))?.clone();

        let mut rows = Vec::new();
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|error| bad_csv(&path, error))? {
            if reader.position().byte() > whole_bytes {
                break;
            }
            rows.push(typed(&path, &record, &headers)?);
        }
        Ok(rows)
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

fn typed<T: DeserializeOwned>(
    path: &Path,
    record: &ByteRecord,
    headers: &ByteRecord,
) -> Result<Numbered<T>, FolderError> {
    let line = record.position().map_or(0, csv::Position::line);
    let bad = |reason| FolderError::Row { path: path.to_owned(), line, reason };
    if record.len() != headers.len() {
        let reason = format!("{} fields where the header has {}", record.len(), headers.len());
        return Err(bad(reason));
    }
    let row = record.deserialize(Some(headers)).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let index = err.field().and_then(|index| usize::try_from(index).ok());
            let field = index.and_then(|index| headers.get(index)).map(String::from_utf8_lossy);
            match field {
                Some(field) => bad(format!("field `{field}`: {}", err.kind())),
                None => bad(err.kind().to_string()),
            }
        }
        other => bad(format!("{other:?}")),
    })?;
    Ok(Numbered { line, row })
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

    use super::{FolderError, Numbered, RunFolder};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        name: String,
        count: u32,
    }

    fn read(text: &[u8]) -> Result<Vec<(u64, String, u32)>, FolderError> {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("rows.csv"), text).unwrap();
        let rows = RunFolder::new(root.path()).numbered("rows.csv")?;
        Ok(rows
            .into_iter()
            .map(|Numbered { line, row: Row { name, count } }| (line, name, count))
            .collect())
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
        assert_eq!(complaint(b"name,number\na,1\n"), "rows.csv:2: missing field `count`");
    }
}
