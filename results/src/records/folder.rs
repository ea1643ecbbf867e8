//! Where the files of a run lie, and how they are read back.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{Event, FinalRow, MANIFEST_FORMAT, Manifest, Observation};

/// Why a run's folder could not be read.
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
    /// A row of the file is not what it should be.
    #[error("{path}: {source}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Which row, and why.
        source: csv::Error,
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
        if manifest.format != MANIFEST_FORMAT {
            let reason = format!(
                "format {} is not the format {MANIFEST_FORMAT} that this version reads",
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
        let path = self.path(name);
        let file =
            File::open(&path).map_err(|source| FolderError::Read { path: path.clone(), source })?;
        csv::Reader::from_reader(BufReader::new(file))
            .into_deserialize()
            .collect::<Result<_, _>>()
            .map_err(|source| FolderError::Row { path, source })
    }
}
