//! Where a server listens: on an address of the network, or on a socket in the file system.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What begins the address of a socket in the file system.
const UNIX: &str = "unix:";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    Tcp(SocketAddr),
    /// A Unix socket: whoever may open the file may call.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Its address in the network; none of a Unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// The path of a Unix socket.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }

    /// Whether nobody but this machine reaches it.
    pub fn is_near(&self) -> bool {
        self.ip().is_none_or(|ip| ip.to_canonical().is_loopback())
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            // Commands find it by the same address, from whatever folder.
            return match path.starts_with('/') {
                true => Ok(Self::Unix(path.into())),
                false => Err(format!("{path:?} is no absolute path: must be unix:/PATH")),
            };
        }
        let address = text.parse().map_err(|_| {
            "must be an address and a port, such as 127.0.0.1:7420, or a socket, such as unix:/run/enginehouse.sock"
        });
        Ok(Self::Tcp(address?))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_is_read() {
        for text in ["127.0.0.1:7420", "[::1]:0", "unix:/run/enginehouse/http.sock"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for bad in ["", "7420", "localhost:7420", "unix:", "unix:enginehouse.sock", "/run/enginehouse.sock"] {
            assert!(bad.parse::<ListenAddress>().is_err(), "{bad}");
        }
    }
}
