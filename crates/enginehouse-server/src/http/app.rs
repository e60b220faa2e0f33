//! What every handler may use.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_store::{Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::budgets::Budgets;
use super::limits::Limits;
use super::problem::ProblemResponse;
use crate::access::denials::Denials;
use crate::access::failed_logins::FailedLogins;
use crate::access::quotas::{QuotaLimits, Quotas};
use crate::access::token_cache::TokenCache;
use crate::config::{Config, Resolved};
use crate::dispatcher::audit_notes::WriteAuditNotes;
use crate::dispatcher::config::{DispatchConfig, Retention};
use crate::dispatcher::pulse::Pulse;
use crate::dispatcher::reply::Refusal;
use crate::dispatcher::{Dispatcher, DispatcherThread};
use crate::explain::Explainer;
use crate::load_history::LoadHistory;
use crate::log_followers::LogFollowers;
use crate::low_priority::LowPriorityThreads;
use crate::operations::signal::OperationsSignal;
use crate::rng::{Rng, SeededRng};
use crate::stream_hub::StreamHub;
use crate::telemetry::{CommitObserver, Metrics};
use crate::timers::Timer;
use crate::trusted_proxies::TrustedProxies;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    dispatcher: Dispatcher,
    thread: Mutex<Option<DispatcherThread>>,
    /// Cancelled when the dispatcher's thread ends, however it does.
    thread_ended: CancellationToken,
    going_down: AtomicBool,
    store: Arc<dyn Store>,
    metrics: Metrics,
    limits: Limits,
    trusted_proxies: TrustedProxies,
    settings: Arc<Resolved>,
    started_at: Instant,
    budgets: Budgets,
    explainer: Explainer,
    retention: Retention,
    /// Where it explains.
    low_priority: LowPriorityThreads,
    log_followers: LogFollowers,
    load_history: LoadHistory,
    streams: StreamHub,
    tokens: TokenCache,
    failed_logins: FailedLogins,
    denials: Denials,
    operations_signal: OperationsSignal,
    /// For what need not be secret: ids of requests and engines.
    rng: Mutex<SeededRng>,
    request_prefix: u32,
    requests: AtomicU64,
}

