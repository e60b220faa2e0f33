//! `demo --fleet`: a fleet that is never done, to look around in: something slow, something flaky, something that nobody can run.
//!
//! The engines are tasks of this process, so that there can be thousands of them, but the server knows no difference: each calls
//! it over HTTP as any engine does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use enginehouse_api::enqueue::{BatchRequest, EnqueueRequest};
use enginehouse_client::{Client, DynamicState, EngineLoop, Error, StaticConfig};
use enginehouse_core::engine::{ResourceLimits, ResourceUtilization};
use futures_util::future::join_all;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::busy_work::{BAD_VERSION, BusyEvent, pick, work};
use super::fleet::DemoFleet;
use super::output::{links, say};

/// How often events are enqueued.
const TICK: Duration = Duration::from_secs(1);
/// No more is enqueued while more events than this wait for each engine.
const MOST_WAITING_EACH: u64 = 20;
/// For how many ticks a scenario run goes on.
const TICKS_OF_RUN: u64 = 180;
/// How many events that nobody can run there are at most.
const MOST_BLOCKED: u64 = 12;

/// What the fleet should be.
#[derive(Clone, Debug)]
pub struct BusyFleetConfig {
    /// The `enginehouse` program, which is started as `serve`.
    pub program: PathBuf,
    pub engines: u32,
}

/// Runs the fleet until SIGINT or SIGTERM.
///
/// # Errors
/// The server could not be started or has ended by itself, or it refused a call. The error says where the logs are.
pub async fn run_fleet(config: BusyFleetConfig) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let folder = tempfile::Builder::new().prefix("enginehouse-demo-").tempdir().context("cannot make a folder")?;
    let mut server = DemoFleet::new(config.program, folder.path().to_owned());
    let shutdown = CancellationToken::new();
    let ended = tokio::select! {
        ended = keep_busy(&mut server, config.engines, &shutdown) => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    shutdown.cancel();
    server.stop().await;
    ended.map_err(|error| {
        let logs = server.last_log_lines();
        let kept = folder.keep();
        anyhow!("the fleet stopped: {error:#}\n{logs}\nThe data file and the log are kept in {}", kept.display())
    })
}

/// Everything from the server's start on. It ends with an error only.
async fn keep_busy(server: &mut DemoFleet, engines: u32, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let client = server.start_server().await?;
    set_policies(&client).await?;
    let fleet = (0..engines).map(|number| Ok(tokio::spawn(engine(&client, number)?.run_in(shutdown.clone()))));
    let fleet = fleet.collect::<anyhow::Result<Vec<_>>>()?;
    say(&format!("{engines} engines work on a throwaway SQLite file, until Ctrl-C: {}", client.url()));
    links(client.url());
    let fleet = async {
        for ended in join_all(fleet).await {
            ended.context("an engine panicked")??;
        }
        Err(anyhow!("all engines have ended"))
    };
    tokio::select! {
        ended = fleet => ended,
        ended = enqueue(&client, server, engines) => ended,
    }
}

/// Short waits for a retry: there should be something to see.
async fn set_policies(client: &Client) -> anyhow::Result<()> {
    let settings = serde_json::from_value(serde_json::json!({
        "retry_policy": { "max_retries": 2, "retry_delay": { "initial": 2, "max": 10, "multiplier": 2 } },
    }))?;
    client.set_event_type(&BusyEvent::Mail.name().parse()?, &settings).await.context("a policy cannot be set")?;
    Ok(())
}

/// One engine, ready to run.
struct BusyEngine {
    settings: EngineLoop,
    version: &'static str,
    /// How many events it works on.
    held: Arc<AtomicU32>,
}

impl BusyEngine {
    async fn run_in(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { settings, version, held } = self;
        let handler = move |event, context| work(event, context, version, Arc::clone(&held));
        settings.run(shutdown, handler).await.map(|_| ()).context("an engine could not go on")
    }
}

