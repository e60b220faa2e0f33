//! People look: dashboards are open, and somebody filters, beside a fleet and a large backlog.
//!
//! A dashboard is a stream of what it shows. The processor time that they add is that with them less that without, in turn: the
//! fleet's heartbeats and a steady load are there all the while, so that there is always something new to show.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::backlog::{STREAMS, load};
use super::finding::ScaleFigure;
use super::fleet::{beat_all, register_all};
use super::probe::{CpuShare, MIB, server_memory};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::measurement::payload;
use crate::systems::{Enginehouse, HttpConnection};

/// Events that become dead letters, of ten kinds of errors.
const DEAD_LETTERS: usize = 2_000;
const CLAIMED: usize = 100;
/// How often each list is asked for.
const CALLS: usize = 100;
const DASHBOARDS: usize = 20;
/// Up to how many engines they may take a tenth of a processor.
const FLEET: usize = 2_000;
const TOPICS: &str = "overview,engines,queues,runs";
/// With dashboards and without, in turn.
const TURNS: usize = 3;
/// What is enqueued each second meanwhile.
const RATE: u64 = 50;

#[derive(Deserialize)]
struct FailingEvents {
    events: Vec<FailingEvent>,
}

#[derive(Deserialize)]
struct FailingEvent {
    event_id: String,
    lock: FailingLock,
}

#[derive(Deserialize)]
struct FailingLock {
    token: String,
}

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let engines = bench.of.engines();
    let most = (engines + 1_000).to_string();
    let server = bench.start(store, &["--max-engines", &most]).await?;
    let port = server.server().port();
    let per_stream = bench.of.backlog().div_ceil(STREAMS);
    let began = Instant::now();
    load(port, per_stream, event).await?;
    let events = (per_stream * STREAMS) as f64;
    let rate = events / began.elapsed().as_secs_f64();
    let mut found = vec![ScaleFigure::new(format!("load of {events} events, events/s"), rate)];
    let (event_id, group) = fail_some(port).await?;
    found.extend(lists(port, &event_id, &group).await?);
    found.extend(watched(&server, engines, bench.of.steady()).await?);
    Ok(found)
}

/// An event of a stream, which has a queue, an event type and a scenario run of its own.
fn event(stream: usize) -> String {
    format!(
        "{{\"event_type\":\"load-{stream}\",\"queue\":\"load-{stream}\",\"scenario_run_id\":\"run-{stream}\",\"labels\":{{\"team\":\"t-{stream}\"}},\"payload\":{}}}",
        payload()
    )
}

/// Makes dead letters, and leaves some events with an engine. Answers one of those, and the id of the largest error group.
async fn fail_some(port: u16) -> Result<(String, String)> {
    let mut http = HttpConnection::open(port).await?;
    let body = format!(
        "{{\"engine_type\":\"load\",\"heartbeat_interval_seconds\":0,\"metadata\":{{\"static_config\":{{\"resource_limits\":{{\"max_concurrent_events\":{CLAIMED}}}}}}}}}"
    );
    http.call("PUT", "/v1/engines/failing", &body).await?;
    let claim = format!("{{\"epoch\":1,\"limit\":{CLAIMED}}}");
    for _ in 0..DEAD_LETTERS.div_ceil(CLAIMED) {
        let FailingEvents { events } = claimed(&mut http, &claim).await?;
        let one = |(number, event): (usize, &FailingEvent)| {
            let FailingEvent { event_id, lock: FailingLock { token } } = event;
            let kind = char::from(b'a' + (number % 10) as u8);
            format!(
                "{{\"event_id\":\"{event_id}\",\"lock_token\":\"{token}\",\"outcome\":\"fail\",\"retryable\":false,\"dead_letter\":true,\"error\":{{\"message\":\"broken by {kind}\"}}}}"
            )
        };
        let settlements: Vec<_> = events.iter().enumerate().map(one).collect();
        http.call("POST", "/v1/events/settle", &format!("{{\"settlements\":[{}]}}", settlements.join(","))).await?;
    }
    let FailingEvents { events } = claimed(&mut http, &claim).await?;
    let summary = http.call("GET", "/v1/dead-letters/summary", "").await?;
    let summary: serde_json::Value = serde_json::from_slice(&summary)?;
    let group = summary["groups"][0]["group_id"].as_str().context("the summary has no group")?;
    let event = events.first().context("a claim finds nothing")?;
    Ok((event.event_id.clone(), group.to_owned()))
}

async fn claimed(http: &mut HttpConnection, claim: &str) -> Result<FailingEvents> {
    Ok(serde_json::from_slice(&http.call("POST", "/v1/engines/failing/claim", claim).await?)?)
}

