//! A look at a data file from outside, whether or not a server is running on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::time::Timestamp;

use super::columns::{one_value, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use super::file_id::beside;
use super::file_lock::FileLock;
use super::open::{APPLICATION_ID, SqliteOpenError, check_header, true_path, unreadable};
use super::{connections, integrity, lanes, schema, schema_check, schema_commands, tokens};
use crate::migrations::{Dialect, Migrate, Status};
use crate::rows::StatusCounts;

/// What a data file is, and how it is.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The file, without links.
    pub path: PathBuf,
    /// Its schema, and the newest one that this program knows.
    pub schema: i32,
    /// The newest schema that this program knows.
    pub newest_schema: i32,
    /// The SQLite that this program was built with.
    pub sqlite_version: &'static str,
    /// The server that has it open, if one has.
    pub holder: Option<String>,
    /// The size of the file in bytes.
    pub file_bytes: u64,
    /// The size of the write-ahead log beside it.
    pub log_bytes: u64,
    /// How many events are in each status.
    pub counts: StatusCounts,
    /// Until when nothing is pruned, because the clock has leapt; none if it is not so.
    pub pruning_held_until: Option<Timestamp>,
    /// The access tokens, those that are over too.
    pub tokens: Vec<TokenRecord>,
    /// What is wrong; nothing, if all is well.
    pub findings: Vec<String>,
}

/// Looks at everything in a data file, and changes nothing. A server may go on working with it.
///
/// # Errors
/// [`SqliteOpenError`] if the file cannot be read, or is not of this program.
pub async fn inspect(path: &Path) -> Result<Inspection, SqliteOpenError> {
    let given = path.to_owned();
    let done = tokio::task::spawn_blocking(move || inspect_blocking(&given)).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Counts, until when pruning is held, tokens, and what is wrong.
type Content = (StatusCounts, Option<i64>, Vec<TokenRecord>, Vec<String>);

fn inspect_blocking(given: &Path) -> Result<Inspection, SqliteOpenError> {
    let path = true_path(given)?;
    if !path.exists() {
        return Err(SqliteOpenError::Missing { path });
    }
    let io = |source| SqliteOpenError::Io { path: path.clone(), source };
    let holder = FileLock::holder(&path).map_err(io)?;
    // While a server has the file open, it has been looked at; and if that server is this very process, closing a handle
    // on the file would take away the locks that SQLite has on it.
    if holder.is_none() && check_header(&path)? {
        return Err(SqliteOpenError::NotOurs { path, found: "an empty file".to_owned() });
    }
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (file_bytes, log_bytes) = (size(&path), size(&beside(&path, "-wal")));
    let ask = || -> SqliteResult<(i32, Status)> {
        let reader = connections::open_reader(&path)?;
        let application_id = reader.query_row("pragma application_id", [], |row| row.get(0))?;
        Ok((application_id, schema::read(&reader)?))
    };
    let (application_id, status) = ask().map_err(|failure| unreadable(&path, failure))?;
    if application_id != APPLICATION_ID {
        return Err(SqliteOpenError::NotOurs { path, found: format!("application id {application_id}") });
    }
    status.admit(Migrate::Auto).map_err(|refusal| schema_commands::refused(&path, refusal))?;
    let (schema, known) = (status.version(), Dialect::Sqlite.newest());
    let look = || -> SqliteResult<Content> {
        if schema < known {
            return Ok((StatusCounts::default(), None, Vec::new(), Vec::new()));
        }
        let mut findings = schema_check::differences(&connections::open_reader(&path)?, schema)?;
        findings.extend(integrity::check(&path)?);
        let reader = SqliteConnection::new(connections::open_reader(&path)?, Arc::default());
        let counts = lanes::status_counts(&reader);
        let held_until = one_value(&reader, sql!("pruning_hold"))?;
        let tokens = tokens::all(&reader).map(|rows| rows.tokens);
        // What is damaged need not be countable.
        Ok(match findings.is_empty() {
            true => (counts?, held_until, tokens?, findings),
            false => (counts.unwrap_or_default(), held_until, tokens.unwrap_or_default(), findings),
        })
    };
    let (counts, held_until, tokens, mut findings) = look().map_err(|failure| unreadable(&path, failure))?;
    if schema < known {
        findings.push(format!("schema {schema} is older than {known}: the next start of the server migrates it, or `enginehouse schema up` does"));
    }
    Ok(Inspection {
        path,
        schema,
        newest_schema: known,
        sqlite_version: rusqlite::version(),
        holder,
        file_bytes,
        log_bytes,
        counts,
        pruning_held_until: held_until.map(Timestamp::from_millis),
        tokens,
        findings,
    })
}
