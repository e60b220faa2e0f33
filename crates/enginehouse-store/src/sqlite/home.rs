//! Where a data file is. The file remembers it, so that a copy of the file is known for one when it is served: it may be older than
//! what its original has done since, and numbers that the original gave must not be given again.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use enginehouse_core::generation::Generation;
use enginehouse_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{one_value, sql};
use super::failure::{SqliteError, SqliteResult};

/// What a new file has: it was served nowhere.
const NOT_SERVED: i64 = 0;
/// What a backup has: wherever it is served, it is a copy.
const BACKUP: i64 = -1;

/// Marks a file as a backup.
pub(super) fn mark_as_backup(connection: &Connection) -> SqliteResult<()> {
    connection.execute(sql!("write_home"), [BACKUP])?;
    Ok(())
}

/// Begins a new generation if the file is another one than was served last: a backup, or a copy. One that was only moved is the
/// same. Answers the generation.
///
/// A device may get another number when the machine starts, which raises the generation needlessly and harmlessly.
pub(super) fn settle_in(connection: &mut Connection, path: &Path, now: Timestamp) -> SqliteResult<Generation> {
    let transaction = connection.transaction()?;
    let before: i64 = number(&transaction, sql!("home"))?;
    let generation = Generation::from_number(number(&transaction, sql!("generation"))?);
    let home = home(path).map_err(SqliteError::Io)?;
    if before == home {
        return Ok(generation);
    }
    transaction.execute(sql!("write_home"), [home])?;
    if before == NOT_SERVED {
        transaction.commit()?;
        return Ok(generation);
    }
    let raised = generation.raised(now);
    transaction.execute(sql!("write_generation"), params![raised.number()])?;
    transaction.commit()?;
    tracing::warn!(
        path = %path.display(), generation = %raised,
        "the data file is a backup or a copy: epochs and lock serials go on with a new generation"
    );
    Ok(raised)
}

fn number(connection: &Connection, sql: &'static str) -> SqliteResult<i64> {
    let number: Option<i64> = one_value(connection, sql)?;
    number.ok_or_else(|| SqliteError::Row("a number of the store is missing".to_owned()))
}

/// Names a file by its device and its number there.
fn home(path: &Path) -> io::Result<i64> {
    let metadata = std::fs::metadata(path)?;
    let home = (metadata.dev().rotate_left(40) ^ metadata.ino()).cast_signed();
    Ok(if home == NOT_SERVED || home == BACKUP { 1 } else { home })
}
