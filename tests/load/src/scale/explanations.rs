//! Somebody asks why events wait, of a large backlog and a large fleet, beside claims.
//!
//! The events lie in as many lanes as a server allows. Of a fifth of the lanes no engine is capable. They are loaded lane by lane:
//! in turn, each event would be written into another page of the ready index than the one before, and ten million take minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::finding::ScaleFigure;
use super::probe::{MIB, server_memory};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::measurement::payload;
use crate::systems::HttpConnection;

/// Streams of lines at once, and connections that register engines.
const STREAMS: usize = 8;
const LANES: usize = 10_000;
/// Kinds of engines, and of events: of a kind that no engine has are a fifth of those.
const ENGINE_KINDS: usize = 20;
const EVENT_KINDS: usize = 25;
/// Of how many lanes an event is explained.
const ASKED_LANES: usize = 250;
/// How often each question is asked.
const CALLS: usize = 500;
/// How often each is asked beside claims.
const ASKED_EVERY: Duration = Duration::from_millis(50);
/// Claims whose time is taken, alone and beside questions in turn: what else the machine does falls on both.
const TURNS: usize = 8;
const CLAIMS_OF_A_TURN: usize = 500;
const CLAIMED: usize = 3;
/// A claim beside questions may take so many times as long as alone, which is as much as two runs of one differ by.
const NO_SLOWER: f64 = 1.25;

#[derive(Deserialize)]
struct EnqueuedLines {
    enqueued: usize,
}

#[derive(Deserialize)]
struct EnqueuedEvent {
    event_id: String,
}

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let engines = bench.of.engines();
    let most = (engines + 1_000).to_string();
    let most_lanes = (LANES + 10).to_string();
    let server = bench.start(store, &["--max-engines", &most, "--max-lanes", &most_lanes]).await?;
    let (port, pid) = (server.server().port(), server.server().pid());
    let lanes_of_a_stream = LANES / STREAMS;
    let of_a_lane = bench.of.backlog().div_ceil(STREAMS * lanes_of_a_stream);
    let began = Instant::now();
    load(port, lanes_of_a_stream, of_a_lane).await?;
    let loaded = (STREAMS * lanes_of_a_stream * of_a_lane) as f64;
    let rate = loaded / began.elapsed().as_secs_f64();
    let what = format!("load of {loaded} events into {LANES} lanes, events/s");
    let mut found = vec![ScaleFigure::new(what, rate)];
    register(port, engines).await?;
    let before = server_memory(pid);

    let events = add_last(port, lanes_of_a_stream).await?;
    let began = Instant::now();
    HttpConnection::open(port).await?.call("GET", "/v1/blocked", "").await?;
    found.push(ScaleFigure::new("the first question after a start, ms", began.elapsed().as_secs_f64() * 1_000.0));
    let of_event = |call: usize| format!("/v1/events/{}/explain", events[call % events.len()]);
    let of_engine = |call: usize| format!("/v1/engines/fleet-{}/explain", call * 97 % engines);
    let blocked = |_: usize| "/v1/blocked".to_owned();
    for (what, path) in [
        ("why an event waits", &of_event as &dyn Fn(usize) -> String),
        ("what an engine could claim", &of_engine),
        ("what is blocked", &blocked),
    ] {
        let mut http = HttpConnection::open(port).await?;
        let mut times = Vec::with_capacity(CALLS);
        for call in 0..CALLS {
            let began = Instant::now();
            http.call("GET", &path(call), "").await?;
            times.push(began.elapsed());
        }
        let [half, most] = ScaleFigure::of_times(what, &mut times);
        found.extend([half, most.at_most(20.0)]);
    }
    found.push(ScaleFigure::new("memory that explanations take, MiB", (server_memory(pid) - before) / MIB));

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.extend(claims(port).await?);
        let over = Arc::new(AtomicBool::new(false));
        let mut asking = JoinSet::new();
        for path in [&of_event as &dyn Fn(usize) -> String, &of_engine, &blocked] {
            asking.spawn(ask(port, (0..CALLS).map(path).collect(), Arc::clone(&over)));
        }
        beside.extend(claims(port).await?);
        over.store(true, Ordering::Relaxed);
        while let Some(asked) = asking.join_next().await {
            asked.context("a question's task has ended")??;
        }
    }
    let alone = ScaleFigure::of_times("claim of 3, nobody asks", &mut alone);
    let beside = ScaleFigure::of_times("claim of 3 beside 60 questions/s", &mut beside);
    let most = alone.each_ref().map(|figure| NO_SLOWER * figure.value);
    found.extend(alone);
    found.extend(beside.into_iter().zip(most).map(|(figure, most)| figure.at_most(most)));
    Ok(found)
}

