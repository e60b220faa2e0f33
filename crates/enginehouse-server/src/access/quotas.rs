//! What the calls of one token may take of what all callers share, whatever address they come from.
//!
//! **The share of a token** is four times what is left free: a dynamic threshold, as switches have it for their buffers. A token
//! alone may take four fifths; two that take all they can get hold four ninths each; and whoever comes next always finds room.
//! A fixed share would either throttle the only tenant there is, or let a few of many take everything. It is what an address has,
//! too (`budget`), only that a token may well be that of a whole fleet.
//!
//! Heartbeats, settles, exchanges and claims that are answered at once take none of it, and so they go on whatever else their
//! token does. Rates have no bound unless an operator sets one: the store takes turns between tokens by itself (`inbox`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::ids::TokenName;
use strum::IntoStaticStr;
use tokio::time::Instant;

use crate::rate_limit::RateLimit;
use crate::telemetry::{Metrics, PrincipalMetrics};
use crate::timers::Timer;

/// How many times what is left free a token may hold.
pub(crate) const SHARE_FACTOR: usize = 4;

/// Something of which each token has its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Quota {
    /// Calls that enqueue or read and are under way: each takes a connection.
    Connections,
    /// Claims that wait: each takes a connection.
    WaitingClaims,
    /// Enqueues that wait for the store.
    WaitingRequests,
    RequestsPerSecond,
    EventsPerSecond,
}

/// How much there is of what tokens have shares of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotaLimits {
    pub(crate) max_connections: usize,
    pub(crate) max_waiting_requests: usize,
    pub(crate) max_requests_per_second: Option<u32>,
    pub(crate) max_events_per_second: Option<u32>,
}

/// A call took more than the share of its token.
#[derive(Clone, Debug)]
pub struct QuotaExceeded {
    pub(crate) usage: Arc<TokenUsage>,
    /// The word for what it is a share of.
    pub(crate) quota: &'static str,
    pub(crate) detail: String,
    pub(crate) retry_after: Duration,
}

/// When there may be room again that somebody holds now.
pub(crate) const RETRY_HELD: Duration = Duration::from_secs(1);

/// The quotas of all tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Quotas(Arc<SharedQuotas>);

struct SharedQuotas {
    connections: Pool,
    waiting_requests: Pool,
    requests_per_second: Option<(u32, RateLimit)>,
    events_per_second: Option<(u32, RateLimit)>,
    metrics: Metrics,
}

/// So much of something for all, and how much of it is taken.
#[derive(Debug)]
struct Pool {
    max: usize,
    held: AtomicUsize,
    setting: &'static str,
}

impl Quotas {
    pub(crate) fn new(limits: QuotaLimits, metrics: Metrics) -> Self {
        let QuotaLimits { max_connections, max_waiting_requests, max_requests_per_second, max_events_per_second } =
            limits;
        let pool = |max, setting| Pool { max, held: AtomicUsize::new(0), setting };
        let rate = |count: Option<u32>| count.map(|count| (count, RateLimit::per_second(count)));
        Self(Arc::new(SharedQuotas {
            connections: pool(max_connections, "max_connections"),
            // Past half of them nobody may enqueue.
            waiting_requests: pool((max_waiting_requests / 2).max(1), "max_waiting_requests"),
            requests_per_second: rate(max_requests_per_second),
            events_per_second: rate(max_events_per_second),
            metrics,
        }))
    }

    /// The quotas of one token.
    pub(crate) fn of(&self, token: &TokenRecord) -> Arc<TokenUsage> {
        Arc::new(TokenUsage {
            accessor: token.accessor.clone(),
            name: token.name.clone(),
            quotas: self.clone(),
            connections: AtomicUsize::new(0),
            waiting_requests: AtomicUsize::new(0),
            requests_full_at: Mutex::new(None),
            events_full_at: Mutex::new(None),
            metrics: self.0.metrics.of_principal(&token.name),
        })
    }
}

