//! Lists: a page at a time, each with the cursor of the next.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use enginehouse_core::filter::PageRequest;
use enginehouse_core::input::{Textual, Value};
use enginehouse_core::limits::{DEFAULT_PAGE, MAX_PAGE};
use enginehouse_core::read_fields;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` items, in the order of the list.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; null on the last one. Opaque.
    pub next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most items of the page; 1 to 1,000, 50 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn read(value: Value<'_>) -> Option<PageRequest> {
        read_fields!(value;
            limit: optional(read_limit),
            cursor: optional(read_cursor),
        );
        Some(page_request(limit, cursor))
    }
}

pub(crate) fn read_limit(value: Value<'_>) -> Option<u32> {
    value.whole(1..=MAX_PAGE)
}

pub(crate) fn read_cursor(value: Value<'_>) -> Option<Cursor> {
    value.parsed()
}

pub(crate) fn page_request(limit: Option<u32>, cursor: Option<Cursor>) -> PageRequest {
    PageRequest { limit: limit.unwrap_or(DEFAULT_PAGE), after: cursor.map(|Cursor(place)| place) }
}

/// Where a page of a list ended, written so that nobody is tempted to make one up.
pub struct Cursor(pub String);

/// A text that no list has answered as a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", Cursor::MUST_BE)]
pub struct NotACursor;

impl Textual for Cursor {
    const MUST_BE: &'static str = "a cursor: send next_cursor as it came";
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let cursor = String::from_utf8(bytes).map(Self).map_err(|_| NotACursor)?;
        // A cursor has one spelling.
        if !cursor.0.is_empty() && cursor.to_string() == text { Ok(cursor) } else { Err(NotACursor) }
    }
}
