//! Our `Json`: what does not parse becomes a problem that names every bad field.

use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use enginehouse_api::json::parse;
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::Invalid;
use http::{HeaderMap, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::app::App;
use super::body::{self, Room};
use super::problem::Problem;

/// From this size on, a body is parsed where it keeps no other request waiting.
const LARGE: usize = 64 * 1024;

/// A JSON body: required in a request, of the usual size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body that may be left out: then it is the default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// A JSON body that may be large: it is parsed and checked by [`BatchJson::read`].
#[derive(Clone, Debug)]
pub(crate) struct BatchJson(Bytes);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        Ok(Self(parse(&received(request, app.limits().max_body_bytes, app).await?)?))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        let body = received(request, app.limits().max_body_bytes, app).await?;
        Ok(Self(if body.is_empty() { T::default() } else { parse(&body)? }))
    }
}

impl FromRequest<App> for BatchJson {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        received(request, app.limits().max_batch_body_bytes, app).await.map(Self)
    }
}

impl BatchJson {
    /// Parses the body and checks what it says.
    pub(crate) async fn read<T, R>(self, check: fn(T) -> Result<R, Invalid>) -> Result<R, Problem>
    where
        T: DeserializeOwned + 'static,
        R: Send + 'static,
    {
        let is_large = self.0.len() >= LARGE;
        let read = move || Ok(check(parse(&self.0)?)?);
        if !is_large {
            return read();
        }
        let read = tokio::task::spawn_blocking(read);
        read.await.unwrap_or_else(|error| Err(Problem::internal(error.to_string())))
    }
}

/// The whole body of a request that has to be JSON.
async fn received(request: Request, max: usize, app: &App) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    if !body.is_end_stream() && !is_json(&parts.headers) {
        return Err(wrong_type(&parts.headers, "application/json"));
    }
    let room = parts.extensions.get::<Room>().cloned().unwrap_or_default();
    body::read(&parts.headers, body, max, &room, app).await
}

/// The media type of a body, in lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"))
}

/// The body has another type than the call reads.
pub(crate) fn wrong_type(headers: &HeaderMap, wanted: &str) -> Problem {
    let was = media_type(headers).map_or_else(|| "missing".to_owned(), |kind| format!("{kind:?}"));
    Problem::new(Code::UnsupportedMediaType, format!("Content-Type must be {wanted}, was {was}"))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(format!("an answer cannot be written: {error}")).into_response(),
        }
    }
}