/// What the calls of one token take now.
pub struct TokenUsage {
    accessor: Accessor,
    name: TokenName,
    quotas: Quotas,
    connections: AtomicUsize,
    waiting_requests: AtomicUsize,
    /// When it may make as many requests, and enqueue as many events, as any again.
    requests_full_at: Mutex<Option<Instant>>,
    events_full_at: Mutex<Option<Instant>>,
    metrics: PrincipalMetrics,
}

impl std::fmt::Debug for TokenUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenUsage({})", self.accessor)
    }
}

/// A part of a token's share, until it is dropped.
#[derive(Debug)]
pub(crate) struct QuotaGuard {
    usage: Arc<TokenUsage>,
    quota: Quota,
}

impl Drop for QuotaGuard {
    fn drop(&mut self) {
        if let Some((pool, own)) = self.usage.pool(self.quota) {
            own.fetch_sub(1, Ordering::Relaxed);
            pool.held.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl TokenUsage {
    pub(crate) fn accessor(&self) -> &Accessor {
        &self.accessor
    }

    pub(crate) fn name(&self) -> &TokenName {
        &self.name
    }

    /// Counts a request.
    pub(crate) fn count_request(&self) {
        self.metrics.requested();
    }

    /// Counts events that were enqueued.
    pub(crate) fn count_enqueued(&self, events: usize) {
        self.metrics.enqueued(events as u64);
    }

    /// Lets a call begin that enqueues or reads.
    pub(crate) fn begin_bulk_call(self: &Arc<Self>) -> Result<QuotaGuard, QuotaExceeded> {
        let guard = self.take(Quota::Connections)?;
        self.take_rate(Quota::RequestsPerSecond, 1)?;
        Ok(guard)
    }

    /// Lets a claim wait.
    pub(crate) fn begin_wait(self: &Arc<Self>) -> Result<QuotaGuard, QuotaExceeded> {
        self.take(Quota::WaitingClaims)
    }

    /// Lets so many events be enqueued.
    pub(crate) fn begin_enqueue(self: &Arc<Self>, events: usize) -> Result<QuotaGuard, QuotaExceeded> {
        let guard = self.take(Quota::WaitingRequests)?;
        self.take_rate(Quota::EventsPerSecond, u32::try_from(events).unwrap_or(u32::MAX))?;
        Ok(guard)
    }

    /// A call was refused for its token's share of something.
    pub(crate) fn refused(&self, quota: &'static str) {
        self.metrics.refused(quota);
    }

    /// What all share of it, and how much of that the token has.
    fn pool(&self, quota: Quota) -> Option<(&Pool, &AtomicUsize)> {
        let shared = &*self.quotas.0;
        match quota {
            Quota::Connections | Quota::WaitingClaims => Some((&shared.connections, &self.connections)),
            Quota::WaitingRequests => Some((&shared.waiting_requests, &self.waiting_requests)),
            Quota::RequestsPerSecond | Quota::EventsPerSecond => None,
        }
    }

    fn take(self: &Arc<Self>, quota: Quota) -> Result<QuotaGuard, QuotaExceeded> {
        let guard = QuotaGuard { usage: Arc::clone(self), quota };
        let Some((pool, own)) = self.pool(quota) else { return Ok(guard) };
        // It is taken first, so that several at once do not all find the same room. What is refused is returned by the guard.
        let own = own.fetch_add(1, Ordering::Relaxed);
        let free = pool.max.saturating_sub(pool.held.fetch_add(1, Ordering::Relaxed));
        if own < free.saturating_mul(SHARE_FACTOR) {
            return Ok(guard);
        }
        let name = &self.name;
        let Pool { max, setting, .. } = pool;
        let what = match quota {
            Quota::WaitingClaims => "calls and waiting claims",
            Quota::WaitingRequests => "enqueues that wait for the store",
            _ => "calls that enqueue or read",
        };
        let detail = format!(
            "token {name} has {own} {what} under way, which is its share: {SHARE_FACTOR} times what is left for all others, \
             {free} of {max} (setting {setting})"
        );
        Err(self.exceeded(quota, detail, RETRY_HELD))
    }

    fn take_rate(self: &Arc<Self>, quota: Quota, amount: u32) -> Result<(), QuotaExceeded> {
        let shared = &*self.quotas.0;
        let (rate, full_at, what) = match quota {
            Quota::RequestsPerSecond => (shared.requests_per_second, &self.requests_full_at, "requests"),
            _ => (shared.events_per_second, &self.events_full_at, "events"),
        };
        let Some((count, limit)) = rate else { return Ok(()) };
        let mut full_at = full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timer::now();
        match limit.take(full_at.unwrap_or(now), amount, now) {
            Ok(full) => {
                *full_at = Some(full);
                Ok(())
            }
            Err(retry_after) => {
                let name = &self.name;
                let detail =
                    format!("token {name} may send {count} {what} a second (setting max_{what}_per_second_per_token)");
                Err(self.exceeded(quota, detail, retry_after))
            }
        }
    }

    fn exceeded(self: &Arc<Self>, quota: Quota, detail: String, retry_after: Duration) -> QuotaExceeded {
        QuotaExceeded { usage: Arc::clone(self), quota: quota.into(), detail, retry_after }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use enginehouse_core::access::secret::AccessToken;
    use enginehouse_core::access::token::TokenDraft;
    use enginehouse_core::input::read_json;
    use enginehouse_core::time::Timestamp;

    use super::*;

    pub(crate) fn quotas(requests: Option<u32>, events: Option<u32>) -> Quotas {
        let limits = QuotaLimits {
            max_connections: 1_000,
            max_waiting_requests: 200,
            max_requests_per_second: requests,
            max_events_per_second: events,
        };
        Quotas::new(limits, Metrics::new())
    }

    pub(crate) fn usage(quotas: &Quotas, name: &str) -> Arc<TokenUsage> {
        let draft = read_json(format!(r#"{{"name":"{name}","role":"viewer"}}"#).as_bytes(), TokenDraft::read).unwrap();
        let token = AccessToken::made(name.len() as u64, [1; 32]);
        quotas.of(&draft.made(token.accessor().clone(), token.hash(), "test".to_owned(), Timestamp::MIN))
    }

    /// All that a token is given, one by one.
    fn take_all(usage: &Arc<TokenUsage>, quota: Quota) -> Vec<QuotaGuard> {
        std::iter::from_fn(|| usage.take(quota).ok()).collect()
    }

    #[test]
    fn a_token_alone_has_four_fifths_and_there_is_always_room_for_one_more() {
        let quotas = quotas(None, None);
        let (first, second) = (usage(&quotas, "first"), usage(&quotas, "second"));
        let held = take_all(&first, Quota::Connections);
        assert_eq!(held.len(), 800);
        let refused = first.take(Quota::WaitingClaims).unwrap_err();
        assert_eq!(refused.quota, "waiting_claims", "both take connections");
        assert!(
            refused.detail.contains("token first has 800") && refused.detail.contains("200 of 1000"),
            "{refused:?}"
        );
        assert_eq!(take_all(&second, Quota::WaitingClaims).len(), 160);
        drop(held);
        assert_eq!(take_all(&second, Quota::Connections).len(), 800, "what is refused takes nothing");
        assert_eq!(take_all(&first, Quota::WaitingRequests).len(), 80);
    }

    #[test]
    fn a_rate_is_kept_where_one_is_set() {
        let free = usage(&quotas(None, None), "free");
        for _ in 0..10_000 {
            free.begin_bulk_call().unwrap();
            free.begin_enqueue(10_000).unwrap();
        }
        let bound = usage(&quotas(Some(5), Some(100)), "bound");
        for _ in 0..5 {
            bound.begin_bulk_call().unwrap();
        }
        let refused = bound.begin_bulk_call().unwrap_err();
        assert_eq!(refused.quota, "requests_per_second");
        assert!(
            refused.detail.contains("5 requests a second (setting max_requests_per_second_per_token)"),
            "{refused:?}"
        );
        bound.begin_enqueue(100).unwrap();
        let refused = bound.begin_enqueue(10).unwrap_err();
        assert_eq!(refused.quota, "events_per_second");
        assert!(refused.retry_after <= Duration::from_millis(100), "{refused:?}");
        bound.begin_wait().unwrap();
    }
}
