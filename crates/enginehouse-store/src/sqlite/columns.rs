//! Values on their way into parameters and out of columns.

use enginehouse_core::access::selector::Selector;
use enginehouse_core::ids::EventId;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Rows, Statement};

use super::failure::{SqliteError, SqliteResult};
use crate::table::{Cell, Cells, ColumnGroup, ColumnValue, LockDisagrees, Unexpected};

/// The text of a statement: the file `sql/<name>.sql`, filled by [`crate::table::sql`].
macro_rules! sql {
    ($name:literal $(, $part:ident = $text:expr)*) => {
        $crate::table::sql::filled!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/sql/", $name, ".sql"))
            $(, $part = $text)*
        )
    };
}
pub(super) use sql;

/// What selectors admit, as a JSON list of patterns for `glob`; nothing if they admit all.
pub(super) fn globs(selectors: &[Selector]) -> Option<String> {
    // Patterns are names with an asterisk or without: nothing that JSON cannot say.
    (!selectors.is_empty()).then(|| serde_json::to_string(selectors).unwrap_or_default())
}

/// An event id as the blob in its column.
pub(super) struct IdBytes(EventId);

impl IdBytes {
    pub(super) fn of(event_id: EventId) -> Self {
        Self(event_id)
    }
}

impl ToSql for IdBytes {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.0.as_bytes())))
    }
}

/// Binds the parameters of a statement, from the first on.
pub(super) struct Parameters<'s, 'c> {
    statement: &'s mut Statement<'c>,
    bound: usize,
    /// The first that could not be bound.
    error: Option<rusqlite::Error>,
}

impl<'s, 'c> Parameters<'s, 'c> {
    pub(super) fn of(statement: &'s mut Statement<'c>) -> Self {
        Self { statement, bound: 0, error: None }
    }

    pub(super) fn group<'a>(mut self, group: &impl ColumnGroup<'a>) -> Self {
        group.write(&mut |cell| self.bind(cell));
        self
    }

    /// Those of a group's columns whose places are wanted.
    pub(super) fn group_where<'a>(mut self, group: &impl ColumnGroup<'a>, wanted: impl Fn(usize) -> bool) -> Self {
        let mut place = 0;
        group.write(&mut |cell| {
            if wanted(place) {
                self.bind(cell);
            }
            place += 1;
        });
        self
    }

    pub(super) fn value<'a>(mut self, value: &impl ColumnValue<'a>) -> Self {
        self.bind(value.cell());
        self
    }

    pub(super) fn cell(mut self, cell: Cell<'_>) -> Self {
        self.bind(cell);
        self
    }

    fn bind(&mut self, cell: Cell<'_>) {
        self.bound += 1;
        let place = self.bound;
        let bound = match cell {
            Cell::Null => self.statement.raw_bind_parameter(place, rusqlite::types::Null),
            Cell::Number(number) => self.statement.raw_bind_parameter(place, number),
            Cell::Text(text) => self.statement.raw_bind_parameter(place, text),
            Cell::Bytes(bytes) => self.statement.raw_bind_parameter(place, bytes),
        };
        if let Err(error) = bound {
            self.error.get_or_insert(error);
        }
    }

    /// Runs the statement. Answers how many rows it has changed.
    pub(super) fn execute(self) -> SqliteResult<usize> {
        Ok(self.complete()?.raw_execute()?)
    }

    pub(super) fn query(self) -> SqliteResult<Rows<'s>> {
        Ok(self.complete()?.raw_query())
    }

    fn complete(self) -> rusqlite::Result<&'s mut Statement<'c>> {
        let expected = self.statement.parameter_count();
        match self.error {
            Some(error) => Err(error),
            None if self.bound != expected => Err(rusqlite::Error::InvalidParameterCount(self.bound, expected)),
            None => Ok(self.statement),
        }
    }

    /// Runs the statement, and answers the first column of its first row, if it has one.
    pub(super) fn first<T: for<'a> ColumnValue<'a>>(self) -> SqliteResult<Option<T>> {
        let mut rows = self.query()?;
        let Some(row) = rows.next()? else { return Ok(None) };
        SqliteColumns::of(row).read().map(Some)
    }
}

/// The columns of a row, read from left to right in the order of the statement.
pub(super) struct SqliteColumns<'row, 'statement> {
    row: &'row Row<'statement>,
    next: usize,
}

impl<'row, 'statement> SqliteColumns<'row, 'statement> {
    pub(super) fn of(row: &'row Row<'statement>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn read<T: ColumnValue<'row>>(&mut self) -> SqliteResult<T> {
        let cell = self.next_cell()?;
        T::from_cell(cell).map_err(|what| self.unexpected(&what))
    }

    pub(super) fn group<G: ColumnGroup<'row>>(&mut self) -> SqliteResult<G> {
        G::read(self)
    }

    /// With the column's name alone: the value may be a payload's or a secret's.
    fn unexpected(&self, what: &str) -> SqliteError {
        let column = self.row.as_ref().column_name(self.next.saturating_sub(1)).unwrap_or("?");
        SqliteError::unexpected(column, what)
    }
}

impl<'row> Cells<'row> for SqliteColumns<'row, '_> {
    type Error = SqliteError;

    fn next_cell(&mut self) -> SqliteResult<Cell<'row>> {
        let value = self.row.get_ref(self.next)?;
        self.next += 1;
        match value {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(number) => Ok(Cell::Number(number)),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Cell::Text(text)),
                Err(error) => Err(self.unexpected(&error.to_string())),
            },
            ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes)),
            ValueRef::Real(_) => Err(self.unexpected("a fraction")),
        }
    }
}

impl From<Unexpected> for SqliteError {
    fn from(unexpected: Unexpected) -> Self {
        Self::unexpected(unexpected.column, &unexpected.what)
    }
}

impl From<LockDisagrees> for SqliteError {
    fn from(error: LockDisagrees) -> Self {
        Self::Bug(error.to_string())
    }
}

/// The value that a statement without parameters answers, in its one row.
pub(super) fn one_value<T: for<'a> ColumnValue<'a>>(connection: &Connection, sql: &'static str) -> SqliteResult<T> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    SqliteColumns::of(row).read()
}
