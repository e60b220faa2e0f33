//! The header `Idempotency-Key`, which clients of many other services send with everything that must not be done twice.

use axum::extract::FromRequestParts;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::limits::MAX_LABEL_LENGTH;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::problem::ProblemResponse;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// The key that a header gives to the one event of a request.
#[derive(Clone, Debug)]
pub(super) struct IdempotencyKeyHeader(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKeyHeader {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemResponse> {
        read(&parts.headers).map(Self)
    }
}

/// Refuses the header where it could be the key of one event only.
pub(super) fn refuse_for_many(headers: &HeaderMap) -> Result<(), ProblemResponse> {
    let refused = || {
        Invalid::field("", "the header Idempotency-Key is for one event: each event of a batch has an idempotency_key")
    };
    if headers.contains_key(NAME) { Err(refused().into()) } else { Ok(()) }
}

/// The key; in quotes, as the draft of the standard has it, or without.
fn read(headers: &HeaderMap) -> Result<Option<String>, ProblemResponse> {
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok();
    let unquoted =
        |text: &str| text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned();
    let is_key =
        |key: &String| (1..=MAX_LABEL_LENGTH).contains(&key.chars().count()) && !key.chars().any(char::is_control);
    match text.map(unquoted).filter(is_key) {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        Some(_) => Err(wrong("is given twice")),
        None => Err(wrong(&format!(
            "must be a string of 1 to {MAX_LABEL_LENGTH} characters, none of them a control character"
        ))),
    }
}

fn wrong(why: &str) -> ProblemResponse {
    Invalid::field("/idempotency_key", format_args!("the header Idempotency-Key {why}")).into()
}
