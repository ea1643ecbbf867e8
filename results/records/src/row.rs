//! What the rows of a run's three CSV files have in common.

use serde::de::DeserializeOwned;

use super::{Event, FinalRow, Observation, Texts};

/// A row of one of a run's CSV files.
pub trait Row: DeserializeOwned {
    /// The file's name in a run's folder.
    const FILE: &'static str;

    /// The file's first line in a run of this format, without its line break.
    fn header(format: u32) -> &'static str;

    /// Whose row it is: the cell's id, and which repetition of the cell.
    fn trial(&self) -> (&str, u32);

    /// Lets its texts be those that rows before it had.
    fn share(&mut self, texts: &mut Texts);
}

impl Row for Observation {
    const FILE: &'static str = "observations.csv";

    fn header(_: u32) -> &'static str {
        "cell,trial,phase,client,seq,op,stock_name,trade_type,quantity,planned_us,start_us,end_us,\
         latency_us,outcome,status,reason,order_no,seen_quantity,seen_volume,cache,request_id,attempts"
    }

    fn trial(&self) -> (&str, u32) {
        (&self.cell, self.trial)
    }

    fn share(&mut self, texts: &mut Texts) {
        texts.share(&mut self.cell);
        for text in [&mut self.stock_name, &mut self.reason, &mut self.request_id] {
            texts.share_some(text);
        }
    }
}

impl Row for FinalRow {
    const FILE: &'static str = "final.csv";

    fn header(_: u32) -> &'static str {
        "cell,trial,source,kind,order_no,epoch,request_id,stock_name,trade_type,quantity,version,\
         quantity_after,volume_after,origin"
    }

    fn trial(&self) -> (&str, u32) {
        (&self.cell, self.trial)
    }

    fn share(&mut self, texts: &mut Texts) {
        texts.share(&mut self.cell);
        texts.share(&mut self.source);
        texts.share_some(&mut self.request_id);
        texts.share_some(&mut self.stock_name);
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
            _ => {
                "cell,trial,at_us,event,fault,planned_us,action,target,process,pid,ends,epoch,version,\
                 leader,in_sync,suspected_us,unsent,observation_rows,event_rows,final_rows,detail"
            }
        }
    }

    fn trial(&self) -> (&str, u32) {
        (&self.cell, self.trial)
    }

    fn share(&mut self, _: &mut Texts) {}
}
