//! Requests in, one transaction, answers after its commit.
//!
//! **Group commit.** The dispatcher gathers the requests that arrive while the transaction before them commits into the
//! next one. The more callers there are, the fewer syncs of the disk each of them costs, and nobody waits for company: a
//! lone request is carried out at once. Each caller is answered only after the commit that holds its change is durable.
//!
//! **Isolation of errors.** A request that is refused changes nothing and spares its neighbours. If the transaction itself
//! fails for a reason that one request may have, each request is carried out again in a transaction of its own, and only
//! that one fails.
//!
//! **Hanging up.** A caller that goes away cancels its waiting, not the work. Requests are carried out on a thread of the
//! dispatcher's own, never in a request's future. What was claimed for a caller who has gone is released.
//!
//! Invariant: nothing in here knows of HTTP.

pub mod actor;
pub mod answers;
pub(crate) mod audit_notes;
mod batch;
pub mod blocked_events;
pub mod bulk_events;
mod caps;
mod changes;
mod claim;
mod classes;
pub mod config;
pub mod contention;
mod context;
pub mod dead_letters;
mod deadlines;
pub mod durations;
mod effects;
pub mod end_waits;
mod enforcement;
pub mod engines;
mod enqueue;
pub mod event_actions;
mod exchange;
mod expiry;
mod failed_before;
mod fair_queue;
mod gathering;
mod grace;
mod heartbeat;
pub mod hold_backs;
mod inbox;
mod isolation;
pub mod last_claims;
mod late_locks;
mod levels;
pub mod minutes;
pub mod observer;
mod operation;
pub mod operations;
mod outage;
mod pending_wake_ups;
mod previous_attempts;
pub mod pulse;
mod quarantines;
mod ready_events;
mod registration_limit;
mod registry;
pub mod release_key;
pub mod reply;
mod request;
pub mod retention;
pub mod retries;
pub mod run_pauses;
mod scheduler;
mod seen_engines;
pub mod selected_events;
mod set_aside;
pub mod settings;
mod settle;
mod signs_of_life;
pub mod suspects;
mod suspension;
mod sweep;
pub mod tokens;
mod transaction;
mod unheard;
mod unit_of_work;
mod wait_queue;
mod wake_matches;
mod wake_ups;
mod worker_pool;

use std::sync::Arc;

use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::session::SessionProof;
use enginehouse_core::event::NewEvent;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::{Exchange, SettleCommand};
use enginehouse_store::Store;

use self::actor::Actor;
use self::answers::{Enqueued, ExchangeProgress, Exchanged, SettleResult};
use self::config::DispatchConfig;
use self::durations::Durations;
use self::end_waits::EndWaits;
use self::engines::{Register, Registered};
use self::hold_backs::HoldBacks;
use self::inbox::{Inbox, RequestOwner, RequestSenders};
use self::last_claims::LastClaims;
use self::minutes::Minutes;
use self::observer::Observer;
pub use self::operation::Operation;
use self::operation::{OnBehalf, pending};
use self::pulse::Pulse;
use self::registration_limit::RegistrationLimit;
use self::reply::{DispatchError, Refusal, Reply};
use self::request::{EngineExchange, Request};
use self::retries::RetryWaits;
use self::scheduler::{Scheduler, Shutdown};
use self::suspects::Suspects;
use crate::rng::Rng;

/// Hands requests to the dispatcher's thread. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    requests: RequestSenders,
    shutdown: Shutdown,
    registrations: RegistrationLimit,
    end_waits: EndWaits,
    last_claims: LastClaims,
    retry_waits: RetryWaits,
    durations: Durations,
    minutes: Minutes,
    hold_backs: HoldBacks,
    suspects: Suspects,
}

/// An engine that calls, in what it believes to be its epoch.
#[derive(Clone, Debug)]
pub struct EngineCaller {
    pub engine_id: EngineId,
    pub epoch: i64,
    /// What proves that it is the engine's process.
    pub session: SessionProof,
}

impl EngineCaller {
    /// One that shows nothing of a session.
    pub fn new(engine_id: EngineId, epoch: i64) -> Self {
        Self { engine_id, epoch, session: SessionProof::default() }
    }
}

/// The dispatcher's thread.
pub struct DispatcherThread(std::thread::JoinHandle<()>);

impl DispatcherThread {
    /// Waits until every request that was accepted is answered. Call it after [`Dispatcher::shut_down`].
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the dispatcher's thread has panicked");
        }
    }
}

