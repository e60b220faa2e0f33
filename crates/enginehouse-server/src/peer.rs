//! Who is at the other end of a connection, as far as the connection itself shows it.

use std::net::{IpAddr, Ipv4Addr};

use enginehouse_core::access::certificate_name::CertificateName;

use crate::budget::ClientAddress;

/// Who is at the other end of a connection: an extension of every request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// None on a Unix socket.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the connection is one of TLS.
    pub(crate) is_encrypted: bool,
    /// The name in the certificate that the client has proved itself with; none without one.
    pub(crate) certificate_name: Option<CertificateName>,
}

impl Peer {
    /// A caller in the same process, who has no connection.
    pub(crate) const LOCAL: Self =
        Self { ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), is_encrypted: false, certificate_name: None };

    /// Whose share it takes.
    pub(crate) fn address(&self) -> ClientAddress {
        self.ip.into()
    }
}
