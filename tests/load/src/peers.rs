//! Queues in SQL, as one would write them: prepared statements on a connection of their own, each call a transaction.

use anyhow::{Result, bail};
use tokio_postgres::{Client, NoTls, Statement};

use crate::arguments::Contender;

/// Tables of the plain queues, and the queue of pgmq.
pub(crate) async fn prepare(database: &str, contender: Contender) -> Result<()> {
    let client = connect(database).await?;
    match contender {
        Contender::Enginehouse => {}
        Contender::SkipLocked | Contender::SkipLockedDelete => {
            client
                .batch_execute(
                    "drop table if exists plain_queue;
                     create table plain_queue (
                         id bigint generated always as identity primary key, state smallint not null default 0,
                         priority smallint not null default 5, run_at timestamptz not null default now(),
                         attempt integer not null default 0, locked_until timestamptz, payload json not null);
                     create index plain_queue_ready on plain_queue (priority, run_at, id) where state = 0",
                )
                .await?;
        }
        Contender::Pgmq => {
            client.batch_execute("select pgmq.drop_queue('load')").await.ok();
            client.batch_execute("select pgmq.create('load')").await?;
        }
        Contender::River => client.batch_execute("truncate river_job").await?,
    }
    Ok(())
}

pub(crate) async fn connect(database: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub(crate) struct Peer {
    client: Client,
    enqueue: Statement,
    claim: Statement,
    complete: Statement,
    is_pgmq: bool,
}

impl Peer {
    pub(crate) async fn open(database: &str, contender: Contender) -> Result<Self> {
        let client = connect(database).await?;
        let (enqueue, claim, complete) = match contender {
            Contender::Enginehouse => bail!("the server is no peer of itself"),
            Contender::Pgmq => (
                "select pgmq.send_batch('load', $1::text[]::jsonb[])",
                "select msg_id from pgmq.read('load', 300, $1::bigint::integer)",
                "select pgmq.delete('load', $1::bigint[])",
            ),
            Contender::River => (
                "insert into river_job (args, kind, max_attempts, queue, priority, tags)
                 select p::jsonb, 'load', 25, 'default', 1, '{}' from unnest($1::text[]) as p",
                "with ready as (select id from river_job
                     where state = 'available' and queue = 'default' and scheduled_at <= now()
                     order by priority, scheduled_at, id limit $1 for update skip locked)
                 update river_job set state = 'running', attempt = attempt + 1, attempted_at = now(),
                     attempted_by = array_append(attempted_by, 'load')
                 from ready where river_job.id = ready.id returning river_job.id, args",
                "update river_job set state = 'completed', finalized_at = now()
                 where id = any($1) and state = 'running'",
            ),
            kept => (
                "insert into plain_queue (payload) select p::json from unnest($1::text[]) as p",
                "update plain_queue set state = 1, attempt = attempt + 1, locked_until = now() + interval '300 s'
                 where id in (select id from plain_queue where state = 0 and run_at <= now()
                     order by priority, run_at, id limit $1 for update skip locked)
                 returning id, payload",
                if kept == Contender::SkipLocked {
                    "update plain_queue set state = 2, locked_until = null where id = any($1) and state = 1"
                } else {
                    "delete from plain_queue where id = any($1) and state = 1"
                },
            ),
        };
        let (enqueue, claim, complete) =
            (client.prepare(enqueue).await?, client.prepare(claim).await?, client.prepare(complete).await?);
        Ok(Self { client, enqueue, claim, complete, is_pgmq: contender == Contender::Pgmq })
    }

    pub(crate) async fn enqueue(&self, payload: &str, events: usize) -> Result<usize> {
        let payloads = vec![payload; events];
        if self.is_pgmq {
            self.client.query(&self.enqueue, &[&payloads]).await?;
        } else {
            self.client.execute(&self.enqueue, &[&payloads]).await?;
        }
        Ok(events)
    }

    pub(crate) async fn claim(&self, limit: usize) -> Result<Vec<i64>> {
        let rows = self.client.query(&self.claim, &[&i64::try_from(limit)?]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    pub(crate) async fn complete(&self, ids: &[i64]) -> Result<()> {
        self.client.query(&self.complete, &[&ids]).await?;
        Ok(())
    }
}
