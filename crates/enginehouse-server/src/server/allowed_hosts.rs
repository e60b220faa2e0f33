//! Under which names a server may be called.
//!
//! A web page may rebind a name of its own to 127.0.0.1, and is then of the same origin as this server to every browser that
//! shows it. But its requests still bear its name. So a request has to name an address that the listener has, `localhost`, or
//! what an operator allows: whoever is behind a proxy or a port that is forwarded by another name.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A host as it stands in a `Host` header, without its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    Address(IpAddr),
    /// In lower case, and without a dot at its end.
    Name(String),
}

impl HostName {
    fn parse(host: &str) -> Option<Self> {
        if let Some(address) = host.strip_prefix('[') {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = host.parse::<std::net::Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_name = !name.is_empty() && name.bytes().all(is_plain);
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What an operator allows besides the server's own addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Nothing more.
    #[default]
    Own,
    These(Vec<HostName>),
    /// Whatever is named, since something in front of the server looks at it.
    Any,
}

impl FromStr for AllowedHosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let hosts = text.split(',').map(|host| {
            let host = host.trim();
            // An address of IPv6 is known without brackets too, for here it has no port.
            let address = host.parse::<IpAddr>().ok().map(|address| HostName::Address(address.to_canonical()));
            address.or_else(|| HostName::parse(host)).ok_or_else(|| {
                format!("{host:?} is no host: must be `*`, or names and addresses without ports, separated by commas")
            })
        });
        hosts.collect::<Result<_, _>>().map(Self::These)
    }
}

impl fmt::Display for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => Ok(()),
            Self::Any => f.write_str("*"),
            Self::These(hosts) => {
                let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
                f.write_str(&hosts.join(","))
            }
        }
    }
}

impl AllowedHosts {
    /// Whether the server may be called so. `own` are its addresses.
    pub(super) fn has(&self, host: &HostName, own: &[IpAddr]) -> bool {
        let is_own = match host {
            HostName::Address(address) => own.contains(address),
            HostName::Name(name) => name == "localhost",
        };
        is_own
            || match self {
                Self::Own => false,
                Self::These(hosts) => hosts.contains(host),
                Self::Any => true,
            }
    }
}

/// The host of a `Host` header, whose port may be any: a port that is forwarded has another number.
pub(super) fn host_of(authority: &str) -> Option<HostName> {
    let (host, port) = match authority.rfind(':') {
        // A colon within brackets is one of an address.
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], &authority[colon + 1..]),
        _ => (authority, ""),
    };
    let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port { HostName::parse(host) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_in_all_its_forms() {
        let check = |authority: &str, want: &str| {
            assert_eq!(host_of(authority).map(|host| host.to_string()).as_deref(), Some(want), "{authority}");
        };
        check("Example.org:7420", "example.org");
        check("example.org.", "example.org");
        check("localhost:", "localhost");
        check("127.0.0.1:80", "127.0.0.1");
        check("[::1]:80", "[::1]");
        check("[::ffff:10.0.0.1]", "10.0.0.1");
        for bad in ["", ":80", "a b", "a@b", "a:b", "a:80:80", "::1", "[::1", "[a]", "http://a", "a/b", "a:123456", "."]
        {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_allowed_is_written_as_it_is_read() {
        for (text, want) in [("*", "*"), ("Queue.example, ::1,10.0.0.1", "queue.example,[::1],10.0.0.1")] {
            assert_eq!(text.parse::<AllowedHosts>().unwrap().to_string(), want);
        }
        for bad in ["", "a,,b", "a:80", "http://a", "*.a"] {
            assert!(bad.parse::<AllowedHosts>().is_err(), "{bad}");
        }
    }
}
