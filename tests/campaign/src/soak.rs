//! `soak`: a steady load without faults. What grows in the second half would grow for ever.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::arguments::SoakArgs;
use crate::caller::Caller;
use crate::clients::{ClientFleet, engine, pause, producer};
use crate::history::CallHistory;
use crate::test_bed::TestBed;

/// How often to look.
const WINDOW: Duration = Duration::from_secs(10);
/// Producers, whose pace makes the rate, and engines.
const PRODUCERS: u64 = 4;
const ENGINES: u64 = 8;
/// Less than this is no growth, whatever its share: a few buffers, a connection.
const NOISE_KIB: f64 = 4096.0;
const NOISE_DESCRIPTORS: f64 = 8.0;

/// What one look at all servers has seen.
#[derive(Clone, Copy, Debug, Default)]
struct ProcessUsage {
    resident_kib: f64,
    descriptors: f64,
    wal_kib: f64,
}

impl fmt::Display for ProcessUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident_kib, descriptors, wal_kib } = self;
        write!(
            f,
            "{:.1} MiB resident, {descriptors:.0} descriptors, WAL {:.1} MiB",
            resident_kib / 1024.0,
            wal_kib / 1024.0
        )
    }
}

/// Two minutes: otherwise the file grows all the time, and with it the part of it that is kept in memory, up to 64 MiB.
const RETENTION: &[&str] = &["--keep-completed-days", "0.0014", "--keep-failed-days", "0.0014"];

/// Answers whether all is flat.
pub(crate) async fn run(arguments: &SoakArgs) -> Result<bool> {
    let target = TestBed::start(&arguments.target, false, false, RETENTION).await?;
    let (history, fleet) = (CallHistory::begin(), ClientFleet::default());
    // Engines and producers do what they do in a campaign, but for what they do to make trouble.
    fleet.calm_down();
    let mut rng = StdRng::seed_from_u64(arguments.target.seed);
    let mut clients = JoinSet::new();
    let pace = Duration::from_secs_f64(PRODUCERS as f64 / arguments.rate.max(1) as f64);
    for number in 0..PRODUCERS.max(ENGINES) {
        let server = &target.servers.0[number as usize % target.servers.0.len()];
        let caller = || Caller::to(&server.url(), &history);
        if number < PRODUCERS {
            clients.spawn(producer::produce(caller()?, fleet.clone(), format!("key-{number}"), rng.random(), pace));
        }
        clients.spawn(engine::work(caller()?, fleet.clone(), format!("engine-{number}").parse()?, rng.random()));
    }
    let wal = target.store.url.strip_prefix("sqlite://").map(|file| PathBuf::from(format!("{file}-wal")));
    let end = Duration::from_secs_f64(arguments.target.minutes * 60.0);
    let mut seen = Vec::new();
    let mut calls = 0;
    while history.now() < end {
        pause(WINDOW.min(end.saturating_sub(history.now()))).await;
        let mut usage = ProcessUsage { wal_kib: wal.as_deref().map_or(0.0, size_kib), ..ProcessUsage::default() };
        for server in &target.servers.0 {
            let process_id = server.process_id().context("a server has ended")?;
            usage.resident_kib += resident_kib(process_id).context("a server has ended")?;
            usage.descriptors += descriptors(process_id) as f64;
        }
        // A history of hours would be what grows here.
        let made: usize = std::mem::take(&mut *history.operations()).len();
        calls += made;
        println!("{:6.0} s: {usage}, {:.0} calls/s", history.now().as_secs_f64(), made as f64 / WINDOW.as_secs_f64());
        seen.push(usage);
    }
    fleet.stop_producers();
    fleet.stop_engines();
    while clients.join_next().await.is_some() {}
    // The first tenth is the start: caches fill, a WAL reaches its size.
    let steady = &seen[seen.len() / 10..];
    let (first, second) = steady.split_at(steady.len() / 2);
    let (first, second) = (mean(first), mean(second));
    println!("{calls} calls; first half: {first}; second half: {second}");
    let grown = |before: f64, after: f64, noise: f64| {
        after - before > noise && after > before * (1.0 + arguments.growth / 100.0)
    };
    let growing: Vec<_> = [
        ("memory", grown(first.resident_kib, second.resident_kib, NOISE_KIB)),
        ("descriptors", grown(first.descriptors, second.descriptors, NOISE_DESCRIPTORS)),
        ("the WAL", grown(first.wal_kib, second.wal_kib, NOISE_KIB)),
    ]
    .into_iter()
    .filter_map(|(what, grows)| grows.then_some(what))
    .collect();
    match &growing[..] {
        [] => println!("all is flat"),
        growing => println!("not flat: {}", growing.join(", ")),
    }
    Ok(growing.is_empty())
}

fn mean(seen: &[ProcessUsage]) -> ProcessUsage {
    let mean = |of: fn(&ProcessUsage) -> f64| seen.iter().map(of).sum::<f64>() / seen.len().max(1) as f64;
    ProcessUsage {
        resident_kib: mean(|usage| usage.resident_kib),
        descriptors: mean(|usage| usage.descriptors),
        wal_kib: mean(|usage| usage.wal_kib),
    }
}

fn size_kib(file: &Path) -> f64 {
    // There is none before the first write.
    std::fs::metadata(file).map_or(0.0, |metadata| metadata.len() as f64 / 1024.0)
}

fn resident_kib(process_id: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn descriptors(process_id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process_id}/fd")).map_or(0, Iterator::count)
}
