//! What is in the house: read from the store when somebody asks.

use std::collections::BTreeMap;

use enginehouse_core::engine::EngineStatus;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{LaneCounts, StatusCounts};
use enginehouse_store::{ConnectionsUsed, STATUSES, Store, StoreError, StoreHealth};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use strum::VariantArray;

use super::registry::{MAX_LABELLED, OTHER};

/// The metrics that are read from the store, and what each says.
pub(super) const HOUSE_METRICS: [(&str, &str); 9] = [
    ("enginehouse_events", "Events that are kept, by status, queue and event type"),
    ("enginehouse_oldest_available_seconds", "For how long the oldest event that could be claimed has waited"),
    ("enginehouse_engines", "Engines by status"),
    ("enginehouse_dead_letters", "Dead letters that nobody has resolved"),
    ("enginehouse_build_info", "The version of the server"),
    ("enginehouse_store_connections", "Connections to the database that are open, by pool: transactions or reads"),
    ("enginehouse_store_connections_in_use", "Those of them that somebody uses"),
    ("enginehouse_store_dead_rows", "Dead rows that are not vacuumed yet, as far as the database has counted"),
    (
        "enginehouse_store_vacuum_held_seconds",
        "For how long the oldest of each kind has kept dead rows from being vacuumed",
    ),
];

/// Counts of everything, at one moment.
#[derive(Clone, Debug)]
pub struct House {
    /// By lane.
    pub lanes: Vec<LaneCounts>,
    /// By status.
    pub engines: Vec<(EngineStatus, u64)>,
    /// Dead letters that nobody has resolved.
    pub dead_letters: u64,
    /// How the store does.
    pub store: StoreHealth,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfEvents {
    status: &'static str,
    queue: String,
    event_type: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfWaiting {
    queue: String,
    event_type: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfEngines {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfConnections {
    pool: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfHolders {
    kind: &'static str,
}

impl House {
    /// Counts what is in the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let groups = store.dead_letter_groups().await?;
        Ok(Self {
            lanes: store.lane_counts().await?,
            engines: store.engine_counts().await?,
            dead_letters: groups.iter().map(|group| group.count).sum(),
            store: store.health(),
        })
    }

    /// The counts as metrics.
    pub(super) fn registry(&self, now: Timestamp) -> Registry {
        let mut registry = Registry::default();
        let [events, oldest, engines, dead_letters, build, open, in_use, dead_rows, held] = HOUSE_METRICS;
        let (by_event, by_waiting) = self.events(now);
        registry.register(events.0, events.1, by_event);
        registry.register(oldest.0, oldest.1, by_waiting);
        registry.register(engines.0, engines.1, self.engines());
        let count: Gauge = Gauge::default();
        count.set(signed(self.dead_letters));
        registry.register(dead_letters.0, dead_letters.1, count);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        // The text adds `_info` by itself.
        registry.register(build.0.trim_end_matches("_info"), build.1, version);
        let StoreHealth { connections, dead_rows: counted, vacuum_held_for } = &self.store;
        if !connections.is_empty() {
            let (all, used) = (Family::<OfConnections, Gauge>::default(), Family::<OfConnections, Gauge>::default());
            for &(pool, ConnectionsUsed { open, in_use }) in connections {
                all.get_or_create(&OfConnections { pool }).set(signed(open as u64));
                used.get_or_create(&OfConnections { pool }).set(signed(in_use as u64));
            }
            registry.register(open.0, open.1, all);
            registry.register(in_use.0, in_use.1, used);
        }
        if let Some(counted) = counted {
            let count: Gauge = Gauge::default();
            count.set(signed(*counted));
            registry.register(dead_rows.0, dead_rows.1, count);
        }
        if !vacuum_held_for.is_empty() {
            let family = Family::<OfHolders, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
            for &(kind, held_for) in vacuum_held_for {
                family.get_or_create(&OfHolders { kind }).set(held_for.as_secs_f64());
            }
            registry.register(held.0, held.1, family);
        }
        registry
    }

    fn events(
        &self,
        now: Timestamp,
    ) -> (Family<OfEvents, Gauge>, Family<OfWaiting, Gauge<f64, std::sync::atomic::AtomicU64>>) {
        let mut found: BTreeMap<(&str, &str), (StatusCounts, Option<Timestamp>)> = BTreeMap::new();
        for row in &self.lanes {
            let key = (row.lane.key.queue.as_str(), row.lane.key.event_type.as_str());
            let has_label = found.contains_key(&key) || found.len() < MAX_LABELLED;
            let (counts, oldest) = found.entry(if has_label { key } else { (OTHER, OTHER) }).or_default();
            for status in STATUSES {
                *counts.of_mut(status) += row.counts.of(status);
            }
            *oldest = oldest.iter().chain(&row.oldest_available_at).min().copied();
        }
        let (events, waiting) = (Family::default(), Family::default());
        for ((queue, event_type), (counts, oldest)) in found {
            let (queue, event_type) = (queue.to_owned(), event_type.to_owned());
            for status in STATUSES {
                let of = OfEvents { status: status.name(), queue: queue.clone(), event_type: event_type.clone() };
                let gauge: &Family<OfEvents, Gauge> = &events;
                gauge.get_or_create(&of).set(signed(counts.of(status)));
            }
            let waited = oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
            let gauge: &Family<OfWaiting, Gauge<f64, std::sync::atomic::AtomicU64>> = &waiting;
            gauge.get_or_create(&OfWaiting { queue, event_type }).set(waited);
        }
        (events, waiting)
    }

    fn engines(&self) -> Family<OfEngines, Gauge> {
        let engines = Family::default();
        for status in EngineStatus::VARIANTS {
            let count = self.engines.iter().find(|(of, _)| of == status).map_or(0, |(_, count)| *count);
            let gauge: &Family<OfEngines, Gauge> = &engines;
            gauge.get_or_create(&OfEngines { status: status.name() }).set(signed(count));
        }
        engines
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
