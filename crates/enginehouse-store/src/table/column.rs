//! A column, and one value of it on the way between a row in Rust and a row in a store.

use std::borrow::Cow;
use std::time::Duration;

use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::role::Role;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::audit::AuditOutcome;
use enginehouse_core::durations::DurationKind;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::{AttemptError, AttemptOutcome, DeadLetterReason, EventStatus};
use enginehouse_core::ids::{
    EngineId, EngineType, EventId, EventType, LaneId, OperationId, QueueName, ScenarioRunId, TokenName,
};
use enginehouse_core::input::read_json;
use enginehouse_core::json::RawJson;
use enginehouse_core::operation::{MemberOutcome, OperationAction, OperationStatus};
use enginehouse_core::policy::RetryPolicyPatch;
use enginehouse_core::quarantine::QuarantineMode;
use enginehouse_core::time::Timestamp;
use enginehouse_core::trace_parent::TraceParent;
use enginehouse_core::transition::SettledBy;
use enginehouse_core::version::VersionRequirement;
use uuid::Uuid;

/// What a column holds, in the words of neither store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The id of an event or an operation: `uuid`, or a blob of its 16 bytes.
    Id,
    /// `smallint`.
    Short,
    /// `integer`.
    Integer,
    /// `bigint`.
    Long,
    /// `boolean`, or 0 and 1.
    Boolean,
    /// `timestamptz`, or milliseconds since 1970.
    Time,
    Text,
    /// `json`, or its text.
    Json,
    /// `bytea`, or a blob.
    Bytes,
}

impl Kind {
    /// PostgreSQL's name of the type.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Id => "uuid",
            Self::Short => "smallint",
            Self::Integer => "integer",
            Self::Long => "bigint",
            Self::Boolean => "boolean",
            Self::Time => "timestamptz",
            Self::Text => "text",
            Self::Json => "json",
            Self::Bytes => "bytea",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// One value, borrowed from a row in Rust or from an answer of a store.
///
/// It is what SQLite would keep: a moment is a number of milliseconds, a flag is 0 or 1, JSON is its text, an id is its 16 bytes.
/// PostgreSQL's side knows the type of the column and turns the number into a `timestamptz` or a `boolean`, the bytes into a
/// `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Null,
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Cell<'_> {
    /// For an error: the value itself may be a payload's or a secret's.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// The place of a column in a list.
pub(super) const fn index_of(columns: &[Column], name: &str) -> usize {
    let mut at = 0;
    while at < columns.len() {
        if equal(columns[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("there is no column of this name")
}

pub(super) const fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A value of a column that no row of this program has.
#[derive(Debug, thiserror::Error)]
#[error("unexpected value in column {column}: {what}")]
pub(crate) struct Unexpected {
    pub(crate) column: &'static str,
    pub(crate) what: String,
}

impl Unexpected {
    pub(crate) fn new(column: &'static str, what: impl std::fmt::Display) -> Self {
        Self { column, what: what.to_string() }
    }
}

/// A row of an answer, whose cells are read from left to right.
pub(crate) trait Cells<'row> {
    type Error: From<Unexpected>;

    fn next_cell(&mut self) -> Result<Cell<'row>, Self::Error>;
}

/// A type of values that a column may have.
pub(crate) trait ColumnValue<'a>: Sized {
    fn cell(&self) -> Cell<'_>;

    /// # Errors
    /// What is wrong, without the value.
    fn from_cell(cell: Cell<'a>) -> Result<Self, String>;
}

/// A list of columns that are read and written together.
pub(crate) trait ColumnGroup<'a>: Sized {
    const COLUMNS: &'static [Column];

    /// Reads the columns, in their order, from where `cells` has been read to.
    fn read<C: Cells<'a>>(cells: &mut C) -> Result<Self, C::Error>;

    /// Hands out the cells, in the order of the columns.
    fn write<'c>(&'c self, write: &mut impl FnMut(Cell<'c>));
}

/// Makes a struct with one field per column, and implements [`ColumnGroup`] for it.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        pub(crate) struct $name:ident<$a:lifetime> {
            $($(#[$field_doc:meta])* $column:ident: $type:ty as $kind:ident,)+
        }
    ) => {
        $(#[$doc])*
        pub(crate) struct $name<$a> {
            $($(#[$field_doc])* pub(crate) $column: $type,)+
        }

        impl<$a> $crate::table::column::ColumnGroup<$a> for $name<$a> {
            const COLUMNS: &'static [$crate::table::column::Column] =
                &[$($crate::table::column::Column { name: stringify!($column), kind: $crate::table::column::Kind::$kind }),+];

            fn read<C: $crate::table::column::Cells<$a>>(cells: &mut C) -> Result<Self, C::Error> {
                Ok(Self {
                    $($column: $crate::table::column::ColumnValue::from_cell(cells.next_cell()?)
                        .map_err(|what| $crate::table::column::Unexpected { column: stringify!($column), what })?,)+
                })
            }

            fn write<'c>(&'c self, write: &mut impl FnMut($crate::table::column::Cell<'c>)) {
                $(write($crate::table::column::ColumnValue::cell(&self.$column));)+
            }
        }
    };
}
pub(crate) use columns;

fn unfit<T>(expected: &str, cell: Cell<'_>) -> Result<T, String> {
    Err(format!("{} instead of {expected}", cell.kind()))
}

impl<'a, T: ColumnValue<'a>> ColumnValue<'a> for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, T::cell)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        if cell == Cell::Null { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

impl<'a> ColumnValue<'a> for i64 {
    fn cell(&self) -> Cell<'_> {
        Cell::Number(*self)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        if let Cell::Number(number) = cell { Ok(number) } else { unfit("a number", cell) }
    }
}

/// Numbers of other types. One that is too large for a column is written as the largest.
macro_rules! numbers {
    ($($type:ty)+) => { $(
        impl<'a> ColumnValue<'a> for $type {
            fn cell(&self) -> Cell<'_> {
                Cell::Number(i64::try_from(*self).unwrap_or(i64::MAX))
            }

            fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
                let number = i64::from_cell(cell)?;
                Self::try_from(number).map_err(|_| number.to_string())
            }
        }
    )+ };
}

numbers! { i32 u8 u32 u64 usize }

impl<'a> ColumnValue<'a> for bool {
    fn cell(&self) -> Cell<'_> {
        Cell::Number(i64::from(*self))
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        match cell {
            Cell::Number(0) => Ok(false),
            Cell::Number(1) => Ok(true),
            Cell::Number(other) => Err(other.to_string()),
            _ => unfit("a flag", cell),
        }
    }
}

impl<'a> ColumnValue<'a> for Timestamp {
    fn cell(&self) -> Cell<'_> {
        Cell::Number(self.as_millis())
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        i64::from_cell(cell).map(Self::from_millis)
    }
}

