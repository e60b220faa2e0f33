//! Why a store cannot be opened, for people.

use enginehouse_store::sqlite::SqliteOpenError;

use super::cli_error::CliError;
use crate::exit_codes::Exit;

/// Why a database cannot be used, for people.
pub(crate) fn unusable(error: &enginehouse_store::postgres::PgOpenError) -> CliError {
    use enginehouse_store::migrations::MigrateError;
    use enginehouse_store::postgres::PgOpenError;
    let (exit, hint) = match error {
        PgOpenError::Schema(MigrateError::Refused { .. }) => (Exit::Conflict, "see what the message says"),
        PgOpenError::Schema(_) => (Exit::Failed, "see what the message says"),
        PgOpenError::ForeignObjects { .. } => (Exit::Conflict, "see what the message says"),
        PgOpenError::UnfinishedCopy { .. } => {
            (Exit::Conflict, "go on with the copy, or copy again into another schema")
        }
        PgOpenError::BadUrl(_) => (Exit::Invalid, "name it with --store postgres://user@host:5432/database"),
        PgOpenError::Unreachable { .. } => {
            (Exit::Unreachable, "see that the database runs, lets this user in, and is named by --store")
        }
    };
    CliError::new(exit, "the database cannot be used", error, hint)
}

/// Why a data file cannot be opened, for people.
pub(crate) fn unopened(error: &SqliteOpenError) -> CliError {
    if let SqliteOpenError::Schema { path, refusal } = error {
        return CliError::new(
            Exit::Conflict,
            format!("{} cannot be opened", path.display()),
            refusal,
            refusal.advice(),
        );
    }
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        why = format!("{why}: {error}");
        source = error.source();
    }
    let (exit, hint) = match error {
        SqliteOpenError::InUse { .. } => {
            (Exit::Conflict, "stop the process that holds it, or name another file with --store")
        }
        SqliteOpenError::Missing { .. } => (Exit::NotFound, "name the data file with --store sqlite://PATH"),
        SqliteOpenError::NoFolder { .. } => {
            (Exit::NotFound, "make the folder, or name the data file with --store sqlite://PATH")
        }
        SqliteOpenError::NotOurs { .. } | SqliteOpenError::NotAFile { .. } => {
            (Exit::Invalid, "name the data file with --store sqlite://PATH")
        }
        SqliteOpenError::UnfinishedCopy { .. } => {
            (Exit::Conflict, "go on with the copy, or copy again into another file")
        }
        SqliteOpenError::Links { .. }
        | SqliteOpenError::LogAlone { .. }
        | SqliteOpenError::ForeignLog { .. }
        | SqliteOpenError::ForeignSchema { .. } => {
            (Exit::Conflict, "do what the message says, with no server running on the file")
        }
        SqliteOpenError::SqliteTooOld { .. }
        | SqliteOpenError::Io { .. }
        | SqliteOpenError::Unreadable { .. }
        | SqliteOpenError::Schema { .. } => (Exit::Failed, "see what the message says"),
    };
    CliError::new(exit, "the data file cannot be opened", why, hint)
}
