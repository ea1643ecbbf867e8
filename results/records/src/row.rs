//! What the rows of a run's three CSV files have in common.

use serde::Deserialize;

use super::{AtLine, DumpRow, Event, FinalRow, Numbered, Observation, Texts};

/// A row of one of a run's CSV files.
pub trait Row: Sized {
    /// The file's name in a run's folder.
    const FILE: &'static str;

    /// The file's first line in a run of this format, without its line break.
    fn header(format: u32) -> &'static str;

    /// The same of a target that keeps registers or logs, if it has other columns then: they come last.
    fn keyed_header() -> Option<&'static str> {
        None
    }

    /// Whose row it is: the cell's id, and which repetition of the cell.
    fn trial(&self) -> (&str, u32);

    /// The row as it is read, with texts that lie in the reader's buffer.
    type Raw<'r>: Deserialize<'r>;

    /// How it is kept in memory, among the rows of its trial.
    type Kept: AtLine;

    /// The row that was read. Texts that rows before it had are not made once more.
    fn of_raw(raw: Self::Raw<'_>, texts: &mut Texts) -> Self;

    /// The row of this line as it is kept.
    ///
    /// # Errors
    /// It cannot be kept. Says why.
    fn keep(self, line: u64) -> Result<Self::Kept, String>;
}

impl Row for Observation {
    const FILE: &'static str = "observations.csv";

    fn header(_: u32) -> &'static str {
        "cell,trial,phase,client,seq,op,stock_name,trade_type,quantity,planned_us,start_us,end_us,\
         latency_us,outcome,status,reason,order_no,seen_quantity,seen_volume,cache,request_id,attempts"
    }

    fn keyed_header() -> Option<&'static str> {
        Some(
            "cell,trial,phase,client,seq,op,stock_name,trade_type,quantity,planned_us,start_us,end_us,\
             latency_us,outcome,status,reason,order_no,seen_quantity,seen_volume,cache,request_id,attempts,\
             key,value,expected,position",
        )
    }

    fn trial(&self) -> (&str, u32) {
        (&self.cell, self.trial)
    }

    type Raw<'r> = Observation<&'r str>;
    type Kept = Numbered<Self>;

    fn of_raw(raw: Observation<&str>, texts: &mut Texts) -> Self {
        raw.with_texts(|text| texts.get(text))
    }

    fn keep(self, line: u64) -> Result<Self::Kept, String> {
        Ok(Numbered { line, row: self })
    }
}

impl Row for FinalRow {
    const FILE: &'static str = "final.csv";

    fn header(_: u32) -> &'static str {
        "cell,trial,source,kind,order_no,epoch,request_id,stock_name,trade_type,quantity,version,\
         quantity_after,volume_after,origin"
    }

    fn keyed_header() -> Option<&'static str> {
        Some(
            "cell,trial,source,kind,order_no,epoch,request_id,stock_name,trade_type,quantity,version,\
             quantity_after,volume_after,origin,key,value,expected,position",
        )
    }

    fn trial(&self) -> (&str, u32) {
        (&self.cell, self.trial)
    }

    type Raw<'r> = FinalRow<&'r str>;
    type Kept = DumpRow;

    fn of_raw(raw: FinalRow<&str>, texts: &mut Texts) -> Self {
        raw.with_texts(|text| texts.get(text))
    }

    fn keep(self, line: u64) -> Result<Self::Kept, String> {
        DumpRow::new(self, line)
    }
}

impl Row for Event {
    const FILE: &'static str = "events.csv";

    fn header(format: u32) -> &'static str {
        match format {
            1 => {
                "cell,trial,at_us,event,fault,planned_us,action,target,process,pid,epoch,version,leader,\
                 in_sync,suspected_us,unsent,detail"
            }
            2 => {
                "cell,trial,at_us,event,fault,planned_us,action,target,process,pid,ends,epoch,version,\
                 leader,in_sync,suspected_us,unsent,detail"
            }
            3 => {
                "cell,trial,at_us,event,fault,planned_us,action,target,process,pid,ends,epoch,version,\
                 leader,in_sync,suspected_us,unsent,observation_rows,event_rows,final_rows,detail"
            }
            _ => {
                "cell,trial,at_us,event,fault,planned_us,action,target,process,pid,ends,epoch,version,\
                 leader,in_sync,suspected_us,unsent,observation_rows,event_rows,final_rows,bound_us,detail"
            }
        }
    }

    fn trial(&self) -> (&str, u32) {
        (&self.cell, self.trial)
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
