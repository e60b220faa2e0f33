//! How an answer is written: as it is, or packed with gzip for whoever asks for it.
//!
//! Only what is read is packed, and only what is long: an answer to an engine or a producer has to be quick, and packing what
//! is short costs more than sending it.

use std::io::Write;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, header};

/// What is shorter is sent as it is.
const SHORTEST: usize = 4 * 1024;
/// From this size on, an answer is packed where it keeps no other request waiting.
const LARGE: usize = 32 * 1024;

/// How the answer to a request may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerCoding {
    /// As it is, whatever is asked for.
    Plain,
    /// As it is, for nothing else was asked for.
    Unasked,
    Gzip,
}

impl AnswerCoding {
    pub(super) fn asked_for(request: &Request) -> Self {
        if request.method() != Method::GET {
            return Self::Plain;
        }
        if accepts_gzip(request.headers()) { Self::Gzip } else { Self::Unasked }
    }

    /// The bytes of this answer as they are sent, with the headers that say so.
    pub(super) async fn write(self, headers: &mut HeaderMap, bytes: Bytes) -> Bytes {
        if self == Self::Plain || bytes.len() < SHORTEST || !may_be_packed(headers) {
            return bytes;
        }
        // Behind the same address lies another text for whoever asks otherwise.
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if self == Self::Unasked {
            return bytes;
        }
        let plain = bytes.clone();
        let packed = match bytes.len() < LARGE {
            true => pack(&plain),
            false => tokio::task::spawn_blocking(move || pack(&plain)).await.unwrap_or_default(),
        };
        let Some(packed) = packed else { return bytes };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.remove(header::CONTENT_LENGTH);
        packed
    }
}

/// Whether it may be worth it, for a response of known size.
pub(super) fn is_worth_packing(response: &Response, coding: AnswerCoding, bytes: usize) -> bool {
    coding != AnswerCoding::Plain && bytes >= SHORTEST && may_be_packed(response.headers())
}

/// Text that is not packed already.
fn may_be_packed(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text =
        ["text/", "application/json", "application/javascript", "application/openmetrics-text", "image/svg+xml"];
    is_text.iter().any(|text| kind.starts_with(text)) && !headers.contains_key(header::CONTENT_ENCODING)
}

fn pack(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// What is named goes over `*`; what has the quality 0 is refused.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut named, mut any) = (None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let is_accepted = quality.is_none_or(|quality| quality.parse().is_ok_and(|quality: f32| quality > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            named = Some(is_accepted);
        } else if name == "*" {
            any = Some(is_accepted);
        }
    }
    named.or(any).unwrap_or(false)
}
