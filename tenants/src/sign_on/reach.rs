//! Which addresses a provider may have: those on the internet. Admins of an organisation name the provider, and its
//! documents name further addresses; none of them may lead into this server's own network. Names are checked when they
//! are resolved for the connection, so the checked address is the one that is connected to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::error::{Error, Result};

/// Where providers are allowed: on the internet, and in our own networks that the operator lists.
pub struct Reach {
    networks: Arc<[IpNet]>,
    client: reqwest::Client,
}

impl Reach {
    /// An HTTP client for providers.
    ///
    /// # Errors
    /// If the system cannot provide an HTTPS client.
    pub fn new(networks: &[IpNet]) -> Result<Self> {
        let networks: Arc<[IpNet]> = networks.into();
        // the TLS library's cryptography is chosen once per process; a second call changes nothing
        let _ = rustls::crypto::ring::default_provider().install_default();
        // a redirect could lead into the network; a proxy would resolve names itself
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let client = client.dns_resolver(Arc::new(Reachable { networks: networks.clone() }));
        let client = client.connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(10));
        Ok(Self { networks, client: client.user_agent("clientele").build().map_err(Error::internal)? })
    }

    /// The client, if the address is allowed.
    pub(super) fn client(&self, url: &Url) -> Option<&reqwest::Client> {
        is_safe(url, &self.networks).then_some(&self.client)
    }
}

/// Resolves names and leaves out addresses that are not allowed.
struct Reachable {
    networks: Arc<[IpNet]>,
}

impl Resolve for Reachable {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.networks.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|address| is_asked(address.ip(), &networks)).collect();
            if found.is_empty() {
                return Err(format!("`{}` does not resolve to an address on the internet", name.as_str()).into());
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

/// Whether an address could be a provider's at all: HTTPS, or HTTP on this machine.
pub(super) fn is_well_formed(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    (url.scheme() == "https" || url.scheme() == "http" && here) && url.username().is_empty() && url.password().is_none()
}

/// Whether an address is allowed as far as it can be seen without resolving it; plain HTTP only on this machine.
fn is_safe(url: &Url, networks: &[IpNet]) -> bool {
    if !is_well_formed(url) {
        return false;
    }
    let https = url.scheme() == "https";
    let asked = |address: IpAddr| is_asked(address, networks) && (https || address.to_canonical().is_loopback());
    match url.host() {
        Some(Host::Domain("localhost")) => asked(Ipv4Addr::LOCALHOST.into()),
        Some(Host::Domain(_)) => https,
        Some(Host::Ipv4(address)) => asked(address.into()),
        Some(Host::Ipv6(address)) => asked(address.into()),
        None => false,
    }
}

fn is_asked(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    let public = match address {
        IpAddr::V4(address) => is_public(address),
        IpAddr::V6(address) => is_public_v6(address),
    };
    public || networks.iter().any(|network| network.contains(&address))
}

/// All other ranges are for private networks, tests or multicast (IANA's registry of special addresses).
fn is_public(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0, _]
            | [198, 18 | 19, ..]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64: check the IPv4 address behind the gateway
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
        }
        // Teredo and 6to4 contain an IPv4 address
        [0x2001, 0, ..] | [0x2002, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks() -> Vec<IpNet> {
        ["127.0.0.0/8", "::1/128", "10.0.0.0/8"].map(|text| text.parse().unwrap()).to_vec()
    }

    #[test]
    fn only_safe_addresses_are_asked() {
        let networks = networks();
        for (address, strict, within) in [
            ("https://login.example.com", true, true),
            ("https://93.184.215.14", true, true),
            ("https://[2606:4700::1111]", true, true),
            ("https://[64:ff9b::5db8:d70e]", true, true),
            ("http://login.example.com", false, false),
            ("http://93.184.215.14", false, false),
            ("https://me:secret@login.example.com", false, false),
            ("http://127.0.0.1:4000", false, true),
            ("https://[::1]", false, true),
            ("https://[::ffff:127.0.0.1]", false, true),
            ("https://localhost", false, true),
            ("https://0.0.0.0", false, false),
            ("https://[::]", false, false),
            ("https://2130706434", false, true),
            ("https://10.1.2.3", false, true),
            ("http://10.1.2.3", false, false),
            ("https://172.31.0.1", false, false),
            ("https://192.168.1.1", false, false),
            ("https://169.254.169.254", false, false),
            ("https://100.100.0.1", false, false),
            ("https://255.255.255.255", false, false),
            ("https://[::ffff:10.0.0.1]", false, true),
            ("https://[::10.0.0.1]", false, false),
            ("https://[fd00::1]", false, false),
            ("https://[fe80::1]", false, false),
            ("https://[ff02::1]", false, false),
            ("https://[64:ff9b::a00:1]", false, false),
            ("https://[2002:a00:1::]", false, false),
            ("file:///etc/passwd", false, false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!((is_safe(&url, &[]), is_safe(&url, &networks)), (strict, within), "{address}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_where_they_lead() {
        let look = async |networks: Vec<IpNet>| {
            let reachable = Reachable { networks: networks.into() };
            reachable.resolve("localhost".parse().unwrap()).await
        };
        let refused = look(Vec::new()).await.err().expect("nothing of this machine").to_string();
        assert!(refused.contains("localhost"), "{refused}");
        assert!(look(networks()).await.unwrap().all(|address| address.ip().is_loopback()));
    }
}
