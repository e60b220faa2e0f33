//! Requests that a browser sends on behalf of a page of another site change nothing.
//!
//! `Sec-Fetch-Site` says so of itself: every browser sends it to a loopback address and over TLS. Where it is missing, `Origin`
//! has to be the address that the request is sent to, scheme included. The library for this compares no schemes, since it
//! may stand behind a proxy that does TLS; but there a browser sends the former.

use axum::extract::Request;
use enginehouse_api::problem::Code;
use http::{HeaderName, Method, header};

use super::problem::ProblemResponse;
use crate::peer::Peer;

pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a page of another site would change.
pub(super) fn check(request: &Request) -> Result<(), ProblemResponse> {
    if is_reading(request) || origin_of(request).is_none_or(|is_same| is_same) { Ok(()) } else { Err(refused()) }
}

/// Refuses what a page of another site would do, or read, with the cookie of a session. Other than a token, a browser sends that
/// for whoever asks. So a change must come from a page of this server, and say so; what is read must not come from another one.
pub(super) fn check_session(request: &Request) -> Result<(), ProblemResponse> {
    match origin_of(request) {
        Some(true) => Ok(()),
        None if is_reading(request) => Ok(()),
        _ => Err(refused()),
    }
}

fn is_reading(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

fn refused() -> ProblemResponse {
    ProblemResponse::new(Code::CrossOrigin, "a page of another site sent this request")
}

/// Whether a request comes from a page of this server, or was typed by a person; none if nothing says so.
fn origin_of(request: &Request) -> Option<bool> {
    let header = |name: HeaderName| request.headers().get(name).map(|value| value.as_bytes()).unwrap_or_default();
    let is_encrypted = request.extensions().get().unwrap_or(&Peer::LOCAL).is_encrypted;
    let scheme: &[u8] = if is_encrypted { b"https://" } else { b"http://" };
    match header(SEC_FETCH_SITE) {
        b"" => match header(header::ORIGIN) {
            // No browser, or a page that says nothing of itself because it is of this server.
            b"" => None,
            origin => Some(origin.strip_prefix(scheme).is_some_and(|host| host == header(header::HOST))),
        },
        site => Some(site == b"same-origin" || site == b"none"),
    }
}
