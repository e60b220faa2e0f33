//! What PostgreSQL says when something goes wrong, and what it means for the caller.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};
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

impl Failure {
    /// The reason alone.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Postgres(error) => said(error),
            Self::NoConnection(why) | Self::Row(why) => why.clone(),
            Self::TooSlow(waited) => format!("the database did not answer within {} s", waited.as_secs()),
        }
    }
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
        let message = failure.message();
        match failure {
            Failure::Postgres(error) => match meaning(&error) {
                Meaning::Passing => Self::unavailable(message),
                Meaning::InTheWay => Self::Conflict(message),
                Meaning::Wrong => Self::Corrupt(message),
            },
            Failure::NoConnection(_) | Failure::TooSlow(_) => Self::unavailable(message),
            Failure::Row(_) => Self::Corrupt(message),
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
        let is_ours = error.source().is_some_and(|source| {
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
