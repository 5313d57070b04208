//! Settings of the endpoints: TLS, and the proxies in front of them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tenants::error::Result;

use super::{Config, refused};

/// Addresses and networks.
#[derive(Clone, Debug, Default)]
pub struct Networks(pub Vec<IpNet>);

/// Which header the proxies write. Only this one is read: a client could send the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, with `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de> Deserialize<'de> for Networks {
    /// A list, or one text with commas, as in environment variables.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum TextOrList {
            Text(String),
            List(Vec<String>),
        }
        let parts = match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            TextOrList::List(list) => list,
        };
        let network = |part: &String| {
            part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                serde::de::Error::custom(format!("`{part}` is not an address or a network such as 10.0.0.0/8"))
            })
        };
        parts.iter().filter(|part| !part.is_empty()).map(network).collect::<std::result::Result<_, _>>().map(Self)
    }
}

impl Config {
    /// Whether passwords and keys would cross the network without encryption.
    pub fn is_open(&self) -> bool {
        self.tls_cert.is_none() && !self.listen.ip().is_loopback() && self.trusted_proxies.0.is_empty()
    }

    pub(super) fn check_endpoints(&self) -> Result<()> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(refused("tls_cert and tls_key must be set together; one of them is missing".to_owned()));
        }
        if self.redirect_from.is_some() && self.tls_cert.is_none() {
            return Err(refused("redirect_from redirects to HTTPS, which needs tls_cert and tls_key".to_owned()));
        }
        if self.is_open() && !self.insecure_http {
            return Err(refused(format!(
                "passwords would cross the network unencrypted on {}; set tls_cert and tls_key, or trusted_proxies if a \
                 proxy speaks TLS, or insecure_http = true if this is meant",
                self.listen
            )));
        }
        Ok(())
    }

    /// Logs a warning about insecure settings.
    pub fn warn(&self) {
        if self.is_open() {
            tracing::warn!(address = %self.listen, "insecure_http: passwords and keys cross the network unencrypted");
        }
    }
}
