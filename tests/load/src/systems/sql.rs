//! Queues in SQL, as one would write them: prepared statements on a connection of their own, each call a transaction.

use anyhow::Result;
use async_trait::async_trait;
use enginehouse_cluster::{Cluster, try_psql};
use tokio_postgres::{Client, Statement};

use crate::measurement::payload;
use crate::queue::{Purpose, QueueConnection, QueueSystem};
use crate::sql_session::connect;

/// Its plans are those of a large table that was just analyzed, whatever was counted last: that favours these queues.
const PLANS: &str = "set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off;
                     set enable_hashjoin = off; set enable_mergejoin = off;
                     set plan_cache_mode = force_generic_plan; set jit = off";

struct SqlShape {
    tables: &'static str,
    enqueue: &'static str,
    claim: &'static str,
    complete: &'static str,
}

/// A state column, a partial index of what is ready, and rows that stay.
const SKIP_LOCKED: SqlShape = SqlShape {
    tables: "create table plain_queue (
                 id bigint generated always as identity primary key, state smallint not null default 0,
                 priority smallint not null default 5, run_at timestamptz not null default now(),
                 attempt integer not null default 0, locked_until timestamptz, payload json not null);
             create index plain_queue_ready on plain_queue (priority, run_at, id) where state = 0",
    enqueue: "insert into plain_queue (payload) select p::json from unnest($1::text[]) as p",
    claim: "update plain_queue set state = 1, attempt = attempt + 1, locked_until = now() + interval '300 s'
            where id in (select id from plain_queue where state = 0 and run_at <= now()
                order by priority, run_at, id limit $1 for update skip locked)
            returning id, payload",
    complete: "update plain_queue set state = 2, locked_until = null where id = any($1) and state = 1",
};

/// What pgmq does, written anew: a table for each queue whose messages become visible at a time, functions whose statements
/// are put together from the queue's name at each call, and messages that are deleted.
const PGMQ: SqlShape = SqlShape {
    tables: "create table q_load (
                 msg_id bigint generated always as identity primary key, read_ct integer not null default 0,
                 enqueued_at timestamptz not null default now(), vt timestamptz not null, message jsonb);
             create index q_load_vt on q_load (vt);
             create function send_batch(queue text, messages jsonb[]) returns setof bigint language plpgsql as $$
             begin
                 return query execute format(
                     'insert into %I (vt, message) select clock_timestamp(), m from unnest($1) as m returning msg_id',
                     'q_' || queue) using messages;
             end $$;
             create function read(queue text, seconds integer, quantity integer)
                 returns table (msg_id bigint, read_ct integer, message jsonb) language plpgsql as $$
             begin
                 return query execute format(
                     'with visible as (select m.msg_id from %1$I m where m.vt <= clock_timestamp()
                          order by m.msg_id limit $1 for update skip locked)
                      update %1$I m set vt = clock_timestamp() + make_interval(secs => $2), read_ct = m.read_ct + 1
                      from visible where m.msg_id = visible.msg_id returning m.msg_id, m.read_ct, m.message',
                     'q_' || queue) using quantity, seconds;
             end $$;
             create function remove(queue text, ids bigint[]) returns setof bigint language plpgsql as $$
             begin
                 return query execute format('delete from %I where msg_id = any($1) returning msg_id', 'q_' || queue)
                     using ids;
             end $$",
    enqueue: "select send_batch('load', $1::text[]::jsonb[])",
    claim: "select msg_id, message from read('load', 300, $1::bigint::integer)",
    complete: "select remove('load', $1)",
};

/// A database of its own, dropped with this.
pub(super) struct FreshDatabase {
    url: String,
    server: String,
    postmaster: u32,
}

impl FreshDatabase {
    pub(super) fn on(cluster: &Cluster) -> Result<Self> {
        Ok(Self {
            url: cluster.create_database(),
            server: cluster.url("postgres"),
            postmaster: cluster.postmaster_pid(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn postmaster(&self) -> u32 {
        self.postmaster
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let name = self.url.rsplit('/').next().unwrap_or_default();
        // It would go with the server too.
        try_psql(&self.server, &format!("drop database {name} with (force)")).ok();
    }
}

pub(super) struct SqlQueue {
    database: FreshDatabase,
    shape: &'static SqlShape,
}

impl SqlQueue {
    pub(super) async fn skip_locked(cluster: &Cluster) -> Result<Self> {
        Self::start(cluster, &SKIP_LOCKED).await
    }

    pub(super) async fn pgmq(cluster: &Cluster) -> Result<Self> {
        Self::start(cluster, &PGMQ).await
    }

    async fn start(cluster: &Cluster, shape: &'static SqlShape) -> Result<Self> {
        let database = FreshDatabase::on(cluster)?;
        connect(database.url()).await?.batch_execute(shape.tables).await?;
        Ok(Self { database, shape })
    }
}

#[async_trait]
impl QueueSystem for SqlQueue {
    async fn connect(&self, _: Purpose) -> Result<Box<dyn QueueConnection>> {
        let client = connect(self.database.url()).await?;
        client.batch_execute(PLANS).await?;
        Ok(Box::new(SqlConnection {
            enqueue: client.prepare(self.shape.enqueue).await?,
            claim: client.prepare(self.shape.claim).await?,
            complete: client.prepare(self.shape.complete).await?,
            client,
            payload: payload(),
            held: Vec::new(),
        }))
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.database.postmaster()]
    }

    fn database(&self) -> Option<&str> {
        Some(self.database.url())
    }
}

struct SqlConnection {
    client: Client,
    enqueue: Statement,
    claim: Statement,
    complete: Statement,
    payload: String,
    held: Vec<i64>,
}

#[async_trait]
impl QueueConnection for SqlConnection {
    async fn enqueue(&mut self, events: usize) -> Result<()> {
        self.client.query(&self.enqueue, &[&vec![self.payload.as_str(); events]]).await?;
        Ok(())
    }

    async fn claim(&mut self, limit: usize) -> Result<usize> {
        let rows = self.client.query(&self.claim, &[&i64::try_from(limit)?]).await?;
        self.held = rows.iter().map(|row| row.get(0)).collect();
        Ok(self.held.len())
    }

    async fn complete(&mut self) -> Result<()> {
        self.client.query(&self.complete, &[&self.held]).await?;
        self.held.clear();
        Ok(())
    }
}