/// Loads events lane by lane, and several lanes at once.
async fn load(port: u16, lanes: usize, events: usize) -> Result<()> {
    let mut streams = JoinSet::new();
    for stream in 0..STREAMS {
        streams.spawn(async move {
            let mut http = HttpConnection::open(port).await?;
            for lane in 0..lanes {
                let line = event(stream, lane, lanes) + "\n";
                let answer = http.post_lines("/v1/events/batch", &line, events).await?;
                let EnqueuedLines { enqueued } = serde_json::from_slice(&answer)?;
                if enqueued != events {
                    bail!("of {events} lines, {enqueued} were enqueued: {}", String::from_utf8_lossy(&answer));
                }
            }
            Ok(())
        });
    }
    while let Some(streamed) = streams.join_next().await {
        streamed??;
    }
    Ok(())
}

/// Registers engines that never heartbeat, and so are not lost meanwhile.
async fn register(port: u16, engines: usize) -> Result<()> {
    let mut registering = JoinSet::new();
    for connection in 0..STREAMS {
        registering.spawn(async move {
            let mut http = HttpConnection::open(port).await?;
            for number in (connection..engines).step_by(STREAMS) {
                let kind = number % ENGINE_KINDS;
                let body = format!(
                    "{{\"engine_type\":\"fleet\",\"heartbeat_interval_seconds\":0,\"metadata\":{{\"static_config\":{{\"capabilities\":[\"kind-{kind}\"],\"resource_limits\":{{\"max_concurrent_events\":4}}}}}}}}"
                );
                http.call("PUT", &format!("/v1/engines/fleet-{number}"), &body).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(registered) = registering.join_next().await {
        registered??;
    }
    Ok(())
}

/// What an engine is given, with the tokens of its locks.
#[derive(Deserialize)]
struct GivenEvents {
    events: Vec<GivenEvent>,
}

#[derive(Deserialize)]
struct GivenEvent {
    event_id: String,
    lock: GivenLock,
}

#[derive(Deserialize)]
struct GivenLock {
    token: String,
}

/// How long claims take of an engine that completes what it is given.
async fn claims(port: u16) -> Result<Vec<Duration>> {
    let mut http = HttpConnection::open(port).await?;
    let mut times = Vec::with_capacity(CLAIMS_OF_A_TURN);
    let claim = format!("{{\"epoch\":1,\"limit\":{CLAIMED}}}");
    for _ in 0..CLAIMS_OF_A_TURN {
        let began = Instant::now();
        let answer = http.call("POST", "/v1/engines/fleet-0/claim", &claim).await?;
        times.push(began.elapsed());
        let GivenEvents { events } = serde_json::from_slice(&answer)?;
        if events.len() != CLAIMED {
            bail!("a claim finds fewer events than wait");
        }
        let one = |event: &GivenEvent| {
            let GivenEvent { event_id, lock: GivenLock { token } } = event;
            format!("{{\"event_id\":\"{event_id}\",\"lock_token\":\"{token}\",\"outcome\":\"complete\"}}")
        };
        let settlements: Vec<_> = events.iter().map(one).collect();
        let body = format!("{{\"settlements\":[{}]}}", settlements.join(","));
        http.call("POST", "/v1/events/settle", &body).await?;
    }
    Ok(times)
}

/// Adds one more event to some lanes, behind all others.
async fn add_last(port: u16, lanes: usize) -> Result<Vec<String>> {
    let mut http = HttpConnection::open(port).await?;
    let mut added = Vec::with_capacity(ASKED_LANES);
    for number in 0..ASKED_LANES {
        let answer = http.call("POST", "/v1/events", &event(number % STREAMS, number * 37 % lanes, lanes)).await?;
        let EnqueuedEvent { event_id } = serde_json::from_slice(&answer)?;
        added.push(event_id);
    }
    Ok(added)
}

/// An event of one of so many lanes of a stream.
fn event(stream: usize, lane: usize, lanes: usize) -> String {
    let kind = (stream * lanes + lane) % EVENT_KINDS;
    format!(
        "{{\"event_type\":\"load-{lane}\",\"queue\":\"load-{stream}\",\"required_capabilities\":[\"kind-{kind}\"],\"payload\":{}}}",
        payload()
    )
}

/// Asks one question after another until it is over.
async fn ask(port: u16, paths: Vec<String>, over: Arc<AtomicBool>) -> Result<()> {
    let mut http = HttpConnection::open(port).await?;
    let mut every = interval(ASKED_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for path in paths.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        every.tick().await;
        http.call("GET", path, "").await?;
    }
    Ok(())
}
