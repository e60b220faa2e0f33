//! Many events wait.
//!
//! They are loaded as several streams of lines, each into a queue of its own. Then the server is started again: what it needs to
//! know of them it has to find.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::finding::ScaleFigure;
use super::probe::{MIB, data_bytes, ready, server_memory};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::measurement::payload;
use crate::queue::{Purpose, QueueSystem};
use crate::systems::HttpConnection;

/// Streams of lines at once.
pub(super) const STREAMS: usize = 8;
/// How often each call is made whose time is taken.
const CALLS: usize = 500;
/// Events of a claim, which is the default of one.
const CLAIMED: usize = 3;

/// The answer to a stream of lines.
#[derive(Deserialize)]
struct LinesAnswer {
    enqueued: usize,
}

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let mut server = bench.start(store, &[]).await?;
    let port = server.server().port();
    let per_stream = bench.of.backlog().div_ceil(STREAMS);
    let events = (per_stream * STREAMS) as f64;

    let began = Instant::now();
    load(port, per_stream, |stream| {
        format!("{{\"event_type\":\"load\",\"queue\":\"load-{stream}\",\"payload\":{}}}", payload())
    })
    .await?;
    let rate =
        ScaleFigure::new(format!("load of {events} events as lines, events/s"), events / began.elapsed().as_secs_f64());
    let mut found = vec![match store {
        ScaleStore::Sqlite => rate.at_least(100_000.0),
        ScaleStore::Postgres => rate,
    }];
    found.push(ScaleFigure::new("memory after the load, MiB", server_memory(server.server().pid()) / MIB));
    server.server_mut().stop()?;
    let bytes = ScaleFigure::new("bytes of an event on the disk", data_bytes(&server).await? / events);
    found.push(if store == ScaleStore::Sqlite { bytes.at_most(500.0) } else { bytes });

    let began = Instant::now();
    server.server_mut().start_again().await?;
    ready(port).await?;
    found.push(ScaleFigure::new("from a start until ready, s", began.elapsed().as_secs_f64()).at_most(1.0));
    found.push(
        ScaleFigure::new("memory after the start, MiB", server_memory(server.server().pid()) / MIB).at_most(64.0),
    );

    let mut engine = server.connect(Purpose::Claim { number: 0, batch: CLAIMED }).await?;
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        if engine.claim(CLAIMED).await? != CLAIMED {
            bail!("a claim finds fewer events than wait");
        }
        times.push(began.elapsed());
        engine.complete().await?;
    }
    let [half, most] = ScaleFigure::of_times("claim of 3", &mut times);
    found.extend([half.at_most(5.0), most.at_most(20.0)]);
    for (what, path) in [
        ("statistics", "/v1/stats"),
        ("list, newest first", "/v1/events?limit=50"),
        ("list of a queue", "/v1/events?queue=load-3&limit=50"),
        ("list of what is queued", "/v1/events?status=queued&limit=50"),
        ("list of what is processed", "/v1/events?status=processing&limit=50"),
    ] {
        let [half, most] = ScaleFigure::of_times(what, &mut times_of(port, path).await?);
        found.extend([half.at_most(5.0), most.at_most(20.0)]);
    }
    Ok(found)
}

/// Loads as many events in each of several streams of lines at once, all of one stream alike.
pub(super) async fn load(port: u16, per_stream: usize, event: fn(usize) -> String) -> Result<()> {
    let mut streams = JoinSet::new();
    for stream in 0..STREAMS {
        streams.spawn(async move {
            let line = event(stream) + "\n";
            let answer = HttpConnection::open(port).await?.post_lines("/v1/events/batch", &line, per_stream).await?;
            let LinesAnswer { enqueued } = serde_json::from_slice(&answer)?;
            if enqueued != per_stream {
                bail!("of {per_stream} lines, {enqueued} were enqueued: {}", String::from_utf8_lossy(&answer));
            }
            Ok(())
        });
    }
    while let Some(streamed) = streams.join_next().await {
        streamed??;
    }
    Ok(())
}

async fn times_of(port: u16, path: &str) -> Result<Vec<Duration>> {
    let mut http = HttpConnection::open(port).await?;
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        http.call("GET", path, "").await?;
        times.push(began.elapsed());
    }
    Ok(times)
}
