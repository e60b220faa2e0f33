//! Values on their way into columns and out of them.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};

use super::failure::{Failure, Outcome};

/// The text of a statement: the file `sql/<name>.sql`.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/sql/", $name, ".sql"))
    };
}
pub(super) use sql;

/// An event id as the text in its column, made without allocating.
pub(super) struct IdText([u8; 36]);

impl IdText {
    pub(super) fn of(event_id: EventId) -> Self {
        let mut text = [0; 36];
        event_id.0.hyphenated().encode_lower(&mut text);
        Self(text)
    }
}

impl ToSql for IdText {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// A duration as whole milliseconds.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The columns of a row, read from left to right in the order of the statement.
pub(super) struct Columns<'row, 'statement> {
    row: &'row Row<'statement>,
    next: usize,
}

impl<'row, 'statement> Columns<'row, 'statement> {
    pub(super) fn of(row: &'row Row<'statement>) -> Self {
        Self { row, next: 0 }
    }

    /// A value that any value of its SQLite type may be.
    pub(super) fn value<T: FromSql>(&mut self) -> Outcome<T> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// A number that is not negative and fits.
    pub(super) fn number<T: TryFrom<i64>>(&mut self) -> Outcome<T> {
        let number: i64 = self.value()?;
        T::try_from(number).map_err(|_| self.unexpected(number))
    }

    pub(super) fn optional_number<T: TryFrom<i64>>(&mut self) -> Outcome<Option<T>> {
        if self.is_null()? { Ok(None) } else { self.number().map(Some) }
    }

    pub(super) fn flag(&mut self) -> Outcome<bool> {
        match self.value::<i64>()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.unexpected(other)),
        }
    }

    pub(super) fn time(&mut self) -> Outcome<Timestamp> {
        Ok(Timestamp::from_millis(self.value()?))
    }

    pub(super) fn optional_time(&mut self) -> Outcome<Option<Timestamp>> {
        if self.is_null()? { Ok(None) } else { self.time().map(Some) }
    }

    pub(super) fn duration(&mut self) -> Outcome<Duration> {
        Ok(Duration::from_millis(self.number()?))
    }

    pub(super) fn optional_duration(&mut self) -> Outcome<Option<Duration>> {
        if self.is_null()? { Ok(None) } else { self.duration().map(Some) }
    }

    pub(super) fn text(&mut self) -> Outcome<&'row str> {
        let value = self.row.get_ref(self.next)?;
        self.next += 1;
        value.as_str().map_err(|error| self.unexpected(error))
    }

    pub(super) fn optional_text(&mut self) -> Outcome<Option<&'row str>> {
        if self.is_null()? { Ok(None) } else { self.text().map(Some) }
    }

    /// A name or another text that has a type of its own.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Outcome<T> {
        let text = self.text()?;
        text.parse().map_err(|error| self.unexpected(error))
    }

    pub(super) fn optional_parsed<T: FromStr<Err: Display>>(&mut self) -> Outcome<Option<T>> {
        if self.is_null()? { Ok(None) } else { self.parsed().map(Some) }
    }

    /// JSON that this program has written.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Outcome<T> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|error| self.unexpected(error))
    }

    pub(super) fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Outcome<Option<T>> {
        if self.is_null()? { Ok(None) } else { self.json().map(Some) }
    }

    /// Whether the next column is null; if so, it has been read.
    fn is_null(&mut self) -> Outcome<bool> {
        let null = self.row.get_ref(self.next)? == ValueRef::Null;
        self.next += usize::from(null);
        Ok(null)
    }

    fn unexpected(&self, what: impl Display) -> Failure {
        // The name alone: the value may be a payload's or a secret's.
        let column = self.row.as_ref().column_name(self.next.saturating_sub(1)).unwrap_or("?");
        Failure::Row(format!("unexpected value in column {column}: {what}"))
    }
}

/// JSON for a column.
pub(super) fn to_json(value: &impl serde::Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|error| Failure::Row(format!("cannot be written as JSON: {error}")))
}
