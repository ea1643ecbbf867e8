//! Waiting for an engine to be whole, and saying what it waits for.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::sleep;

/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What an engine lacks, said once as long as it is the same.
#[derive(Debug, Default)]
pub(crate) struct Preparation {
    said: String,
}

impl Preparation {
    /// Says what is wanting, and waits a moment.
    pub(crate) async fn wait(&mut self, lack: impl Display) {
        let lack = lack.to_string();
        if lack != self.said {
            eprintln!("not whole yet: {lack}");
            self.said = lack;
        }
        sleep(PAUSE).await;
    }
}
