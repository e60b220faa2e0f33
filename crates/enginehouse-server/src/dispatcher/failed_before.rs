//! Looks up who has failed the events that a claim meets.

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::retry_elsewhere::FailedOn;
use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::retries::{RetriedEvent, Retry};

impl TransactionContext<'_> {
    /// Looks up who has failed these events.
    pub(super) async fn learn_failures(
        &mut self,
        retries: impl IntoIterator<Item = (EventId, Retry)>,
    ) -> Result<(), StoreError> {
        let unknown = retries.into_iter().filter(|(event_id, _)| !self.retried.contains_key(event_id));
        let unknown: Vec<_> = unknown.collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = unknown.iter().map(|(event_id, _)| *event_id).collect();
        let mut found = self.transaction.failed_by(&ids).await?;
        for (event_id, retry) in unknown {
            let failed_by = found.remove(&event_id).unwrap_or_default();
            self.retried.insert(event_id, RetriedEvent::new(retry, failed_by));
        }
        Ok(())
    }

    /// Which engines are not to have an event because they have failed it, if one of them asks.
    pub(super) fn failed_on(&self, event_id: EventId, lane: &LaneKey, asks: &EngineId) -> Option<FailedOn<'_>> {
        let retried = self.retried.get(&event_id)?;
        let failed_by = retried.failed_by();
        if failed_by.binary_search(asks).is_err() {
            return None;
        }
        let since = retried.prefers().then(|| self.retry_waits.begin(event_id, self.now));
        retried.failed_on(since, self.now, || self.registry.any_active_beside(failed_by, lane))
    }
}
