//! Handlers that answer when an event has ended.

use std::time::Duration;

use axum::extract::Extension;
use enginehouse_core::ids::EventId;
use enginehouse_store::StoreError;
use enginehouse_store::rows::EventRecord;

use super::app::App;
use super::long_wait::LongWait;

/// The event once it has ended, or as it is when the time is over; none if it is not there.
pub(super) async fn event_after(
    app: &App,
    event_id: EventId,
    wait: Duration,
    long_wait: Option<Extension<LongWait>>,
) -> Result<Option<EventRecord>, StoreError> {
    // What is read lies apart, so that it takes no memory while somebody waits.
    let read = || Box::pin(app.store().event(event_id));
    if wait.is_zero() {
        return read().await;
    }
    let place = app.dispatcher().end_waits().begin(event_id);
    let record = read().await?;
    if record.as_ref().is_none_or(|record| record.event.state.status.is_final()) {
        return Ok(record);
    }
    drop(record);
    if let Some(Extension(long_wait)) = long_wait {
        long_wait.begin();
    }
    place.within(wait).await;
    read().await
}