impl Dispatcher {
    /// Starts a dispatcher over `store`, on a thread of its own.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        store: Arc<dyn Store>,
        config: DispatchConfig,
        rng: Box<dyn Rng>,
        observer: Box<dyn Observer>,
        pulse: Arc<Pulse>,
    ) -> std::io::Result<(Self, DispatcherThread)> {
        let (requests, inbox) = Inbox::channel(config.max_waiting_requests);
        let shutdown = Shutdown::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let scheduler = Scheduler::new(store, config, rng, observer, inbox, shutdown.clone(), pulse);
        let (last_claims, retry_waits) = (scheduler.last_claims.clone(), scheduler.retry_waits.clone());
        let minutes = scheduler.minutes().clone();
        let (durations, hold_backs) = (scheduler.durations().clone(), scheduler.hold_backs().clone());
        let (suspects, end_waits) = (scheduler.suspects().clone(), scheduler.end_waits.clone());
        let thread = std::thread::Builder::new()
            .name("enginehouse-writer".to_owned())
            .spawn(move || runtime.block_on(scheduler.run()))?;
        let registrations = RegistrationLimit::default();
        let dispatcher = Self {
            requests,
            shutdown,
            registrations,
            last_claims,
            retry_waits,
            end_waits,
            durations,
            minutes,
            hold_backs,
            suspects,
        };
        Ok((dispatcher, DispatcherThread(thread)))
    }

    /// Adds events: all or none. Answers each, in the order asked.
    ///
    /// # Errors
    /// Why they were not added. Unless the error says that this is unknown, nothing was changed. The same holds for
    /// every call below.
    pub async fn enqueue(&self, events: Vec<NewEvent>) -> Result<Vec<Enqueued>, DispatchError> {
        self.enqueue_for(&Principal::Anyone, events).await
    }

    /// The same for somebody, with whom all others take turns.
    ///
    /// # Errors
    /// They were not added.
    pub async fn enqueue_for(&self, by: &Principal, events: Vec<NewEvent>) -> Result<Vec<Enqueued>, DispatchError> {
        self.submit(by.accessor().cloned(), |reply| Request::Enqueue(events, reply)).await
    }

    /// Settles locks, each with its own answer, in the order asked.
    ///
    /// # Errors
    /// None was settled.
    pub async fn settle(&self, settlements: Vec<SettleCommand>) -> Result<Vec<SettleResult>, DispatchError> {
        self.submit(None, |reply| Request::Settle(settlements, reply)).await
    }

    /// Lets an engine of this epoch settle, send a heartbeat and claim; waits as long as its claim does.
    ///
    /// # Errors
    /// No part of it was carried out.
    pub async fn exchange(&self, caller: EngineCaller, exchange: Exchange) -> Result<Exchanged, DispatchError> {
        match self.begin_exchange(caller, exchange).await? {
            ExchangeProgress::Answered(exchanged) => Ok(exchanged),
            ExchangeProgress::Waits(waiting) => waiting.answer().await,
        }
    }

    /// The same, for a caller who wants to know when its claim begins to wait.
    ///
    /// # Errors
    /// No part of it was carried out.
    pub async fn begin_exchange(
        &self,
        caller: EngineCaller,
        exchange: Exchange,
    ) -> Result<ExchangeProgress, DispatchError> {
        let EngineCaller { engine_id, epoch, session } = caller;
        let exchange = EngineExchange { engine_id, epoch, session, exchange };
        self.submit(None, |reply| Request::Exchange(Box::new(exchange), reply)).await
    }

    /// Looks at what has fallen due, as the scheduler does by itself.
    ///
    /// # Errors
    /// It did not.
    pub async fn sweep(&self) -> Result<(), DispatchError> {
        self.submit(None, Request::Sweep).await
    }

    /// Carries out an operation.
    ///
    /// # Errors
    /// It was not carried out.
    pub async fn execute<O: Operation>(&self, operation: O) -> Result<O::Answer, DispatchError> {
        self.submit(None, |reply| Request::Operation(pending(operation, reply))).await
    }

    /// Carries out an operation that somebody has asked for, for the audit log.
    ///
    /// # Errors
    /// It was not carried out.
    pub async fn execute_for<O: Operation>(&self, by: &Actor, operation: O) -> Result<O::Answer, DispatchError> {
        let operation = OnBehalf { by: by.clone(), operation };
        self.submit(by.accessor().cloned(), |reply| Request::Operation(pending(operation, reply))).await
    }

    /// Registers an engine for somebody, unless it does so too often.
    ///
    /// # Errors
    /// It was not registered.
    pub async fn register(&self, by: &Actor, register: Register) -> Result<Registered, DispatchError> {
        let engine_id = register.registration.engine_id.clone();
        match self.registrations.admit(&engine_id) {
            Ok(()) => self.execute_for(by, register).await,
            Err(retry_after) => Err(Refusal::RegistersTooOften { engine_id, retry_after }.into()),
        }
    }

    /// How long events wait and take, as far as it was seen.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// What has happened of late, as far as the store does not have it yet.
    pub fn minutes(&self) -> &Minutes {
        &self.minutes
    }

    /// Which engines are held back for which events.
    pub fn hold_backs(&self) -> &HoldBacks {
        &self.hold_backs
    }

    /// Who fails more than others do, as far as it was seen.
    pub fn suspects(&self) -> &Suspects {
        &self.suspects
    }

    async fn submit<T>(
        &self,
        owner: RequestOwner,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, DispatchError> {
        if self.shutdown.is_requested() {
            return Err(DispatchError::ShuttingDown);
        }
        let (reply, answer) = Reply::channel();
        self.requests.send(owner, request(reply))?;
        reply::answer(answer).await
    }

    /// Since when events wait for an engine that has not failed them.
    pub fn retry_waits(&self) -> &RetryWaits {
        &self.retry_waits
    }

    /// When each engine last asked for events.
    pub fn last_claims(&self) -> &LastClaims {
        &self.last_claims
    }

    /// Callers who wait for the end of an event.
    pub fn end_waits(&self) -> &EndWaits {
        &self.end_waits
    }

    /// Answers waiting claims with nothing and accepts no more requests. Those that were accepted are carried out.
    pub fn shut_down(&self) {
        self.shutdown.request();
    }
}
