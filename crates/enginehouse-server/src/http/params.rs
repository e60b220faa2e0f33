//! What stands in the address of a request: what does not parse becomes a problem.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use enginehouse_api::page::Page as WirePage;
use enginehouse_core::invalid::Invalid;
use enginehouse_store::rows::{Page, PageRequest};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The one parameter of a path.
#[derive(Clone, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: FromStr<Err: Display>, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::from(Invalid::field("", rejection.body_text())))?;
        let Some((name, value)) = params.iter().next() else {
            return Err(Problem::internal("a path without a parameter has a handler that reads one"));
        };
        value.parse().map(Self).map_err(|error| Invalid::field(format!("/{name}"), error).into())
    }
}

/// The query.
#[derive(Clone, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(enginehouse_api::query::parse(parts.uri.query().unwrap_or_default())?))
    }
}

/// The part of a list that a query asks for. Its cursor is one that [`listed`] has given out.
pub(crate) fn page(limit: u32, cursor: Option<&str>) -> Result<PageRequest, Invalid> {
    let place = |cursor: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        // A cursor has one spelling.
        String::from_utf8(bytes).ok().filter(|place| written(place) == cursor && !place.is_empty())
    };
    let after = match cursor {
        None => None,
        Some(cursor) => {
            let place = place(cursor);
            Some(place.ok_or_else(|| Invalid::field("/cursor", "not a cursor: send next_cursor as it came"))?)
        }
    };
    Ok(PageRequest { limit, after })
}

/// A page of rows as a page of a list.
pub(crate) fn listed<R, T>(rows: Page<R>, wire: impl FnMut(R) -> T) -> WirePage<T> {
    WirePage { items: rows.items.into_iter().map(wire).collect(), next_cursor: rows.next.as_deref().map(written) }
}

fn written(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}
