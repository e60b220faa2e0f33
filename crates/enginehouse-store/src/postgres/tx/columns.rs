//! Values on their way into columns and out of them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use enginehouse_core::access::selector::Selector;
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::STATUSES;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::Param;
use crate::rows::StatusCounts;
use crate::table::{Cell, Cells, Column, ColumnGroup, ColumnValue, Kind, LockDisagrees, Unexpected};

/// The text of a statement: the file `sql/<name>.sql`, filled by [`crate::table::sql`].
macro_rules! sql {
    ($name:literal $(, $part:ident = $text:expr)*) => {
        $crate::table::sql::filled!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/sql/", $name, ".sql"))
            $(, $part = $text)*
        )
    };
}
pub(crate) use sql;

/// Parameters with their types, so that a statement can be sent without asking the server what it expects.
macro_rules! params {
    ($($type:ident: $value:expr),* $(,)?) => {
        [$(($value as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::$type)),*]
    };
}
pub(crate) use params;

/// What selectors admit, for `like any`; nothing if they admit all.
pub(crate) fn likes(selectors: &[Selector]) -> Option<Vec<String>> {
    (!selectors.is_empty()).then(|| selectors.iter().map(Selector::like_pattern).collect())
}

/// Milliseconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH_2000_MILLIS: i64 = 946_684_800_000;

/// A moment in a column of type `timestamptz`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl ToSql for Moment {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Cell::Number(self.0.as_millis()).to_sql(of, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Timestamp::from_cell(Cell::from_sql(of, raw)?)?))
    }

    accepts!(TIMESTAMPTZ);
}

/// A value as PostgreSQL's type of its column writes it.
impl ToSql for Cell<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (*self, of) {
            (Cell::Null, _) => return Ok(IsNull::Yes),
            (Cell::Bytes(id), &Type::UUID) if id.len() == 16 => out.extend_from_slice(id),
            (Cell::Number(number), &Type::INT8) => out.extend_from_slice(&number.to_be_bytes()),
            (Cell::Number(number), &Type::INT4) => out.extend_from_slice(&i32::try_from(number)?.to_be_bytes()),
            (Cell::Number(number), &Type::INT2) => out.extend_from_slice(&i16::try_from(number)?.to_be_bytes()),
            (Cell::Number(flag), &Type::BOOL) => out.extend_from_slice(&[u8::from(flag != 0)]),
            (Cell::Number(millis), &Type::TIMESTAMPTZ) => {
                // What the type cannot hold is refused, and not moved.
                let at = Some(Timestamp::from_millis(millis)).filter(|at| at.as_millis() == millis);
                let at = at.ok_or("a moment that is out of range")?;
                let micros = (at.as_millis() - EPOCH_2000_MILLIS) * 1_000;
                out.extend_from_slice(&micros.to_be_bytes());
            }
            (Cell::Text(text), &Type::TEXT) => out.extend_from_slice(shown(text).as_bytes()),
            // Kept byte for byte.
            (Cell::Text(json), &Type::JSON) => out.extend_from_slice(json.as_bytes()),
            (Cell::Bytes(bytes), &Type::BYTEA) => out.extend_from_slice(bytes),
            (cell, of) => return Err(format!("{} does not fit a column of type {of}", cell.kind()).into()),
        }
        Ok(IsNull::No)
    }

    accepts!(UUID, INT2, INT4, INT8, BOOL, TIMESTAMPTZ, TEXT, JSON, BYTEA);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *of {
            Type::INT2 => Cell::Number(i16::from_be_bytes(raw.try_into()?).into()),
            Type::INT4 => Cell::Number(i32::from_be_bytes(raw.try_into()?).into()),
            Type::INT8 => Cell::Number(i64::from_be_bytes(raw.try_into()?)),
            Type::BOOL => Cell::Number(i64::from(raw != [0])),
            Type::TIMESTAMPTZ => {
                let micros = i64::from_be_bytes(raw.try_into()?);
                // The infinities are the ends of the range here.
                let millis = micros.div_euclid(1_000).saturating_add(EPOCH_2000_MILLIS);
                Cell::Number(Timestamp::from_millis(millis).as_millis())
            }
            Type::BYTEA | Type::UUID => Cell::Bytes(raw),
            _ => Cell::Text(std::str::from_utf8(raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Cell::Null)
    }

    accepts!(UUID, INT2, INT4, INT8, BOOL, TIMESTAMPTZ, TEXT, JSON, BYTEA);
}