/// The `number`th engine. Half of them have a gpu, and every fourth the newest version.
fn engine(client: &Client, number: u32) -> anyhow::Result<BusyEngine> {
    let version = if number % 4 == 3 { BAD_VERSION } else { "1.4.2" };
    let has_gpu = number.is_multiple_of(2);
    let places = if has_gpu { 3 } else { 2 };
    let mut config = StaticConfig {
        capabilities: has_gpu.then(|| "gpu".to_owned()).into_iter().collect(),
        resource_limits: ResourceLimits {
            memory_limit_mb: Some(if has_gpu { 16_384 } else { 4_096 }),
            ..ResourceLimits::default()
        },
        engine_software_version: Some(version.to_owned()),
        ..StaticConfig::default()
    };
    config.other.insert("host".to_owned(), format!("node-{}", number / 8 + 1).into());
    let kind = if has_gpu { "renderer" } else { "worker" };
    let engine_id = format!("{kind}-{:04}", number + 1).parse().context("a name")?;
    let held = Arc::new(AtomicU32::new(0));
    let load = Arc::clone(&held);
    let settings = EngineLoop::new(client.clone(), engine_id, kind.parse().context("a name")?)
        .static_config(config)
        .max_concurrent(places)
        .heartbeat_interval_seconds(5)
        .grace(Duration::ZERO)
        .load(move || shown_load(load.load(Ordering::Relaxed), u64::from(number)));
    Ok(BusyEngine { settings, version, held })
}

/// What an engine that works on so many events would need.
fn shown_load(held: u32, number: u64) -> DynamicState {
    let resource_utilization = ResourceUtilization {
        cpu_percent: Some(f64::from(held) * 85.0 + pick(number, 12) as f64),
        memory_usage_mb: Some(f64::from(held) * 900.0 + 300.0 + pick(number + 5, 200) as f64),
        ..ResourceUtilization::default()
    };
    DynamicState { resource_utilization, ..DynamicState::default() }
}

/// Enqueues as much as the fleet can do, for ever.
async fn enqueue(client: &Client, server: &mut DemoFleet, engines: u32) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut number, mut blocked) = (0, 0);
    for tick in 0.. {
        ticks.tick().await;
        server.require_alive(None)?;
        let stats = unless_busy(client.stats().await).context("the server cannot be asked what waits")?;
        let Some(waiting) = stats.map(|stats| stats.events.queued) else { continue };
        if waiting > MOST_WAITING_EACH * u64::from(engines) + MOST_BLOCKED {
            continue;
        }
        let run = format!("film-{}", tick / TICKS_OF_RUN + 1);
        let mut events: Vec<EnqueueRequest> = Vec::new();
        for kind in
            [BusyEvent::Training, BusyEvent::Simulation, BusyEvent::Mail, BusyEvent::Frame, BusyEvent::Thumbnail]
        {
            // What is due after this tick and was not after the one before. The first of each comes at once.
            let due = |ticks: u64| (kind.rate() * u64::from(engines) * ticks).div_ceil(1_000);
            let mut count = due(tick + 1) - due(tick);
            if kind == BusyEvent::Training {
                count = count.min(MOST_BLOCKED - blocked);
                blocked += count;
            }
            events.extend((number..number + count).map(|number| kind.enqueued(number, &run)));
            number += count;
        }
        for part in events.chunks(1_000) {
            let request = BatchRequest { events: part.to_vec(), atomic: None };
            unless_busy(client.enqueue_batch(&request).await).context("events cannot be enqueued")?;
        }
    }
    Ok(())
}

/// What a call answers; nothing if the machine is too busy for it now. A large fleet may be more than a machine can do for a
/// while, and goes on then.
fn unless_busy<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_passing() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_ends_nothing_and_one_that_refuses_does() {
        let answered = |status| Err::<u32, _>(Error::Unexpected { status, reason: String::new() });
        assert_eq!(unless_busy(Ok(7)).unwrap(), Some(7));
        assert_eq!(unless_busy(answered(503)).unwrap(), None);
        assert!(unless_busy(answered(400)).is_err());
    }
}
