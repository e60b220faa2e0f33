//! Lists: a page at a time, each with the cursor of the next.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::event::EventStatus;
use enginehouse_core::explain::Verdict;
use enginehouse_core::filter::PageRequest;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, OperationId, QueueName, ScenarioRunId};
use enginehouse_core::input::{Textual, Value};
use enginehouse_core::limits::{DEFAULT_PAGE, MAX_PAGE};
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::composed::described;

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// At most `limit` items, in the order of the list.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; null on the last one. Opaque.
    pub next_cursor: Option<String>,
    /// How far back the list was searched, if the page ended before it was full: a page looks at so many rows at most. What is
    /// older may be on the next page. Absent from full pages and the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_until: Option<Timestamp>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new()
            .items(Ref::from_schema_name(T::name()))
            .description(Some("At most `limit` items, in the order of the list."));
        let next_cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Send it as `cursor` to get the next page; null on the last one. Opaque."));
        let searched_until = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(
                "How far back the list was searched, if the page ended before it was full: a page looks at so many rows at most. \
                 What is older may be on the next page. Absent from full pages and the last one.",
            ));
        let page = ObjectBuilder::new()
            .description(Some("One page of a list."))
            .property("items", items)
            .required("items")
            .property("next_cursor", next_cursor)
            .required("next_cursor");
        let is_searched = matches!(&*T::name(), "Event" | "DeadLetter");
        if is_searched { page.property("searched_until", searched_until).into() } else { page.into() }
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<T>(schemas);
    }
}

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most items of the page; 1 to 1,000, 50 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1_000)]
    pub limit: Option<u64>,
    /// The `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(format = "cursor", pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn read(value: Value<'_>, list: ListKind) -> Option<PageRequest> {
        read_fields!(value;
            limit: optional(read_limit),
            cursor: optional(|value| read_cursor(value, list)),
        );
        Some(page_request(limit, cursor))
    }
}

pub(crate) fn read_limit(value: Value<'_>) -> Option<u32> {
    value.whole(1..=MAX_PAGE)
}

pub(crate) fn read_cursor(value: Value<'_>, list: ListKind) -> Option<Cursor> {
    let cursor: Cursor = value.parsed()?;
    if cursor.list != list {
        value.refuse("must be a cursor of this list: it is one of another");
        return None;
    }
    Some(cursor)
}

pub(crate) fn page_request(limit: Option<u32>, cursor: Option<Cursor>) -> PageRequest {
    PageRequest { limit: limit.unwrap_or(DEFAULT_PAGE), after: cursor.map(|cursor| cursor.place) }
}

/// The lists, each with cursors of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ListKind {
    Events,
    Engines,
    DeadLetters,
    EventTypes,
    Queues,
    ScenarioRuns,
    Lanes,
    /// Lanes in which something waits, by how they wait.
    Blocked,
    /// The events that bulk calls go through.
    BulkEvents,
    Tokens,
    /// Entries of the audit log.
    Audit,
    Operations,
    /// Members of an operation that were not changed.
    UnchangedMembers,
}

impl ListKind {
    /// Whether a page of this list may end there.
    fn may_end_at(self, place: &str) -> bool {
        match self {
            Self::Events | Self::DeadLetters => place.parse::<EventId>().is_ok(),
            Self::Engines => place.parse::<EngineId>().is_ok(),
            Self::EventTypes => place.parse::<EventType>().is_ok(),
            Self::Queues => place.parse::<QueueName>().is_ok(),
            Self::ScenarioRuns => place.parse::<ScenarioRunId>().is_ok(),
            Self::Operations => place.parse::<OperationId>().is_ok(),
            Self::UnchangedMembers => place.parse::<u64>().is_ok(),
            Self::Tokens => place.parse::<Accessor>().is_ok(),
            // When, and the number of the entry.
            Self::Audit => place
                .split_once('-')
                .is_some_and(|(at, number)| at.parse::<i64>().is_ok() && number.parse::<i64>().is_ok()),
            Self::Lanes => place.parse::<i64>().is_ok(),
            // The verdict, when its first event became available, and the lane.
            Self::Blocked => place.parse::<BlockedPlace>().is_ok(),
            // A status, and the event of that status behind which it goes on, if it is not the first.
            Self::BulkEvents => place.split_once(' ').is_some_and(|(status, after)| {
                status.parse::<EventStatus>().is_ok() && (after.is_empty() || after.parse::<EventId>().is_ok())
            }),
        }
    }
}

/// Where a page of a list ended, written so that nobody is tempted to make one up.
pub struct Cursor {
    pub list: ListKind,
    pub place: String,
}

/// A text that no list has answered as a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", Cursor::MUST_BE)]
pub struct NotACursor;

impl Textual for Cursor {
    const MUST_BE: &'static str = "a cursor: send next_cursor as it came";
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: &str = self.list.into();
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{list}/{}", self.place)))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let decoded = std::str::from_utf8(&bytes).map_err(|_| NotACursor)?;
        let (list, place) = decoded.split_once('/').ok_or(NotACursor)?;
        let cursor = Self { list: list.parse().map_err(|_| NotACursor)?, place: place.to_owned() };
        // A cursor has one spelling.
        if cursor.list.may_end_at(place) && cursor.to_string() == text { Ok(cursor) } else { Err(NotACursor) }
    }
}

/// Where a page of the lanes in which something waits ended: the last one's place in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockedPlace {
    pub verdict: Verdict,
    pub available_at: Timestamp,
    pub lane_id: LaneId,
}

impl fmt::Display for BlockedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verdict, self.available_at.as_millis(), self.lane_id.0)
    }
}

impl FromStr for BlockedPlace {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut parts = text.split(' ');
        let mut next = || parts.next().ok_or(NotACursor);
        let verdict = next()?.parse().map_err(|_| NotACursor)?;
        let available_at = Timestamp::from_millis(next()?.parse().map_err(|_| NotACursor)?);
        let lane_id = LaneId(next()?.parse().map_err(|_| NotACursor)?);
        let place = Self { verdict, available_at, lane_id };
        // A place has one spelling.
        if place.to_string() == text { Ok(place) } else { Err(NotACursor) }
    }
}
