//! The change feed: what other servers, and applications that enqueue in SQL, have committed.
//!
//! A transaction that queues an event also inserts a row into `lane_changes`. The feed polls that table a few
//! times a second. Each poll reads the rows that were committed since the snapshot of the one before, so that none is missed
//! and none is read twice. `LISTEN` and `NOTIFY` only make the next poll come sooner. A server sends its notification after
//! its commit, in a transaction of its own, because PostgreSQL commits transactions that notify one at a time; and it sends
//! one notification for many commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use enginehouse_core::ids::LaneId;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::types::Type;

use super::pg_snapshot::PgSnapshot;
use super::state::PgState;
use crate::postgres::tx::columns::{Moment, PgColumns, params, sql};
use crate::postgres::tx::opening::BEGIN;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::TransactionGuard;
use crate::{ChangeFeed, RemoteChanges, StoreError};

/// How often to poll without a notification: behind a pooler there are none, and applications need not send any.
const POLL_EVERY: Duration = Duration::from_millis(400);
/// The shortest time between two polls, and between two notifications.
const MIN_GAP: Duration = Duration::from_millis(10);
/// How long rows of `lane_changes` are kept at least. After a longer pause, a poll may have missed some.
pub(crate) const CHANGES_KEPT_FOR: Duration = Duration::from_secs(10);
/// How long to wait before a lost connection for notifications is made again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct PostgresChangeFeed {
    changes: mpsc::Receiver<Result<RemoteChanges, StoreError>>,
    tasks: [JoinHandle<()>; 2],
}

impl PostgresChangeFeed {
    pub(crate) fn start(shared: &Arc<PgState>) -> Self {
        let (sender, changes) = mpsc::channel(1);
        let notified = Arc::new(Notify::new());
        let poll = tokio::spawn(poll_forever(Arc::clone(shared), Arc::clone(&notified), sender));
        let listen = tokio::spawn(listen_forever(Arc::clone(shared), notified));
        Self { changes, tasks: [poll, listen] }
    }
}

impl Drop for PostgresChangeFeed {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[async_trait]
impl ChangeFeed for PostgresChangeFeed {
    async fn next(&mut self) -> Result<RemoteChanges, StoreError> {
        match self.changes.recv().await {
            Some(changes) => changes,
            // The task only ends when this feed is dropped.
            None => std::future::pending().await,
        }
    }
}

async fn poll_forever(
    shared: Arc<PgState>,
    notified: Arc<Notify>,
    sender: mpsc::Sender<Result<RemoteChanges, StoreError>>,
) {
    let mut every = tokio::time::interval(POLL_EVERY);
    let mut gap = tokio::time::interval(MIN_GAP);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    gap.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_poll: Option<(PgSnapshot, Instant)> = None;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = notified.notified() => {}
        }
        gap.tick().await;
        let began = Instant::now();
        let changes = match poll(&shared, last_poll.as_ref()).await {
            Ok((changes, snapshot)) => {
                last_poll = Some((snapshot, began));
                Ok(changes)
            }
            Err(failure) => Err(failure.into()),
        };
        if sender.send(changes).await.is_err() {
            return;
        }
    }
}

async fn poll(shared: &PgState, last_poll: Option<&(PgSnapshot, Instant)>) -> PgResult<(RemoteChanges, PgSnapshot)> {
    let generation = shared.scan_positions().generation();
    let may_have_missed = last_poll.is_none_or(|(_, at)| at.elapsed() > CHANGES_KEPT_FOR / 2);
    let since = last_poll.map(|(snapshot, _)| snapshot.clone()).unwrap_or_default();
    let session = TransactionGuard::new(shared.writers.session().await?);
    // Sent together, in this order: one round trip.
    let (begun, rows, ended) = tokio::join!(
        biased;
        session.run(BEGIN),
        session.query(sql!("arrivals"), params![XID8: &since.xmax, XID8_ARRAY: &since.xip]),
        session.run("commit"),
    );
    let rows = begun.and(rows)?;
    ended?;
    drop(session.into_session());
    let row = rows.first().ok_or_else(|| PgError::Bug("the changes of lanes are missing".to_owned()))?;
    let mut columns = PgColumns::of(row);
    let snapshot = PgSnapshot::parse(columns.value()?)?;
    let settings_version: Option<i64> = columns.value()?;
    let lanes: Vec<i64> = columns.value()?;
    let moments: Vec<Moment> = columns.value()?;
    let events: Vec<i64> = columns.value()?;
    let ended: bool = columns.value()?;
    let mut changes = RemoteChanges {
        ended,
        everything: may_have_missed,
        settings_version: settings_version.unwrap_or_default(),
        arrivals: Vec::new(),
    };
    let mut positions = shared.scan_positions();
    if may_have_missed && positions.generation() == generation {
        positions.reset();
    }
    for ((lane, Moment(at)), events) in lanes.into_iter().zip(moments).zip(events) {
        positions.rewind_lane(LaneId(lane), at);
        changes.arrivals.push((LaneId(lane), at, u32::try_from(events).unwrap_or(u32::MAX)));
    }
    drop(positions);
    Ok((changes, snapshot))
}

/// Receives the notifications of other servers, and sends those of this one.
async fn listen_forever(shared: Arc<PgState>, notified: Arc<Notify>) {
    if !shared.endpoint.caches_statements() {
        // A pooler would notify another connection than the one that listens.
        return;
    }
    let channel = shared.endpoint.channel();
    let mut again = tokio::time::interval(LISTEN_AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        if let Err(failure) = listen(&shared, &channel, &notified).await {
            tracing::debug!(error = %StoreError::from(failure), "the connection for notifications was lost");
        }
    }
}

async fn listen(shared: &PgState, channel: &str, notified: &Arc<Notify>) -> PgResult<()> {
    let wake_poll = Arc::clone(notified);
    let own_pid = Arc::new(AtomicI32::new(0));
    let sender_to_ignore = Arc::clone(&own_pid);
    let (client, mut connection) = shared
        .endpoint
        .connect(move |notification| {
            if notification.process_id() != sender_to_ignore.load(Ordering::Relaxed) {
                wake_poll.notify_one();
            }
        })
        .await?;
    let row = client.query_one("select pg_backend_pid()", &[]).await?;
    own_pid.store(row.try_get(0)?, Ordering::Relaxed);
    client.batch_execute(&format!("listen \"{}\"", channel.replace('"', "\"\""))).await?;
    let notify = client.prepare_typed(sql!("notify"), &[Type::TEXT]).await?;
    // Others may have notified before `listen`.
    notified.notify_one();
    let mut gap = tokio::time::interval(MIN_GAP);
    gap.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.notify_requested.notified() => {}
            _ = &mut connection => return Ok(()),
        }
        gap.tick().await;
        let limit = shared.endpoint.deadline();
        let sent = tokio::time::timeout(limit, client.execute(&notify, &[&channel])).await;
        sent.map_err(|_| PgError::TooSlow(limit))??;
    }
}
