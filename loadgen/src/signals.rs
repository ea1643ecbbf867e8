//! What Ctrl-C, SIGTERM and SIGHUP do: the first asks for a clean end, the second for a quick one.
//!
//! No signal keeps children from being seen off, files from being completed, or a temporary folder
//! from being removed. (What cannot be caught, SIGKILL, leaves files as they are; no child either: the
//! guard of each ends it when this process ends.)
//!
//! Installed before goose runs, which would otherwise install a handler of its own and knows
//! nothing of the bazaar's processes.

use driver::stop::Stop;
use faults::bazaar::Bazaar;

use crate::output::note;

/// A stop that signals request. Once per process.
///
/// # Errors
/// The handler cannot be installed.
pub(crate) fn stop_on_signals() -> Result<Stop, ctrlc::Error> {
    let stop = Stop::new();
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        if handler.is_requested() {
            note!("stopping at once: the services are killed, the files are completed");
        } else {
            note!("stopping; once more to stop at once");
        }
        handler.request();
    })?;
    Ok(stop)
}

/// Stops a bazaar, the quick way once that is asked for. Afterwards no process of it is left.
pub(crate) async fn see_off(stop: &Stop, bazaar: &Bazaar) {
    let stopping = bazaar.stop();
    tokio::pin!(stopping);
    tokio::select! {
        () = &mut stopping => return,
        () = stop.hurried() => bazaar.kill_all(),
    }
    stopping.await;
}
