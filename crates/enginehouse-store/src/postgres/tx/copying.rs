//! Everything out of a database, and everything into one.
//!
//! A database that is being filled has no rows in its `meta`, without which no transaction of a server begins: also not on a
//! server that was running already.

use async_trait::async_trait;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row as DatabaseRow};

use super::columns::{Moment, PgColumns, types_of};
use crate::copy::side::{CopyError, Mark, Numbers, Rows, Source, Target, name_of_run};
use crate::copy::value::{CopiedValue, Row};
use crate::migrations::{MigrateError, SchemaName, migrate_postgres, postgres_status};
use crate::postgres::wire::endpoint::connect_as;
use crate::postgres::wire::error::{PgResult, message};
use crate::postgres::wire::url;
use crate::table::{COUNTS, Cells, TABLES, Table};

/// A database that everything is read from, in one snapshot.
pub(crate) struct DatabaseSource {
    database: Database,
    identity: String,
}

/// A database that is being filled.
pub(crate) struct DatabaseTarget {
    database: Database,
    run: String,
    is_writing: bool,
}

struct Database {
    client: Client,
    place: String,
    schema: SchemaName,
    /// Whether counts are taken from the events, and not as they stand.
    counts_anew: bool,
}

type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// What holds for one transaction: it takes as long as it takes.
const PATIENT: &str = "set local statement_timeout = 0; set local lock_timeout = '30s'; \
     set local idle_in_transaction_session_timeout = 0; set local client_min_messages = warning";

impl Database {
    async fn connect(url: &str, schema: &SchemaName, counts_anew: bool) -> Result<Self, CopyError> {
        let (config, _) = url::parse(url).map_err(CopyError::BadUrl)?;
        let place = url::describe(&config, schema);
        let connected = connect_as("enginehouse store copy", url).await;
        let client = connected.map_err(|why| CopyError::Unreachable { place: place.clone(), why })?;
        Ok(Self { client, place, schema: schema.clone(), counts_anew })
    }

    fn failed(&self, error: &tokio_postgres::Error) -> CopyError {
        CopyError::Failed { place: self.place.clone(), what: message(error) }
    }

    async fn run(&self, sql: &str) -> Result<(), CopyError> {
        self.client.batch_execute(sql).await.map_err(|error| self.failed(&error))
    }

    async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<DatabaseRow>, CopyError> {
        self.client.query_typed(sql, parameters).await.map_err(|error| self.failed(&error))
    }

    /// One value of one row.
    async fn value<T>(&self, sql: &str) -> Result<T, CopyError>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let rows = self.query(sql, &[]).await?;
        let value = rows.first().map(|row| row.try_get(0)).transpose().map_err(|error| self.failed(&error))?;
        value.ok_or_else(|| CopyError::Failed { place: self.place.clone(), what: "an answer is missing".to_owned() })
    }

    async fn has_table(&self, name: &str) -> Result<bool, CopyError> {
        let sql = "select 1 from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
                   where n.nspname = $1 and c.relname = $2";
        let (schema, name) = (self.schema.as_str(), name);
        Ok(!self.query(sql, &[(&schema, Type::TEXT), (&name, Type::TEXT)]).await?.is_empty())
    }

    async fn require_schema(&self) -> Result<(), CopyError> {
        let status = postgres_status(&self.client, &self.schema).await;
        let required = status.map_err(|error| self.unmigrated(&error))?.require_newest();
        required.map_err(|what| CopyError::Schema { place: self.place.clone(), what })
    }

    fn unmigrated(&self, error: &MigrateError) -> CopyError {
        CopyError::Failed { place: self.place.clone(), what: error.to_string() }
    }

    /// What tells this store from others, whatever it is called.
    async fn identity(&self) -> Result<String, CopyError> {
        let schema = self.schema.quoted();
        // Not everybody may ask which server it is. When the schema was made tells enough.
        let sql = format!(
            "select format('postgres database %s (%s) schema %s made at %s', current_database(), d.oid, $1, \
             (select min(applied_at) from {schema}.schema_version)) \
             from pg_catalog.pg_database as d where d.datname = current_database()"
        );
        let schema = self.schema.as_str();
        let rows = self.query(&sql, &[(&schema, Type::TEXT)]).await?;
        rows.first()
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(|error| self.failed(&error))?
            .ok_or_else(|| CopyError::Failed { place: self.place.clone(), what: "the database has no name".to_owned() })
    }

    /// What stands for a table, with the columns of its list.
    fn from(&self, table: &Table) -> String {
        let schema = self.schema.quoted();
        let sums = |what: &str| {
            let sums = COUNTS.iter().map(|status| format!("sum({status})::bigint as {status}"));
            format!("{what}, {}", sums.collect::<Vec<_>>().join(", "))
        };
        match (table.name, self.counts_anew) {
            ("lane_counts", true) => {
                let counts =
                    COUNTS.iter().map(|status| format!("count(*) filter (where status = '{status}') as {status}"));
                let counts = counts.collect::<Vec<_>>().join(", ");
                format!("(select lane_id, {counts} from {schema}.events group by lane_id) as c")
            }
            // As they were added up, and what was not added up yet. How fast a run went does not outlast the copy, so that
            // the ends which were not added up may be missing.
            ("scenario_runs", true) => format!(
                "(select {} from (\
                 select scenario_run_id, first_enqueued_at, {statuses}, last_activity_at, ended_lately \
                 from {schema}.scenario_runs union all \
                 select scenario_run_id, first_enqueued_at, {statuses}, active_at, 0 from {schema}.lane_changes \
                 where scenario_run_id is not null) as a group by scenario_run_id having sum({all}) > 0) as c",
                format_args!(
                    "{}, max(last_activity_at) as last_activity_at, max(ended_lately) as ended_lately",
                    sums("scenario_run_id, min(first_enqueued_at) as first_enqueued_at")
                ),
                statuses = COUNTS.join(", "),
                all = COUNTS.join(" + "),
            ),
            (name, _) => format!("{schema}.{name}"),
        }
    }

    fn sequence(&self, table: &str, column: &str) -> String {
        let name = format!("{}.{table}", self.schema.quoted()).replace('\'', "''");
        format!("select pg_catalog.pg_get_serial_sequence('{name}', '{column}')")
    }

    /// The name of the sequence that numbers a table.
    async fn sequence_of(&self, table: &str, column: &str) -> Result<String, CopyError> {
        let name: Option<String> = self.value(&self.sequence(table, column)).await?;
        name.ok_or_else(|| CopyError::Failed { place: self.place.clone(), what: format!("{table} gives no numbers") })
    }

    async fn highest(&self, table: &str, column: &str) -> Result<i64, CopyError> {
        let name = self.sequence_of(table, column).await?;
        self.value(&format!("select case when is_called then last_value else last_value - 1 end from {name}")).await
    }
}

