//! One engine of the demo: a process that renders tiles.

use std::sync::Arc;

use anyhow::Context as _;
use enginehouse_client::{
    ClaimedEvent, Client, DynamicState, EngineLoop, HandlerContext, HandlerOutcome, StaticConfig,
};
use enginehouse_core::engine::ResourceLimits;
use enginehouse_core::event::AttemptError;
use enginehouse_core::ids::EngineId;
use enginehouse_core::json::RawJson;
use std::io::Read;
use tokio_util::sync::CancellationToken;

use super::scene::Scene;
use super::tiles::{EVENT_TYPE, RAYTRACE, RAYTRACE_GLASS, SCENARIO_RUN, TilePayload, TileResult};
use super::timing::{now, seconds};

/// How often an engine of the demo sends a heartbeat: often, so that nobody has to wait long to see one lost.
pub(super) const HEARTBEAT_SECONDS: u64 = 1;

/// What one engine of the demo is and can do.
pub struct EngineConfig {
    pub url: String,
    pub engine_id: EngineId,
    /// Whether it can render tiles in which glass is seen.
    pub glass: bool,
    pub max_concurrent: u32,
    pub memory_mb: u64,
    /// Measures the load of this process for a heartbeat.
    pub load: Box<dyn Fn() -> DynamicState + Send + Sync>,
}

/// Renders tiles until stdin ends: no engine outlives the demo, however the demo ends.
///
/// # Errors
/// The server refuses the engine, or another process took over its id.
pub async fn run_engine(config: EngineConfig) -> anyhow::Result<()> {
    let client = Client::new(&config.url)?;
    let shutdown = CancellationToken::new();
    let at_end_of_stdin = shutdown.clone();
    // Not a task: the runtime would wait for its read, also when this engine ends by itself.
    std::thread::spawn(move || {
        // The demo sends nothing: whatever this read answers, the demo is over.
        let _ended = std::io::stdin().read(&mut [0]);
        at_end_of_stdin.cancel();
    });
    let mut capabilities = vec![RAYTRACE.to_owned()];
    capabilities.extend(config.glass.then(|| RAYTRACE_GLASS.to_owned()));
    let static_config = StaticConfig {
        capabilities,
        resource_limits: ResourceLimits { memory_limit_mb: Some(config.memory_mb), ..ResourceLimits::default() },
        engine_software_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..StaticConfig::default()
    };
    let scene = Arc::new(Scene::new());
    let load = config.load;
    EngineLoop::new(client, config.engine_id, "renderer".parse().context("a name")?)
        .static_config(static_config)
        .max_concurrent(config.max_concurrent)
        .event_types([EVENT_TYPE.parse().context("a name")?])
        .heartbeat_interval_seconds(HEARTBEAT_SECONDS)
        .load(move || DynamicState { current_scenario_run_id: Some(SCENARIO_RUN.to_owned()), ..load() })
        .run(shutdown, move |event, context| render(Arc::clone(&scene), event, context))
        .await?;
    Ok(())
}

async fn render(scene: Arc<Scene>, event: ClaimedEvent, context: HandlerContext) -> HandlerOutcome {
    let payload = match TilePayload::read(&event.payload) {
        Ok(payload) => payload,
        Err(error) => return rejected(format!("{error:#}")),
    };
    if payload.poison {
        return HandlerOutcome::failed("poisoned", format!("tile {} is poisoned: its payload says so", payload.number));
    }
    if event.attempt <= payload.fail_first {
        let message = format!("tile {} fails at first: its payload says so", payload.number);
        return HandlerOutcome::failed("first_attempt", message);
    }
    let rendered = tokio::task::spawn_blocking(move || {
        let began = now();
        let rgb = payload.render(&scene, || context.stop_reason().is_none())?;
        Some(TileResult::new(&rgb, (seconds(began) * 1_000.0) as u64))
    });
    match rendered.await {
        Ok(Some(result)) => match serde_json::to_value(&result) {
            Ok(result) => HandlerOutcome::Complete { result: Some(RawJson::from(&result)) },
            Err(error) => rejected(error.to_string()),
        },
        Ok(None) => HandlerOutcome::Release { delay_seconds: None },
        Err(error) => HandlerOutcome::failed("panicked", error.to_string()),
    }
}

fn rejected(message: String) -> HandlerOutcome {
    HandlerOutcome::Fail {
        error: AttemptError { code: Some("rejected".to_owned()), message, details: None },
        retryable: false,
        retry_after_seconds: None,
        dead_letter: true,
    }
}
