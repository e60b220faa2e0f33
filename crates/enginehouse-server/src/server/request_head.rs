//! What is refused by the head of a request, before anything else is looked at.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::HttpBody;
use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::invalid::shortened;
use http::{HeaderValue, Request, Version, header};

use super::allowed_hosts::{AllowedHosts, host_of};
use crate::http::EarlyRefusal;

/// Looks at the heads of a connection's requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct HeadCheck {
    allowed: Arc<AllowedHosts>,
    /// Where the server listens, and where the connection was made to: another one if it listens on all addresses.
    own: Option<[IpAddr; 2]>,
}

impl HeadCheck {
    /// A Unix socket has no address.
    pub(super) fn new(allowed: Arc<AllowedHosts>, listens_on: Option<IpAddr>, connected_to: Option<IpAddr>) -> Self {
        let own = listens_on.map(|on| [on.to_canonical(), connected_to.unwrap_or(on).to_canonical()]);
        Self { allowed, own }
    }

    pub(super) fn check<B: HttpBody>(&self, request: &Request<B>) -> Result<(), EarlyRefusal> {
        self.check_host(request)?;
        // A body of a known size is not sent in chunks.
        if request.body().size_hint().exact().is_none() { check_coding(request) } else { Ok(()) }
    }

    /// The name in the first line of a request, which one to a proxy has, counts as the one in its header does.
    fn check_host<B>(&self, request: &Request<B>) -> Result<(), EarlyRefusal> {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => self.check_authority(host.as_bytes())?,
            // HTTP/1.0 knows no such header.
            (None, None) if request.version() < Version::HTTP_11 => {}
            (None, _) => return Err(malformed("the header Host is missing")),
            (Some(_), Some(_)) => return Err(malformed("the header Host is given twice")),
        }
        request.uri().authority().map_or(Ok(()), |authority| self.check_authority(authority.as_str().as_bytes()))
    }

    fn check_authority(&self, authority: &[u8]) -> Result<(), EarlyRefusal> {
        let host = std::str::from_utf8(authority).ok().and_then(host_of);
        let Some(host) = host else {
            let shown = String::from_utf8_lossy(authority);
            return Err(malformed(format!("{:?} is no host that a request may name", shortened(&shown))));
        };
        if self.allowed.has(&host, self.own.as_ref().map_or(&[], |own| own)) {
            return Ok(());
        }
        let shown = host.to_string();
        let detail = format!("{} is no name of this server (setting allowed_hosts)", shortened(&shown));
        Err(EarlyRefusal::new(Problem::new(Code::MisdirectedRequest, detail)))
    }
}

/// Chunks are read. What else their bytes may be packed with is not.
fn check_coding<B>(request: &Request<B>) -> Result<(), EarlyRefusal> {
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if is_chunked(coding) => Ok(()),
        (Some(coding), _) => {
            let shown = String::from_utf8_lossy(coding.as_bytes());
            let detail = format!("Transfer-Encoding must be chunked alone, was {:?}", shortened(&shown));
            Err(EarlyRefusal::new(Problem::new(Code::UnsupportedTransferCoding, detail)))
        }
    }
}

fn malformed(detail: impl Into<String>) -> EarlyRefusal {
    EarlyRefusal::new(Problem::malformed(detail))
}
