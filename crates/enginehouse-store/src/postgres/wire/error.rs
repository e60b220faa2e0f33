//! Errors of PostgreSQL, and what they mean for the caller.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};
use tokio_postgres::error::SqlState;

use crate::{Applied, HeldResource, StoreError, UnreadableRow};

#[derive(Debug)]
pub(crate) enum PgError {
    /// An error of the server or of the connection.
    Postgres(tokio_postgres::Error),
    /// There is no connection.
    NoConnection(String),
    /// An answer took too long.
    TooSlow(std::time::Duration),
    /// A row holds a value that it cannot have.
    Row(String),
    /// The row that was asked for is such a one.
    Unreadable(UnreadableRow),
    /// This program has asked for what contradicts itself.
    Bug(String),
}

impl PgError {
    /// The reason, without what it means.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Postgres(error) => message(error),
            Self::NoConnection(why) | Self::Row(why) | Self::Bug(why) => why.clone(),
            Self::Unreadable(row) => row.to_string(),
            Self::TooSlow(waited) => format!("the database did not answer within {} s", waited.as_secs()),
        }
    }
}

/// A failure of one of the statements that were sent together.
pub(crate) trait StatementFailure {
    /// Whether the statement was refused because another one of its transaction had failed.
    fn follows_another(&self) -> bool;
}

impl StatementFailure for PgError {
    fn follows_another(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION))
    }
}

impl PgError {
    /// Whether another transaction holds what a statement needs.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }
}

/// What two statements of one transaction have answered that were sent together. If both have failed, the error is that of the
/// one that has failed first: the other was refused for that reason alone, and one that was sent first may be run last, because
/// it had to be prepared.
pub(crate) fn both<A, B, E: StatementFailure>(one: Result<A, E>, other: Result<B, E>) -> Result<(A, B), E> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(failure), Err(cause)) if failure.follows_another() => Err(cause),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

pub(crate) type PgResult<T> = Result<T, PgError>;

impl From<tokio_postgres::Error> for PgError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<PgError> for StoreError {
    /// For a statement before the commit: nothing was changed.
    fn from(failure: PgError) -> Self {
        let message = failure.message();
        match failure {
            PgError::Postgres(error) => match meaning(&error) {
                Meaning::Full => Self::Full(message),
                Meaning::Transient => Self::unavailable(message),
                Meaning::Conflict => Self::Conflict(message),
                Meaning::Held => Self::Held { what: HeldResource::Rows, reason: message },
                Meaning::Corrupt => Self::Corrupt(message),
                Meaning::Bug => Self::Bug(message),
            },
            PgError::NoConnection(_) | PgError::TooSlow(_) => Self::unavailable(message),
            PgError::Row(_) => Self::Corrupt(message),
            PgError::Unreadable(row) => Self::Unreadable(row),
            PgError::Bug(_) => Self::Bug(message),
        }
    }
}

/// For a failed commit: whether it is certain that nothing was committed.
pub(crate) fn commit_error(failure: PgError) -> StoreError {
    let PgError::Postgres(error) = &failure else {
        return commit_unknown(StoreError::from(failure).to_string());
    };
    let refused = error.as_db_error().is_some_and(|db| {
        // A commit that the server has refused is rolled back. One whose session was ended may have been written.
        let class = &db.code().code()[..2];
        matches!(class, "22" | "40" | "23" | "25" | "53" | "55")
    });
    if refused { failure.into() } else { commit_unknown(message(error)) }
}

/// A commit whose answer never came, or that may not be on all standbys.
pub(crate) fn commit_unknown(reason: String) -> StoreError {
    StoreError::Unavailable { applied: Applied::Unknown, reason }
}

enum Meaning {
    /// Its disk is full.
    Full,
    /// The database or the network has a problem that may pass.
    Transient,
    /// Another transaction was in the way.
    Conflict,
    /// Another transaction holds what is needed, and does not let go.
    Held,
    /// The files of the database are damaged, or a table is missing.
    Corrupt,
    /// The statement is wrong, or the values given to it.
    Bug,
}

/// Unique indexes into which two transactions may insert the same key at once.
const CONTENDED_INDEXES: [&str; 5] =
    ["events_idempotency_key", "engines_key", "lanes_requirements", "event_types_key", "queues_key"];

fn meaning(error: &tokio_postgres::Error) -> Meaning {
    let Some(db) = error.as_db_error() else {
        // Not from the server: the connection broke, or a value does not fit its column.
        let is_value = error.source().is_some_and(|source| !source.is::<io::Error>()) && !error.is_closed();
        return if is_value { Meaning::Bug } else { Meaning::Transient };
    };
    let code = db.code();
    if [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED].contains(&code) {
        return Meaning::Conflict;
    }
    if *code == SqlState::LOCK_NOT_AVAILABLE {
        return Meaning::Held;
    }
    if *code == SqlState::DISK_FULL {
        return Meaning::Full;
    }
    // Nothing else divides: what was to be written has changed since it was read.
    if *code == SqlState::DIVISION_BY_ZERO {
        return Meaning::Conflict;
    }
    if *code == SqlState::UNIQUE_VIOLATION {
        let is_conflict = db.constraint().is_some_and(|name| CONTENDED_INDEXES.contains(&name));
        return if is_conflict { Meaning::Conflict } else { Meaning::Bug };
    }
    // 08 connection, 25 the wrong kind of transaction (a standby reads only), 28 who may connect, 3D no such database,
    // 53 resources, 57 an operator, 58 the system. 26 and 42P05: a pooler has mixed up prepared statements.
    match &code.code()[..2] {
        "08" | "25" | "26" | "28" | "3D" | "53" | "57" | "58" => Meaning::Transient,
        _ if *code == SqlState::DUPLICATE_PSTATEMENT => Meaning::Transient,
        "XX" => Meaning::Corrupt,
        _ if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME => Meaning::Corrupt,
        _ => Meaning::Bug,
    }
}

/// The message and the code of an error, and advice.
pub(crate) fn message(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return match error.source() {
            Some(source) => match tls_error(source) {
                Some(tls_error) => tls_message(tls_error),
                None => format!("{error}: {source}"),
            },
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

/// rustls reports its errors through streams, wrapped in errors of I/O.
fn tls_error<'a>(source: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    source.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

/// What went wrong with TLS, and which parameter of the URL helps.
fn tls_message(error: &rustls::Error) -> String {
    use AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(why) => {
            let advice = match why {
                CertificateError::UnknownIssuer => "name the file of its CA with sslrootcert",
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "use a host name of the certificate, or sslmode=verify-ca to check its CA alone"
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "renew it on the server",
                _ => "it must be of version 3, name its hosts as subjectAltName, and be signed by a CA, not be one",
            };
            format!("the server's certificate is not accepted ({why}): {advice}")
        }
        rustls::Error::AlertReceived(
            alert @ (Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA),
        ) => format!(
            "the server does not accept this client's certificate ({alert:?}): name one that its CA has signed with \
             sslcert and sslkey"
        ),
        error => format!("TLS failed: {error}"),
    }
}