/// How long lists take that an index answers, and those that compare event by event.
async fn lists(port: u16, event_id: &str, group: &str) -> Result<Vec<ScaleFigure>> {
    let filters = [
        ("status:queued", true),
        ("status:failed", true),
        ("status:processing engine:failing", true),
        ("queue:load-3", true),
        ("type:load-3 queue:load-3", true),
        ("queue:load-3 status:failed", true),
        ("queue:none", true),
        ("run:run-3", true),
        ("run:run-3 status:queued", true),
        ("key:none", true),
        (&event_id[..13], true),
        ("label.team:t-3", false),
        ("label.team:none", false),
        ("error:~nothing", false),
        ("payload.nothing:1", false),
        ("attempts:>3", false),
        ("-status:queued", false),
        ("run:run-3 status:failed label.team:none", false),
    ];
    let events = filters.map(|(filter, is_indexed)| ("events", filter.to_owned(), is_indexed));
    let letters = [format!("group:{group}"), "queue:load-0".to_owned(), "error:~nothing".to_owned()];
    let letters = letters.map(|filter| ("dead-letters", filter, true));
    let mut found = Vec::new();
    for (list, filter, is_indexed) in events.into_iter().chain(letters) {
        let path = format!("/v1/{list}?limit=50&filter={}", filter.replace(' ', "%20").replace('>', "%3E"));
        let mut http = HttpConnection::open(port).await?;
        let mut times = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let began = Instant::now();
            http.call("GET", &path, "").await?;
            times.push(began.elapsed());
        }
        // What an index does not answer is bounded by how many events one page compares.
        let shown = if filter == event_id[..13] { "the beginning of an id" } else { &filter };
        let [half, most] = ScaleFigure::of_times(&format!("{list}, {shown}"), &mut times);
        found.extend([half, if is_indexed { most.at_most(100.0) } else { most }]);
    }
    Ok(found)
}

/// What open dashboards cost, with a fleet that heartbeats and a light load.
#[expect(clippy::disallowed_methods, reason = "what is measured is what happens within a time")]
async fn watched(server: &Enginehouse, engines: usize, length: Duration) -> Result<Vec<ScaleFigure>> {
    let (port, pid) = (server.server().port(), server.server().pid());
    let fleet = register_all(port, engines).await?;
    let over = Arc::new(AtomicBool::new(false));
    let mut beating = beat_all(fleet, &over);
    let mut load = JoinSet::new();
    load.spawn(enqueue_steadily(port, Arc::clone(&over)));
    let before = server_memory(pid);
    let (mut without, mut with, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TURNS {
        let share = CpuShare::begin(server);
        sleep(length).await;
        without.push(share.percent());
        let read = Arc::new(AtomicU64::new(0));
        let mut watching = JoinSet::new();
        for _ in 0..DASHBOARDS {
            watching.spawn(watch(port, Arc::clone(&read)));
        }
        let first = interval(Duration::from_millis(10));
        until_read(first, &read).await?;
        // The snapshots are behind it: what comes now are changes.
        sleep(Duration::from_secs(2)).await;
        let (share, so_far) = (CpuShare::begin(server), read.load(Ordering::Relaxed));
        sleep(length).await;
        with.push(share.percent());
        bytes += read.load(Ordering::Relaxed) - so_far;
        if let Some(ended) = watching.try_join_next() {
            ended.context("a stream's task has ended")??;
            bail!("the server has ended a stream");
        }
        watching.shutdown().await;
    }
    let memory = (server_memory(pid) - before) / MIB;
    over.store(true, Ordering::Relaxed);
    while let Some(beaten) = beating.join_next().await {
        beaten.context("a heartbeat's task has ended")??;
    }
    while let Some(loaded) = load.join_next().await {
        loaded.context("the load's task has ended")??;
    }
    let median = |mut of: Vec<f64>| {
        of.sort_by(f64::total_cmp);
        of[of.len() / 2]
    };
    let server_alone = median(without.iter().map(|(server, _)| *server).collect());
    let server_watched = median(with.iter().map(|(server, _)| *server).collect());
    let database_alone = median(without.iter().map(|(_, database)| *database).collect());
    let database_watched = median(with.iter().map(|(_, database)| *database).collect());
    let of_a_dashboard = bytes as f64 / 1_024.0 / (TURNS * DASHBOARDS) as f64 / length.as_secs_f64();
    let what = |of: &str| format!("processor time of {of}, % of one");
    let added = ScaleFigure::new(what(&format!("{DASHBOARDS} dashboards")), server_watched - server_alone);
    Ok(vec![
        ScaleFigure::new(what(&format!("the server with {engines} engines, nobody looks")), server_alone),
        ScaleFigure::new(what(&format!("the server with {DASHBOARDS} dashboards")), server_watched),
        if engines <= FLEET { added.at_most(10.0) } else { added },
        ScaleFigure::new(what("PostgreSQL, nobody looks"), database_alone),
        ScaleFigure::new(what(&format!("PostgreSQL with {DASHBOARDS} dashboards")), database_watched),
        ScaleFigure::new("what a dashboard is sent, KiB/s", of_a_dashboard),
        ScaleFigure::new("memory that dashboards took, MiB", memory),
    ])
}

async fn until_read(mut again: tokio::time::Interval, read: &AtomicU64) -> Result<()> {
    let began = Instant::now();
    while read.load(Ordering::Relaxed) == 0 {
        if began.elapsed() > Duration::from_secs(60) {
            bail!("no stream has sent anything for a minute");
        }
        again.tick().await;
    }
    Ok(())
}

/// Reads a stream until the task is ended.
async fn watch(port: u16, read: Arc<AtomicU64>) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request =
        format!("GET /v1/stream?topics={TOPICS} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    let mut is_first = true;
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        if is_first && !buffer.starts_with(b"HTTP/1.1 200") {
            bail!("no stream: {}", String::from_utf8_lossy(&buffer[..length]));
        }
        is_first = false;
        read.fetch_add(length as u64, Ordering::Relaxed);
    }
}

/// A light load, which changes what is shown each second.
async fn enqueue_steadily(port: u16, over: Arc<AtomicBool>) -> Result<()> {
    let mut http = HttpConnection::open(port).await?;
    let mut every = interval(Duration::from_secs(1) / RATE as u32);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        every.tick().await;
        http.call("POST", "/v1/events", &event(number % STREAMS)).await?;
        number += 1;
    }
    Ok(())
}
