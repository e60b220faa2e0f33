//! An engine of typed handlers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::engine::StaticConfig;
use enginehouse_core::ids::{EngineId, EngineType, EventType, QueueName};
use enginehouse_core::request::Affinity;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::context::Context;
use super::environment::{EnvironmentError, variable};
use super::handler::{BoxedOutcome, Handler, State};
use super::span::{note, span_of};
use crate::calls::Client;
use crate::engine_loop::{ClaimedEvent, EngineError, EngineLoop, EngineSummary, HandlerContext, HandlerOutcome};
use crate::engine_name::own_name;
use crate::process_load::OwnLoad;

type BoxedHandler<S> = Box<dyn Fn(State<S>, Context) -> BoxedOutcome + Send + Sync>;

/// An engine: what it can do, and a handler for each type of event that it takes.
///
/// ```no_run
/// use enginehouse_client::{Context, Engine, HandlerError, Retry};
///
/// #[derive(serde::Deserialize)]
/// struct Order { sku: String, qty: u32 }
///
/// # async fn quote(sku: &str) -> Result<u32, std::io::Error> { Ok(sku.len() as u32) }
/// #[tokio::main]
/// async fn main() -> Result<(), enginehouse_client::RunError> {
///     Engine::new("pricing")
///         .capabilities(["pricing.eu"])
///         .concurrency(8)
///         .on("order.created", |order: Order, context: Context| async move {
///             let price = quote(&order.sku).await.map_err(Retry::after_secs(30))?;
///             context.progress(Some(50.0), Some("priced"));
///             Ok::<_, HandlerError>(serde_json::json!({ "total": price * order.qty }))
///         })
///         .run().await?;
///     Ok(())
/// }
/// ```
pub struct Engine<S = ()> {
    engine_type: String,
    engine_id: Option<String>,
    client: Option<Client>,
    state: State<S>,
    handlers: HashMap<String, HandlerEntry<S>>,
    /// What was given twice, or is no name.
    mistakes: Vec<String>,
    capabilities: Vec<String>,
    concurrency: u32,
    memory_limit_mb: Option<u64>,
    version: Option<String>,
    queues: Vec<String>,
    affinity: Affinity,
    heartbeat_interval_seconds: Option<u64>,
    visibility_timeout_seconds: Option<u64>,
    takeover: bool,
    grace: Duration,
    stop_wait: Duration,
}

struct HandlerEntry<S> {
    handler: BoxedHandler<S>,
    timeout: Option<Duration>,
}

impl<S> std::fmt::Debug for Engine<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut event_types: Vec<_> = self.handlers.keys().collect();
        event_types.sort();
        f.debug_struct("Engine")
            .field("engine_type", &self.engine_type)
            .field("event_types", &event_types)
            .finish_non_exhaustive()
    }
}

/// Why an engine did not run, or ended other than by a shutdown.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// It was set up wrongly, and has done nothing.
    #[error("the engine is not set up: {0}")]
    Setup(String),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// An engine of this type without state: a name of up to 128 letters, digits and `._:-`.
    pub fn new(engine_type: impl Into<String>) -> Self {
        Self::with_state(engine_type, ())
    }
}

