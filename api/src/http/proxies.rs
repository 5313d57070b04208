//! Who the client is behind proxies. Their headers are trusted only if the operator has listed them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap},
    web,
};
use ipnet::IpNet;
use tenants::identity::ClientInfo;

use crate::config::{Config, ProxyHeader};

/// Most proxies of a request; the rest of a longer chain is ignored.
const HOPS: usize = 30;

/// The trusted proxies.
#[derive(Clone, Debug)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
}

impl Proxies {
    /// The proxies in the configuration.
    pub fn new(config: &Config) -> Self {
        Self { trusted: config.trusted_proxies.0.clone(), header: config.proxy_header }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the other end of the connection, or the nearest address in the chain that is not a trusted
    /// proxy.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut known = peer.to_canonical();
        if !self.trusts(known) {
            return known;
        }
        for hop in self.chain(headers).into_iter().rev().take(HOPS) {
            // an unreadable address hides the sender: the last known proxy is used instead
            let Some(address) = address(&hop) else { break };
            known = address.to_canonical();
            if !self.trusts(known) {
                break;
            }
        }
        known
    }

    /// The addresses of the chain as written, the client first.
    fn chain(&self, headers: &HeaderMap) -> Vec<String> {
        match self.header {
            ProxyHeader::XForwardedFor => {
                elements(headers, "x-forwarded-for").into_iter().map(|hop| hop.trim().to_owned()).collect()
            }
            ProxyHeader::Forwarded => elements(headers, "forwarded")
                .into_iter()
                .map(|element| parameter(element, "for").unwrap_or_default())
                .collect(),
        }
    }

    /// `http` or `https` between the client and the nearest trusted proxy.
    fn scheme(&self, headers: &HeaderMap) -> Option<String> {
        match self.header {
            ProxyHeader::XForwardedFor => {
                elements(headers, "x-forwarded-proto").last().map(|proto| proto.trim().to_ascii_lowercase())
            }
            ProxyHeader::Forwarded => {
                let last = elements(headers, "forwarded").pop()?;
                parameter(last, "proto").map(|proto| proto.to_ascii_lowercase())
            }
        }
    }

    /// The host that the client asked for, if a proxy tells it.
    fn host(&self, headers: &HeaderMap) -> Option<String> {
        match self.header {
            ProxyHeader::XForwardedFor => {
                elements(headers, "x-forwarded-host").last().map(|host| host.trim().to_owned())
            }
            ProxyHeader::Forwarded => parameter(elements(headers, "forwarded").pop()?, "host"),
        }
    }
}

/// The client of a request.
pub fn client_info(request: &HttpRequest) -> ClientInfo {
    let peer = peer(request);
    let address = proxies(request).map_or(peer, |proxies| proxies.client(peer, request.headers()));
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    ClientInfo::new(address, agent.unwrap_or_default())
}

/// Whether the client uses TLS, with us or with a trusted proxy.
pub fn is_secure(request: &HttpRequest) -> bool {
    request.app_config().secure()
        || trusted(request).and_then(|proxies| proxies.scheme(request.headers())).as_deref() == Some("https")
}

/// The host with port that the client asked for.
pub fn host(request: &HttpRequest) -> String {
    let reported = trusted(request).and_then(|proxies| proxies.host(request.headers()));
    reported.unwrap_or_else(|| {
        // in HTTP/2 it is part of the address
        let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        authority.unwrap_or_else(|| header.unwrap_or_default().to_owned())
    })
}

fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip())
}

fn proxies(request: &HttpRequest) -> Option<&Proxies> {
    request.app_data::<web::Data<Proxies>>().map(|data| data.get_ref())
}

/// The proxies, if the request comes from one of them.
fn trusted(request: &HttpRequest) -> Option<&Proxies> {
    proxies(request).filter(|proxies| proxies.trusts(peer(request)))
}

/// The elements of a header that may appear several times.
fn elements<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect()
}

/// A parameter of a `Forwarded` element (RFC 7239), without its quotes.
fn parameter(element: &str, name: &str) -> Option<String> {
    let value = element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })?;
    Some(value.trim_matches('"').to_owned())
}

/// An address as proxies write it, with or without port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(header: ProxyHeader, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Proxies { trusted, header }.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_named_proxies_are_believed() {
        let xff = ProxyHeader::XForwardedFor;
        assert_eq!(client(xff, "192.0.2.1", &[("x-forwarded-for", "198.51.100.9")]), "192.0.2.1");
        assert_eq!(client(xff, "10.1.1.1", &[("x-forwarded-for", "198.51.100.9")]), "198.51.100.9");
        assert_eq!(client(xff, "::ffff:10.1.1.1", &[("x-forwarded-for", "198.51.100.9:4711")]), "198.51.100.9");
        assert_eq!(client(xff, "10.1.1.1", &[("forwarded", "for=198.51.100.9")]), "10.1.1.1", "not the named header");
    }

    #[test]
    fn the_nearest_stranger_is_the_client_whatever_stands_before_it() {
        let xff = ProxyHeader::XForwardedFor;
        for lines in [
            &[("x-forwarded-for", "127.0.0.1, 203.0.113.5, 10.2.2.2")][..],
            &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.5,10.2.2.2")],
            &[("x-forwarded-for", "not an address, 203.0.113.5")],
        ] {
            assert_eq!(client(xff, "10.1.1.1", lines), "203.0.113.5");
        }
        assert_eq!(client(xff, "10.1.1.1", &[("x-forwarded-for", "203.0.113.5, unknown, 10.3.3.3")]), "10.3.3.3");
        assert_eq!(client(xff, "10.1.1.1", &[("x-forwarded-for", "10.4.4.4, 10.5.5.5")]), "10.4.4.4");
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_named() {
        let line = r#"for="[2001:db8::17]:4711";proto=https, FOR=fd00::1;by=10.0.0.1"#;
        assert_eq!(client(ProxyHeader::Forwarded, "10.1.1.1", &[("forwarded", line)]), "2001:db8::17");
        assert_eq!(client(ProxyHeader::Forwarded, "10.1.1.1", &[("forwarded", "for=_hidden")]), "10.1.1.1");
    }
}
