//! The addresses from which a key may be used.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{FieldIssue, Issue};

/// Most addresses and networks of one key.
const MOST: usize = 50;

/// Addresses and networks (CIDR) of IPv4 and IPv6. An empty list allows every address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Parses what an admin typed: `192.0.2.7`, `198.51.100.0/24`, `2001:db8::/32`.
    pub(super) fn parse(written: &[String]) -> Result<Self, FieldIssue> {
        let refuse = |place: Option<usize>, wanted: &'static str| FieldIssue {
            field: place.map_or_else(|| "addresses".to_owned(), |place| format!("addresses.{place}")),
            issue: Issue::WrongType(wanted.into()),
        };
        if written.len() > MOST {
            return Err(refuse(None, "50 addresses at most"));
        }
        let network = |(place, text): (usize, &String)| {
            let address = || text.trim().parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            let network = text.trim().parse::<IpNet>().map(|network| network.trunc());
            network
                .or_else(|_| address())
                .map_err(|_| refuse(Some(place), "an address, or a network such as 192.0.2.0/24"))
        };
        written.iter().enumerate().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The text that is stored in the column.
    pub(super) fn stored(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" "))
    }

    /// Parses what `stored` wrote.
    pub fn from_stored(stored: Option<&str>) -> Self {
        Self(stored.into_iter().flat_map(str::split_whitespace).filter_map(|text| text.parse().ok()).collect())
    }

    /// The text shown to people: a single address has no prefix length.
    pub fn written(&self) -> Vec<String> {
        let text = |network: &IpNet| match network.prefix_len() == network.max_prefix_len() {
            true => network.addr().to_string(),
            false => network.to_string(),
        };
        self.0.iter().map(text).collect()
    }

    /// Whether an address is allowed.
    pub fn allow(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(written: &[&str]) -> Result<Networks, FieldIssue> {
        Networks::parse(&written.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn addresses_and_networks_of_both_kinds_are_known() {
        let networks = parse(&["192.0.2.7", "198.51.100.9/24", "2001:db8::/32"]).unwrap();
        assert_eq!(networks.written(), ["192.0.2.7", "198.51.100.0/24", "2001:db8::/32"]);
        let again = parse(&networks.written().iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(again, networks);
        for (address, allowed) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.2.8", false),
            ("198.51.100.255", true),
            ("2001:db8:1::9", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.allow(address.parse().unwrap()), allowed, "{address}");
        }
        assert!(Networks::default().allow("203.0.113.1".parse().unwrap()));
        assert_eq!(Networks::from_stored(networks.stored().as_deref()), networks);
    }

    #[test]
    fn a_wrong_one_is_told_by_its_place() {
        assert_eq!(parse(&["192.0.2.7", "example.com"]).unwrap_err().field, "addresses.1");
        assert_eq!(parse(&["192.0.2.0/33"]).unwrap_err().field, "addresses.0");
    }
}