impl<S: Send + Sync + 'static> Engine<S> {
    /// An engine whose handlers share a state: see [`State`].
    pub fn with_state(engine_type: impl Into<String>, state: S) -> Self {
        Self {
            engine_type: engine_type.into(),
            engine_id: None,
            client: None,
            state: State(Arc::new(state)),
            handlers: HashMap::new(),
            mistakes: Vec::new(),
            capabilities: Vec::new(),
            concurrency: 1,
            memory_limit_mb: None,
            version: None,
            queues: Vec::new(),
            affinity: Affinity::default(),
            heartbeat_interval_seconds: None,
            visibility_timeout_seconds: None,
            takeover: false,
            grace: Duration::from_secs(30),
            stop_wait: Duration::from_secs(10),
        }
    }

    /// Takes events of this type, and runs the handler for each. `*` is for every type that has no handler of its own.
    #[must_use]
    pub fn on<H, A>(mut self, event_type: impl Into<String>, handler: H) -> Self
    where
        H: Handler<S, A>,
    {
        let event_type = event_type.into();
        let handler: BoxedHandler<S> = Box::new(move |state, context| handler.handle(state, context));
        if self.handlers.insert(event_type.clone(), HandlerEntry { handler, timeout: None }).is_some() {
            self.mistakes.push(format!("event type {event_type} has two handlers"));
        }
        self
    }

    /// How long the handler of a type may take. After that its future is dropped, and the attempt fails with the code `timed_out`.
    #[must_use]
    pub fn timeout(mut self, event_type: &str, timeout: Duration) -> Self {
        match self.handlers.get_mut(event_type) {
            Some(entry) => entry.timeout = Some(timeout),
            None => self.mistakes.push(format!("event type {event_type} has a timeout before it has a handler")),
        }
        self
    }

    /// The server to work for; that of [`Client::from_environment`] unless set.
    #[must_use]
    pub fn client(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Names this engine: the same name again is the same engine, started anew. `ENGINEHOUSE_ENGINE_ID` unless set, or else made of
    /// the machine's name and a number.
    #[must_use]
    pub fn engine_id(self, engine_id: impl Into<String>) -> Self {
        Self { engine_id: Some(engine_id.into()), ..self }
    }

    /// What it can do, for events that require it.
    #[must_use]
    pub fn capabilities<C: Into<String>>(self, capabilities: impl IntoIterator<Item = C>) -> Self {
        Self { capabilities: capabilities.into_iter().map(Into::into).collect(), ..self }
    }

    /// How many events it works on at once: 1 to 1,000, 1 unless set.
    #[must_use]
    pub fn concurrency(self, concurrency: u32) -> Self {
        Self { concurrency, ..self }
    }

    /// How much memory its events may require together, in MiB.
    #[must_use]
    pub fn memory_limit_mb(self, memory_limit_mb: u64) -> Self {
        Self { memory_limit_mb: Some(memory_limit_mb), ..self }
    }

    /// The version of the program, for events that require one.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..self }
    }

    /// Takes events of these queues only.
    #[must_use]
    pub fn queues<Q: Into<String>>(self, queues: impl IntoIterator<Item = Q>) -> Self {
        Self { queues: queues.into_iter().map(Into::into).collect(), ..self }
    }

    /// Whether events of its current scenario run come first.
    #[must_use]
    pub fn affinity(self, affinity: Affinity) -> Self {
        Self { affinity, ..self }
    }

    /// How often it heartbeats; the server's default unless set.
    #[must_use]
    pub fn heartbeat_interval_seconds(self, seconds: u64) -> Self {
        Self { heartbeat_interval_seconds: Some(seconds), ..self }
    }

    /// How long its locks last without being renewed, over every policy.
    #[must_use]
    pub fn visibility_timeout_seconds(self, seconds: u64) -> Self {
        Self { visibility_timeout_seconds: Some(seconds), ..self }
    }

    /// Whether it takes over its id from a process that lives, instead of waiting until that is lost.
    #[must_use]
    pub fn takeover(self, takeover: bool) -> Self {
        Self { takeover, ..self }
    }

    /// How long to finish what is held once a shutdown begins: 30 s unless set.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// How long a handler may take to return once it was told to stop: 10 s unless set. Then it is dropped.
    #[must_use]
    pub fn stop_wait(self, stop_wait: Duration) -> Self {
        Self { stop_wait, ..self }
    }

    /// Registers and works until SIGTERM, SIGINT (Ctrl-C) or SIGQUIT, or until it was drained to its end. The first signal lets it
    /// finish what it holds within the grace; a second one ends the patience.
    ///
    /// # Errors
    /// [`RunError`]: it is set up wrongly, could not register, was superseded, or may not claim.
    pub async fn run(self) -> Result<EngineSummary, RunError> {
        let (shutdown, hurry) = (CancellationToken::new(), CancellationToken::new());
        let [mut terminate, mut interrupt, mut quit] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit()].map(signal);
        let cannot = |error: &std::io::Error| RunError::Setup(format!("signals cannot be caught here: {error}"));
        let [terminate, interrupt, quit] =
            [&mut terminate, &mut interrupt, &mut quit].map(|signal| signal.as_mut().map_err(|error| cannot(error)));
        let (terminate, interrupt, quit) = (terminate?, interrupt?, quit?);
        let signals = async {
            for token in [&shutdown, &hurry] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = quit.recv() => {}
                }
                token.cancel();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = self.run_until(shutdown.clone(), hurry.clone()) => ended,
            () = signals => unreachable!("it waits for ever"),
        }
    }

    /// The same within a larger program: until `shutdown` is cancelled, and with its patience ended once `hurry` is.
    ///
    /// # Errors
    /// [`RunError`]: it is set up wrongly, could not register, was superseded, or may not claim.
    pub async fn run_until(
        self,
        shutdown: CancellationToken,
        hurry: CancellationToken,
    ) -> Result<EngineSummary, RunError> {
        let load = Arc::new(OwnLoad::default());
        let engine = self.engine_loop(Arc::clone(&load))?.hurry(hurry);
        let handlers = Arc::new(self);
        let handle = move |event: ClaimedEvent, context: HandlerContext| {
            let handlers = Arc::clone(&handlers);
            load.works_on(event.scenario_run_id.as_ref());
            async move { handlers.handle(event, context).await }
        };
        Ok(engine.run(shutdown, handle).await?)
    }

    /// Runs the handler of the event's type.
    pub(super) async fn handle(&self, event: ClaimedEvent, context: HandlerContext) -> HandlerOutcome {
        let Some(entry) = self.handlers.get(event.event_type.as_str()).or_else(|| self.handlers.get("*")) else {
            // The engine claims the types that it has handlers for.
            return HandlerOutcome::Release { delay_seconds: None };
        };
        let span = span_of(&event);
        let handling = span.in_scope(|| (entry.handler)(self.state.clone(), Context::new(event, context)));
        let handling = handling.instrument(span.clone());
        let outcome = match entry.timeout {
            None => handling.await,
            Some(limit) => tokio::time::timeout(limit, handling).await.unwrap_or_else(|_| {
                HandlerOutcome::failed("timed_out", format!("the handler took longer than {} s", limit.as_secs_f64()))
            }),
        };
        note(&span, &outcome);
        outcome
    }

    fn engine_loop(&self, load: Arc<OwnLoad>) -> Result<EngineLoop, RunError> {
        if let Some(mistake) = self.mistakes.first() {
            return Err(RunError::Setup(mistake.clone()));
        }
        if self.handlers.is_empty() {
            return Err(RunError::Setup("it has no handler: add one with `on`".to_owned()));
        }
        if !(1..=1_000).contains(&self.concurrency) {
            return Err(RunError::Setup(format!("its concurrency is 1 to 1,000, was {}", self.concurrency)));
        }
        let setup =
            |what: &str, name: &str, why: &dyn std::fmt::Display| RunError::Setup(format!("{what} {name}: {why}"));
        let client = match &self.client {
            Some(client) => client.clone(),
            None => Client::from_environment()?,
        };
        let engine_type: EngineType =
            self.engine_type.parse().map_err(|error| setup("engine type", &self.engine_type, &error))?;
        let engine_id = match self.engine_id.clone().or_else(|| variable("ENGINEHOUSE_ENGINE_ID")) {
            Some(name) => name.parse::<EngineId>().map_err(|error| setup("engine id", &name, &error))?,
            None => own_name(),
        };
        let takes_all = self.handlers.contains_key("*");
        let mut names: Vec<_> = self.handlers.keys().filter(|name| !takes_all && *name != "*").collect();
        names.sort();
        let event_types: Result<Vec<EventType>, _> =
            names.into_iter().map(|name| name.parse().map_err(|error| setup("event type", name, &error))).collect();
        let queues: Result<Vec<QueueName>, _> =
            self.queues.iter().map(|name| name.parse().map_err(|error| setup("queue", name, &error))).collect();
        let mut static_config = StaticConfig {
            capabilities: self.capabilities.clone(),
            engine_software_version: self.version.clone(),
            ..StaticConfig::default()
        };
        static_config.resource_limits.memory_limit_mb = self.memory_limit_mb;
        let mut engine = EngineLoop::new(client, engine_id, engine_type)
            .static_config(static_config)
            .max_concurrent(self.concurrency)
            .event_types(event_types?)
            .queues(queues?)
            .affinity(self.affinity)
            .takeover(self.takeover)
            .grace(self.grace)
            .stop_wait(self.stop_wait)
            .load(move || load.state());
        if let Some(seconds) = self.heartbeat_interval_seconds {
            engine = engine.heartbeat_interval_seconds(seconds);
        }
        if let Some(seconds) = self.visibility_timeout_seconds {
            engine = engine.visibility_timeout_seconds(seconds);
        }
        Ok(engine)
    }
}
