//! Who asks, when proxies stand in front.
//!
//! A proxy adds the address that it was asked from at the right end of one header. So the header
//! is read from the right, past those addresses that are themselves trusted proxies; the first
//! that is none is the client. What stands left of it the client may have made up. Which header
//! the proxies write is configured, since they pass the other one on as the client sent it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Addresses of a header that are read at most; a chain of proxies is far shorter.
const MAX_HOPS: usize = 32;

/// Proxies whose word on their clients counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

/// The header in which the proxies name their clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 192.0.2.7, 10.0.0.3`
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.7, for="[2001:db8::7]:4711"` (RFC 7239)
    Forwarded,
}

/// Not an address or a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address and no range of addresses: write 10.0.0.3 or 10.0.0.0/8")]
pub struct NotANetwork(pub String);

/// Reads an address (`10.0.0.3`) or a range of such (`10.0.0.0/8`, `fd00::/8`).
pub fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let text = text.trim();
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| NotANetwork(text.chars().take(64).collect()))
}

impl TrustedProxies {
    /// Proxies by their addresses (`10.0.0.3`) and ranges of such (`10.0.0.0/8`, `fd00::/8`).
    pub fn new(
        networks: impl IntoIterator<Item = impl AsRef<str>>,
        header: ForwardedHeader,
    ) -> Result<Self, NotANetwork> {
        let networks = networks.into_iter().map(|text| network(text.as_ref()));
        Ok(Self { networks: networks.collect::<Result<_, _>>()?, header })
    }

    /// The client of a request that came from `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => header::FORWARDED,
        };
        // Several headers of a name are one list.
        let values: Vec<_> = headers.get_all(name).iter().collect();
        let elements = values.iter().rev().flat_map(|value| {
            // What is no text holds no address; the empty element below ends the walk.
            value.to_str().unwrap_or_default().rsplit(',')
        });
        for element in elements.take(MAX_HOPS) {
            // What the last trusted proxy wrote cannot be read: it is the best that is known.
            let Some(address) = self.address(element) else { break };
            client = address.to_canonical();
            if !self.trust(client) {
                break;
            }
        }
        client
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn address(&self, element: &str) -> Option<IpAddr> {
        let node = match self.header {
            ForwardedHeader::XForwardedFor => element,
            ForwardedHeader::Forwarded => element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then_some(value)
            })?,
        };
        let node = node.trim().trim_matches('"');
        let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']')).unwrap_or(node);
        let with_port = || node.parse::<SocketAddr>().map(|address| address.ip());
        bare.parse().or_else(|_| with_port()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let proxies = TrustedProxies::new(["10.0.0.0/8", "192.0.2.1", "fd00::/8"], header).unwrap();
        let name = match header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_client() {
        for (peer, lines, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.1 ,10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1, 10.1.1.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            // All are proxies: the first of them asked.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1,"], "10.0.0.1"),
        ] {
            let found = client(ForwardedHeader::XForwardedFor, peer, lines);
            assert_eq!(found, expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_as_it_is_written() {
        for (line, expected) in [
            ("for=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1"),
            ("proto=https; For=\"198.51.100.1:4711\"", "198.51.100.1"),
            ("for=1.1.1.1, for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("for=\"[2001:db8::7]\"", "2001:db8::7"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
        ] {
            assert_eq!(client(ForwardedHeader::Forwarded, "10.0.0.1", &[line]), expected, "{line}");
        }
    }

    #[test]
    fn ranges_are_checked() {
        for wrong in ["", "10.0.0.0/33", "proxy.example", "10.0.0"] {
            assert!(TrustedProxies::new([wrong], ForwardedHeader::default()).is_err(), "{wrong}");
        }
    }
}
