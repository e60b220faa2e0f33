//! What holds back vacuum: until it ends, dead rows stay in tables and indexes, and scans step over them.

use std::fmt;
use std::time::Duration;

use strum::VariantArray;

use enginehouse_core::time::Timestamp;

use crate::postgres::tx::columns::{PgColumns, millis, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;

/// A slot or a standby, whose start is unknown, counts when it is this many transactions behind.
const MAX_TRANSACTIONS_BEHIND: i64 = 10_000;

/// What holds an old snapshot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum VacuumHolderKind {
    /// A transaction that has not ended.
    Session,
    /// A transaction that was prepared, and neither committed nor rolled back.
    PreparedTransaction,
    /// A slot that keeps rows that a replica may still need.
    ReplicationSlot,
    /// A standby that reports the snapshots of its own transactions (`hot_standby_feedback`).
    Standby,
}

impl VacuumHolderKind {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A session, prepared transaction, slot or standby that keeps dead rows from being vacuumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VacuumHolder {
    pub kind: VacuumHolderKind,
    /// The name of the application, the prepared transaction or the slot; may be empty.
    pub name: String,
    /// The backend process.
    pub pid: Option<i32>,
    pub user: Option<String>,
    /// The address of the client, unless it is on the same machine.
    pub client: Option<String>,
    /// `pg_stat_activity.state`; unknown without `pg_read_all_stats`.
    pub state: Option<String>,
    /// When it began; unknown of a slot or a standby.
    pub since: Option<Timestamp>,
    pub held_for: Option<Duration>,
    /// How many transactions have begun since.
    pub transactions: u64,
    /// How many dead rows the tables of the store have by PostgreSQL's statistics, for whatever reason.
    pub dead_rows: u64,
}

impl fmt::Display for VacuumHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Some(self.name.as_str()).filter(|name| !name.is_empty());
        match (self.kind, self.pid) {
            (VacuumHolderKind::Session, Some(pid)) => write!(f, "session {pid}")?,
            (VacuumHolderKind::Session, None) => write!(f, "a session")?,
            (VacuumHolderKind::PreparedTransaction, _) => write!(f, "prepared transaction")?,
            (VacuumHolderKind::ReplicationSlot, _) => write!(f, "replication slot")?,
            (VacuumHolderKind::Standby, _) => write!(f, "standby")?,
        }
        match self.kind {
            VacuumHolderKind::Session => name.map_or(Ok(()), |name| write!(f, " of {name}"))?,
            _ => name.map_or(Ok(()), |name| write!(f, " {name}"))?,
        }
        if let Some(user) = &self.user {
            write!(f, ", user {user}")?;
        }
        if let Some(client) = &self.client {
            write!(f, " from {client}")?;
        }
        if let Some(state) = &self.state {
            write!(f, ", {state}")?;
        }
        if let Some(since) = self.since {
            write!(f, ", since {since}")?;
        }
        write!(f, ": {} transactions have begun since, {} rows are dead", self.transactions, self.dead_rows)
    }
}

/// What has held back vacuum for longer than a time, the oldest first. Reads system views only.
pub(crate) async fn holders(session: &Session, older_than: Duration) -> PgResult<Vec<VacuumHolder>> {
    let rows = session
        .query(sql!("vacuum_holders"), params![FLOAT8: &(millis(older_than) as f64), INT8: &MAX_TRANSACTIONS_BEHIND])
        .await?;
    rows.iter().map(|row| holder(&mut PgColumns::of(row))).collect()
}

fn holder(columns: &mut PgColumns<'_>) -> PgResult<VacuumHolder> {
    Ok(VacuumHolder {
        kind: columns.parsed()?,
        name: columns.value::<Option<String>>()?.unwrap_or_default(),
        pid: columns.value()?,
        user: columns.value()?,
        client: columns.value()?,
        state: columns.value()?,
        since: columns.read()?,
        held_for: columns.read()?,
        transactions: columns.read()?,
        dead_rows: columns.read()?,
    })
}
