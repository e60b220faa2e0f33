//! A look at a database from outside, whether or not servers are running on it.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::time::Timestamp;

use super::columns::{PgColumns, Xid, params, sql};
use super::reads::integrity;
use super::tokens;
use crate::StoreError;
use crate::migrations::AppliedMigration;
use crate::postgres::options::{PgOpenError, Pooler, PostgresOptions};
use crate::postgres::shared::vacuum::{self, VacuumHolder};
use crate::postgres::wire::endpoint::Endpoint;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::pool::Connections;
use crate::postgres::wire::session::Session;
use crate::rows::StatusCounts;
use crate::unreadable::UnreadableRows;

/// Who holds back vacuum for a shorter time than this is not worth a word.
const HELD_FOR: Duration = Duration::from_secs(60);

/// How large a table is, and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub table: String,
    /// Its size in bytes, without its indexes.
    pub bytes: u64,
    /// The size of its indexes.
    pub index_bytes: u64,
    /// How many rows it has, as far as the database has counted.
    pub live_rows: u64,
    /// How many rows are dead and still there.
    pub dead_rows: u64,
    /// When it was vacuumed last.
    pub vacuumed_at: Option<Timestamp>,
}

/// How large an index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSize {
    /// Its name.
    pub index: String,
    /// Its table.
    pub table: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a database is, and how it is.
#[derive(Clone, Debug)]
pub struct PostgresInspection {
    /// Where it is, without a password.
    pub place: String,
    /// The version of the server.
    pub server_version: String,
    /// Whether a pooler mixes up connections in between.
    pub is_pooled: bool,
    /// Settings under which a crash may take back what was committed, by name.
    pub weak_settings: Vec<(String, String)>,
    /// The migrations that were applied; none, if there is no schema.
    pub migrations: Vec<AppliedMigration>,
    /// The tables, by name.
    pub tables: Vec<TableSize>,
    /// The indexes, by table and name.
    pub indexes: Vec<IndexSize>,
    /// How many events are in each status.
    pub counts: StatusCounts,
    /// Until when nothing is pruned, because the clock has leapt; none if it is not so.
    pub pruning_held_until: Option<Timestamp>,
    /// Who keeps dead rows from being vacuumed, the oldest first.
    pub vacuum_holders: Vec<VacuumHolder>,
    /// The access tokens, those that are over too.
    pub tokens: Vec<TokenRecord>,
    /// What is wrong; nothing, if all is well.
    pub findings: Vec<String>,
}

/// What somebody has put on our tables.
pub(crate) struct ForeignObject {
    /// What and where, in words.
    pub(crate) what: String,
    /// Whether it may change what is written, or hide rows.
    pub(crate) interferes: bool,
}

impl ForeignObject {
    /// Reads the rows of `foreign_objects`.
    pub(crate) fn all(rows: &[tokio_postgres::Row]) -> PgResult<Vec<Self>> {
        each(rows, |columns| Ok(Self { what: columns.read()?, interferes: columns.read()? }))
    }
}

/// Looks at everything in a database, and changes nothing. Servers may go on working with it.
///
/// # Errors
/// [`PgOpenError`] if the database cannot be reached or read.
pub async fn inspect(options: PostgresOptions) -> Result<PostgresInspection, PgOpenError> {
    let keeps = options.pooler != Pooler::Transaction;
    // What it lacks in durability is answered, not refused.
    let endpoint =
        Endpoint::new(&options.url, options.schema, keeps, options.deadline, false).map_err(PgOpenError::BadUrl)?;
    let endpoint = Arc::new(endpoint);
    look(&endpoint, options.pooler).await.map_err(|failure| PgOpenError::Unreachable {
        place: endpoint.describe(),
        why: StoreError::from(failure).to_string(),
    })
}

