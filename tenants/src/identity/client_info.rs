//! Where a request comes from: used to count attempts, and to show people their own devices.

use std::net::{IpAddr, Ipv6Addr};

use super::Device;

/// Most characters kept of a `User-Agent`.
const AGENT: usize = 200;

/// The network origin of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address; an IPv4 address is never written as IPv6.
    pub address: IpAddr,
    /// `User-Agent`, at most 200 characters without control characters; may be empty.
    pub agent: String,
    /// The device, if it proved that its account was used from it before.
    pub device: Option<Device>,
}

impl ClientInfo {
    /// The client, by its connection and its header.
    pub fn new(address: IpAddr, agent: &str) -> Self {
        let agent = agent.chars().filter(|char| !char.is_control()).take(AGENT).collect();
        Self { address: address.to_canonical(), agent, device: None }
    }

    /// What attempts are counted by. An IPv6 subscriber has 2^64 addresses, so their /64 network counts as one.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        }
    }

    /// The same client, on a recognised device.
    pub fn on(self, device: Option<Device>) -> Self {
        Self { device, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_is_one_visitor() {
        let of = |text: &str| ClientInfo::new(text.parse().unwrap(), "").network();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn addresses_have_one_form_and_agents_are_bounded() {
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        let client = ClientInfo::new(mapped, &format!("a\r\nb{}", "é".repeat(500)));
        assert_eq!(client.address.to_string(), "192.0.2.7");
        assert_eq!(client.agent.chars().count(), 200);
        assert!(client.agent.starts_with("abé"));
    }
}
