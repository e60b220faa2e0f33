//! A steady load while another session holds a snapshot.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::arguments::{Contender, Steady};
use crate::http::ServerConnection;
use crate::measurement::{MeasuredCalls, median, payload};
use crate::peers::{Peer, connect, prepare};

/// What the loops share.
struct SteadyRun {
    is_over: AtomicBool,
    /// Events that were enqueued and are not completed.
    backlog: AtomicUsize,
    window: Mutex<MeasuredCalls>,
}

pub(crate) async fn run(of: &Steady) -> Result<()> {
    prepare(&of.database, of.contender).await?;
    let shared =
        Arc::new(SteadyRun { is_over: AtomicBool::new(false), backlog: AtomicUsize::new(0), window: Mutex::default() });
    let mut loops = JoinSet::new();
    let producers = (of.connections / 4).max(1);
    for _ in 0..producers {
        loops.spawn(produce(
            of.server.clone(),
            of.database.clone(),
            of.contender,
            (of.rate / producers).max(1),
            Arc::clone(&shared),
        ));
    }
    for number in 0..of.connections {
        loops.spawn(consume(
            of.server.get(number % of.server.len().max(1)).cloned(),
            of.database.clone(),
            of.contender,
            (number, of.batch),
            Arc::clone(&shared),
        ));
    }
    println!("{:?}: {} connections, {} events a claim, {} enqueued/s", of.contender, of.connections, of.batch, of.rate);
    let mut phases = Vec::new();
    for (phase, seconds) in ["before", "held", "after"].into_iter().zip(&of.phases) {
        let holder = if phase == "held" { Some(hold(&of.database, of.writer).await?) } else { None };
        phases.push((phase, windows(of, phase, *seconds, &shared).await));
        drop(holder);
    }
    shared.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = loops.join_next().await {
        ended??;
    }
    let before = phases[0].1;
    for (phase, (rate, p50, p99)) in phases {
        println!(
            "{phase}: completed {rate:.0}/s, claim p50 {p50:.2} ms, p99 {p99:.2} ms; of before: {:.2}, {:.2}, {:.2}",
            rate / before.0,
            p50 / before.1,
            p99 / before.2
        );
    }
    Ok(())
}

/// A session that keeps its transaction open until it is dropped: one that reads and sees the present moment, or one that has
/// written.
pub(crate) async fn hold(database: &str, writes: bool) -> Result<tokio_postgres::Client> {
    let client = connect(database).await?;
    let begin = match writes {
        true => "begin; create temporary table forgotten (number integer)",
        false => "begin isolation level repeatable read read only; select count(*) from pg_class",
    };
    client.batch_execute(begin).await?;
    Ok(client)
}

/// Prints each window of a phase, and answers the medians of rate, p50 and p99.
async fn windows(of: &Steady, phase: &str, seconds: u64, shared: &SteadyRun) -> (f64, f64, f64) {
    let mut figures = (Vec::new(), Vec::new(), Vec::new());
    let mut ticks = interval(Duration::from_secs(of.window));
    ticks.tick().await;
    *shared.window.lock().expect("nobody panics with it") = MeasuredCalls::default();
    for _ in 0..(seconds / of.window).max(1) {
        let began = Instant::now();
        ticks.tick().await;
        let mut taken = std::mem::take(&mut *shared.window.lock().expect("nobody panics with it"));
        let rate = taken.events as f64 / began.elapsed().as_secs_f64();
        let (p50, p99) = (taken.percentile(50), taken.percentile(99));
        println!(
            "{phase} completed {rate:.0}/s, claim p50 {p50:.2} p99 {p99:.2} ms, backlog {}",
            shared.backlog.load(Ordering::Relaxed)
        );
        figures.0.push(rate);
        figures.1.push(p50);
        figures.2.push(p99);
    }
    (median(&mut figures.0), median(&mut figures.1), median(&mut figures.2))
}

async fn produce(
    servers: Vec<String>,
    database: String,
    contender: Contender,
    rate: usize,
    shared: Arc<SteadyRun>,
) -> Result<()> {
    const PER_CALL: usize = 10;
    let payload = payload();
    let mut pace = interval(Duration::from_secs_f64(PER_CALL as f64 / rate as f64));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut connection = match contender {
        Contender::Enginehouse => Some(ServerConnection::open(servers.first().context("--server is missing")?).await?),
        _ => None,
    };
    let peer = match contender {
        Contender::Enginehouse => None,
        _ => Some(Peer::open(&database, contender).await?),
    };
    while !shared.is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        if let Some(connection) = &mut connection {
            connection.enqueue(&payload, PER_CALL).await?;
        } else if let Some(peer) = &peer {
            peer.enqueue(&payload, PER_CALL).await?;
        }
        shared.backlog.fetch_add(PER_CALL, Ordering::Relaxed);
    }
    Ok(())
}

async fn consume(
    server: Option<String>,
    database: String,
    contender: Contender,
    (number, batch): (usize, usize),
    shared: Arc<SteadyRun>,
) -> Result<()> {
    // A pause after a claim that found nothing, so that idle claims do not crowd out the others.
    let mut again = interval(Duration::from_millis(20));
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection = None;
    let mut peer = None;
    if contender == Contender::Enginehouse {
        let mut opened = ServerConnection::open(&server.context("--server is missing")?).await?;
        opened.register(&format!("steady-{number}"), batch).await?;
        connection = Some(opened);
    } else {
        peer = Some(Peer::open(&database, contender).await?);
    }
    while !shared.is_over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let mut took = None;
        let (mut done, mut idle) = (0, true);
        if let Some(connection) = &mut connection {
            done = connection.exchange(batch).await?;
            idle = connection.is_idle();
        } else if let Some(peer) = &peer {
            let ids = peer.claim(batch).await?;
            took = Some(began.elapsed());
            if !ids.is_empty() {
                peer.complete(&ids).await?;
                (done, idle) = (ids.len(), false);
            }
        }
        let took = took.unwrap_or_else(|| began.elapsed());
        {
            let mut window = shared.window.lock().expect("nobody panics with it");
            window.events += done;
            window.times.push(took);
        }
        shared.backlog.fetch_sub(done.min(shared.backlog.load(Ordering::Relaxed)), Ordering::Relaxed);
        if idle {
            again.tick().await;
        }
    }
    Ok(())
}
