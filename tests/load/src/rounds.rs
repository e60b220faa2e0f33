//! Each contender in turn, again and again, so that what else the machine does falls on all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::arguments::{Contender, Rounds};
use crate::http::ServerConnection;
use crate::measurement::{MeasuredCalls, median, payload};
use crate::peers::{Peer, prepare};

pub(crate) async fn run(of: &Rounds) -> Result<()> {
    let mut rates: Vec<(Contender, Vec<f64>, Vec<f64>)> =
        of.contenders.iter().map(|contender| (*contender, Vec::new(), Vec::new())).collect();
    println!("{} connections, {} events a call, {} s a phase", of.connections, of.batch, of.seconds);
    for round in 1..=of.rounds {
        for (contender, enqueued, completed) in &mut rates {
            if let Some(database) = &of.database {
                prepare(database, *contender).await?;
            }
            let (enqueue, mut calls) = phase(of, *contender, true).await?;
            println!(
                "round {round} {contender:?}: enqueued {enqueue:.0}/s, a call p50 {:.2} p99 {:.2} ms",
                calls.percentile(50),
                calls.percentile(99)
            );
            let (complete, mut calls) = phase(of, *contender, false).await?;
            println!(
                "round {round} {contender:?}: claimed and completed {complete:.0}/s, a call p50 {:.2} p99 {:.2} ms",
                calls.percentile(50),
                calls.percentile(99)
            );
            enqueued.push(enqueue);
            completed.push(complete);
        }
    }
    let medians: Vec<_> = rates.into_iter().map(|(who, mut e, mut c)| (who, median(&mut e), median(&mut c))).collect();
    let Some((_, first_enqueue, first_complete)) = medians.first().copied() else { return Ok(()) };
    println!("medians, and how many times as many as each the first has:");
    for (contender, enqueue, complete) in medians {
        println!(
            "{contender:?}: enqueued {enqueue:.0}/s ({:.2}), claimed and completed {complete:.0}/s ({:.2})",
            first_enqueue / enqueue,
            first_complete / complete
        );
    }
    Ok(())
}

/// All connections at once for a while; answers events a second, and what calls took.
async fn phase(of: &Rounds, contender: Contender, enqueues: bool) -> Result<(f64, MeasuredCalls)> {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut loops = JoinSet::new();
    // No connection begins before all are open.
    let start = Arc::new(Barrier::new(of.connections + 1));
    for number in 0..of.connections {
        let (is_over, start) = (Arc::clone(&is_over), Arc::clone(&start));
        let batch = of.batch;
        if contender == Contender::Enginehouse {
            let server = of.server.get(number % of.server.len().max(1)).context("--server is missing")?;
            let mut connection = ServerConnection::open(server).await?;
            if !enqueues {
                connection.register(&format!("load-{number}"), batch).await?;
            }
            loops.spawn(async move {
                let (mut taken, payload) = (MeasuredCalls::default(), payload());
                start.wait().await;
                while !is_over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    taken.events += match enqueues {
                        true => connection.enqueue(&payload, batch).await?,
                        false => connection.exchange(batch).await?,
                    };
                    taken.times.push(began.elapsed());
                    if !enqueues && connection.is_idle() {
                        break;
                    }
                }
                anyhow::Ok(taken)
            });
        } else {
            let database = of.database.as_ref().context("--database is missing")?;
            let peer = Peer::open(database, contender).await?;
            loops.spawn(async move {
                let (mut taken, payload) = (MeasuredCalls::default(), payload());
                start.wait().await;
                while !is_over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    if enqueues {
                        taken.events += peer.enqueue(&payload, batch).await?;
                    } else {
                        let ids = peer.claim(batch).await?;
                        if ids.is_empty() {
                            break;
                        }
                        peer.complete(&ids).await?;
                        taken.events += ids.len();
                    }
                    taken.times.push(began.elapsed());
                }
                anyhow::Ok(taken)
            });
        }
    }
    start.wait().await;
    let began = Instant::now();
    let limit = Duration::from_secs_f64(of.seconds);
    let mut all = MeasuredCalls::default();
    let ending = async {
        tokio::time::sleep_until(began + limit).await;
        is_over.store(true, Ordering::Relaxed);
        std::future::pending::<()>().await
    };
    let gathering = async {
        while let Some(taken) = loops.join_next().await {
            all.add(taken??);
        }
        anyhow::Ok(())
    };
    tokio::select! {
        () = ending => {}
        gathered = gathering => gathered?,
    }
    let rate = all.events as f64 / began.elapsed().as_secs_f64();
    Ok((rate, all))
}
