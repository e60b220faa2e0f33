//! Whose word is taken for who calls: proxies that an operator trusts.
//!
//! A proxy is one address to the server, however many clients it has. It says whom it asks for in `X-Forwarded-For` or
//! `Forwarded`, to which each proxy adds the address that it was called from. What a client writes there itself stands before
//! that. So they are read from their end, and the first address that is no trusted proxy's is the client's.
//!
//! **Which header.** A proxy sets one of the two, and passes the other one on as its client wrote it. Which one, the server
//! cannot know. So if both are there and name different clients, neither is believed, and the caller is the proxy.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use enginehouse_core::access::network::{Network, NotANetwork};
use http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What stands for callers by way of a Unix socket.
const UNIX: &str = "unix";

/// The proxies that are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    /// Whether one that calls by way of a Unix socket is.
    unix: bool,
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut proxies = Self::default();
        for network in text.split(',').map(str::trim) {
            if network == UNIX {
                proxies.unix = true;
                continue;
            }
            let read = network.parse().map_err(|why| match why {
                NotANetwork::Malformed => format!(
                    "{network:?} is no network: must be addresses and networks such as 10.0.0.0/8, or `unix`, separated by commas"
                ),
                NotANetwork::HostBits(_) => format!("{network} {why}"),
            })?;
            proxies.networks.push(read);
        }
        Ok(proxies)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unix = self.unix.then(|| UNIX.to_owned());
        let networks: Vec<_> = self.networks.iter().map(Network::to_string).chain(unix).collect();
        f.write_str(&networks.join(","))
    }
}

impl TrustedProxies {
    /// Whether somebody is a proxy that is trusted; none stands for a Unix socket.
    pub(crate) fn trust(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |peer| self.has(peer))
    }

    fn has(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Whom a request is from that came from this address; none stands for a Unix socket.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.trust(peer) {
            return peer;
        }
        let by_list = self.behind(hops(headers, &X_FORWARDED_FOR, address));
        let by_forwarded = self.behind(hops(headers, &header::FORWARDED, forwarded_for));
        match (by_list, by_forwarded) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => Some(client),
            (None, None) => peer,
        }
    }

    /// The last hop that is no trusted proxy. None where there is no header, or where it stops to make sense before that.
    fn behind(&self, hops: Option<Vec<Option<IpAddr>>>) -> Option<IpAddr> {
        let mut nearest = None;
        for hop in hops?.into_iter().rev() {
            let hop = hop?.to_canonical();
            nearest = Some(hop);
            if !self.has(hop) {
                break;
            }
        }
        nearest
    }
}

/// What a header lists, first to last; none if it is not there.
fn hops(headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Option<IpAddr>) -> Option<Vec<Option<IpAddr>>> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let lists = values.map(|value| value.to_str().unwrap_or_default());
    Some(lists.flat_map(|list| list.split(',')).map(|hop| read(hop.trim())).collect())
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The address of `for=` in one element of RFC 7239.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers are given as lines; `want` is the client of a request that came from 10.0.0.1, which is trusted.
    #[track_caller]
    fn check(lines: &[&str], want: &str) {
        let proxies: TrustedProxies = "10.0.0.0/8, 192.0.2.1,2001:db8::/32".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let client = proxies.client(Some([10, 0, 0, 1].into()), &headers);
        assert_eq!(client.unwrap().to_string(), want, "{lines:?}");
        for stranger in [Some(IpAddr::from([203, 0, 113, 9])), None] {
            assert_eq!(proxies.client(stranger, &headers), stranger, "nobody else is believed");
        }
        let of_socket: TrustedProxies = "10.0.0.0/8,192.0.2.1,2001:db8::/32,unix".parse().unwrap();
        let client = of_socket.client(None, &headers).map_or("10.0.0.1".to_owned(), |client| client.to_string());
        assert_eq!(client, want, "{lines:?}, by way of a Unix socket");
    }

    #[test]
    fn the_client_is_the_last_one_that_is_no_trusted_proxy() {
        check(&[], "10.0.0.1");
        check(&["x-forwarded-for: 198.51.100.7"], "198.51.100.7");
        check(&["x-forwarded-for: 198.51.100.7:4711"], "198.51.100.7");
        check(&["x-forwarded-for: 1.2.3.4, 198.51.100.7, 192.0.2.1, 10.9.9.9"], "198.51.100.7");
        check(&["x-forwarded-for: 1.2.3.4", "x-forwarded-for: 198.51.100.7"], "198.51.100.7");
        check(&["x-forwarded-for: [2001:db9::1]:80"], "2001:db9::1");
        check(&["x-forwarded-for: ::ffff:198.51.100.7"], "198.51.100.7");
        check(&["x-forwarded-for: 10.9.9.9, 10.8.8.8"], "10.9.9.9");
        check(&["forwarded: for=198.51.100.7;proto=https, for=10.2.2.2"], "198.51.100.7");
        check(&["forwarded: proto=https;For=\"[2001:db9::1]:4711\""], "2001:db9::1");
    }

    #[test]
    fn what_a_client_may_have_written_itself_is_not_believed() {
        check(&["x-forwarded-for: 198.51.100.7, nonsense"], "10.0.0.1");
        check(&["x-forwarded-for: "], "10.0.0.1");
        check(&["x-forwarded-for: nonsense, 198.51.100.7"], "198.51.100.7");
        check(&["forwarded: for=unknown"], "10.0.0.1");
        check(&["forwarded: for=_hidden, for=198.51.100.7"], "198.51.100.7");
        // One of the two is the proxy's, and nobody knows which.
        check(&["x-forwarded-for: 198.51.100.7", "forwarded: for=1.2.3.4"], "10.0.0.1");
        check(&["x-forwarded-for: 198.51.100.7", "forwarded: for=198.51.100.7"], "198.51.100.7");
    }

    #[test]
    fn networks_are_written_as_they_are_read() {
        for (text, want) in [
            ("10.0.0.0/8, 127.0.0.1", "10.0.0.0/8,127.0.0.1"),
            ("::1,2001:db8::/32", "::1,2001:db8::/32"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("unix,10.0.0.1", "10.0.0.1,unix"),
        ] {
            assert_eq!(text.parse::<TrustedProxies>().unwrap().to_string(), want);
        }
        for bad in ["", "10.0.0.1/8", "10.0.0.0/33", "proxy.example", "10.0.0.1,", "*"] {
            assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
        }
    }
}