/// In whole milliseconds.
impl<'a> ColumnValue<'a> for Duration {
    fn cell(&self) -> Cell<'_> {
        Cell::Number(i64::try_from(self.as_millis()).unwrap_or(i64::MAX))
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        u64::from_cell(cell).map(Self::from_millis)
    }
}

impl<'a> ColumnValue<'a> for EventId {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self.0.as_bytes())
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        match cell {
            Cell::Bytes(bytes) => match Uuid::from_slice(bytes) {
                Ok(id) => Ok(Self(id)),
                Err(_) => Err(format!("{} bytes instead of the 16 of an id", bytes.len())),
            },
            _ => unfit("an id", cell),
        }
    }
}

impl<'a> ColumnValue<'a> for OperationId {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self.0.as_bytes())
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        EventId::from_cell(cell).map(|EventId(id)| Self(id))
    }
}

impl<'a> ColumnValue<'a> for LaneId {
    fn cell(&self) -> Cell<'_> {
        Cell::Number(self.0)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        i64::from_cell(cell).map(Self)
    }
}

impl<'a> ColumnValue<'a> for &'a str {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        if let Cell::Text(text) = cell { Ok(text) } else { unfit("a text", cell) }
    }
}

impl<'a> ColumnValue<'a> for String {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        <&str>::from_cell(cell).map(str::to_owned)
    }
}

/// JSON as it was sent.
impl<'a> ColumnValue<'a> for RawJson {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.as_str())
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        let text = <&str>::from_cell(cell)?;
        let parsed: Result<&serde_json::value::RawValue, _> = serde_json::from_str(text);
        parsed.map(|_| Self::trusted(text)).map_err(|_| "text that is not JSON".to_owned())
    }
}

