//! A connection that passes over rows which cannot be read.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Row, Rows};

use super::columns::SqliteColumns;
use super::failure::{SqliteError, SqliteResult};
use crate::table::TABLES;
use crate::unreadable::{UnreadableRow, UnreadableRows, key_bytes};

pub(super) struct SqliteConnection {
    connection: rusqlite::Connection,
    unreadable: Arc<UnreadableRows>,
    /// The rows that were passed over since they were last asked for.
    skipped: RefCell<Vec<UnreadableRow>>,
}

impl Deref for SqliteConnection {
    type Target = rusqlite::Connection;

    fn deref(&self) -> &rusqlite::Connection {
        &self.connection
    }
}

impl SqliteConnection {
    pub(super) fn new(connection: rusqlite::Connection, unreadable: Arc<UnreadableRows>) -> Self {
        Self { connection, unreadable, skipped: RefCell::default() }
    }

    /// The rows that all connections of the store have come across.
    pub(super) fn unreadable(&self) -> Arc<UnreadableRows> {
        Arc::clone(&self.unreadable)
    }

    /// Notes a row that was passed over.
    pub(super) fn skip(&self, row: UnreadableRow) {
        self.unreadable.note(&row);
        self.skipped.borrow_mut().push(row);
    }

    pub(super) fn take_skipped(&self) -> Vec<UnreadableRow> {
        self.skipped.take()
    }

    pub(super) fn skipped(&self) -> usize {
        self.skipped.borrow().len()
    }

    /// What is read of a row; nothing if it cannot be read.
    pub(super) fn readable<T>(
        &self,
        table: &'static str,
        row: &Row<'_>,
        read: impl FnOnce(&mut SqliteColumns<'_, '_>) -> SqliteResult<T>,
    ) -> SqliteResult<Option<T>> {
        match read(&mut SqliteColumns::of(row)) {
            Ok(value) => Ok(Some(value)),
            Err(SqliteError::Row(why)) => {
                self.skip(UnreadableRow::new(table, key_of(table, row), why));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What is read of each row that can be read.
    pub(super) fn all_readable<T>(
        &self,
        table: &'static str,
        mut rows: Rows<'_>,
        read: impl Fn(&mut SqliteColumns<'_, '_>) -> SqliteResult<T>,
    ) -> SqliteResult<Vec<T>> {
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(self.readable(table, row, &read)?);
        }
        Ok(found)
    }

    /// What was asked for by its name. If it was passed over, whoever has asked is told so.
    pub(super) fn named<T>(&self, found: Option<T>) -> SqliteResult<Option<T>> {
        match (found, self.take_skipped().into_iter().next()) {
            (None, Some(row)) => Err(SqliteError::Unreadable(row)),
            (found, _) => Ok(found),
        }
    }
}

/// The key of a row of a table, as far as the row has its columns.
pub(super) fn key_of(table: &str, row: &Row<'_>) -> String {
    let table = TABLES.iter().find(|known| known.name == table);
    let key = table.into_iter().flat_map(|table| table.key_columns());
    let values = key.filter_map(|column| {
        let place = row.as_ref().column_index(column.name).ok()?;
        Some(key_value(row.get_ref(place).ok()?))
    });
    let values: Vec<_> = values.collect();
    if values.is_empty() { "?".to_owned() } else { values.join(", ") }
}

/// A value of a key, for people.
pub(super) fn key_value(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => key_bytes(bytes),
    }
}
