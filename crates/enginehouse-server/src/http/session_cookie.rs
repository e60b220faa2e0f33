//! The cookie of a session: its name, its attributes, and where a browser may be given one.
//!
//! Over TLS its name begins with `__Host-`, with which browsers keep it from other hosts, other paths and plain HTTP. Over plain
//! HTTP browsers do not agree on such cookies, so it has a name without; and it is only given to a browser on the same
//! machine, by the name of that: what crosses a network in plain HTTP is no secret any more.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Request;
use http::{HeaderMap, HeaderValue, Uri, header};

use crate::peer::Peer;

const OVER_TLS: &str = "__Host-enginehouse";
const ON_ONE_MACHINE: &str = "enginehouse";

/// How a browser is given a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieKind {
    OverTls,
    OnOneMachine,
}

impl CookieKind {
    /// That for the browser that sends a request; none if it must be given none.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let origin = request.headers().get(header::ORIGIN).map(HeaderValue::as_bytes).unwrap_or_default();
        // A proxy may do TLS: the browser knows.
        if is_encrypted(request) || origin.starts_with(b"https://") {
            return Some(Self::OverTls);
        }
        is_on_one_machine(request.headers(), request.uri()).then_some(Self::OnOneMachine)
    }

    /// The header that has a browser keep a session. What is no header value is no session.
    pub(super) fn set(self, session: &str, life: Duration) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.cookie(session, life.as_secs())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn cookie(self, session: &str, max_age: u64) -> String {
        let (name, secure) = match self {
            Self::OverTls => (OVER_TLS, "; Secure"),
            Self::OnOneMachine => (ON_ONE_MACHINE, ""),
        };
        format!("{name}={session}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}")
    }
}

/// The headers that have a browser forget its session, whichever it has.
pub(super) fn forgotten() -> impl Iterator<Item = HeaderValue> {
    [CookieKind::OverTls, CookieKind::OnOneMachine]
        .into_iter()
        .filter_map(|kind| HeaderValue::from_str(&kind.cookie("", 0)).ok())
}

/// The session that a browser sends.
pub(super) fn shown(request: &Request) -> Option<String> {
    let value_of = |name: &str| {
        let headers = request.headers().get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut cookies = headers.flat_map(|cookies| cookies.split(';')).filter_map(|one| one.trim().split_once('='));
        cookies.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    };
    if !request.headers().contains_key(header::COOKIE) {
        return None;
    }
    value_of(OVER_TLS).or_else(|| if is_encrypted(request) { None } else { value_of(ON_ONE_MACHINE) })
}

fn is_encrypted(request: &Request) -> bool {
    request.extensions().get().unwrap_or(&Peer::LOCAL).is_encrypted
}

/// Whether the browser calls the server by a name of its own machine.
fn is_on_one_machine(headers: &HeaderMap, uri: &Uri) -> bool {
    let host =
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(|host| host.as_str()));
    let Some(Ok(host)) = host.map(str::parse::<http::uri::Authority>) else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(headers: &[(&str, &str)], is_encrypted: bool) -> Request {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.extension(Peer { is_encrypted, ..Peer::LOCAL }).body(Body::empty()).unwrap()
    }

    #[test]
    fn a_cookie_is_given_over_tls_or_on_one_machine() {
        use CookieKind::{OnOneMachine, OverTls};
        for (headers, is_encrypted, want) in [
            (&[("host", "queue.example")][..], true, Some(OverTls)),
            (&[("host", "queue.example"), ("origin", "https://queue.example")], false, Some(OverTls)),
            (&[("host", "queue.example"), ("origin", "http://queue.example")], false, None),
            (&[("host", "queue.example")], false, None),
            (&[("host", "10.0.0.1:7420")], false, None),
            (&[("host", "localhost.example")], false, None),
            (&[("host", "localhost:7420")], false, Some(OnOneMachine)),
            (&[("host", "127.0.0.2")], false, Some(OnOneMachine)),
            (&[("host", "[::1]:7420")], false, Some(OnOneMachine)),
            (&[], false, None),
        ] {
            assert_eq!(CookieKind::of(&request(headers, is_encrypted)), want, "{headers:?}");
        }
    }

    #[test]
    fn a_session_is_read_by_its_name_and_over_tls_by_that_of_tls_alone() {
        let both = "a=b; enginehouse=plain; __Host-enginehouse=tls";
        for (cookies, is_encrypted, want) in [
            (both, true, Some("tls")),
            (both, false, Some("tls")),
            ("enginehouse=plain", false, Some("plain")),
            ("enginehouse=plain", true, None),
            ("xenginehouse=plain; enginehouse", false, None),
        ] {
            assert_eq!(shown(&request(&[("cookie", cookies)], is_encrypted)).as_deref(), want, "{cookies}");
        }
        let set = CookieKind::OverTls.set("s", Duration::from_secs(5)).unwrap();
        assert_eq!(set, "__Host-enginehouse=s; Path=/; Max-Age=5; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(forgotten().count(), 2);
    }
}
