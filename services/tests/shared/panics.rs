//! What a test that fails says, although its process ends with it.
//!
//! A failing test drops its runtime while it panics, and with it tasks that own state: the process ends at once
//! (rule G4), before the test harness has printed what it caught of the test's output. So a panic is also said
//! past what the harness catches.

use std::io::Write;
use std::sync::Once;

/// From now on a panic in this process is written to stderr itself.
pub(crate) fn are_told() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a thread");
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "{name}: {panic}");
            usual(panic);
        }));
    });
}
