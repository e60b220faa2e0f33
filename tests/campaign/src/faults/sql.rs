//! Faults that come from another session of the database.

use std::time::Duration;

use anyhow::{Context, Result};
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio_postgres::{Client, NoTls};

use crate::clients::pause;
use crate::history::{Answer, Call, CallHistory, CallOutcome};

/// How long, and how often, a session is tried to be had.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(500);

/// Rows of clients that work for the campaign. Those of bystanders are left alone.
const ROWS: &[&str] = &[
    "select from enginehouse.engines where engine_id = (select engine_id from enginehouse.engines
       where engine_id like 'engine-%' order by random() limit 1) for update",
    "select from enginehouse.events where event_id = (select event_id from enginehouse.events
       where status in ('queued', 'processing') and lane_id in
         (select lane_id from enginehouse.lanes where queue = 'default') limit 1) for update",
    "select from enginehouse.lanes where lane_id = (select lane_id from enginehouse.lanes
       where queue = 'default' order by random() limit 1) for update",
];

/// A database that others use too.
#[derive(Clone, Debug)]
pub(crate) struct SqlFaults {
    pub(crate) url: String,
    pub(crate) has_small_disk: bool,
}

impl SqlFaults {
    /// A database whose disk is full may refuse a session: then it is tried again for a while.
    async fn connect(&self) -> Result<Client> {
        let connecting = async {
            loop {
                match tokio_postgres::connect(&self.url, NoTls).await {
                    Err(error) if error.as_db_error().is_some() => pause(RETRY).await,
                    connected => return connected,
                }
            }
        };
        let connected = tokio::time::timeout(CONNECT_LIMIT, connecting).await;
        let (client, connection) =
            connected.context("no session for a fault in time")?.context("no session for a fault")?;
        // It ends with the client.
        tokio::spawn(async { connection.await.ok() });
        Ok(client)
    }

    /// Locks a row of some client, and lets go of it.
    pub(crate) async fn hold_row(&self, rng: &mut StdRng, hold: Duration) -> Result<()> {
        let client = self.connect().await?;
        let row = ROWS[rng.random_range(0..ROWS.len())];
        client.batch_execute("set lock_timeout = '3s'; begin").await?;
        // A server has the row and lets go of it later than this waits: then there is no fault.
        if client.batch_execute(row).await.is_ok() {
            pause(hold).await;
        }
        client.batch_execute("rollback").await?;
        Ok(())
    }

    /// An application's own transaction, in a lane that is new every other time.
    pub(crate) async fn enqueue_slowly(&self, history: &CallHistory, rng: &mut StdRng, hold: Duration) -> Result<()> {
        let client = self.connect().await?;
        let number: u32 = rng.random();
        let key = format!("sql-{number}");
        let payload = format!(r#"{{"key": "{key}"}}"#);
        let event_type = format!("work-{}", if rng.random_bool(0.5) { number % 4 } else { number % 1_000 });
        let call = Call::Enqueue { key: key.clone(), payload: payload.clone() };
        let invoked_at = history.now();
        client.batch_execute("set lock_timeout = '5s'; begin").await?;
        let enqueue = format!(
            "select enginehouse.enqueue('{event_type}', payload => '{payload}'::json, idempotency_key => '{key}')::text"
        );
        let enqueued = client.simple_query(&enqueue).await;
        pause(hold).await;
        let is_kept = rng.random_bool(0.7);
        let ended = client.batch_execute(if is_kept { "commit" } else { "rollback" }).await;
        let event_id = enqueued.ok().and_then(|messages| {
            messages.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse::<EventId>().ok(),
                _ => None,
            })
        });
        let outcome = match (event_id, is_kept, ended) {
            (Some(event_id), true, Ok(())) => {
                CallOutcome::Ok(Answer::Enqueued { event_id, available_at: Timestamp::MIN })
            }
            (None, ..) | (_, false, _) => CallOutcome::Failed(None),
            (Some(_), true, Err(_)) => CallOutcome::Unknown,
        };
        history.record(invoked_at, call, outcome);
        Ok(())
    }

    /// Fills the disk of the database, holds it full, and makes room.
    pub(crate) async fn fill_disk(&self, hold: Duration) -> Result<()> {
        if !self.has_small_disk {
            return Ok(());
        }
        let client = self.connect().await?;
        client
            .batch_execute("create table if not exists room (t text); alter table room alter t set storage plain")
            .await
            .ok();
        for rows in [8_192, 512, 32] {
            let fill = format!("insert into room select repeat('x', 7500) from generate_series(1, {rows})");
            while client.batch_execute(&fill).await.is_ok() {}
        }
        pause(hold).await;
        client.batch_execute("drop table if exists room").await?;
        Ok(())
    }
}