/// A text that is made for its column when it is written.
impl<'a> ColumnValue<'a> for Cow<'a, str> {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        <&str>::from_cell(cell).map(Cow::Borrowed)
    }
}

/// Bytes that are not looked at.
impl<'a> ColumnValue<'a> for &'a [u8] {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        if let Cell::Bytes(bytes) = cell { Ok(bytes) } else { unfit("bytes", cell) }
    }
}

/// A hash.
impl<'a, const N: usize> ColumnValue<'a> for [u8; N] {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }

    fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
        let Cell::Bytes(bytes) = cell else { return unfit("bytes", cell) };
        bytes.try_into().map_err(|_| format!("{} bytes instead of {N}", bytes.len()))
    }
}

/// Words of a fixed list.
macro_rules! words {
    ($($type:ty)+) => { $(
        impl<'a> ColumnValue<'a> for $type {
            fn cell(&self) -> Cell<'_> {
                Cell::Text((*self).into())
            }

            fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
                let text = <&str>::from_cell(cell)?;
                text.parse().map_err(|_| "a word that is not on its list".to_owned())
            }
        }
    )+ };
}

words! {
    EventStatus EngineStatus DeadLetterReason AttemptOutcome SettledBy DurationKind QuarantineMode Role AuditOutcome OperationAction
    OperationStatus MemberOutcome
}

/// Texts with a type of their own; behind a `Cow` they are borrowed to be written, and owned when they were read.
macro_rules! names {
    ($($type:ty)+) => { $(
        impl<'a> ColumnValue<'a> for $type {
            fn cell(&self) -> Cell<'_> {
                Cell::Text(self.as_str())
            }

            fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
                let text = <&str>::from_cell(cell)?;
                text.parse().map_err(|error| format!("{error}"))
            }
        }

        impl<'a> ColumnValue<'a> for Cow<'a, $type> {
            fn cell(&self) -> Cell<'_> {
                Cell::Text(self.as_str())
            }

            fn from_cell(cell: Cell<'a>) -> Result<Self, String> {
                <$type>::from_cell(cell).map(Cow::Owned)
            }
        }
    )+ };
}

names! { EngineId EngineType EventType QueueName ScenarioRunId TraceParent VersionRequirement Accessor TokenName CertificateName }

/// The error of an attempt, which has a message.
pub(super) fn error_of(
    code: Option<&str>,
    message: Option<&str>,
    details: Option<&str>,
) -> Result<Option<AttemptError>, Unexpected> {
    let Some(message) = message else { return Ok(None) };
    let details = details.map(|text| raw_json("error_details", text)).transpose()?;
    Ok(Some(AttemptError { code: code.map(str::to_owned), message: message.to_owned(), details }))
}

/// JSON that goes into an answer as it is: half an object would spoil all that stands around it.
pub(super) fn raw_json(column: &'static str, text: &str) -> Result<RawJson, Unexpected> {
    RawJson::from_cell(Cell::Text(text)).map_err(|what| Unexpected::new(column, what))
}

/// JSON for a column.
pub(super) fn json_text(value: &impl serde::Serialize) -> Cow<'static, str> {
    // Maps with text keys, numbers and texts: nothing of what has a column can fail to be written.
    Cow::Owned(serde_json::to_string(value).expect("plain data can be written as JSON"))
}

/// A retry policy, whose numbers are within the ranges that a caller's must be in: they are calculated with.
pub(super) fn retry_policy(text: &str) -> Result<RetryPolicyPatch, Unexpected> {
    let read = read_json(text.as_bytes(), RetryPolicyPatch::read);
    read.map_err(|_| Unexpected::new("retry_policy", "not a retry policy, or a number of it is out of range"))
}

/// That a time, if there is one, lies between a millisecond and `most`.
pub(super) fn within(column: &'static str, value: Option<Duration>, most: Duration) -> Result<(), Unexpected> {
    match value {
        Some(value) if value.is_zero() || value > most => Err(Unexpected::new(column, "outside of its range")),
        _ => Ok(()),
    }
}

/// JSON that this program has written.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> Result<T, Unexpected> {
    // Without the value, of which serde's own words quote a part.
    serde_json::from_str(text).map_err(|error| {
        let (line, place) = (error.line(), error.column());
        Unexpected::new(column, format!("text that is not JSON of its kind, at line {line} column {place}"))
    })
}
