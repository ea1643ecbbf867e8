//! The columns of one record of a csv. The lines are split before, since the csv reader's own line numbers are off by the
//! empty lines and carriage returns before a record, and a finding that names a line must name the right one.

use csv::{ReaderBuilder, StringRecord};

/// The columns of `text`, without the white space around them.
pub(super) fn columns(text: &str) -> Result<Vec<String>, String> {
    if !text.contains('"') {
        return Ok(text.split(',').map(|column| column.trim().to_owned()).collect());
    }
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err("a quote is not closed".to_owned());
    }
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    reader.read_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record.iter().map(|column| column.trim().to_owned()).collect())
}
