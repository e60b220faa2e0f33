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

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a page of another site would change.
pub(super) fn check(request: &Request) -> Result<(), ProblemResponse> {
    let header = |name: HeaderName| request.headers().get(name).map(|value| value.as_bytes()).unwrap_or_default();
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let is_encrypted = request.extensions().get().unwrap_or(&Peer::LOCAL).is_encrypted;
    let scheme: &[u8] = if is_encrypted { b"https://" } else { b"http://" };
    let is_same = match header(SEC_FETCH_SITE) {
        b"" => match header(header::ORIGIN) {
            // No browser, or a page that says nothing of itself because it is of this server.
            b"" => true,
            origin => origin.strip_prefix(scheme).is_some_and(|host| host == header(header::HOST)),
        },
        site => site == b"same-origin" || site == b"none",
    };
    let refused = || ProblemResponse::new(Code::CrossOrigin, "a page of another site sent this request");
    if is_same { Ok(()) } else { Err(refused()) }
}
