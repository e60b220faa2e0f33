//! Old events are deleted beside a light load.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;

use super::finding::ScaleFigure;
use super::finished_events;
use super::probe::{CpuShare, MIB, metric_reaches, ready, server_memory};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::phase::{LoadPhase, PhaseFigures};
use crate::queue::{Purpose, QueueSystem};
use crate::running::RunningSystem;

/// Events a second of the load beside it, claimed and completed one by one.
const RATE: usize = 200;

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let mut server = bench.start(store, &["--keep-completed-days", "1"]).await?;
    let port = server.server().port();
    // So that there is a lane for the others.
    server.connect(Purpose::Enqueue).await?.enqueue(1).await?;
    let mut engine = server.connect(Purpose::Claim { number: 0, batch: 1 }).await?;
    if engine.claim(1).await? != 1 {
        bail!("the one event that waits is not claimed");
    }
    engine.complete().await?;
    server.server_mut().stop()?;

    let events = bench.of.retention();
    let began = Instant::now();
    match server.data_file() {
        Some(file) => tokio::task::spawn_blocking(move || finished_events::in_sqlite(&file, events)).await??,
        None => finished_events::in_postgres(server.database().context("there is a database")?, events).await?,
    }
    eprintln!("    {events} finished events written in {:.0} s", began.elapsed().as_secs_f64());

    server.server_mut().start_again().await?;
    ready(port).await?;
    let began = Instant::now();
    let (share, pid) = (CpuShare::begin(&server), server.server().pid());
    let mut running = RunningSystem { system: Box::new(server), standing: 0 };
    let length = Duration::from_millis(200);
    let phase = LoadPhase { producers: 2, consumers: 4, batch: 1, exchange: false, rate: Some(RATE), length };
    let deleted = metric_reaches(port, "enginehouse_events_pruned_total", events as f64);
    let PhaseFigures { rate, p50, p99, .. } = running.run_until(&phase, &bench.disk, deleted).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (server_cpu, database_cpu) = share.percent();
    Ok(vec![
        ScaleFigure::new(format!("until {events} events are deleted, s"), seconds),
        ScaleFigure::new("deleted, events/s", events as f64 / seconds),
        ScaleFigure::new(format!("load of {RATE} events/s, events/s"), rate),
        ScaleFigure::new("claim meanwhile, p50, ms", p50),
        ScaleFigure::new("claim meanwhile, p99, ms", p99).at_most(20.0),
        ScaleFigure::new("processor time of the server, % of one", server_cpu),
        ScaleFigure::new("processor time of PostgreSQL, % of one", database_cpu),
        ScaleFigure::new("memory, MiB", server_memory(pid) / MIB),
    ])
}