impl DatabaseSource {
    pub(crate) async fn open(url: &str, schema: &SchemaName) -> Result<Self, CopyError> {
        let database = Database::connect(url, schema, true).await?;
        if !database.has_table("schema_version").await? {
            let what = "has no tables of Enginehouse: name another database, or its schema".to_owned();
            return Err(CopyError::Schema { place: database.place, what });
        }
        if database.has_table("store_copy").await? {
            return Err(CopyError::UnfinishedSource(database.place));
        }
        database.run("begin isolation level repeatable read read only").await?;
        database.run(PATIENT).await?;
        database.require_schema().await?;
        let identity = database.identity().await?;
        Ok(Self { database, identity })
    }
}

impl DatabaseTarget {
    /// Takes an empty store, or makes one, or goes on with the copy of this source.
    pub(crate) async fn open(url: &str, schema: &SchemaName, source: &str) -> Result<(Self, Option<Mark>), CopyError> {
        let mut database = Database::connect(url, schema, false).await?;
        if !database.has_table("store_copy").await? {
            let migrated = migrate_postgres(&mut database.client, schema).await;
            migrated.map_err(|error| database.unmigrated(&error))?;
        }
        database.require_schema().await?;
        if database.identity().await? == source {
            return Err(CopyError::Same(database.place));
        }
        let mut target = Self { database, run: name_of_run(), is_writing: false };
        target.begin().await?;
        let database = &target.database;
        // Whoever is in a transaction has read it, and ends first; whoever begins one waits.
        database.run(&format!("lock table {}.meta in access exclusive mode", schema.quoted())).await?;
        let mark = if database.has_table("store_copy").await? {
            Some(target.take_over(source).await?)
        } else {
            target.begin_copy(source).await?;
            None
        };
        database.run("commit").await?;
        target.is_writing = false;
        Ok((target, mark))
    }

    async fn begin(&mut self) -> Result<(), CopyError> {
        if !self.is_writing {
            // The mark is committed with what it says: what a crash takes back is copied again.
            self.database.run(&format!("begin; {PATIENT}; set local synchronous_commit = off")).await?;
            self.is_writing = true;
        }
        Ok(())
    }

    async fn take_over(&self, source: &str) -> Result<Mark, CopyError> {
        let Self { database, run, .. } = self;
        let schema = database.schema.quoted();
        let sql = format!("update {schema}.store_copy set run = $1 returning source, table_name, last_key");
        let rows = database.query(&sql, &[(&run, Type::TEXT)]).await?;
        let row = rows.first().ok_or_else(|| CopyError::Failed {
            place: database.place.clone(),
            what: "store_copy has no row: drop the schema and copy again".to_owned(),
        })?;
        let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        let (begun, table, last_key): (String, String, Option<String>) =
            read().map_err(|error| database.failed(&error))?;
        if begun != source {
            return Err(CopyError::OtherSource { place: database.place.clone(), source_name: begun });
        }
        Ok(Mark { table, last_key })
    }

