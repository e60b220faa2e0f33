//! The metrics of the store: read from it at each scrape.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{LaneCounts, StatusCounts};
use enginehouse_store::{STATUSES, Store, StoreError, StoreHealth};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use strum::VariantArray;

use super::labels::{MAX_LABELLED, OTHER};

/// A metric's name, and its help.
type Described = (&'static str, &'static str);

const EVENTS: Described = ("enginehouse_events", "Events that are kept, by status, queue and event type.");
const OLDEST_AVAILABLE: Described =
    ("enginehouse_oldest_available_seconds", "For how long the oldest event that could be claimed has waited.");
const ENGINES: Described = ("enginehouse_engines", "Engines by status.");
const DEAD_LETTERS: Described = ("enginehouse_dead_letters", "Dead letters that nobody has resolved.");
const PRUNING_HELD: Described =
    ("enginehouse_pruning_held_seconds", "For how long finished events are still kept because the clock has leapt.");
// The text adds `_info` by itself.
const BUILD: Described = ("enginehouse_build", "The version of the server.");
const CONNECTIONS: Described =
    ("enginehouse_store_connections", "Connections to the database that are open, by pool: transactions or reads.");
const CONNECTIONS_IN_USE: Described = ("enginehouse_store_connections_in_use", "Those of them that are in use.");
const DEAD_ROWS: Described =
    ("enginehouse_store_dead_rows", "Dead rows that are not vacuumed yet, as far as the database has counted.");
const UNREADABLE_ROWS: Described = (
    "enginehouse_store_unreadable_rows",
    "Rows that could not be read and are passed over, by table, since the server was started.",
);
const VACUUM_HELD: Described = (
    "enginehouse_store_vacuum_held_seconds",
    "For how long the oldest of each kind has kept dead rows from being vacuumed.",
);

const DISK_FREE: Described =
    ("enginehouse_store_disk_free_bytes", "What may still be written to the disk that the data file is on.");
const DISK_TOTAL: Described = ("enginehouse_store_disk_total_bytes", "The size of the disk that the data file is on.");

/// The names of the metrics in this file, as they stand in the text.
pub(super) const STORE_METRICS: [&str; 13] = [
    EVENTS.0,
    OLDEST_AVAILABLE.0,
    ENGINES.0,
    DEAD_LETTERS.0,
    PRUNING_HELD.0,
    "enginehouse_build_info",
    CONNECTIONS.0,
    CONNECTIONS_IN_USE.0,
    DEAD_ROWS.0,
    UNREADABLE_ROWS.0,
    VACUUM_HELD.0,
    DISK_FREE.0,
    DISK_TOTAL.0,
];

/// Counts of everything in the store that selectors reach, at one moment.
#[derive(Clone, Debug)]
pub struct StoreStats {
    pub lanes: Vec<LaneCounts>,
    pub engines: Vec<(EngineStatus, u64)>,
    /// Those that are not resolved.
    pub dead_letters: u64,
    pub health: StoreHealth,
}

impl StoreStats {
    /// # Errors
    /// The store cannot be read.
    pub async fn read(store: &dyn Store, within: &Selectors) -> Result<Self, StoreError> {
        let groups = store.dead_letter_groups(within).await?;
        let mut lanes = store.lane_counts().await?;
        lanes.retain(|row| within.admit_lane(&row.lane.key));
        Ok(Self {
            lanes,
            engines: store.engine_counts(within).await?,
            dead_letters: groups.iter().map(|group| group.count).sum(),
            health: store.health(),
        })
    }
}

/// Writes [`StoreStats`] into one scrape.
#[derive(Debug)]
pub(super) struct StoreCollector {
    pub(super) stats: StoreStats,
    pub(super) now: Timestamp,
    /// For how long finished events are still kept because the clock has leapt.
    pub(super) pruning_held: Duration,
}

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let by_event_type = self.by_event_type();
        let events = by_event_type.iter().flat_map(|(&(queue, event_type), (counts, _))| {
            let labels = move |status| [("status", status), ("queue", queue), ("event_type", event_type)];
            STATUSES.map(|status| (labels(status.name()), signed(counts.of(status))))
        });
        gauges(&mut encoder, EVENTS, events)?;
        let waited = by_event_type.iter().map(|(&(queue, event_type), (_, oldest))| {
            let waited = oldest.map_or(0.0, |oldest| self.now.since(oldest).as_secs_f64());
            ([("queue", queue), ("event_type", event_type)], waited)
        });
        gauges(&mut encoder, OLDEST_AVAILABLE, waited)?;
        let engines = EngineStatus::VARIANTS.iter().map(|status| {
            let count = self.stats.engines.iter().find(|(of, _)| of == status).map_or(0, |(_, count)| *count);
            ([("status", status.name())], signed(count))
        });
        gauges(&mut encoder, ENGINES, engines)?;
        gauge(&mut encoder, DEAD_LETTERS, self.stats.dead_letters)?;
        gauge(&mut encoder, PRUNING_HELD, self.pruning_held.as_secs())?;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        version.encode(encoder.encode_descriptor(BUILD.0, BUILD.1, None, MetricType::Info)?)?;
        let StoreHealth { connections, dead_rows, vacuum_held_for, unreadable_rows, disk } = &self.stats.health;
        if !connections.is_empty() {
            let of = |pool, count| ([("pool", pool)], signed(count as u64));
            gauges(&mut encoder, CONNECTIONS, connections.iter().map(|&(pool, used)| of(pool, used.open)))?;
            gauges(&mut encoder, CONNECTIONS_IN_USE, connections.iter().map(|&(pool, used)| of(pool, used.in_use)))?;
        }
        if let Some(disk) = disk {
            gauge(&mut encoder, DISK_FREE, disk.free)?;
            gauge(&mut encoder, DISK_TOTAL, disk.total)?;
        }
        if let Some(dead_rows) = dead_rows {
            gauge(&mut encoder, DEAD_ROWS, *dead_rows)?;
        }
        let unreadable = unreadable_rows.iter().map(|&(table, rows)| ([("table", table)], signed(rows)));
        gauges(&mut encoder, UNREADABLE_ROWS, unreadable)?;
        if !vacuum_held_for.is_empty() {
            let holders = vacuum_held_for.iter().map(|&(kind, held_for)| ([("kind", kind)], held_for.as_secs_f64()));
            gauges(&mut encoder, VACUUM_HELD, holders)?;
        }
        Ok(())
    }
}

impl StoreCollector {
    /// The counts by queue and event type, and when the oldest event of each became available.
    fn by_event_type(&self) -> BTreeMap<(&str, &str), (StatusCounts, Option<Timestamp>)> {
        let mut found: BTreeMap<(&str, &str), (StatusCounts, Option<Timestamp>)> = BTreeMap::new();
        for row in &self.stats.lanes {
            let key = (row.lane.key.queue.as_str(), row.lane.key.event_type.as_str());
            let has_label = found.contains_key(&key) || found.len() < MAX_LABELLED;
            let (counts, oldest) = found.entry(if has_label { key } else { (OTHER, OTHER) }).or_default();
            for status in STATUSES {
                *counts.of_mut(status) += row.counts.of(status);
            }
            *oldest = oldest.iter().chain(&row.oldest_available_at).min().copied();
        }
        found
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, (name, help): Described, count: u64) -> fmt::Result {
    ConstGauge::new(signed(count)).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// Writes one metric with a value for each set of labels; nothing if there are none.
fn gauges<L: EncodeLabelSet, N: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): Described,
    values: impl Iterator<Item = (L, N)>,
) -> fmt::Result {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