async fn look(endpoint: &Arc<Endpoint>, pooler: Pooler) -> PgResult<PostgresInspection> {
    let server = endpoint.server_info().await?;
    let is_pooled = match pooler {
        Pooler::None => false,
        Pooler::Transaction => true,
        Pooler::Auto => endpoint.is_pooled().await?,
    };
    if is_pooled {
        endpoint.disable_statement_cache();
    }
    let connections = Connections::new(endpoint, 1);
    let session = connections.session().await?;
    let rows = session.query(sql!("weak_settings"), params![]).await?;
    let weak_settings = each(&rows, |columns| Ok((columns.read()?, columns.read()?)))?;
    let mut inspection = PostgresInspection {
        place: endpoint.describe(),
        server_version: server.version,
        is_pooled,
        weak_settings,
        migrations: Vec::new(),
        tables: Vec::new(),
        indexes: Vec::new(),
        counts: StatusCounts::default(),
        pruning_held_until: None,
        vacuum_holders: vacuum::holders(&session, HELD_FOR).await?,
        tokens: Vec::new(),
        findings: Vec::new(),
    };
    let is_there = session.query(sql!("schema_is_there"), params![]).await?;
    if !each(&is_there, |columns| columns.read::<bool>())?.contains(&true) {
        inspection.findings.push(format!("there is no schema {}: run `enginehouse schema up`", endpoint.schema()));
        return Ok(inspection);
    }
    let rows = session.query(sql!("schema_versions"), params![]).await?;
    inspection.migrations = each(&rows, |columns| {
        Ok(AppliedMigration {
            version: columns.read()?,
            name: columns.read()?,
            oldest_compatible: columns.read()?,
            applied_at: columns.read()?,
        })
    })?;
    sizes(&session, &mut inspection).await?;
    let rows = session.query(sql!("foreign_objects"), params![TEXT: &endpoint.schema().as_str()]).await?;
    for object in ForeignObject::all(&rows)? {
        inspection.findings.push(format!("{} is none of Enginehouse, and runs with its statements", object.what));
    }
    drop(session);
    match counts_and_findings(&connections).await {
        Ok((counts, held_until, tokens, findings)) => {
            inspection.counts = counts;
            inspection.tokens = tokens;
            inspection.pruning_held_until = held_until.map(Timestamp::from_millis);
            inspection.findings.extend(findings);
        }
        // Tables of another version, or damage: a finding, too.
        Err(failure) => match StoreError::from(failure) {
            StoreError::Corrupt(why) | StoreError::Bug(why) => inspection.findings.push(why),
            other => return Err(PgError::NoConnection(other.to_string())),
        },
    }
    Ok(inspection)
}

async fn counts_and_findings(
    connections: &Connections,
) -> PgResult<(StatusCounts, Option<i64>, Vec<TokenRecord>, Vec<String>)> {
    let rows = connections.session().await?.query(sql!("pruning_hold"), params![]).await?;
    let held_until = each(&rows, |columns| columns.value::<i64>())?.pop();
    let rows = connections.session().await?.query(sql!("status_counts"), params![XID8: &Xid::default()]).await?;
    let counts = each(&rows, |columns| columns.status_counts())?.pop().unwrap_or_default();
    // What cannot be read is among the findings.
    let tokens = tokens::all(&connections.session().await?, &UnreadableRows::default()).await?;
    Ok((counts, held_until, tokens, integrity::check(connections).await?))
}

async fn sizes(session: &Session, inspection: &mut PostgresInspection) -> PgResult<()> {
    let rows = session.query(sql!("table_sizes"), params![]).await?;
    inspection.tables = each(&rows, |columns| {
        Ok(TableSize {
            table: columns.read()?,
            bytes: columns.read()?,
            index_bytes: columns.read()?,
            live_rows: columns.read()?,
            dead_rows: columns.read()?,
            vacuumed_at: columns.read()?,
        })
    })?;
    let rows = session.query(sql!("index_sizes"), params![]).await?;
    inspection.indexes = each(&rows, |columns| {
        Ok(IndexSize { index: columns.read()?, table: columns.read()?, bytes: columns.read()? })
    })?;
    Ok(())
}

fn each<T>(rows: &[tokio_postgres::Row], read: impl Fn(&mut PgColumns<'_>) -> PgResult<T>) -> PgResult<Vec<T>> {
    rows.iter().map(|row| read(&mut PgColumns::of(row))).collect()
}