    async fn begin_copy(&self, source: &str) -> Result<(), CopyError> {
        let Self { database, run, .. } = self;
        let schema = database.schema.quoted();
        for name in TABLES.iter().map(|table| table.name).chain(["lane_changes"]) {
            if !database.query(&format!("select 1 from {schema}.{name} limit 1"), &[]).await?.is_empty() {
                return Err(CopyError::NotEmpty { place: database.place.clone(), table: name });
            }
        }
        database
            .run(&format!(
                "create table {schema}.store_copy (source text not null, run text not null, table_name text not null, \
                 last_key text, registry_version bigint not null, last_time bigint not null)"
            ))
            .await?;
        let insert = format!(
            "insert into {schema}.store_copy (source, run, table_name, registry_version, last_time) select $1, $2, $3, \
             coalesce(max(value) filter (where key = 'registry_version'), 0), \
             coalesce(max(value) filter (where key = 'last_time'), 0) from {schema}.meta"
        );
        let first = TABLES[0].name;
        database.query(&insert, &[(&source, Type::TEXT), (&run, Type::TEXT), (&first, Type::TEXT)]).await?;
        database.run(&format!("delete from {schema}.meta")).await
    }

    async fn write_rows(&mut self, table: &Table, rows: &[Row]) -> Result<(), CopyError> {
        self.begin().await?;
        let schema = self.database.schema.quoted();
        let mut values = Vec::new();
        let mut arrays = Vec::new();
        for (place, column) in table.columns().enumerate() {
            arrays.push(format!("${}::{}[]", place + 1, column.kind.type_name()));
            let cells: Vec<_> = rows.iter().map(|row| row[place].cell()).collect();
            values.push((cells, types_of(column.kind).1));
        }
        let names = table.names();
        // Whoever gives a lock notes the transaction. For a lock that was given elsewhere, this one has.
        let (more, given) = match table.name {
            "events" => (", lock_given_by", ", case when lock_holder is not null then pg_current_xact_id() end"),
            _ => ("", ""),
        };
        let sql = format!(
            "insert into {schema}.{} ({names}{more}) overriding system value select {names}{given} \
             from unnest({}) as c ({names})",
            table.name,
            arrays.join(", ")
        );
        let parameters: Vec<Parameter<'_>> =
            values.iter().map(|(cells, of)| (cells as &(dyn ToSql + Sync), of.clone())).collect();
        self.database.query(&sql, &parameters).await.map(|_| ())
    }

