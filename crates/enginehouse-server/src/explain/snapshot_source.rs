//! Reads what a snapshot of the fleet is made of.

use std::sync::Arc;

use enginehouse_core::time::Timestamp;
use enginehouse_store::{Store, StoreError};

use super::fleet_snapshot::{Defaults, FleetSnapshot, SnapshotRows};
use super::refreshed::{Made, RefreshSource};
use crate::dispatcher::Dispatcher;
use crate::dispatcher::config::DispatchConfig;
use crate::dispatcher::durations::Durations;
use crate::dispatcher::hold_backs::HoldBacks;
use crate::dispatcher::last_claims::LastClaims;

/// Up to how many engines, locks and lanes together a fleet is read anew for each question: what is answered is what is.
/// To read a large one takes a while (50,000 engines: a few hundred milliseconds of a reader's time).
const SMALL: usize = 2_000;

/// Where snapshots are made from.
pub(super) struct SnapshotSource {
    store: Arc<dyn Store>,
    last_claims: LastClaims,
    durations: Durations,
    hold_backs: HoldBacks,
    defaults: Defaults,
}

impl SnapshotSource {
    pub(super) fn new(store: Arc<dyn Store>, config: &DispatchConfig, dispatcher: &Dispatcher) -> Self {
        let defaults = Defaults {
            policy: config.default_policy,
            max_cpu_percent: config.max_cpu_percent,
            hold_back_after: config.hold_back_after,
        };
        Self {
            store,
            last_claims: dispatcher.last_claims().clone(),
            durations: dispatcher.durations().clone(),
            hold_backs: dispatcher.hold_backs().clone(),
            defaults,
        }
    }
}

impl RefreshSource for SnapshotSource {
    type Value = FleetSnapshot;

    async fn make(&self, now: Timestamp) -> Result<Made<FleetSnapshot>, StoreError> {
        let rows = SnapshotRows {
            settings: self.store.settings().await?,
            lanes: self.store.lane_counts().await?,
            fleet: self.store.fleet().await?,
            last_claims: self.last_claims.all(),
            durations: self.durations.clone(),
            hold_backs: self.hold_backs.clone(),
        };
        let defaults = self.defaults;
        if rows.size() <= SMALL {
            return Ok(Made { value: Arc::new(FleetSnapshot::new(rows, defaults, now)), is_large: false });
        }
        let made = tokio::task::spawn_blocking(move || {
            let snapshot = FleetSnapshot::new(rows, defaults, now);
            // Whoever asks for it does not wait for it.
            snapshot.worst_first();
            Arc::new(snapshot)
        });
        let value = made.await.map_err(|error| StoreError::Bug(format!("a snapshot was not made: {error}")))?;
        Ok(Made { value, is_large: true })
    }
}
