//! The address of a server, as people write it.

use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;

/// The port of a server whose address has neither a scheme nor a port.
const DEFAULT_PORT: u16 = 7420;
/// What a server serves beside its calls: somebody has copied the address of a page.
const PAGES: [&str; 6] = ["docs", "openapi.json", "healthz", "readyz", "metrics", "problems"];

/// An address that no server can have. It is shown without what may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not the address of a server: {reason}")]
pub struct BadUrl {
    url: String,
    reason: String,
}

impl BadUrl {
    pub(crate) fn new(url: &str, reason: impl Into<String>) -> Self {
        Self { url: without_secrets(url), reason: reason.into() }
    }
}

/// What begins the address of a socket in the file system.
const UNIX: &str = "unix:";

/// Where requests go.
#[derive(Debug)]
pub(crate) struct ServerPlace {
    /// What they are addressed to. By way of a socket, this is no more than a name.
    pub(crate) url: Url,
    /// The socket in the file system that they go through.
    pub(crate) socket: Option<PathBuf>,
}

/// Reads an address: that of a server in the network, or `unix:/PATH`.
pub(crate) fn server_place(text: &str) -> Result<ServerPlace, BadUrl> {
    let Some(path) = text.trim().strip_prefix(UNIX) else {
        return Ok(ServerPlace { url: server_url(text)?, socket: None });
    };
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(BadUrl::new(text, "a socket is named by its absolute path, as in unix:/run/enginehouse.sock"));
    }
    Ok(ServerPlace { url: server_url("http://localhost")?, socket: Some(path.into()) })
}

/// Reads an address: `http://` or `https://` with a host, and the path that a proxy has the server under; or, for short,
/// `HOST:PORT`, `HOST` or `:PORT` of a server that speaks `http`.
pub(crate) fn server_url(text: &str) -> Result<Url, BadUrl> {
    let refuse = |reason: &str| BadUrl::new(text, reason);
    let text = text.trim();
    let url = match text.contains("://") {
        true => Url::parse(text).map_err(|error| refuse(&error.to_string()))?,
        false => {
            short(text).ok_or_else(|| refuse("it has to be http://HOST:PORT, https://HOST, HOST:PORT or unix:/PATH"))?
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it has to begin with http://, https:// or unix:/"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("a name or a password has no place in it; a token goes into ENGINEHOUSE_TOKEN"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it has a query or a fragment"));
    }
    let mut segments = url.path().split('/').filter(|segment| !segment.is_empty());
    if let Some(page) = segments.find(|segment| *segment == "v1" || PAGES.contains(segment)) {
        let server = url.as_str().split(&format!("/{page}")).next().unwrap_or_default();
        return Err(refuse(&format!("leave out /{page} and what follows: the server is at {server}")));
    }
    Ok(url)
}

/// Whether what is sent there can be read on its way: it leaves this machine, and is not encrypted.
pub(crate) fn is_overheard(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_near = address.map_or(host == "localhost", |address| address.to_canonical().is_loopback());
    url.scheme() == "http" && !is_near
}

/// An address without a scheme.
fn short(text: &str) -> Option<Url> {
    let host = if text.starts_with(':') { "127.0.0.1" } else { "" };
    let mut url = Url::parse(&format!("http://{host}{text}")).ok()?;
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.ends_with(':') {
        return None;
    }
    // In `[::1]` the last colon has a bracket behind it.
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    if !port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        url.set_port(Some(DEFAULT_PORT)).ok()?;
    }
    Some(url)
}

/// The address without a name and a password, and without a query, which may hold a token.
fn without_secrets(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    match shown.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_written_in_short() {
        for (text, url) in [
            ("http://127.0.0.1:7420/", "http://127.0.0.1:7420/"),
            ("127.0.0.1:7420", "http://127.0.0.1:7420/"),
            ("localhost:7420", "http://localhost:7420/"),
            (":7421", "http://127.0.0.1:7421/"),
            ("localhost", "http://localhost:7420/"),
            ("localhost:80", "http://localhost/"),
            ("[::1]", "http://[::1]:7420/"),
            ("[::1]:7421", "http://[::1]:7421/"),
            (" :7420\n", "http://127.0.0.1:7420/"),
            ("https://queue.example.org", "https://queue.example.org/"),
            ("https://example.org/enginehouse/", "https://example.org/enginehouse/"),
            ("example.org:81/queue", "http://example.org:81/queue"),
        ] {
            assert_eq!(server_url(text).map(String::from), Ok(url.to_owned()), "{text}");
        }
    }

    #[test]
    fn an_address_that_no_server_can_have_is_refused_with_what_would_be_right() {
        for (text, part) in [
            ("", "it has to be http://HOST:PORT"),
            (":", "it has to be http://HOST:PORT"),
            ("::1", "it has to be http://HOST:PORT"),
            ("localhost:port", "it has to be http://HOST:PORT"),
            ("ftp://a", "it has to begin with http://, https://"),
            ("http://", "empty host"),
            ("http://a/?b", "it has a query"),
            ("http://a/v1", "leave out /v1 and what follows: the server is at http://a"),
            ("https://a/queue/v1/events/", "leave out /v1 and what follows: the server is at https://a/queue"),
            (":7420/docs", "leave out /docs and what follows: the server is at http://127.0.0.1:7420"),
        ] {
            let refused = server_url(text).unwrap_err().to_string();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }

    #[test]
    fn a_socket_is_named_by_its_path() {
        let place = server_place(" unix:/run/enginehouse.sock\n").unwrap();
        assert_eq!(place.socket.unwrap().to_str(), Some("/run/enginehouse.sock"));
        assert!(!is_overheard(&place.url));
        for bad in ["unix:", "unix:enginehouse.sock", "unix://run/enginehouse.sock"] {
            assert!(server_place(bad).unwrap_err().to_string().contains("absolute path"), "{bad}");
        }
        assert_eq!(server_place("localhost").unwrap().socket, None);
    }

    #[test]
    fn what_leaves_the_machine_in_plain_can_be_read_on_its_way() {
        for (text, want) in [
            ("localhost", false),
            ("127.0.0.9", false),
            ("[::1]", false),
            ("[::ffff:127.0.0.1]:80", false),
            ("https://queue.example", false),
            ("http://queue.example", true),
            ("localhost.example", true),
            ("10.0.0.1", true),
        ] {
            assert_eq!(is_overheard(&server_url(text).unwrap()), want, "{text}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for text in
            ["http://me:s3cret@a/", "me:s3cret@a", "https://a/?token=s3cret", "https://a:x/?s3cret", "s3cret@:x"]
        {
            let refused = server_url(text).unwrap_err().to_string();
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }
}