    async fn commit_mark(&mut self, mark: &Mark) -> Result<bool, CopyError> {
        self.begin().await?;
        let schema = self.database.schema.quoted();
        let sql =
            format!("update {schema}.store_copy set table_name = $1, last_key = $2 where run = $3 returning source");
        let parameters: [Parameter<'_>; 3] =
            [(&mark.table, Type::TEXT), (&mark.last_key, Type::TEXT), (&self.run, Type::TEXT)];
        let is_ours = !self.database.query(&sql, &parameters).await?.is_empty();
        self.database.run(if is_ours { "commit" } else { "rollback" }).await?;
        self.is_writing = false;
        Ok(is_ours)
    }

    async fn end(&mut self, numbers: &Numbers) -> Result<bool, CopyError> {
        self.begin().await?;
        let database = &self.database;
        let schema = database.schema.quoted();
        database.run("set local synchronous_commit = on").await?;
        let sql = format!(
            "insert into {schema}.meta (key, value) \
             select m.key, m.value from {schema}.store_copy as c cross join lateral (values \
             ('registry_version', greatest(c.registry_version, $2)), \
             ('settings_version', greatest(c.registry_version, $2)), \
             ('tokens_version', greatest(c.registry_version, $2)), \
             ('engines_deleted_version', greatest(c.registry_version, $2)), ('last_time', greatest(c.last_time, $3)), \
             ('generation', $4), ('home', 0), ('pruning_held_until', $5)) \
             as m (key, value) where c.run = $1 returning key"
        );
        let parameters: [Parameter<'_>; 5] = [
            (&self.run, Type::TEXT),
            (&numbers.registry_version, Type::INT8),
            (&numbers.last_time, Type::INT8),
            (&numbers.generation, Type::INT8),
            (&numbers.pruning_held_until, Type::INT8),
        ];
        let is_ours = !database.query(&sql, &parameters).await?.is_empty();
        if is_ours {
            for (table, column, highest) in
                [("lanes", "lane_id", numbers.highest_lane), ("audit_log", "audit_id", numbers.highest_audit)]
            {
                let highest = highest.max(database.highest(table, column).await?);
                if highest > 0 {
                    let name = database.sequence_of(table, column).await?;
                    let sql = "select setval($1::text::regclass, $2)";
                    database.query(sql, &[(&name, Type::TEXT), (&highest, Type::INT8)]).await?;
                }
            }
            database.run(&format!("drop table {schema}.store_copy")).await?;
        }
        database.run(if is_ours { "commit" } else { "rollback" }).await?;
        if is_ours {
            // Without, plans are made for empty tables until autovacuum comes by. Who may not do so can do without.
            for table in TABLES {
                if let Err(error) = database.run(&format!("analyze {schema}.{}", table.name)).await {
                    tracing::debug!(%error, "a table was not analyzed");
                }
            }
        }
        Ok(is_ours)
    }
}

/// An error without its place, which whoever asked knows.
fn in_words(error: CopyError) -> String {
    match error {
        CopyError::Failed { what, .. } => what,
        error => error.to_string(),
    }
}

#[async_trait(?Send)]
impl Rows for Database {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn count(&mut self, table: &Table) -> Result<u64, String> {
        let sql = format!("select count(*) from {}", self.from(table));
        let rows = self.client.query_typed(&sql, &[]).await.map_err(|error| message(&error))?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(|error| message(&error))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn page(
        &mut self,
        table: &Table,
        after: Option<&[CopiedValue]>,
        limit: Option<u32>,
    ) -> Result<Vec<Row>, String> {
        let keys = table.key_names();
        let mut sql = format!("select {} from {}", table.names(), self.from(table));
        let mut values = Vec::new();
        if let Some(after) = after {
            let places: Vec<_> = (1..=table.key).map(|place| format!("${place}")).collect();
            sql.push_str(&format!(" where ({keys}) > ({})", places.join(", ")));
            values.extend(
                after.iter().zip(table.key_columns()).map(|(value, column)| (value.cell(), types_of(column.kind).0)),
            );
        }
        sql.push_str(&format!(" order by {keys}"));
        if let Some(limit) = limit {
            sql.push_str(&format!(" limit {limit}"));
        }
        let parameters: Vec<Parameter<'_>> =
            values.iter().map(|(cell, of)| (cell as &(dyn ToSql + Sync), of.clone())).collect();
        let rows = self.client.query_typed(&sql, &parameters).await.map_err(|error| message(&error))?;
        let read = |row| {
            let mut columns = PgColumns::of(row);
            table.columns().map(|_| columns.next_cell().map(CopiedValue::from)).collect::<PgResult<Row>>()
        };
        rows.iter().map(|row| read(row).map_err(|failure| failure.message())).collect()
    }
}

#[async_trait(?Send)]
impl Source for DatabaseSource {
    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.database
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn may_hold_nul(&self) -> bool {
        false
    }

    async fn numbers(&mut self) -> Result<Numbers, String> {
        let schema = self.database.schema.quoted();
        let meta = |key: &str| format!("select coalesce((select value from {schema}.meta where key = '{key}'), 0)");
        let numbers = async {
            // The database's clock is the store's: the target must not begin earlier.
            let now: Moment = self.database.value("select transaction_timestamp()").await?;
            let last_time: i64 = self.database.value(&meta("last_time")).await?;
            Ok(Numbers {
                registry_version: self.database.value(&meta("registry_version")).await?,
                last_time: last_time.max(now.0.as_millis()),
                generation: self.database.value(&meta("generation")).await?,
                pruning_held_until: self.database.value(&meta("pruning_held_until")).await?,
                highest_lane: self.database.highest("lanes", "lane_id").await?,
                highest_audit: self.database.highest("audit_log", "audit_id").await?,
            })
        };
        numbers.await.map_err(in_words)
    }

    async fn others(&mut self) -> Result<u64, String> {
        let sql = "select count(*) from pg_catalog.pg_stat_activity where datname = current_database() \
                   and backend_type = 'client backend' and application_name = 'enginehouse'";
        let others: i64 = self.database.value(sql).await.map_err(in_words)?;
        Ok(u64::try_from(others).unwrap_or(0))
    }
}

#[async_trait(?Send)]
impl Target for DatabaseTarget {
    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.database
    }

    async fn write(&mut self, table: &Table, rows: &[Row]) -> Result<(), String> {
        self.write_rows(table, rows).await.map_err(in_words)
    }

    async fn commit(&mut self, mark: &Mark) -> Result<bool, String> {
        self.commit_mark(mark).await.map_err(in_words)
    }

    async fn finish(&mut self, numbers: &Numbers) -> Result<bool, String> {
        self.end(numbers).await.map_err(in_words)
    }
}
