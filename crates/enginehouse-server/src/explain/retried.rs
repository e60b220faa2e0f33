//! Which of the events that are explained other engines are to retry.

use std::collections::HashMap;

use enginehouse_core::gates::LaneFacts;
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::EventRow;
use enginehouse_store::{Store, StoreError};

use super::FleetSnapshot;
use crate::dispatcher::retries::{RetriedEvent, RetryWaits};

/// Which of some events other engines are to retry, and since when they wait for one.
#[derive(Default)]
pub(super) struct RetriedEvents(HashMap<EventId, (RetriedEvent, Option<Timestamp>)>);

impl RetriedEvents {
    /// Looks up who has failed these events.
    pub(super) async fn of(
        events: impl IntoIterator<Item = &EventRow>,
        view: &FleetSnapshot,
        store: &dyn Store,
        waits: &RetryWaits,
    ) -> Result<Self, StoreError> {
        let retries = events.into_iter().filter_map(|event| Some((event.event_id, view.retry(event)?)));
        let retries: Vec<_> = retries.collect();
        if retries.is_empty() {
            return Ok(Self::default());
        }
        let ids: Vec<_> = retries.iter().map(|(event_id, _)| *event_id).collect();
        let mut failed_by = store.failed_by(&ids).await?;
        let retried = retries.into_iter().map(|(event_id, retry)| {
            let failed_by = failed_by.remove(&event_id).unwrap_or_default();
            (event_id, (RetriedEvent::new(retry, failed_by), waits.since(event_id)))
        });
        Ok(Self(retried.collect()))
    }

    /// What is asked of an event of a lane, with the engines that are not to have it.
    pub(super) fn facts<'a>(&'a self, event_id: EventId, facts: LaneFacts<'a>, view: &FleetSnapshot) -> LaneFacts<'a> {
        let failed_on = self.0.get(&event_id).and_then(|(retried, since)| {
            let others_fit = || view.fleet().any_active_beside(retried.failed_by(), facts.key);
            retried.failed_on(*since, view.as_of(), others_fit)
        });
        LaneFacts { failed_on, ..facts }
    }
}