impl App {
    /// Starts a dispatcher over `store`, and all that calls need around it.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        store: Arc<dyn Store>,
        config: DispatchConfig,
        limits: Limits,
        trusted_proxies: TrustedProxies,
        settings: Arc<Resolved>,
        mut rng: Box<dyn Rng>,
    ) -> std::io::Result<Self> {
        let metrics = Metrics::new();
        let budgets = Budgets::new(&limits, &metrics);
        let quotas = QuotaLimits {
            max_connections: limits.max_connections,
            max_waiting_requests: config.max_waiting_requests,
            max_requests_per_second: limits.max_requests_per_second_per_token,
            max_events_per_second: limits.max_events_per_second_per_token,
        };
        let tokens = TokenCache::new(Quotas::new(quotas, metrics.clone()));
        let thread_ended = CancellationToken::new();
        let log_followers = LogFollowers::default();
        let observer = CommitObserver::new(metrics.clone(), log_followers.clone(), thread_ended.clone());
        let mut own_rng = SeededRng::from_seed(rng.bits() as u64);
        let request_prefix = own_rng.bits() as u32;
        let pulse = Pulse::start()?;
        let explained_by = config.clone();
        let (dispatcher, thread) = Dispatcher::start(Arc::clone(&store), config, rng, Box::new(observer), pulse)?;
        let explainer = Explainer::new(Arc::clone(&store), &explained_by, &dispatcher);
        Ok(Self(Arc::new(Parts {
            dispatcher,
            thread: Mutex::new(Some(thread)),
            thread_ended,
            going_down: AtomicBool::new(false),
            store,
            metrics,
            budgets,
            explainer,
            retention: explained_by.retention,
            low_priority: LowPriorityThreads::start()?,
            log_followers,
            load_history: LoadHistory::default(),
            streams: StreamHub::new(own_rng.bits() as u64),
            tokens,
            failed_logins: FailedLogins::default(),
            denials: Denials::default(),
            operations_signal: OperationsSignal::default(),
            limits,
            trusted_proxies,
            settings,
            started_at: Timer::now(),
            rng: Mutex::new(own_rng),
            request_prefix,
            requests: AtomicU64::new(0),
        })))
    }

    /// Notes what all engines say of their load now. A server does so each minute.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn note_loads(&self) -> Result<(), StoreError> {
        let (app, now) = (self.clone(), self.metrics().store_now());
        let look = async move |explainer: Explainer| {
            let snapshot = explainer.snapshot(now).await?;
            app.load_history().note(snapshot.fleet(), now);
            Ok(())
        };
        self.explain(look).await
    }

    /// What engines said of their load lately.
    pub(super) fn load_history(&self) -> &LoadHistory {
        &self.0.load_history
    }

    /// The store, for reads.
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// What operators have set up, and where they have.
    pub(super) fn settings(&self) -> &Resolved {
        &self.0.settings
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.settings.config
    }

    /// For how long it has run.
    pub(super) fn uptime(&self) -> Duration {
        Timer::now().saturating_duration_since(self.0.started_at)
    }

    /// What has been counted and measured.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The dispatcher.
    pub fn dispatcher(&self) -> &Dispatcher {
        &self.0.dispatcher
    }

    /// Answers why events wait, for whoever is away from the threads that serve calls.
    pub(super) fn explainer(&self) -> &Explainer {
        &self.0.explainer
    }

    /// What streams tell of.
    pub(super) fn streams(&self) -> &StreamHub {
        &self.0.streams
    }

    /// Has something done away from the threads that serve calls, until it ends or what is answered is dropped.
    pub(super) fn spawn_at_low_priority(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> AbortOnDropHandle<()> {
        self.0.low_priority.spawn(work)
    }

    /// Asks why events wait, away from the threads that serve calls. If its caller goes away, nothing is explained any more.
    ///
    /// # Panics
    /// If the question does.
    pub(crate) fn explain<T, F, Q>(&self, question: Q) -> impl Future<Output = T> + use<T, F, Q>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        Q: FnOnce(Explainer) -> F,
    {
        self.at_low_priority(question(self.0.explainer.clone()))
    }

    /// Does something away from the threads that serve calls. If its caller goes away, it is not gone on with.
    ///
    /// # Panics
    /// If it does.
    pub(crate) fn at_low_priority<T, F>(&self, work: F) -> impl Future<Output = T> + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let asked = self.0.low_priority.spawn(work);
        async move {
            match asked.await {
                Ok(answer) => answer,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The process ends.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// An event that somebody wanted to read is not there. What was done to it is known for longer than it is kept.
    pub(super) async fn no_event(&self, event_id: EventId) -> ProblemResponse {
        let actions = match self.store().history(event_id).await {
            Ok(history) => history.actions,
            Err(error) => return error.into(),
        };
        let last_action = actions.into_iter().last().map(|entry| (entry.action, entry.at));
        let missing = self.0.retention.missing(event_id, self.metrics().store_now());
        Refusal::NoSuchEvent(missing.last_seen(last_action)).into()
    }

    /// The same for a caller who may not even know whether it was there.
    pub(super) fn unseen_event(&self, event_id: EventId) -> ProblemResponse {
        Refusal::NoSuchEvent(self.0.retention.missing(event_id, self.metrics().store_now())).into()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whose word is taken for who calls.
    pub(super) fn trusted_proxies(&self) -> &TrustedProxies {
        &self.0.trusted_proxies
    }

    /// What requests and answers may hold at once.
    pub(crate) fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    /// Who follows logs.
    pub(super) fn log_followers(&self) -> &LogFollowers {
        &self.0.log_followers
    }

    /// What callers prove themselves with.
    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.0.tokens
    }

    /// Reads what others have changed about tokens, as a server does again and again by itself.
    pub async fn follow_tokens(&self) {
        if let Err(error) = self.tokens().follow(self.store()).await {
            tracing::debug!(%error, "tokens that others may have changed cannot be read");
        }
    }

    /// Addresses that send tokens which open nothing.
    pub(super) fn failed_logins(&self) -> &FailedLogins {
        &self.0.failed_logins
    }

    /// Calls that were denied, on their way to the audit log.
    pub(crate) fn denials(&self) -> &Denials {
        &self.0.denials
    }

    /// Writes to the audit log which calls were denied, and from where tokens were used for the first time, as a server does again
    /// and again by itself.
    pub async fn write_audit_notes(&self) {
        let denials = self.denials().take(self.metrics().store_now());
        let first_uses = self.tokens().take_first_uses();
        if denials.is_empty() && first_uses.is_empty() {
            return;
        }
        let notes = WriteAuditNotes { denials: denials.clone(), first_uses: first_uses.clone() };
        if let Err(error) = self.dispatcher().execute(notes).await {
            tracing::debug!(%error, "nobody can write to the audit log which calls were denied");
            self.denials().put_back(denials);
            self.tokens().take_back_first_uses(&first_uses);
        }
    }

    /// What wakes whoever lets operations go on.
    pub(crate) fn operations_signal(&self) -> &OperationsSignal {
        &self.0.operations_signal
    }

    /// 64 random bits that need not be secret.
    pub(crate) fn random_bits(&self) -> u64 {
        self.0.rng.lock().unwrap_or_else(PoisonError::into_inner).bits() as u64
    }

    /// A new name for a request.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-{number:x}", self.0.request_prefix)
    }

    /// Answers waiting claims with nothing and refuses new work; what was accepted is carried out.
    pub fn shut_down(&self) {
        self.0.going_down.store(true, Ordering::Release);
        self.0.streams.close();
        self.0.dispatcher.shut_down();
    }

    pub(crate) fn is_going_down(&self) -> bool {
        self.0.going_down.load(Ordering::Acquire)
    }

    /// Ends when the dispatcher's thread has ended.
    pub(crate) fn thread_ended(&self) -> impl Future<Output = ()> + use<> {
        self.0.thread_ended.clone().cancelled_owned()
    }

    pub(crate) fn thread_has_ended(&self) -> bool {
        self.0.thread_ended.is_cancelled()
    }

    /// Waits until every command that was accepted is carried out. Call it after [`App::shut_down`].
    pub async fn join(&self) {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && tokio::task::spawn_blocking(|| thread.join()).await.is_err()
        {
            tracing::error!("nobody could wait for the dispatcher's thread");
        }
    }
}