/// The type of a column, and of an array of such values.
pub(crate) fn types_of(kind: Kind) -> (Type, Type) {
    match kind {
        Kind::Id => (Type::UUID, Type::UUID_ARRAY),
        Kind::Short => (Type::INT2, Type::INT2_ARRAY),
        Kind::Integer => (Type::INT4, Type::INT4_ARRAY),
        Kind::Long => (Type::INT8, Type::INT8_ARRAY),
        Kind::Boolean => (Type::BOOL, Type::BOOL_ARRAY),
        Kind::Time => (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
        Kind::Text => (Type::TEXT, Type::TEXT_ARRAY),
        Kind::Json => (Type::JSON, Type::JSON_ARRAY),
        Kind::Bytes => (Type::BYTEA, Type::BYTEA_ARRAY),
    }
}

/// Rows as one array per column, for a statement with `unnest({1.…_arrays})`.
pub(crate) struct Arrays<'c>(Vec<(Vec<Cell<'c>>, Type)>);

impl<'c> Arrays<'c> {
    pub(crate) fn of<'a, G: ColumnGroup<'a> + 'c>(rows: &'c [G]) -> Self {
        Self::of_columns(rows, |_| true)
    }

    /// Those of the columns whose places are wanted.
    pub(crate) fn of_columns<'a, G: ColumnGroup<'a> + 'c>(rows: &'c [G], wanted: impl Fn(usize) -> bool) -> Self {
        let array = |column: &Column| (Vec::with_capacity(rows.len()), types_of(column.kind).1);
        let of_group = G::COLUMNS.iter().enumerate().filter(|(place, _)| wanted(*place));
        let mut arrays: Vec<_> = of_group.map(|(_, column)| array(column)).collect();
        for row in rows {
            let (mut place, mut arrays) = (0, arrays.iter_mut());
            row.write(&mut |cell| {
                if wanted(place)
                    && let Some((cells, _)) = arrays.next()
                {
                    cells.push(cell);
                }
                place += 1;
            });
        }
        Self(arrays)
    }

    /// The parameters in front, and then the arrays.
    pub(crate) fn behind<'p, const N: usize>(&'p self, parameters: [Param<'p>; N]) -> Vec<Param<'p>> {
        let arrays = self.0.iter().map(|(cells, of)| (cells as &(dyn ToSql + Sync), of.clone()));
        parameters.into_iter().chain(arrays).collect()
    }

    pub(crate) fn parameters(&self) -> Vec<Param<'_>> {
        self.behind([])
    }
}

/// The number of a transaction, in a column of type `xid8`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Xid(pub(crate) u64);

impl ToSql for Xid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(XID8);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Xid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(u64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(XID8);
}

/// A duration as whole milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The ids of events, for an array.
pub(crate) fn uuids(ids: &[EventId]) -> Vec<uuid::Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// No text of PostgreSQL can hold the character NUL: it is shown instead.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{2400}").into() } else { text.into() }
}

/// The columns of a row, read from left to right in the order of the statement.
pub(crate) struct PgColumns<'row> {
    row: &'row Row,
    next: usize,
}

impl<'row> PgColumns<'row> {
    pub(crate) fn of(row: &'row Row) -> Self {
        Self { row, next: 0 }
    }

    /// A value of a type of PostgreSQL that no table of both stores has, such as an array or the number of a transaction.
    pub(crate) fn value<T: FromSql<'row>>(&mut self) -> PgResult<T> {
        let value = self.row.try_get(self.next);
        self.next += 1;
        // Of its type, the value is none that this program has written.
        value.map_err(|error| self.unexpected(error.source().map_or_else(|| error.to_string(), ToString::to_string)))
    }

    pub(crate) fn read<T: ColumnValue<'row>>(&mut self) -> PgResult<T> {
        let cell = self.next_cell()?;
        T::from_cell(cell).map_err(|what| self.unexpected(what))
    }

    /// A word of a type that no table has.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self) -> PgResult<T> {
        let text: &str = self.read()?;
        text.parse().map_err(|error| self.unexpected(error))
    }

    pub(crate) fn group<G: ColumnGroup<'row>>(&mut self) -> PgResult<G> {
        G::read(self)
    }

    /// How many events are in each status, in five columns. A count that somebody has changed by hand stops at zero.
    pub(crate) fn status_counts(&mut self) -> PgResult<StatusCounts> {
        let mut counts = StatusCounts::default();
        for status in STATUSES {
            let count: i64 = self.read()?;
            *counts.of_mut(status) = u64::try_from(count).unwrap_or(0);
        }
        Ok(counts)
    }

    pub(crate) fn unexpected(&self, what: impl Display) -> PgError {
        // The name alone: the value may be a payload's or a secret's.
        let column = self.row.columns().get(self.next.saturating_sub(1)).map_or("?", |column| column.name());
        PgError::Row(format!("unexpected value in column {column}: {what}"))
    }
}

impl<'row> Cells<'row> for PgColumns<'row> {
    type Error = PgError;

    fn next_cell(&mut self) -> PgResult<Cell<'row>> {
        self.value()
    }
}

impl From<Unexpected> for PgError {
    fn from(unexpected: Unexpected) -> Self {
        Self::Row(unexpected.to_string())
    }
}

impl From<LockDisagrees> for PgError {
    fn from(error: LockDisagrees) -> Self {
        Self::Bug(error.to_string())
    }
}
