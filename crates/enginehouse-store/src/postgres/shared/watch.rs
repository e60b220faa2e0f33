//! What others do: other servers, and applications that enqueue in SQL.
//!
//! Whoever queues an event says so in `lane_changes`, in the same transaction. A look asks for what was committed since the
//! one before, exactly, and costs no more than that. Looks are made a few times a second, and at once when a server rings: after
//! its commit, never in it, and at most once in a while, however much it commits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use enginehouse_core::ids::LaneId;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::horizon::Horizon;
use super::state::Shared;
use crate::postgres::tx::columns::{Columns, Moment, params, sql};
use crate::postgres::wire::failure::{Failure, Outcome};
use crate::{ChangeFeed, RemoteChanges, StoreError};

/// How often to look when nobody rings: behind a pooler nobody can, and applications need not.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// How long at least between two looks, and between two rings.
const GAP: Duration = Duration::from_millis(10);
/// How long the rows that a look asks for are kept at least. A longer pause may have missed some.
pub(crate) const KEPT_FOR_LOOKS: Duration = Duration::from_secs(10);
/// How long to wait before a lost connection for notifications is made again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct PostgresWatch {
    found: mpsc::Receiver<Result<RemoteChanges, StoreError>>,
    tasks: [JoinHandle<()>; 2],
}

impl PostgresWatch {
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        let (sender, found) = mpsc::channel(1);
        let heard = Arc::new(Notify::new());
        let looking = tokio::spawn(look_for_ever(Arc::clone(shared), Arc::clone(&heard), sender));
        let listening = tokio::spawn(listen_for_ever(Arc::clone(shared), heard));
        Self { found, tasks: [looking, listening] }
    }
}

impl Drop for PostgresWatch {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[async_trait]
impl ChangeFeed for PostgresWatch {
    async fn next(&mut self) -> Result<RemoteChanges, StoreError> {
        match self.found.recv().await {
            Some(found) => found,
            // The task ends with this watch only.
            None => std::future::pending().await,
        }
    }
}

async fn look_for_ever(
    shared: Arc<Shared>,
    heard: Arc<Notify>,
    sender: mpsc::Sender<Result<RemoteChanges, StoreError>>,
) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    let mut gap = tokio::time::interval(GAP);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    gap.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<(Horizon, Instant)> = None;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = heard.notified() => {}
        }
        gap.tick().await;
        let began = Instant::now();
        let found = look(&shared, before.as_ref()).await;
        let found = match found {
            Ok((changes, snapshot)) => {
                before = Some((snapshot, began));
                Ok(changes)
            }
            Err(failure) => Err(failure.into()),
        };
        if sender.send(found).await.is_err() {
            return;
        }
    }
}

async fn look(shared: &Shared, before: Option<&(Horizon, Instant)>) -> Outcome<(RemoteChanges, Horizon)> {
    let generation = shared.scan_positions().generation();
    let missed = before.is_none_or(|(_, at)| at.elapsed() > KEPT_FOR_LOOKS / 2);
    let since = before.map(|(snapshot, _)| snapshot.clone()).unwrap_or_default();
    let session = shared.writers.session().await?;
    let arrivals = session.query(sql!("arrivals"), params![XID8: &since.xmax, XID8_ARRAY: &since.under_way]).await?;
    let row = arrivals.first().ok_or_else(|| Failure::Row("the database does not tell what is new".to_owned()))?;
    let mut columns = Columns::of(row);
    let snapshot = Horizon::parse(columns.value()?)?;
    let registry_version: Option<i64> = columns.value()?;
    let lanes: Vec<i64> = columns.value()?;
    let moments: Vec<Moment> = columns.value()?;
    let events: Vec<i64> = columns.value()?;
    let mut changes = RemoteChanges {
        everything: missed,
        registry_version: registry_version.unwrap_or_default(),
        arrivals: Vec::new(),
    };
    let mut positions = shared.scan_positions();
    if missed && positions.generation() == generation {
        positions.reset();
    }
    for ((lane, Moment(at)), events) in lanes.into_iter().zip(moments).zip(events) {
        positions.rewind_lane(LaneId(lane), at);
        changes.arrivals.push((LaneId(lane), at, u32::try_from(events).unwrap_or(u32::MAX)));
    }
    drop(positions);
    Ok((changes, snapshot))
}

/// Hears other servers ring, and rings for this one.
async fn listen_for_ever(shared: Arc<Shared>, heard: Arc<Notify>) {
    if !shared.endpoint.keeps_statements() {
        // Behind a pooler, a connection that listens would not be the one that is notified.
        return;
    }
    let channel = shared.endpoint.channel();
    let mut again = tokio::time::interval(LISTEN_AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        if let Err(failure) = listen(&shared, &channel, &heard).await {
            tracing::debug!(error = %StoreError::from(failure), "notifications are not heard for a while");
        }
    }
}

async fn listen(shared: &Shared, channel: &str, heard: &Arc<Notify>) -> Outcome<()> {
    let ringing = Arc::clone(heard);
    let own = Arc::new(std::sync::atomic::AtomicI32::new(0));
    let is_own = Arc::clone(&own);
    let (client, connection) = shared
        .endpoint
        .connect(move |notification| {
            if notification.process_id() != is_own.load(std::sync::atomic::Ordering::Relaxed) {
                ringing.notify_one();
            }
        })
        .await?;
    let row = client.query_one("select pg_backend_pid()", &[]).await?;
    own.store(row.try_get(0)?, std::sync::atomic::Ordering::Relaxed);
    client.batch_execute(&format!("listen \"{}\"", channel.replace('"', "\"\""))).await?;
    // Something may have happened before.
    heard.notify_one();
    let mut gap = tokio::time::interval(GAP);
    gap.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection = connection;
    loop {
        tokio::select! {
            () = shared.bell.notified() => {}
            _ = &mut connection => return Ok(()),
        }
        gap.tick().await;
        let limit = shared.endpoint.deadline();
        let rung = tokio::time::timeout(limit, client.execute(sql!("notify"), &[&channel])).await;
        rung.map_err(|_| Failure::TooSlow(limit))??;
    }
}
