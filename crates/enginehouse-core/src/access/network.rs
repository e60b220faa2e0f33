//! Addresses and networks of them, in CIDR notation: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::input::Textual;

/// An address, or a network of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// A text that is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    #[error("must be {}", Network::MUST_BE)]
    Malformed,
    /// What is meant by the bits behind the prefix is not known, and a network that is too large lets in too many.
    #[error("has bits of a host: must be {0}")]
    HostBits(Network),
}

impl Network {
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`: addresses are compared in their shortest form.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let prefix = mapped.prefix_len().checked_sub(96);
    match (mapped.addr().to_ipv4_mapped(), prefix) {
        (Some(address), Some(prefix)) => Ipv4Net::new(address, prefix).map_or(network, IpNet::V4),
        _ => network,
    }
}

impl Textual for Network {
    const MUST_BE: &'static str =
        "an address, or a network of them without bits of a host, such as 192.0.2.7 or 10.0.0.0/8";
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let network = address.or_else(|_| text.parse()).map_err(|_| NotANetwork::Malformed)?;
        let network = canonical(network);
        if network.trunc() != network {
            return Err(NotANetwork::HostBits(Self(network.trunc())));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => fmt::Display::fmt(&self.0.addr(), f),
            false => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Network {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$"))
            .description(Some("An address, or a network of them without bits of a host, of IPv4 or IPv6."))
            .examples(["10.0.0.0/8"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Network {}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_written_in_its_shortest_form() {
        for (text, want) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("::1", "::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).to_string(), want);
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "host.example", "10.0.0.1,", "*", "10.0.0.0/", "10.0.0.1:80"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork::Malformed), "{bad:?}");
        }
        let refused = "10.0.0.1/8".parse::<Network>().unwrap_err();
        assert_eq!(refused.to_string(), "has bits of a host: must be 10.0.0.0/8");
    }

    #[test]
    fn an_address_of_ipv4_is_the_same_however_it_arrives() {
        for text in ["10.0.0.0/8", "::ffff:10.0.0.0/104"] {
            let network = network(text);
            for inside in ["10.1.2.3", "::ffff:10.1.2.3"] {
                assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            }
            for outside in ["11.0.0.0", "::ffff:11.0.0.0", "::a00:1"] {
                assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
            }
        }
        // All of IPv6 is not all of IPv4.
        assert!(!network("::/0").contains([10, 0, 0, 1].into()));
    }
}
