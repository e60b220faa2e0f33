//! What PostgreSQL says when something goes wrong, and what it means for the caller.

use tokio_postgres::error::SqlState;

use crate::{Applied, StoreError};

/// Why a statement, or what was made of its rows, failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// PostgreSQL said so, or the connection broke.
    Postgres(tokio_postgres::Error),
    /// There was no connection to be had.
    NoConnection(String),
    /// An answer took too long: the connection is not used again.
    TooSlow(std::time::Duration),
    /// A row holds, or was to hold, what no row of this program holds.
    Row(String),
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<Failure> for StoreError {
    /// The error of a statement before the commit: whatever it is, nothing was changed.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Postgres(error) => match meaning(&error) {
                Meaning::Passing => Self::unavailable(said(&error)),
                Meaning::InTheWay => Self::Conflict(said(&error)),
                Meaning::Wrong => Self::Corrupt(said(&error)),
            },
            Failure::NoConnection(why) => Self::unavailable(why),
            Failure::TooSlow(waited) => {
                Self::unavailable(format!("the database did not answer within {} s", waited.as_secs()))
            }
            Failure::Row(what) => Self::Corrupt(what),
        }
    }
}

/// What a failed commit means: whether it is known that nothing was committed.
pub(crate) fn of_commit(failure: Failure) -> StoreError {
    let Failure::Postgres(error) = &failure else {
        return unknown(StoreError::from(failure).to_string());
    };
    let refused = error.as_db_error().is_some_and(|db| {
        // A commit that was refused was rolled back. One whose session was ended meanwhile may have been written.
        let class = &db.code().code()[..2];
        matches!(class, "40" | "23" | "25" | "53" | "55")
    });
    if refused { failure.into() } else { unknown(said(error)) }
}

/// A commit whose answer never came, or says that it may not be on every disk that it should be on.
pub(crate) fn unknown(reason: String) -> StoreError {
    StoreError::Unavailable { applied: Applied::Unknown, reason }
}

enum Meaning {
    /// It lies with the database or the way to it, and may pass.
    Passing,
    /// Another transaction was in the way.
    InTheWay,
    /// The statement, or a row.
    Wrong,
}

/// Unique indexes in which two transactions may meet that could not know of each other.
const MEETING_PLACES: [&str; 5] =
    ["events_idempotency_key", "engines_key", "lanes_requirements", "event_types_key", "queues_key"];

fn meaning(error: &tokio_postgres::Error) -> Meaning {
    let Some(db) = error.as_db_error() else {
        // Without the server's words it is the connection, unless this program could not make the message.
        let is_ours = std::error::Error::source(error).is_some_and(|source| {
            !source.is::<std::io::Error>() && !error.is_closed() && error.to_string().contains("serializ")
        });
        return if is_ours { Meaning::Wrong } else { Meaning::Passing };
    };
    let code = db.code();
    if [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED, &SqlState::LOCK_NOT_AVAILABLE]
        .contains(&code)
    {
        return Meaning::InTheWay;
    }
    if *code == SqlState::UNIQUE_VIOLATION {
        let met = db.constraint().is_some_and(|name| MEETING_PLACES.contains(&name));
        return if met { Meaning::InTheWay } else { Meaning::Wrong };
    }
    // 08 connection, 25 the wrong kind of transaction (a standby reads only), 28 who may connect, 3D no such database,
    // 53 resources, 57 an operator, 58 the system. 26 and 42P05: a pooler has mixed up prepared statements.
    match &code.code()[..2] {
        "08" | "25" | "26" | "28" | "3D" | "53" | "57" | "58" => Meaning::Passing,
        _ if *code == SqlState::DUPLICATE_PSTATEMENT => Meaning::Passing,
        _ => Meaning::Wrong,
    }
}

/// PostgreSQL's words with its code, by which they can be looked up.
pub(crate) fn said(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return match std::error::Error::source(error) {
            Some(source) if source.is::<super::tls::Trouble>() => source.to_string(),
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
    };
    let advice = match &db.code().code()[..2] {
        "26" => "; a pooler in transaction mode stands in between: set postgres_pooler to transaction",
        _ if *db.code() == SqlState::DUPLICATE_PSTATEMENT => {
            "; a pooler in transaction mode stands in between: set postgres_pooler to transaction"
        }
        _ if *db.code() == SqlState::DISK_FULL => "; free space on the database's disk",
        _ if *db.code() == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "; this is a standby: name the primary too, with target_session_attrs=read-write"
        }
        _ if *db.code() == SqlState::UNDEFINED_TABLE => "; run `enginehouse schema up`",
        _ => "",
    };
    let place = db.constraint().or(db.table()).map(|name| format!(", {name}")).unwrap_or_default();
    format!("{} (PostgreSQL error {}{place}){advice}", db.message(), db.code().code())
}
