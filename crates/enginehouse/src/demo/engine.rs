//! One engine of the demo: a process that renders tiles.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use enginehouse_client::{ClaimedEvent, Client, EngineLoop, HandlerContext, HandlerOutcome, StaticConfig};
use enginehouse_core::engine::ResourceLimits;
use enginehouse_core::event::AttemptError;
use enginehouse_core::ids::EngineId;
use enginehouse_core::json::RawJson;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use super::scene::Scene;
use super::tiles::{EVENT_TYPE, RAYTRACE, RAYTRACE_GLASS, Rendered, Work};
use super::{now, seconds};
use crate::cli::engine_run::load::LoadMeter;

/// How often an engine of the demo speaks up: often, so that nobody has to wait long to see one lost.
pub(super) const HEARTBEAT_SECONDS: u64 = 1;

/// Be one engine of the demo. It ends when its stdin does, so that none outlives the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoEngineArgs {
    #[arg(long)]
    url: String,
    #[arg(long)]
    engine_id: EngineId,
    /// Whether it can do glass
    #[arg(long)]
    glass: bool,
    #[arg(long)]
    max_concurrent: u32,
    #[arg(long)]
    memory_mb: u64,
}

/// Renders tiles until stdin ends.
pub(crate) async fn run_engine(arguments: DemoEngineArgs) -> anyhow::Result<u8> {
    let client = Client::new(&arguments.url)?;
    let shutdown = CancellationToken::new();
    let lifeline = shutdown.clone();
    tokio::spawn(async move {
        // Nothing is ever sent: whatever this answers, the demo is over.
        let _at_its_end = tokio::io::stdin().read_u8().await;
        lifeline.cancel();
    });
    let mut capabilities = vec![RAYTRACE.to_owned()];
    capabilities.extend(arguments.glass.then(|| RAYTRACE_GLASS.to_owned()));
    let static_config = StaticConfig {
        capabilities,
        resource_limits: ResourceLimits { memory_limit_mb: Some(arguments.memory_mb), ..ResourceLimits::default() },
        engine_software_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..StaticConfig::default()
    };
    let scene = Arc::new(Scene::evening());
    let load = Arc::new(LoadMeter::default());
    let measured = Arc::clone(&load);
    EngineLoop::new(client, arguments.engine_id, "renderer".parse().context("a name")?)
        .static_config(static_config)
        .max_concurrent(arguments.max_concurrent)
        .event_types([EVENT_TYPE.parse().context("a name")?])
        .heartbeat_interval_seconds(HEARTBEAT_SECONDS)
        .load(move || measured.state())
        .run(shutdown, move |event, context| {
            load.works_on(event.scenario_run_id.as_ref());
            render(Arc::clone(&scene), event, context)
        })
        .await?;
    Ok(0)
}

async fn render(scene: Arc<Scene>, event: ClaimedEvent, context: HandlerContext) -> HandlerOutcome {
    let work = match Work::read(&event.payload) {
        Ok(work) => work,
        Err(error) => return rejected(format!("{error:#}")),
    };
    if work.poison {
        return HandlerOutcome::failed("poisoned", format!("tile {} is poisoned: its payload says so", work.number));
    }
    if event.attempt <= work.fail_first {
        return HandlerOutcome::failed(
            "first_attempt",
            format!("tile {} fails at first: its payload says so", work.number),
        );
    }
    let rendered = tokio::task::spawn_blocking(move || {
        let began = now();
        let rgb = work.render(&scene, || context.stop_reason().is_none())?;
        Some(Rendered::new(&rgb, (seconds(began) * 1_000.0) as u64))
    });
    match rendered.await {
        Ok(Some(rendered)) => match serde_json::to_value(&rendered) {
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
