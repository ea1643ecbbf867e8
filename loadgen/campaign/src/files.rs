//! How pages and tables become files: whole at every moment, for whoever looks while they are written again.

use std::path::{Path, PathBuf};

use results::records::write_whole;
use serde::Serialize;

use crate::error::CampaignError;

/// Writes a file into `folder`, and says where it is.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, CampaignError> {
    let path = folder.join(name);
    write_whole(&path, text).map_err(CampaignError::io(&path))?;
    Ok(path)
}

/// The same with a line of CSV for each of these below a header.
pub(crate) fn write_csv<L: Serialize>(
    folder: &Path,
    name: &str,
    lines: impl IntoIterator<Item = L>,
) -> Result<PathBuf, CampaignError> {
    let text = csv_text(lines).map_err(|error| CampaignError::file(&folder.join(name), error))?;
    write(folder, name, &text)
}

fn csv_text<L: Serialize>(lines: impl IntoIterator<Item = L>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer.serialize(line)?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
