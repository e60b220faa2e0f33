//! What stands in the address of a request, read as a body is.

use std::borrow::Cow;

use axum::extract::{FromRequestParts, RawPathParams};
use enginehouse_api::page::{Cursor, ListKind, Page};
use enginehouse_core::filter::PageRequest;
use enginehouse_core::ids::EventId;
use enginehouse_core::input::{Textual, Value, read_parameter, read_query};
use enginehouse_core::invalid::Invalid;
use enginehouse_store::rows::ResultPage;
use http::request::Parts;

use super::problem::ProblemResponse;

/// The one parameter of a path.
#[derive(Clone, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: Textual, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            // axum refuses a path whose escapes are not UTF-8.
            .map_err(|_| ProblemResponse::from(Invalid::field("", "the path must be UTF-8")))?;
        let Some((name, text)) = params.iter().next() else {
            return Err(ProblemResponse::internal("a path without a parameter has a handler that reads one"));
        };
        Ok(Self(read_parameter(name, text, |value| value.parsed())?))
    }
}

/// The parameters of a query, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Query(Vec<(Cow<'static, str>, Cow<'static, str>)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemResponse> {
        let query = parts.uri.query().unwrap_or_default();
        let decoded = form_urlencoded::parse(query.as_bytes()).into_owned();
        Ok(Self(decoded.map(|(name, value)| (name.into(), value.into())).collect()))
    }
}

impl Query {
    pub(crate) fn read<T>(&self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, ProblemResponse> {
        Ok(read_query(&self.0, read)?)
    }
}

/// A page of rows as a page of a list.
pub(crate) fn listed<R, T>(list: ListKind, rows: ResultPage<R>, wire: impl FnMut(R) -> T) -> Page<T> {
    let next_cursor = rows.next.map(|place| Cursor { list, place }.to_string());
    Page { items: rows.items.into_iter().map(wire).collect(), next_cursor, searched_until: None }
}

/// The same of a list of events, newest first, with how far it was searched if it ended before it was full.
pub(crate) fn searched<R, T>(
    list: ListKind,
    asked: &PageRequest,
    rows: ResultPage<R>,
    wire: impl FnMut(R) -> T,
) -> Page<T> {
    let is_short = rows.items.len() < asked.limit as usize;
    let place = rows.next.as_deref().filter(|_| is_short).and_then(|place| place.parse::<EventId>().ok());
    Page { searched_until: place.and_then(EventId::made_at), ..listed(list, rows, wire) }
}
