//! Whose request it is when proxies stand in front: the address that the nearest proxy that is not ours was reached from.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Each proxy adds the address that it was reached from at the end; what stands before that, a client may have made up.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// How the client reached the proxy: `http` or `https`.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl FromStr for Proxies {
    type Err = String;

    /// An address, or a network as in `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse::<IpNet>());
        let network = network.map_err(|_| format!("\"{text}\" is no address and no network, as in 10.0.0.0/8"))?;
        Ok(Self(vec![network]))
    }
}

impl FromIterator<Proxies> for Proxies {
    fn from_iter<I: IntoIterator<Item = Proxies>>(proxies: I) -> Self {
        Self(proxies.into_iter().flat_map(|proxies| proxies.0).collect())
    }
}

impl Proxies {
    /// The address that limits count by.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
        let mut client = peer.to_canonical();
        for hop in hops.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(next) = address(hop.trim()) else { break };
            client = next;
        }
        client
    }

    /// True when one of them says that its client came over TLS.
    pub(crate) fn is_over_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.trusts(peer.to_canonical()) && headers.get(FORWARDED_PROTO).is_some_and(|scheme| scheme == "https")
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare().or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, hops: &[&str]) -> String {
        let proxies: Proxies = trusted.iter().map(|text| text.parse::<Proxies>().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for hop in hops {
            headers.append(FORWARDED_FOR, hop.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_adds_is_believed() {
        let ours: &[&str] = &["127.0.0.1", "10.0.0.0/8"];
        for (trusted, peer, hops, expected) in [
            (&[][..], "127.0.0.1", &["192.0.2.7"][..], "127.0.0.1"),
            (ours, "127.0.0.1", &[], "127.0.0.1"),
            (ours, "127.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            (ours, "127.0.0.1", &["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            (ours, "127.0.0.1", &["198.51.100.1, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),
            (ours, "127.0.0.1", &["198.51.100.1", "192.0.2.7, 10.1.2.3"], "192.0.2.7"),
            (ours, "192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            (ours, "127.0.0.1", &["198.51.100.1, unknown"], "127.0.0.1"),
            (ours, "::ffff:10.9.9.9", &["192.0.2.7:4711"], "192.0.2.7"),
            (ours, "10.9.9.9", &["[2001:db8::1]:443"], "2001:db8::1"),
            (ours, "10.9.9.9", &["2001:db8::1"], "2001:db8::1"),
        ] {
            assert_eq!(client(trusted, peer, hops), expected, "{peer} {hops:?}");
        }
        assert!("10.0.0.0/99".parse::<Proxies>().is_err() && "proxy.example".parse::<Proxies>().is_err());
    }
}
