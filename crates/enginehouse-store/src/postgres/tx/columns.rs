//! Values on their way into columns and out of them.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::STATUSES;
use crate::postgres::wire::failure::{Failure, Outcome};
use crate::rows::StatusCounts;

/// The text of a statement: the file `sql/<name>.sql`.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/sql/", $name, ".sql"))
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

/// Milliseconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH_2000_MILLIS: i64 = 946_684_800_000;

/// A moment in a column of type `timestamptz`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let micros = (self.0.as_millis() - EPOCH_2000_MILLIS) * 1_000;
        out.extend_from_slice(&micros.to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        // The infinities are the ends of the range here.
        Ok(Self(Timestamp::from_millis(micros.div_euclid(1_000).saturating_add(EPOCH_2000_MILLIS))))
    }

    accepts!(TIMESTAMPTZ);
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

/// JSON as a text, in a column of type `json`, which keeps it byte for byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(pub(crate) &'a str);

impl ToSql for Json<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSON);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Json<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    accepts!(JSON);
}

/// A duration as whole milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The ids of events, for an array.
pub(crate) fn uuids(ids: &[EventId]) -> Vec<uuid::Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// JSON for a column.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|error| Failure::Row(format!("cannot be written as JSON: {error}")))
}

/// A text for a column. No column can hold the character NUL: it is shown instead.
pub(crate) fn text(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{2400}").into() } else { text.into() }
}

/// Reads one kind of value from a column.
macro_rules! reader {
    ($method:ident) => {
        |columns: &mut Columns<'_>| columns.$method()
    };
}
pub(crate) use reader;

/// The columns of a row, read from left to right in the order of the statement.
pub(crate) struct Columns<'row> {
    row: &'row Row,
    next: usize,
}

impl<'row> Columns<'row> {
    pub(crate) fn of(row: &'row Row) -> Self {
        Self { row, next: 0 }
    }

    /// A value that any value of its type may be.
    pub(crate) fn value<T: FromSql<'row>>(&mut self) -> Outcome<T> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(crate) fn event_id(&mut self) -> Outcome<EventId> {
        self.value().map(EventId)
    }

    /// A number that is not negative and fits.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Outcome<T> {
        let number: i64 = self.value()?;
        T::try_from(number).map_err(|_| self.unexpected(number))
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&mut self) -> Outcome<Option<T>> {
        let number: Option<i64> = self.value()?;
        number.map(|number| T::try_from(number).map_err(|_| self.unexpected(number))).transpose()
    }

    pub(crate) fn time(&mut self) -> Outcome<Timestamp> {
        self.value::<Moment>().map(|moment| moment.0)
    }

    pub(crate) fn optional_time(&mut self) -> Outcome<Option<Timestamp>> {
        Ok(self.value::<Option<Moment>>()?.map(|moment| moment.0))
    }

    pub(crate) fn duration(&mut self) -> Outcome<Duration> {
        Ok(Duration::from_millis(self.number()?))
    }

    pub(crate) fn optional_duration(&mut self) -> Outcome<Option<Duration>> {
        Ok(self.optional_number()?.map(Duration::from_millis))
    }

    /// A name or another text that has a type of its own.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Outcome<T> {
        let text: &str = self.value()?;
        text.parse().map_err(|error| self.unexpected(error))
    }

    pub(crate) fn optional_parsed<T: FromStr<Err: Display>>(&mut self) -> Outcome<Option<T>> {
        let text: Option<&str> = self.value()?;
        text.map(|text| text.parse().map_err(|error| self.unexpected(error))).transpose()
    }

    /// JSON that this program has written, in a column of type `json`.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Outcome<T> {
        let Json(text) = self.value()?;
        serde_json::from_str(text).map_err(|error| self.unexpected(error))
    }

    pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Outcome<Option<T>> {
        let json: Option<Json<'_>> = self.value()?;
        json.map(|Json(text)| serde_json::from_str(text).map_err(|error| self.unexpected(error))).transpose()
    }

    /// JSON as it was sent.
    pub(crate) fn raw_json(&mut self) -> Outcome<RawJson> {
        self.value::<Json<'_>>().map(|Json(text)| RawJson::trusted(text))
    }

    pub(crate) fn optional_raw_json(&mut self) -> Outcome<Option<RawJson>> {
        Ok(self.value::<Option<Json<'_>>>()?.map(|Json(text)| RawJson::trusted(text)))
    }

    /// How many events are in each status, in five columns. A count that somebody has changed by hand stops at zero.
    pub(crate) fn status_counts(&mut self) -> Outcome<StatusCounts> {
        let mut counts = StatusCounts::default();
        for status in STATUSES {
            let count: i64 = self.value()?;
            *counts.of_mut(status) = u64::try_from(count).unwrap_or(0);
        }
        Ok(counts)
    }

    pub(crate) fn unexpected(&self, what: impl Display) -> Failure {
        // The name alone: the value may be a payload's or a secret's.
        let column = self.row.columns().get(self.next.saturating_sub(1)).map_or("?", |column| column.name());
        Failure::Row(format!("unexpected value in column {column}: {what}"))
    }
}
