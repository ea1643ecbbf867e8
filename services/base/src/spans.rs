//! When each trade reached which stage in this process: what a picture of a trade is drawn from.
//!
//! Marks are kept in memory and written when the process ends, so that what is looked at is not slowed by its being looked
//! at; a process that is killed writes none. Off, which it is without `--log-spans`, a mark is one load.
//!
//! The invariant: a mark is never waited for by what it marks, but for a lock that is held to append to a list.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use wire::ids::RequestId;

use crate::process::monotonic_us;

/// So many marks are kept, a few ten megabytes of them; later ones are counted.
const MOST_MARKS: usize = 1_000_000;

static MARKS: OnceLock<Mutex<Marks>> = OnceLock::new();

/// What a trade is doing from a mark on, or has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// This process has got it.
    Received,
    /// The leader asks the catalog.
    AsksCatalog,
    /// The catalog has answered the leader.
    CatalogAnswered,
    /// The thread that owns the file begins with it.
    Begins,
    /// It is on this process's disk.
    Flushed,
    /// The front-end knows of the change, so the catalog may answer.
    FrontEndTold,
    /// This process answers it.
    Answered,
}

impl Stage {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::AsksCatalog => "asks-catalog",
            Self::CatalogAnswered => "catalog-answered",
            Self::Begins => "begins",
            Self::Flushed => "flushed",
            Self::FrontEndTold => "front-end-told",
            Self::Answered => "answered",
        }
    }
}

#[derive(Debug)]
struct Marks {
    path: PathBuf,
    file: File,
    kept: Vec<(u64, Stage, RequestId)>,
    dropped: u64,
}

/// From now on marks are kept, for this file.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn begin(path: &Path) -> io::Result<()> {
    let marks =
        Marks { path: path.to_owned(), file: File::create(path)?, kept: Vec::new(), dropped: 0 };
    // A second call in one process would be a second program in it; the first one's file has all.
    let _ = MARKS.set(Mutex::new(marks));
    Ok(())
}

/// Whether marks are kept: to be asked before a loop over what is marked.
#[inline]
#[must_use]
pub fn are_kept() -> bool {
    MARKS.get().is_some()
}

/// A trade is at this stage now.
#[inline]
pub fn mark(stage: Stage, request_id: &RequestId) {
    if let Some(marks) = MARKS.get() {
        keep(marks, stage, request_id);
    }
}

#[cold]
fn keep(marks: &Mutex<Marks>, stage: Stage, request_id: &RequestId) {
    let at_us = monotonic_us();
    let Ok(mut marks) = marks.lock() else { return };
    if marks.kept.len() < MOST_MARKS {
        marks.kept.push((at_us, stage, request_id.clone()));
    } else {
        marks.dropped += 1;
    }
}

/// Writes what was kept: `monotonic_us,stage,request_id`.
pub(crate) fn end() {
    let Some(marks) = MARKS.get() else { return };
    let Ok(mut marks) = marks.lock() else { return };
    let Marks { path, file, kept, dropped } = &mut *marks;
    if let Err(error) = write(file, kept) {
        tracing::error!(%error, path = %path.display(), "cannot write the stages of trades");
    }
    if *dropped > 0 {
        tracing::warn!(dropped, most = MOST_MARKS, "not all stages of trades were kept");
    }
    kept.clear();
}

fn write(to: impl Write, kept: &[(u64, Stage, RequestId)]) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    writeln!(to, "monotonic_us,stage,request_id")?;
    for (at_us, stage, request_id) in kept {
        // A client's name for a trade may have commas in it, and no spaces.
        let request_id = request_id.as_str().replace('"', "\"\"");
        writeln!(to, "{at_us},{},\"{request_id}\"", stage.as_str())?;
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_unless_it_was_asked_for_and_a_name_with_commas_is_one_field() {
        assert!(!are_kept());
        let odd = RequestId::new("a,\"b").unwrap();
        mark(Stage::Received, &odd);
        let mut text = Vec::new();
        write(&mut text, &[(17, Stage::FrontEndTold, odd)]).unwrap();
        let lines = String::from_utf8(text).unwrap();
        assert_eq!(lines, "monotonic_us,stage,request_id\n17,front-end-told,\"a,\"\"b\"\n");
    }
}
