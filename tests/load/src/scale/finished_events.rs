//! Events that were completed two days ago, written into the tables of a server that does not run: to finish millions one by one
//! would take an hour, and days to wait for.
//!
//! All SQL of this suite that names columns of ours is here. The rows are as a server leaves them: `enginehouse doctor` finds nothing
//! wrong. What they are completed of is the lane of the first event there is.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::Connection;

use crate::measurement::payload;
use crate::sql_session::connect;

/// Rows of a transaction.
const AT_ONCE: usize = 100_000;

const SQLITE_TABLE: &str = "create temp table finished (event_id, at)";

/// Number `n` of them, of which there are ten in a millisecond. The id is of version 7.
const SQLITE_FINISHED: &str = "
    with recursive numbers (n) as (select ?1 union all select n + 1 from numbers where n + 1 < ?2)
    insert into finished (event_id, at)
    select
        unhex(printf('%012x7%03x8%03x%012x', ?3 + n / 10, n % 10, n & 0xfff, n)), ?3 + n / 10
    from numbers";

const SQLITE_EVENTS: &str = "
    insert into events (
        event_id, lane_id, status, attempt, enqueued_at, available_at, claimed_at, finished_at, engine_id, lock_serial,
        lock_secret, settled_by
    )
    select
        event_id, (select min(lane_id) from lanes), 'completed', 1, at, at, at, at, 'load-0', 1, randomblob(16), 'complete'
    from finished";

const SQLITE_PAYLOADS: &str = "insert into event_payloads (event_id, payload) select event_id, ?1 from finished";

const SQLITE_COUNTS: &str = "
    insert into lane_counts (lane_id, status, events) values ((select min(lane_id) from lanes), 'completed', ?1)
    on conflict (lane_id, status) do update set events = events + excluded.events";

const POSTGRES: &str = "
    with finished as materialized (
        select
            (lpad(to_hex($3 + n / 10), 12, '0') || '7' || lpad(to_hex(n % 10), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid as event_id,
            to_timestamp(($3 + n / 10) / 1000.0) as at
        from generate_series($1::bigint, $2::bigint - 1) as n
    ),
    payloads as (
        insert into enginehouse.event_payloads (event_id, payload) select event_id, $4::text::json from finished
    )
    insert into enginehouse.events (
        event_id, lane_id, status, attempt, enqueued_at, available_at, claimed_at, finished_at, engine_id, lock_serial,
        lock_secret, settled_by
    )
    select
        event_id, (select min(lane_id) from enginehouse.lanes), 'completed', 1, at, at, at, at, 'load-0', 1,
        uuid_send(gen_random_uuid()), 'complete'
    from finished";

const POSTGRES_COUNTS: &str = "
    insert into enginehouse.lane_counts (lane_id, queued, processing, completed, failed, cancelled)
    values ((select min(lane_id) from enginehouse.lanes), 0, 0, $1, 0, 0)
    on conflict (lane_id) do update set completed = lane_counts.completed + excluded.completed";

const TWO_DAYS_MS: i64 = 2 * 86_400_000;

/// Writes so many into a data file that no server has open.
pub(super) fn in_sqlite(file: &Path, events: usize) -> Result<()> {
    let connection = Connection::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    connection.execute_batch("pragma synchronous = off; pragma cache_size = -262144; pragma temp_store = memory")?;
    connection.execute(SQLITE_TABLE, [])?;
    let ends_at: i64 = connection.query_row("select max(enqueued_at) from events", [], |row| row.get(0))?;
    let begins_at = begins_at(ends_at, events);
    for (from, to) in ranges(events) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute(SQLITE_FINISHED, [from, to, begins_at])?;
        transaction.execute(SQLITE_EVENTS, [])?;
        transaction.execute(SQLITE_PAYLOADS, [payload()])?;
        transaction.execute("delete from finished", [])?;
        transaction.commit()?;
    }
    connection.execute(SQLITE_COUNTS, [i64::try_from(events)?])?;
    Ok(())
}

/// Writes so many into the database of a server that does not run.
pub(super) async fn in_postgres(database: &str, events: usize) -> Result<()> {
    let session = connect(database).await?;
    session.batch_execute("set synchronous_commit = off").await?;
    let last = "select (extract(epoch from max(enqueued_at)) * 1000)::bigint from enginehouse.events";
    let begins_at = begins_at(session.query_one(last, &[]).await?.get(0), events);
    let insert = session.prepare(POSTGRES).await?;
    for (from, to) in ranges(events) {
        session.execute(&insert, &[&from, &to, &begins_at, &payload()]).await?;
    }
    session.execute(POSTGRES_COUNTS, &[&i64::try_from(events)?]).await?;
    // As tables are that have been there for days.
    session.batch_execute("vacuum analyze enginehouse.events, enginehouse.event_payloads").await?;
    Ok(())
}

/// The last of them is two days old.
fn begins_at(now: i64, events: usize) -> i64 {
    now - TWO_DAYS_MS - (events / 10) as i64
}

fn ranges(events: usize) -> impl Iterator<Item = (i64, i64)> {
    (0..events).step_by(AT_ONCE).map(move |from| (from as i64, (from + AT_ONCE).min(events) as i64))
}

#[cfg(test)]
mod tests {
    use enginehouse_cluster::{psql, shared};

    use super::*;

    const EVENTS: usize = 25;

    /// The statements of the migrations of a store, in their order.
    fn schema(store: &str) -> String {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/enginehouse-store/migrations").join(store);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> = names.filter(|name| !name.to_string_lossy().ends_with(".down.sql")).collect();
        names.sort();
        names.iter().map(|name| std::fs::read_to_string(name).unwrap()).collect()
    }

    #[test]
    fn a_data_file_takes_the_rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch(&schema("sqlite")).unwrap();
        let first = "insert into lanes (queue, event_type, priority, required_capabilities) values ('q', 't', 5, '[]');
            insert into events (event_id, lane_id, enqueued_at, available_at) values (randomblob(16), 1, 1800000000000, 1)";
        connection.execute_batch(first).unwrap();
        in_sqlite(&file, EVENTS).unwrap();
        let kept = "select count(*) from events join event_payloads using (event_id)
            where status = 'completed' and (select events from lane_counts where status = 'completed') = 25";
        assert_eq!(connection.query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap(), 25);
    }

    #[tokio::test]
    async fn a_database_takes_the_rows() {
        let database = shared().fresh_database();
        psql(&database, &schema("postgres"));
        psql(
            &database,
            "insert into enginehouse.lanes (queue, event_type, priority, required_capabilities) values ('q', 't', 5, '[]');
             insert into enginehouse.events (event_id, lane_id, enqueued_at, available_at)
             values (gen_random_uuid(), 1, now(), now())",
        );
        in_postgres(&database, EVENTS).await.unwrap();
        let kept = "select count(*) from enginehouse.events join enginehouse.event_payloads using (event_id)
            where status = 'completed' and (select completed from enginehouse.lane_counts) = 25";
        assert_eq!(psql(&database, kept), "25");
    }

    #[test]
    fn ranges_cover_every_number_once() {
        assert_eq!(ranges(250_000).collect::<Vec<_>>(), [(0, 100_000), (100_000, 200_000), (200_000, 250_000)]);
        assert_eq!(ranges(5).collect::<Vec<_>>(), [(0, 5)]);
    }
}
