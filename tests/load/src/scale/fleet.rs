//! Engines send heartbeats beside a steady load.
//!
//! They share connections, as they do behind a proxy, each of which has one call under way: a process has fewer descriptors than
//! there are engines. A heartbeat's time counts from when it was due, so one that waits for the one before it is late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::finding::ScaleFigure;
use super::probe::{CpuShare, MIB, metric, server_memory};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::phase::{LoadPhase, PhaseFigures};
use crate::running::RunningSystem;
use crate::systems::{EngineSpec, HttpConnection, LoadEngine};

/// Connections that engines share.
const CONNECTIONS: usize = 250;
const INTERVAL: Duration = Duration::from_secs(10);
/// Events a second that are enqueued, claimed and completed meanwhile.
const RATE: usize = 1_000;

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let engines = bench.of.engines();
    // Beside them, those that claim.
    let most = (engines + 1_000).to_string();
    let server = bench.start(store, &["--max-engines", &most]).await?;
    let (port, pid) = (server.server().port(), server.server().pid());
    let before = server_memory(pid);
    let began = Instant::now();
    let fleet = register_all(port, engines).await?;
    let mut found = vec![
        ScaleFigure::new(
            format!("registration of {engines} engines, engines/s"),
            engines as f64 / began.elapsed().as_secs_f64(),
        ),
        ScaleFigure::new("memory of an engine, KiB", (server_memory(pid) - before) / 1024.0 / engines as f64),
    ];

    let over = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let mut beating = beat_all(fleet, &over);
    let share = CpuShare::begin(&server);
    let mut running = RunningSystem { system: Box::new(server), standing: 0 };
    let phase = LoadPhase {
        producers: 4,
        consumers: 16,
        batch: 10,
        exchange: false,
        rate: Some(RATE),
        length: bench.of.steady(),
    };
    let load = async {
        let figures = running.run(&phase, &bench.disk).await;
        over.store(true, Ordering::Relaxed);
        figures
    };
    let beats = async {
        let mut times = Vec::new();
        while let Some(taken) = beating.join_next().await {
            times.extend(taken.context("a heartbeat's task has ended")??);
        }
        Ok::<_, anyhow::Error>(times)
    };
    let (PhaseFigures { rate, p50, p99, .. }, mut times) = tokio::try_join!(load, beats)?;
    let seconds = start.elapsed().as_secs_f64();
    let (server_cpu, database_cpu) = share.percent();
    let lost = metric(&mut HttpConnection::open(port).await?, "enginehouse_engines_lost_total").await?;
    let offered = engines as f64 / INTERVAL.as_secs_f64();
    found.push(ScaleFigure::new("heartbeats/s", times.len() as f64 / seconds).at_least(0.98 * offered));
    let [half, most] = ScaleFigure::of_times("heartbeat since it was due", &mut times);
    found.extend([half, most.at_most(250.0)]);
    found.extend([
        ScaleFigure::new("claim of up to 10, p50, ms", p50),
        ScaleFigure::new("claim of up to 10, p99, ms", p99).at_most(250.0),
        ScaleFigure::new(format!("load of {RATE} events/s, events/s"), rate).at_least(0.98 * RATE as f64),
        ScaleFigure::new("engines lost", lost).at_most(0.0),
        ScaleFigure::new("processor time of the server, % of one", server_cpu),
        ScaleFigure::new("processor time of PostgreSQL, % of one", database_cpu),
        ScaleFigure::new("memory, MiB", server_memory(pid) / MIB),
    ]);
    Ok(found)
}

/// Engines of one connection each.
pub(super) type BeatingFleet = Vec<(HttpConnection, Vec<LoadEngine>)>;

pub(super) async fn register_all(port: u16, engines: usize) -> Result<BeatingFleet> {
    let mut registering = JoinSet::new();
    for connection in 0..CONNECTIONS {
        registering.spawn(register(port, connection, engines));
    }
    let mut fleet = Vec::with_capacity(CONNECTIONS);
    while let Some(registered) = registering.join_next().await {
        fleet.push(registered??);
    }
    Ok(fleet)
}

/// Sends the heartbeats of all, evenly, until it is over.
pub(super) fn beat_all(fleet: BeatingFleet, over: &Arc<AtomicBool>) -> JoinSet<Result<Vec<Duration>>> {
    let mut beating = JoinSet::new();
    let start = Instant::now();
    for (number, (http, engines)) in fleet.into_iter().enumerate() {
        let first = start + INTERVAL * number as u32 / (CONNECTIONS * CONNECTIONS) as u32;
        beating.spawn(beat(http, engines, first, Arc::clone(over)));
    }
    beating
}

/// Registers those of the engines that a connection is for.
async fn register(port: u16, connection: usize, engines: usize) -> Result<(HttpConnection, Vec<LoadEngine>)> {
    let mut http = HttpConnection::open(port).await?;
    let mut own = Vec::new();
    for number in (connection..engines).step_by(CONNECTIONS) {
        let name = format!("fleet-{number}");
        let spec =
            EngineSpec { name: &name, batch: 1, heartbeat_seconds: INTERVAL.as_secs(), specialty: Some("fleet") };
        own.push(LoadEngine::register(&mut http, &spec).await?);
    }
    Ok((http, own))
}

/// Sends the heartbeats of some engines, one after the other.
async fn beat(
    mut http: HttpConnection,
    engines: Vec<LoadEngine>,
    first: Instant,
    over: Arc<AtomicBool>,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let Ok(count) = u32::try_from(engines.len()) else { return Ok(times) };
    if count == 0 {
        return Ok(times);
    }
    let mut ticks = interval_at(first, INTERVAL / count);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for engine in engines.iter().cycle() {
        let due = ticks.tick().await;
        if over.load(Ordering::Relaxed) {
            break;
        }
        engine.heartbeat(&mut http).await?;
        times.push(due.elapsed());
    }
    Ok(times)
}
