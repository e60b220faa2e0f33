//! Layouts of tables: the same work on each, with vacuum free and with another session holding a snapshot.
//!
//! Every layout has the columns that a claim and a settlement need, the same indexes, and a retention that keeps what was
//! completed for some seconds. What differs is in which rows it lies.

mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_postgres::Client;

use self::tables::{LAYOUTS, Layout, RetentionSql};
use crate::arguments::Layouts;
use crate::measurement::{median, payload};
use crate::sql_session::{connect, hold_snapshot};

/// How statements are planned: as servers have it planned, whatever was counted.
const PLANS: &str = "set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off; \
                     set plan_cache_mode = force_generic_plan; set jit = off";
/// A claim begins so long before what the last one has found: what commits late is not missed.
const SLACK: &str = "50 ms";

const NO_POSITION: &str = "-infinity";

/// What a run is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SnapshotMode {
    /// What is dead can be vacuumed.
    Free,
    /// Another session has held a snapshot since before the tables were filled.
    Held,
    /// The same, and each scan for events begins at the scan position of the last one.
    HeldFromPosition,
}

const MODES: [SnapshotMode; 3] = [SnapshotMode::Free, SnapshotMode::Held, SnapshotMode::HeldFromPosition];

pub(crate) async fn run(of: &Layouts) -> Result<()> {
    println!("{} connections, {} events a call, {} s a run", of.connections, of.batch, of.seconds);
    let mut rates: BTreeMap<(usize, SnapshotMode), (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for round in 1..=of.rounds {
        for mode in MODES {
            for (number, layout) in LAYOUTS.iter().enumerate() {
                let (rate, fall) = measure(of, layout, mode).await.with_context(|| layout.name)?;
                println!("round {round} {mode:?}, {}: {rate:.0}/s, the last third {fall:.2} of the first", layout.name);
                let (all, falls) = rates.entry((number, mode)).or_default();
                all.push(rate);
                falls.push(fall);
            }
        }
    }
    println!("medians: events a second, and the last third of a run as a part of its first");
    for ((number, mode), (all, falls)) in rates {
        println!(
            "{}, {mode:?}: {:.0}/s, {:.2}",
            LAYOUTS[number].name,
            median(&all).unwrap_or_default(),
            median(&falls).unwrap_or_default()
        );
    }
    Ok(())
}

/// One run on fresh tables. Answers the events completed a second, and how many in its last third for each in its first.
async fn measure(of: &Layouts, layout: &'static Layout, mode: SnapshotMode) -> Result<(f64, f64)> {
    let client = connect(&of.database).await?;
    client.batch_execute(tables::DROP).await?;
    client.batch_execute(layout.tables).await?;
    client.batch_execute("checkpoint").await?;
    client.batch_execute(PLANS).await?;
    let holder = if mode == SnapshotMode::Free { None } else { Some(hold_snapshot(&of.database).await?) };
    let (began, third) = (Instant::now(), Duration::from_secs(of.seconds) / 3);
    let thirds: Arc<[AtomicUsize; 3]> = Arc::default();
    let mut loops = JoinSet::new();
    for _ in 0..of.connections {
        let (thirds, worker) = (Arc::clone(&thirds), Worker::open(of, layout, mode).await?);
        loops.spawn(async move {
            loop {
                // What is done after the end does not count.
                let number = began.elapsed().div_duration_f64(third) as usize;
                let Some(done) = thirds.get(number) else { break };
                done.fetch_add(worker.once().await?, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    let working = async {
        while let Some(ended) = loops.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = working => ended?,
        ended = prune(&client, layout, mode) => ended?,
    }
    drop(holder);
    let done: Vec<_> = thirds.iter().map(|done| done.load(Ordering::Relaxed) as f64).collect();
    Ok((done.iter().sum::<f64>() / of.seconds as f64, done[2] / done[0]))
}

/// Prunes what was completed seconds ago, every second, until it is dropped.
async fn prune(client: &Client, layout: &Layout, mode: SnapshotMode) -> Result<()> {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut position = NO_POSITION.to_owned();
    loop {
        ticks.tick().await;
        match layout.retention {
            RetentionSql::Drop(sql) => client.batch_execute(sql).await?,
            RetentionSql::Delete(sql) => {
                let latest: Option<String> = client.query_one(sql, &[&position]).await?.get(0);
                if mode == SnapshotMode::HeldFromPosition {
                    position = latest.unwrap_or(position);
                }
            }
        }
    }
}

/// Enqueues, claims and completes, each in a transaction of its own.
struct Worker {
    client: Client,
    enqueue: tokio_postgres::Statement,
    claim: tokio_postgres::Statement,
    complete: tokio_postgres::Statement,
    batch: i64,
    payload: String,
    begins_at_position: bool,
    position: std::sync::Mutex<String>,
}

impl Worker {
    async fn open(of: &Layouts, layout: &Layout, mode: SnapshotMode) -> Result<Self> {
        let client = connect(&of.database).await?;
        client.batch_execute(PLANS).await?;
        Ok(Self {
            enqueue: client.prepare(layout.enqueue).await?,
            claim: client.prepare(layout.claim).await?,
            complete: client.prepare(layout.complete).await?,
            client,
            batch: i64::try_from(of.batch)?,
            payload: payload(),
            begins_at_position: mode == SnapshotMode::HeldFromPosition,
            position: std::sync::Mutex::new(NO_POSITION.to_owned()),
        })
    }

    /// Answers how many events it has completed.
    async fn once(&self) -> Result<usize> {
        self.client.execute(&self.enqueue, &[&self.batch, &self.payload]).await?;
        let position = self.position.lock().expect("no code that holds it panics").clone();
        let rows = self.client.query(&self.claim, &[&self.batch, &position, &SLACK]).await?;
        let ids: Vec<uuid::Uuid> = rows.iter().map(|row| row.get(0)).collect();
        if let Some(first) = rows.iter().map(|row| row.get::<_, String>(1)).min()
            && self.begins_at_position
        {
            *self.position.lock().expect("no code that holds it panics") = first;
        }
        self.client.execute(&self.complete, &[&ids]).await?;
        Ok(ids.len())
    }
}
