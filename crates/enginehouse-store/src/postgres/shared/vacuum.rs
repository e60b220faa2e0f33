//! Who holds back vacuum. While somebody does, every row that dies stays, and what looks for the living steps over it.

use std::fmt;
use std::time::Duration;

use strum::VariantArray;

use enginehouse_core::time::Timestamp;

use crate::postgres::tx::columns::{Columns, millis, params, sql};
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::Session;

/// What does not say since when it holds something is told when it is so many transactions behind.
const MANY_TRANSACTIONS: i64 = 10_000;

/// What it is that sees an old moment.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum VacuumHolderKind {
    /// A transaction that has not ended.
    Session,
    /// A transaction that was prepared, and neither committed nor rolled back.
    PreparedTransaction,
    /// A slot that keeps what a replica may still need.
    ReplicationSlot,
    /// A standby that tells what its own transactions see.
    Standby,
}

impl VacuumHolderKind {
    /// Its word.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Somebody who keeps dead rows from being vacuumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VacuumHolder {
    /// What it is.
    pub kind: VacuumHolderKind,
    /// The name of the application, the prepared transaction or the slot; may be empty.
    pub name: String,
    /// The process at the database that serves it.
    pub pid: Option<i32>,
    /// Whose it is.
    pub user: Option<String>,
    /// The address that it comes from, unless it is on the same machine.
    pub client: Option<String>,
    /// What it does, in the database's words; unknown to those who may not see it.
    pub state: Option<String>,
    /// When it began; nobody knows it of a slot or a standby.
    pub since: Option<Timestamp>,
    /// How long ago that was.
    pub held_for: Option<Duration>,
    /// How many transactions have begun since.
    pub transactions: u64,
    /// How many dead rows our tables hold by now, as far as the database has counted: those that it keeps are among them.
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

/// Those who hold back vacuum, and have for a while; the oldest first. Looks at what the database knows of its sessions, not
/// at rows.
pub(crate) async fn holders(session: &Session, older_than: Duration) -> Outcome<Vec<VacuumHolder>> {
    let rows = session
        .query(sql!("vacuum_holders"), params![FLOAT8: &(millis(older_than) as f64), INT8: &MANY_TRANSACTIONS])
        .await?;
    rows.iter().map(|row| holder(&mut Columns::of(row))).collect()
}

fn holder(columns: &mut Columns<'_>) -> Outcome<VacuumHolder> {
    Ok(VacuumHolder {
        kind: columns.parsed()?,
        name: columns.value::<Option<String>>()?.unwrap_or_default(),
        pid: columns.value()?,
        user: columns.value()?,
        client: columns.value()?,
        state: columns.value()?,
        since: columns.optional_time()?,
        held_for: columns.optional_duration()?,
        transactions: columns.number()?,
        dead_rows: columns.number()?,
    })
}
