//! Engines that hold events fall silent within a second, and others get what they held.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::finding::ScaleFigure;
use super::probe::{CpuShare, metric};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::measurement::payload;
use crate::phase::{LoadPhase, PhaseFigures};
use crate::running::RunningSystem;
use crate::systems::{EngineSpec, HttpConnection, LoadEngine};

/// The type of their events, and what those require: neither is of the load beside it.
const FRAGILE: &str = "fragile";
/// Events that each of them holds.
const HELD: usize = 5;
const HEARTBEAT: Duration = Duration::from_secs(5);
/// An engine that was not heard for so many intervals is lost.
const INTERVALS: u32 = 3;
/// Within which all send their last heartbeat.
const SILENCE_WITHIN: Duration = Duration::from_secs(1);
/// Before the first of them is lost, those that take over are there.
const LEAD: Duration = Duration::from_millis(500);
/// How many events one of those that take over claims at once, comes to hold if all have their part, and may hold.
const RESCUED: (usize, usize, usize) = (100, 500, 1_000);
/// Events a second of the load beside it.
const RATE: usize = 200;
/// How long anybody may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let server = bench.start(store, &[]).await?;
    let port = server.server().port();
    let engines = bench.of.lost();
    let events = engines * HELD;
    enqueue(port, events).await?;
    // One after the other: many that connect at once are taken for a flood by the kernel.
    let mut holders = Vec::with_capacity(engines);
    for number in 0..engines {
        holders.push(hold(port, number).await?);
    }
    // A heartbeat that comes half an interval or less behind a claim is not noted: the last ones come later.
    let (begins, mut falling) = (Instant::now() + HEARTBEAT * 3 / 5, JoinSet::new());
    for (number, holder) in holders.into_iter().enumerate() {
        let last = begins + SILENCE_WITHIN * number as u32 / engines as u32;
        falling.spawn(fall_silent(holder, last));
    }
    let (mut first_due, mut connections) = (None::<Instant>, Vec::with_capacity(engines));
    while let Some(fallen) = falling.join_next().await {
        let (last_heartbeat_at, http) = fallen??;
        let due = last_heartbeat_at + HEARTBEAT * INTERVALS;
        first_due = Some(first_due.map_or(due, |earlier| earlier.min(due)));
        // They are silent, not gone.
        connections.push(http);
    }
    let first_due = first_due.context("there are engines that are lost")?;
    let rescuers = rescuers(port, events).await?;
    sleep_until(first_due - LEAD).await;

    let share = CpuShare::begin(&server);
    let mut running = RunningSystem { system: Box::new(server), standing: 0 };
    let length = Duration::from_millis(200);
    let phase = LoadPhase { producers: 2, consumers: 4, batch: 1, exchange: false, rate: Some(RATE), length };
    let mut seconds = 0.0;
    let rescued = async {
        seconds = rescue(rescuers, events).await?.saturating_duration_since(first_due).as_secs_f64();
        Ok(())
    };
    let PhaseFigures { rate, p50, p99, .. } = running.run_until(&phase, &bench.disk, rescued).await?;
    let (server_cpu, database_cpu) = share.percent();
    let lost = metric(&mut HttpConnection::open(port).await?, "enginehouse_engines_lost_total").await?;
    let what = format!("from the first loss until all {events} events of {engines} engines are claimed, s");
    Ok(vec![
        ScaleFigure::new(what, seconds).at_most(5.0),
        ScaleFigure::new("engines lost", lost).at_least(engines as f64),
        ScaleFigure::new(format!("load of {RATE} events/s, events/s"), rate),
        ScaleFigure::new("claim of a bystander, p50, ms", p50),
        ScaleFigure::new("claim of a bystander, p99, ms", p99).at_most(250.0),
        ScaleFigure::new("processor time of the server, % of one", server_cpu),
        ScaleFigure::new("processor time of PostgreSQL, % of one", database_cpu),
    ])
}

async fn enqueue(port: u16, events: usize) -> Result<()> {
    let line =
        format!("{{\"event_type\":{FRAGILE:?},\"required_capabilities\":[{FRAGILE:?}],\"payload\":{}}}\n", payload());
    HttpConnection::open(port).await?.post_lines("/v1/events/batch", &line, events).await?;
    Ok(())
}

/// Registers an engine, and claims as much as it may hold.
async fn hold(port: u16, number: usize) -> Result<(HttpConnection, LoadEngine)> {
    let mut http = HttpConnection::open(port).await?;
    let name = format!("silent-{number}");
    let spec =
        EngineSpec { name: &name, batch: HELD, heartbeat_seconds: HEARTBEAT.as_secs(), specialty: Some(FRAGILE) };
    let engine = LoadEngine::register(&mut http, &spec).await?;
    let held = engine.claim(&mut http, HELD, 0).await?.len();
    if held != HELD {
        bail!("an engine holds {held} events, not {HELD}");
    }
    Ok((http, engine))
}

/// Sends a last heartbeat at a time. Answers before when the server has heard it.
async fn fall_silent(
    (mut http, engine): (HttpConnection, LoadEngine),
    last: Instant,
) -> Result<(Instant, HttpConnection)> {
    sleep_until(last).await;
    engine.heartbeat(&mut http).await?;
    Ok((Instant::now(), http))
}

/// Engines that may hold everything together.
async fn rescuers(port: u16, events: usize) -> Result<Vec<(HttpConnection, LoadEngine)>> {
    let mut rescuers = Vec::new();
    for number in 0..events.div_ceil(RESCUED.1) {
        let mut http = HttpConnection::open(port).await?;
        let name = format!("rescuer-{number}");
        let spec = EngineSpec { name: &name, batch: RESCUED.2, heartbeat_seconds: 0, specialty: Some(FRAGILE) };
        let engine = LoadEngine::register(&mut http, &spec).await?;
        rescuers.push((http, engine));
    }
    Ok(rescuers)
}

/// They claim until they hold everything. Answers when that was.
async fn rescue(rescuers: Vec<(HttpConnection, LoadEngine)>, events: usize) -> Result<Instant> {
    let (claimed, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut claiming = JoinSet::new();
    for (mut http, engine) in rescuers {
        let claimed = Arc::clone(&claimed);
        claiming.spawn(async move {
            let mut last = began;
            while claimed.load(Ordering::Relaxed) < events {
                let count = engine.claim(&mut http, RESCUED.0, 1).await?.len();
                if count > 0 {
                    last = Instant::now();
                    claimed.fetch_add(count, Ordering::Relaxed);
                } else if began.elapsed() > PATIENCE {
                    bail!("{} of {events} events can be claimed", claimed.load(Ordering::Relaxed));
                }
            }
            Ok(last)
        });
    }
    let mut end = began;
    while let Some(last) = claiming.join_next().await {
        end = end.max(last??);
    }
    Ok(end)
}
