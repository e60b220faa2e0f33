//! JSON in and out. A body is read by a function that knows what it must be; every bad field of it becomes part of a problem.

use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use enginehouse_api::problem::Code;
use enginehouse_core::input::{Value, read_json};
use enginehouse_core::invalid::shortened;
use http::{HeaderMap, header};
use serde::Serialize;

use super::app::App;
use super::body::{self, WholeBody};
use super::problem::ProblemResponse;

/// From this size on, a body is read where it keeps no other request waiting.
const LARGE: usize = 64 * 1024;

/// An answer in JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body of the usual size, as it arrived. Once it is read, it takes no room any more.
#[derive(Debug)]
pub(crate) struct JsonBody(WholeBody);

/// A JSON body that may be large.
#[derive(Debug)]
pub(crate) struct LargeJsonBody(WholeBody);

impl FromRequest<App> for JsonBody {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, app: &App) -> Result<Self, ProblemResponse> {
        // Apart, so that it takes no memory while its handler waits for something.
        Box::pin(received(request, app.limits().max_body_bytes, app)).await.map(Self)
    }
}

impl JsonBody {
    pub(crate) fn read<T>(self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, ProblemResponse> {
        Ok(read_json(&self.0.bytes, read)?)
    }

    /// Reads a body that may be left out.
    pub(crate) fn read_or_default<T: Default>(
        self,
        read: impl FnOnce(Value<'_>) -> Option<T>,
    ) -> Result<T, ProblemResponse> {
        if self.0.bytes.is_empty() { Ok(T::default()) } else { self.read(read) }
    }
}

impl FromRequest<App> for LargeJsonBody {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, app: &App) -> Result<Self, ProblemResponse> {
        Box::pin(received(request, app.limits().max_batch_body_bytes, app)).await.map(Self)
    }
}

impl LargeJsonBody {
    pub(crate) async fn read<T: Send + 'static>(self, read: fn(Value<'_>) -> Option<T>) -> Result<T, ProblemResponse> {
        if self.0.bytes.len() < LARGE {
            return Ok(read_json(&self.0.bytes, read)?);
        }
        let reading = tokio::task::spawn_blocking(move || read_json(&self.0.bytes, read));
        Ok(reading.await.map_err(|error| ProblemResponse::internal(error.to_string()))??)
    }
}

/// The whole body of a request that has to be JSON.
async fn received(request: Request, max: usize, app: &App) -> Result<WholeBody, ProblemResponse> {
    if !request.body().is_end_stream() && !is_json(request.headers()) {
        return Err(wrong_type(request.headers(), "application/json"));
    }
    body::read(request, max, app).await
}

/// The media type of a body, in lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"))
}

/// The body has another type than the call reads.
pub(crate) fn wrong_type(headers: &HeaderMap, wanted: &str) -> ProblemResponse {
    let was = media_type(headers).map_or_else(|| "missing".to_owned(), |kind| format!("{:?}", shortened(&kind)));
    ProblemResponse::new(Code::UnsupportedMediaType, format!("Content-Type must be {wanted}, was {was}"))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut body) => {
                // For whoever reads it at a terminal.
                body.push(b'\n');
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(error) => ProblemResponse::internal(format!("an answer cannot be written: {error}")).into_response(),
        }
    }
}
