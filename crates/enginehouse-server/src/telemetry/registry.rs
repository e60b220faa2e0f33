//! The metrics that are counted and measured as things happen.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::ids::{EventType, TokenName};
use enginehouse_core::time::Timestamp;
use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use strum::VariantArray;
use tokio::time::Instant;

use super::budget_metrics::{BudgetMetrics, OfBudget};
use super::dropped_lines::DroppedLines;
use super::labels::{MAX_LABELLED, OTHER, known_method};
use super::principal_metrics::{PrincipalFamilies, PrincipalMetrics};
use super::store_stats::{STORE_METRICS, StoreCollector, StoreStats};
use super::text_format::TextFormat;
use super::tls_metrics::TlsMetrics;
use crate::log_limit::LogLimit;
use crate::timers::Timer;

/// Seconds: from a millisecond to a minute.
const FAST: [f64; 15] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
/// Seconds: from ten milliseconds to a day.
const SLOW: [f64; 15] =
    [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];
/// Requests of one commit.
const REQUESTS_OF_A_COMMIT: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

/// The values of [`WithOutcome`], as the dispatcher's effects name them.
const SETTLE_OUTCOMES: [&str; 4] = ["complete", "fail", "release", "extend"];

/// The values of [`WithOutcome`] for members of operations.
const MEMBER_OUTCOMES: [&str; 3] = ["changed", "conflict", "failed"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfEventType {
    event_type: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct WithOutcome {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct WithReason {
    pub(super) reason: &'static str,
}

/// The values of [`WithReason`] for callers that are refused.
const ACCESS_REFUSALS: [&str; 4] = ["unauthenticated", "address_not_allowed", "forbidden", "throttled"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRequest {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRoute {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfToken {
    accessor: String,
    name: String,
}

/// Everything that is counted and measured. Cheap to clone; the clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<MetricSet>);

pub(super) struct MetricSet {
    registry: Registry,
    names: Vec<String>,
    pub(super) enqueued: Family<OfEventType, Counter>,
    pub(super) claimed: Family<OfEventType, Counter>,
    pub(super) settles: Family<WithOutcome, Counter>,
    pub(super) retries: Counter,
    pub(super) locks_lost: Counter,
    pub(super) timed_out: Counter,
    pub(super) stuck: Counter,
    pub(super) quarantined: Counter,
    pub(super) dead_lettered: Family<WithReason, Counter>,
    pub(super) redrives: Counter,
    pub(super) expired: Counter,
    pub(super) engines_lost: Counter,
    /// Until when nothing is pruned, in milliseconds since 1970.
    pub(super) pruning_held_until: AtomicI64,
    pub(super) pruned: Counter,
    pub(super) commits: Counter,
    pub(super) commits_failed: Counter,
    log_limit: LogLimit,
    pub(super) commit_requests: Histogram,
    pub(super) commit_seconds: Histogram,
    pub(super) queue_wait_seconds: Histogram,
    pub(super) claim_to_settle_seconds: Histogram,
    pub(super) waiting_claims: Gauge,
    waiting_for_ends: Gauge,
    blocked: Family<OfEventType, Gauge>,
    pub(super) waiting_requests: Gauge,
    suspects: Gauge,
    operations: Gauge,
    operation_members: Family<WithOutcome, Counter>,
    requests: Family<OfRequest, Counter>,
    request_seconds: Family<OfRoute, Histogram, fn() -> Histogram>,
    access_refused: Family<WithReason, Counter>,
    token_expires: Family<OfToken, Gauge>,
    principals: PrincipalFamilies,
    connections: Gauge,
    connections_evicted: Counter,
    tls: TlsMetrics,
    budget_held: Family<OfBudget, Gauge>,
    budget_refused: Family<OfBudget, Counter>,
    pub(super) last_commit_failed: AtomicBool,
    /// The store's time as of the last commit, and when that was.
    pub(super) last_commit: Mutex<Option<(Timestamp, Instant)>>,
    /// The latest time that was answered, in milliseconds since 1970.
    store_now: AtomicI64,
    labelled: Mutex<HashSet<EventType>>,
    dropped_lines: OnceLock<DroppedLines>,
}

/// Of the log, which is older than the metrics, and may be shared.
const DROPPED_LINES: (&str, &str) = ("enginehouse_log_lines_dropped", "Lines of the log that could not be written");

/// Registers metrics and keeps their names.
#[derive(Default)]
struct NamedRegistry {
    registry: Registry,
    names: Vec<String>,
}

impl NamedRegistry {
    fn counter<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.registry.register(name, help, metric.clone());
        // The text says so of every counter.
        self.names.push(format!("{name}_total"));
        metric
    }

    fn other<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.registry.register(name, help, metric.clone());
        self.names.push(name.to_owned());
        metric
    }
}

impl Metrics {
    /// Metrics that have counted nothing yet.
    #[expect(clippy::new_without_default, reason = "one set belongs to one server: it is made on purpose")]
    pub fn new() -> Self {
        let mut names = NamedRegistry::default();
        let it = &mut names;
        let set = MetricSet {
            enqueued: it.counter("enginehouse_events_enqueued", "Events that were enqueued"),
            claimed: it.counter("enginehouse_events_claimed", "Events that were claimed"),
            settles: it.counter("enginehouse_settles", "Settles by outcome: complete, fail, release, extend"),
            retries: it.counter("enginehouse_retries", "Failed attempts that are tried again"),
            locks_lost: it.counter("enginehouse_locks_lost", "Locks that were lost: expired, or their engine was"),
            timed_out: it
                .counter("enginehouse_attempts_timed_out", "Attempts that took longer than max_processing_seconds"),
            stuck: it.counter(
                "enginehouse_attempts_stuck",
                "Attempts that reported no progress for progress_timeout_seconds",
            ),
            quarantined: it.counter(
                "enginehouse_engines_quarantined",
                "Engines that were quarantined because they failed events of a type more than others did",
            ),
            dead_lettered: it.counter("enginehouse_dead_lettered", "Events that became dead letters, by reason"),
            expired: it.counter("enginehouse_events_expired", "Events that were still queued when they expired"),
            redrives: it.counter("enginehouse_redrives", "Dead letters that were redriven"),
            engines_lost: it.counter("enginehouse_engines_lost", "Engines that missed their heartbeats"),
            pruned: it.counter(
                "enginehouse_events_pruned",
                "Finished events that were deleted at the end of their retention",
            ),
            commits: it.counter("enginehouse_commits", "Transactions that were committed"),
            commits_failed: it.counter("enginehouse_commits_failed", "Transactions that failed"),
            log_limit: LogLimit::counting(it.counter(
                "enginehouse_log_lines_left_out",
                "Lines that were not logged, because one of their kind was less than ten seconds before",
            )),
            commit_requests: it.other(
                "enginehouse_commit_requests",
                "Requests that one transaction carried out",
                Histogram::new(REQUESTS_OF_A_COMMIT),
            ),
            commit_seconds: it.other(
                "enginehouse_commit_duration_seconds",
                "How long a transaction took, its commit included",
                Histogram::new(FAST),
            ),
            queue_wait_seconds: it.other(
                "enginehouse_queue_wait_seconds",
                "From when an event could be claimed until it was",
                Histogram::new(SLOW),
            ),
            claim_to_settle_seconds: it.other(
                "enginehouse_claim_to_settle_seconds",
                "From a claim until the event was completed, failed or timed out",
                Histogram::new(SLOW),
            ),
            blocked: it.other(
                "enginehouse_blocked_events",
                "Events that nobody could run for as long as when_blocked of their event type or queue says",
                Family::default(),
            ),
            waiting_for_ends: it.other(
                "enginehouse_waiting_for_ends",
                "Callers who wait for the end of an event",
                Gauge::default(),
            ),
            waiting_claims: it.other("enginehouse_waiting_claims", "Claims that wait for events", Gauge::default()),
            waiting_requests: it.other(
                "enginehouse_waiting_requests",
                "Requests that wait for the next transaction",
                Gauge::default(),
            ),
            suspects: it.other(
                "enginehouse_suspects",
                "Engines and versions that fail more than others do at the same work",
                Gauge::default(),
            ),
            operations: it.other(
                "enginehouse_operations_unfinished",
                "Operations that have not ended",
                Gauge::default(),
            ),
            operation_members: it.counter(
                "enginehouse_operation_members",
                "Members of operations that had their turn on this server, by outcome: changed, conflict, failed",
            ),
            requests: it.counter("enginehouse_http_requests", "Requests that were answered"),
            request_seconds: it.other(
                "enginehouse_http_request_duration_seconds",
                "How long a request took; a claim's wait included",
                Family::new_with_constructor(|| Histogram::new(FAST)),
            ),
            access_refused: it.counter(
                "enginehouse_access_refused",
                "Calls that were refused for want of a valid token (unauthenticated; throttled if there were many from one \
                 address) or of a permission (forbidden)",
            ),
            token_expires: it.other(
                "enginehouse_token_expires_seconds",
                "How long each valid token is valid still; of many, those that expire first",
                Family::default(),
            ),
            principals: PrincipalFamilies {
                requests: it.counter(
                    "enginehouse_principal_requests",
                    "Calls that were made with each token, by its name; of many tokens, the later ones as other",
                ),
                enqueued: it.counter(
                    "enginehouse_principal_events_enqueued",
                    "Events that were enqueued over HTTP with each token, by its name",
                ),
                refused: it.counter(
                    "enginehouse_principal_refused",
                    "Calls that were refused because their token had its share of something, by its name and the quota",
                ),
                labelled: Mutex::new(HashSet::new()),
            },
            connections: it.other("enginehouse_http_connections", "Open connections", Gauge::default()),
            connections_evicted: it.counter(
                "enginehouse_http_connections_evicted",
                "Idle connections that were closed to make room for others",
            ),
            tls: TlsMetrics {
                expires_at: it.other(
                    "enginehouse_tls_certificate_expires_timestamp_seconds",
                    "When the server's certificate expires; 0 without TLS",
                    Gauge::default(),
                ),
                reloads: it.counter("enginehouse_tls_reloads", "How often new certificates were read"),
                reload_failed: it.other(
                    "enginehouse_tls_reload_failed",
                    "Whether the files of the certificate as they are now cannot be used, and the last ones are",
                    Gauge::default(),
                ),
                handshakes_failed: it.counter(
                    "enginehouse_tls_handshakes_failed",
                    "Connections that were closed because their handshake failed or took too long",
                ),
            },
            budget_held: it.other(
                "enginehouse_http_budget_held",
                "How much of a budget is taken: bytes, streams or connections",
                Family::default(),
            ),
            budget_refused: it
                .counter("enginehouse_http_budget_refused", "How often a budget had no room for a caller"),
            pruning_held_until: AtomicI64::new(0),
            last_commit_failed: AtomicBool::new(false),
            last_commit: Mutex::new(None),
            store_now: AtomicI64::new(Timestamp::MIN.as_millis()),
            labelled: Mutex::new(HashSet::new()),
            dropped_lines: OnceLock::new(),
            registry: Registry::default(),
            names: Vec::new(),
        };
        // From the start, so that the first one is an increase.
        for outcome in SETTLE_OUTCOMES {
            set.settles.get_or_create(&WithOutcome { outcome }).inc_by(0);
        }
        for outcome in MEMBER_OUTCOMES {
            set.operation_members.get_or_create(&WithOutcome { outcome }).inc_by(0);
        }
        for reason in ACCESS_REFUSALS {
            set.access_refused.get_or_create(&WithReason { reason }).inc_by(0);
        }
        for reason in DeadLetterReason::VARIANTS {
            set.dead_lettered.get_or_create(&WithReason { reason: reason.name() }).inc_by(0);
        }
        let NamedRegistry { registry, mut names } = names;
        names.push(format!("{}_total", DROPPED_LINES.0));
        names.extend(STORE_METRICS.map(str::to_owned));
        Self(Arc::new(MetricSet { registry, names, ..set }))
    }

    pub(super) fn set(&self) -> &MetricSet {
        &self.0
    }

    /// The name of every metric, as it stands in the text.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// From now on they show what this counts.
    pub fn show_dropped_lines(&self, lines: DroppedLines) {
        self.0.dropped_lines.get_or_init(|| lines);
    }

    /// The text that Prometheus reads, in one of its formats.
    ///
    /// # Errors
    /// Never, for it is written to memory.
    pub fn text(&self, stats: StoreStats, format: TextFormat) -> Result<String, fmt::Error> {
        for row in &stats.lanes {
            self.of_event_type(&row.lane.key.event_type);
        }
        // A collector of one scrape, and not one that is registered for good: reading the store is async, and two scrapes may
        // be under way.
        let now = self.store_now();
        let pruning_held = self.pruning_held_until().map_or(Duration::ZERO, |until| until.since(now));
        let mut of_this_scrape = Registry::default();
        let dropped_lines = self.0.dropped_lines.get().cloned().unwrap_or_default();
        of_this_scrape.register(DROPPED_LINES.0, DROPPED_LINES.1, dropped_lines.0);
        of_this_scrape.register_collector(Box::new(StoreCollector { stats, now, pruning_held }));
        let mut text = String::new();
        encode_registry(&mut text, &self.0.registry)?;
        encode_registry(&mut text, &of_this_scrape)?;
        encode_eof(&mut text)?;
        Ok(format.of(text))
    }

    /// Decides which lines about failures are logged.
    pub(crate) fn log_limit(&self) -> &LogLimit {
        &self.0.log_limit
    }

    /// A request was answered. `route` is the path as the router has it, without ids.
    pub(crate) fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let method = known_method(method);
        let of_route = OfRoute { route: route.to_owned(), method };
        self.0.request_seconds.get_or_create(&of_route).observe(took.as_secs_f64());
        let OfRoute { route, method } = of_route;
        self.0.requests.get_or_create(&OfRequest { route, method, status: status.as_u16() }).inc();
    }

    /// A caller was refused, for one of [`ACCESS_REFUSALS`].
    pub(crate) fn access_refused(&self, reason: &'static str) {
        self.0.access_refused.get_or_create(&WithReason { reason }).inc();
    }

    /// Notes how long tokens are valid still.
    pub(crate) fn set_token_ends(&self, mut tokens: Vec<TokenRecord>, now: Timestamp) {
        tokens.sort_by_key(|token| token.expires_at);
        self.0.token_expires.clear();
        for token in tokens.into_iter().take(MAX_LABELLED) {
            let label = OfToken { accessor: token.accessor.to_string(), name: token.name.to_string() };
            let left = i64::try_from(token.expires_at.since(now).as_secs()).unwrap_or(i64::MAX);
            self.0.token_expires.get_or_create(&label).set(left);
        }
    }

    pub(crate) fn connected(&self) {
        self.0.connections.inc();
    }

    pub(crate) fn disconnected(&self) {
        self.0.connections.dec();
    }

    /// An idle connection was closed to make room for another one.
    pub(crate) fn evicted(&self) {
        self.0.connections_evicted.inc();
    }

    /// What is measured of TLS.
    pub(crate) fn tls(&self) -> &TlsMetrics {
        &self.0.tls
    }

    /// What is counted of whoever has a token of this name.
    pub(crate) fn of_principal(&self, name: &TokenName) -> PrincipalMetrics {
        self.0.principals.of(name)
    }

    /// What is counted of the budget of this name.
    pub(crate) fn of_budget(&self, budget: &'static str) -> BudgetMetrics {
        let of = OfBudget { budget };
        BudgetMetrics {
            held: self.0.budget_held.get_or_create(&of).clone(),
            refused: self.0.budget_refused.get_or_create(&of).clone(),
        }
    }

    /// Notes how many callers wait for the end of an event.
    pub(crate) fn set_waiting_for_ends(&self, callers: usize) {
        self.0.waiting_for_ends.set(i64::try_from(callers).unwrap_or(i64::MAX));
    }

    /// How many engines and versions are suspect.
    pub(crate) fn set_suspects(&self, count: usize) {
        self.0.suspects.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// How many operations have not ended.
    pub(crate) fn set_unfinished_operations(&self, count: usize) {
        self.0.operations.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Members of an operation had their turn.
    pub(crate) fn operation_members(&self, changed: u64, conflicts: u64, failed: u64) {
        for (outcome, count) in MEMBER_OUTCOMES.into_iter().zip([changed, conflicts, failed]) {
            self.0.operation_members.get_or_create(&WithOutcome { outcome }).inc_by(count);
        }
    }

    pub fn waiting_claims(&self) -> u64 {
        u64::try_from(self.0.waiting_claims.get()).unwrap_or(0)
    }

    /// Whether the last transaction failed.
    pub fn last_commit_failed(&self) -> bool {
        self.0.last_commit_failed.load(Ordering::Relaxed)
    }

    /// The store's time as of the last commit.
    pub fn last_commit_at(&self) -> Timestamp {
        self.0.last_commit.lock().unwrap_or_else(PoisonError::into_inner).map_or(Timestamp::MIN, |(at, _)| at)
    }

    /// The store's time, estimated without asking the store: the time of the last commit, plus what has passed since. It never
    /// goes back: while the store's time is slowed, because the clock was set back, it waits for the store.
    pub fn store_now(&self) -> Timestamp {
        let last = *self.0.last_commit.lock().unwrap_or_else(PoisonError::into_inner);
        let now = last.map_or(Timestamp::MIN, |(at, seen)| at + Timer::now().saturating_duration_since(seen));
        let before = self.0.store_now.fetch_max(now.as_millis(), Ordering::Relaxed);
        now.max(Timestamp::from_millis(before))
    }

    /// How many events of a type nobody could run for as long as their settings say.
    pub(crate) fn set_blocked(&self, event_type: &EventType, events: u64) {
        let label = self.of_event_type(event_type);
        self.0.blocked.get_or_create(&label).set(i64::try_from(events).unwrap_or(i64::MAX));
    }

    /// Until when nothing is pruned, because the clock has leapt; none if it goes on.
    pub fn pruning_held_until(&self) -> Option<Timestamp> {
        let until = Timestamp::from_millis(self.0.pruning_held_until.load(Ordering::Relaxed));
        (until > self.store_now()).then_some(until)
    }

    /// The label of an event type: its name, unless there are too many. From then on all counters have it.
    pub(super) fn of_event_type(&self, event_type: &EventType) -> OfEventType {
        let mut labelled = self.0.labelled.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !labelled.contains(event_type);
        let has_label = !is_new || (labelled.len() < MAX_LABELLED && labelled.insert(event_type.clone()));
        let name = if has_label { event_type.as_str() } else { OTHER };
        let label = OfEventType { event_type: name.to_owned() };
        if is_new {
            self.0.enqueued.get_or_create(&label).inc_by(0);
            self.0.claimed.get_or_create(&label).inc_by(0);
        }
        label
    }
}
