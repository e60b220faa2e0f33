//! Keeps a snapshot of a large fleet for a while, so that looking at it costs others nothing.
//!
//! A small fleet is read anew for each question: what is answered is what is. To read a large one takes a while (50,000
//! engines: a few hundred milliseconds of a reader's time), so its view is kept for twenty times as long as it took to make.
//! An older one is answered once more, while a new one is made in the background.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::time::Timestamp;
use enginehouse_store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::fleet_snapshot::{Defaults, FleetSnapshot, SnapshotRows};
use crate::dispatcher::Dispatcher;
use crate::dispatcher::config::DispatchConfig;
use crate::dispatcher::durations::Durations;
use crate::dispatcher::hold_backs::HoldBacks;
use crate::dispatcher::last_claims::LastClaims;
use crate::timers::Timer;

/// Up to how many engines, locks and lanes together a fleet is read anew for each question.
const SMALL: usize = 2_000;
/// A view is kept for so many times as long as it took to make.
const KEPT_FACTOR: u32 = 20;
/// For how long it is kept at least, and at most.
const KEPT_AT_LEAST: Duration = Duration::from_secs(1);
const KEPT_AT_MOST: Duration = Duration::from_secs(15);
/// How much older a view may be that is answered while a new one is made.
const STALE_FACTOR: u32 = 4;

/// Keeps a snapshot of a large fleet for a while.
pub(super) struct SnapshotCache {
    source: Arc<SnapshotSource>,
    /// The last snapshot of a large fleet. It is locked while one is made, so that many who ask at once make one.
    kept: Arc<Mutex<Option<KeptSnapshot>>>,
}

/// Where views are made from.
struct SnapshotSource {
    store: Arc<dyn Store>,
    last_claims: LastClaims,
    durations: Durations,
    hold_backs: HoldBacks,
    defaults: Defaults,
}

#[derive(Clone)]
struct KeptSnapshot {
    view: Arc<FleetSnapshot>,
    made_at: Instant,
    /// For how long it is kept.
    keep: Duration,
    is_being_replaced: bool,
}

impl SnapshotCache {
    pub(super) fn new(store: Arc<dyn Store>, config: &DispatchConfig, dispatcher: &Dispatcher) -> Self {
        let defaults = Defaults {
            policy: config.default_policy,
            max_cpu_percent: config.max_cpu_percent,
            hold_back_after: config.hold_back_after,
        };
        let source = SnapshotSource {
            store,
            last_claims: dispatcher.last_claims().clone(),
            durations: dispatcher.durations().clone(),
            hold_backs: dispatcher.hold_backs().clone(),
            defaults,
        };
        Self { source: Arc::new(source), kept: Arc::default() }
    }

    /// The fleet, as it is or was a few seconds ago.
    pub(super) async fn view(&self, now: Timestamp) -> Result<Arc<FleetSnapshot>, StoreError> {
        let mut kept = self.kept.lock().await;
        if let Some(last) = &mut *kept {
            let age = Timer::now().saturating_duration_since(last.made_at);
            if age < last.keep || (last.is_being_replaced && age < last.keep * STALE_FACTOR) {
                return Ok(Arc::clone(&last.view));
            }
            if age < last.keep * STALE_FACTOR {
                last.is_being_replaced = true;
                let (source, kept) = (Arc::clone(&self.source), Arc::clone(&self.kept));
                tokio::spawn(async move {
                    let made = source.make(now).await;
                    let mut kept = kept.lock().await;
                    match made {
                        Ok((_, made)) => *kept = made,
                        // The next one who asks tries again, and is told.
                        Err(_) => *kept = None,
                    }
                });
                return Ok(Arc::clone(&last.view));
            }
        }
        let (view, made) = self.source.make(now).await?;
        *kept = made;
        Ok(view)
    }
}

impl SnapshotSource {
    /// Makes a view; and what is kept of it, if the fleet is large.
    async fn make(&self, now: Timestamp) -> Result<(Arc<FleetSnapshot>, Option<KeptSnapshot>), StoreError> {
        let began = Timer::now();
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
            return Ok((Arc::new(FleetSnapshot::new(rows, defaults, now)), None));
        }
        let made = tokio::task::spawn_blocking(move || {
            let view = FleetSnapshot::new(rows, defaults, now);
            // Whoever asks for it does not wait for it.
            view.worst_first();
            Arc::new(view)
        });
        let view = made.await.map_err(|error| StoreError::Bug(format!("a view was not made: {error}")))?;
        let took = Timer::now().saturating_duration_since(began);
        let keep = (took * KEPT_FACTOR).clamp(KEPT_AT_LEAST, KEPT_AT_MOST);
        let kept = KeptSnapshot { view: Arc::clone(&view), made_at: Timer::now(), keep, is_being_replaced: false };
        Ok((view, Some(kept)))
    }
}
