//! Reads rows, and passes over those that cannot be read.

use tokio_postgres::Row;

use super::columns::PgColumns;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::table::{Cell, TABLES};
use crate::unreadable::{UnreadableRow, UnreadableRows, key_bytes};

pub(crate) struct RowReader<'a> {
    /// What the store has come across.
    unreadable: &'a UnreadableRows,
    /// What this one has passed over.
    pub(crate) skipped: Vec<UnreadableRow>,
}

impl<'a> RowReader<'a> {
    pub(crate) fn new(unreadable: &'a UnreadableRows) -> Self {
        Self { unreadable, skipped: Vec::new() }
    }

    /// Notes a row that was passed over.
    pub(crate) fn skip(&mut self, row: UnreadableRow) {
        self.unreadable.note(&row);
        self.skipped.push(row);
    }

    /// What is read of a row; nothing if it cannot be read.
    pub(crate) fn one<T>(
        &mut self,
        table: &'static str,
        row: &Row,
        read: impl FnOnce(&mut PgColumns<'_>) -> PgResult<T>,
    ) -> PgResult<Option<T>> {
        match read(&mut PgColumns::of(row)) {
            Ok(value) => Ok(Some(value)),
            Err(PgError::Row(why)) => {
                self.skip(UnreadableRow::new(table, key_of(table, row), why));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What is read of each row that can be read.
    pub(crate) fn all<T>(
        &mut self,
        table: &'static str,
        rows: &[Row],
        read: impl Fn(&mut PgColumns<'_>) -> PgResult<T>,
    ) -> PgResult<Vec<T>> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.extend(self.one(table, row, &read)?);
        }
        Ok(found)
    }

    /// What was asked for by its name. If it was passed over, whoever has asked is told so.
    pub(crate) fn named<T>(self, found: Option<T>) -> PgResult<Option<T>> {
        match (found, self.skipped.into_iter().next()) {
            (None, Some(row)) => Err(PgError::Unreadable(row)),
            (found, _) => Ok(found),
        }
    }
}

/// The key of a row of a table, as far as the row has its columns.
pub(crate) fn key_of(table: &str, row: &Row) -> String {
    let table = TABLES.iter().find(|known| known.name == table);
    let key = table.into_iter().flat_map(|table| table.key_columns());
    let values = key.filter_map(|column| {
        let place = row.columns().iter().position(|of_row| of_row.name() == column.name)?;
        Some(match row.try_get::<_, Cell<'_>>(place).ok()? {
            Cell::Null => "null".to_owned(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.to_owned(),
            Cell::Bytes(bytes) => key_bytes(bytes),
        })
    });
    let values: Vec<_> = values.collect();
    if values.is_empty() { "?".to_owned() } else { values.join(", ") }
}
