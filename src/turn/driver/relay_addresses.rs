//! Which of the host's addresses a relay is at.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use parking_lot::RwLock;

use crate::stun::Family;
use crate::turn::policy::peers::is_special;

use super::listeners::is_link_local;
use super::sys::HostAddress;

/// An address that relay sockets are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    /// The host's own address; unspecified for those of the listeners.
    pub bind: IpAddr,
    /// What clients are told: another where the host sits behind a 1:1 NAT.
    pub advertised: IpAddr,
}

impl RelayAddress {
    /// Stands for the listeners' addresses of a family.
    pub fn everywhere(family: Family) -> Self {
        let ip = match family {
            Family::V4 => IpAddr::from([0; 4]),
            Family::V6 => IpAddr::from([0; 16]),
        };
        RelayAddress {
            bind: ip,
            advertised: ip,
        }
    }
}

impl RelayAddress {
    /// The one that it stands for at an address of the host.
    fn bound_to(&self, ip: IpAddr) -> Self {
        RelayAddress {
            bind: ip,
            advertised: match self.advertised.is_unspecified() {
                true => ip,
                false => self.advertised,
            },
        }
    }
}

/// Chooses relay addresses. Asked for each allocation, never for a packet.
#[derive(Debug)]
pub struct RelayAddresses(RwLock<State>);

#[derive(Debug)]
struct State {
    /// As configured. An unspecified address stands for those of the listeners;
    /// without any, all of those serve.
    relays: Vec<RelayAddress>,
    /// Where clients reach the server now.
    reached: Vec<HostAddress>,
}

impl RelayAddresses {
    pub fn new(relays: &[RelayAddress], reached: Vec<HostAddress>) -> Self {
        RelayAddresses(RwLock::new(State {
            relays: relays.to_vec(),
            reached,
        }))
    }

    /// Clients reach the server there from now on.
    pub fn set_reached(&self, reached: Vec<HostAddress>) {
        self.0.write().reached = reached;
    }

    /// Clients and peers see a configured relay address, `at`, as `external` from
    /// now on. `false` where none is configured so.
    pub fn set_external(&self, at: IpAddr, external: IpAddr) -> bool {
        let mut state = self.0.write();
        if state.relays.is_empty() {
            state.relays = [Family::V4, Family::V6]
                .map(RelayAddress::everywhere)
                .into();
        }
        let mut relays = state.relays.iter_mut().filter(|relay| relay.bind == at);
        let found = relays.next();
        found.map(|relay| relay.advertised = external).is_some()
    }

    /// Every address that a relay for clients elsewhere may be at now.
    pub fn all(&self) -> Vec<RelayAddress> {
        let state = self.0.read();
        let of = |family| state.of_family(family);
        [of(Family::V4), of(Family::V6)].concat()
    }

    /// Where to open a relay for a client that uses the server's address
    /// `used`: the best first, those after it where it has no port left.
    pub fn choose(
        &self,
        family: Family,
        used: IpAddr,
        random: impl FnOnce() -> u32,
    ) -> Vec<RelayAddress> {
        let state = self.0.read();
        // Whoever is on this host himself has no use for another address.
        if let Some(own) = state.loopback(used).filter(|_| Family::of(&used) == family) {
            return vec![own];
        }
        let mut found = state.of_family(family);
        if let Some(at) = found.iter().position(|relay| relay.bind == used) {
            if state.is_vague(family) {
                return vec![found[at]];
            }
            found.swap(0, at);
            return found;
        }
        if found.is_empty() {
            return found;
        }
        if !state.is_vague(family) {
            let first = random() as usize % found.len();
            found.rotate_left(first);
            return found;
        }
        let interface = |ip: IpAddr| {
            let of_ip = state.reached.iter().find(|own| own.ip == ip);
            of_ip.map(|own| &own.interface)
        };
        let (beside, default) = (interface(used), default_source(family));
        found.sort_by_key(|relay| {
            let is_beside = beside.is_some() && interface(relay.bind) == beside;
            (
                is_special(&relay.bind),
                !is_beside,
                Some(relay.bind) != default,
            )
        });
        // A private address is no substitute for a public one.
        let is_private = is_special(&found[0].bind);
        found.retain(|relay| is_special(&relay.bind) == is_private);
        found
    }
}

impl State {
    /// The relay address that a loopback address of a listener's makes, where the
    /// configuration leaves it open.
    fn loopback(&self, ip: IpAddr) -> Option<RelayAddress> {
        let family = Family::of(&ip);
        let is_reached = ip.is_loopback() && self.reached.iter().any(|own| own.ip == ip);
        let everywhere = [RelayAddress::everywhere(family)];
        let mut vague = self
            .configured(&everywhere)
            .iter()
            .filter(|relay| relay.bind.is_unspecified() && Family::of(&relay.bind) == family);
        let relay = vague.next().filter(|_| is_reached)?;
        Some(relay.bound_to(ip))
    }

    /// What is configured, or what nothing stands for.
    fn configured<'a>(&'a self, everywhere: &'a [RelayAddress]) -> &'a [RelayAddress] {
        match self.relays.is_empty() {
            true => everywhere,
            false => &self.relays,
        }
    }

    fn of_family(&self, family: Family) -> Vec<RelayAddress> {
        let mut found = Vec::new();
        let everywhere = [RelayAddress::everywhere(family)];
        let configured = self.configured(&everywhere);
        for relay in configured {
            if Family::of(&relay.bind) != family {
                continue;
            }
            if !relay.bind.is_unspecified() {
                found.push(*relay);
                continue;
            }
            let ips = self.useful().filter(|ip| Family::of(ip) == family);
            found.extend(ips.map(|ip| relay.bound_to(ip)));
        }
        found
    }

    /// Whether the configuration leaves the address open.
    fn is_vague(&self, family: Family) -> bool {
        let of_family = |relay: &&RelayAddress| Family::of(&relay.bind) == family;
        let mut relays = self.relays.iter().filter(of_family);
        self.relays.is_empty() || relays.any(|relay| relay.bind.is_unspecified())
    }

    /// The listeners' addresses that a peer elsewhere can do something with:
    /// loopback only where there is nothing else.
    fn useful(&self) -> impl Iterator<Item = IpAddr> {
        let ips = self.reached.iter().map(|own| own.ip);
        let is_remote = |ip: &IpAddr| !ip.is_loopback() && !is_link_local(ip);
        let has_remote = ips.clone().any(|ip| is_remote(&ip));
        ips.filter(move |ip| match has_remote {
            true => is_remote(ip),
            false => !is_link_local(ip),
        })
    }
}

/// The address that the kernel sends from to the Internet, if there is a way.
fn default_source(family: Family) -> Option<IpAddr> {
    // Root name servers' addresses. Nothing is sent: connecting a datagram
    // socket only looks up the route.
    let (any, far): (IpAddr, IpAddr) = match family {
        Family::V4 => (
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::new(198, 41, 0, 4).into(),
        ),
        Family::V6 => (
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30).into(),
        ),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far, 53)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Vec<HostAddress> {
        let read = |entry: &str| {
            let (ip, interface) = entry.split_once('%').unwrap();
            HostAddress {
                ip: ip.parse().unwrap(),
                interface: interface.into(),
            }
        };
        text.split_whitespace().map(read).collect()
    }

    fn chosen(addresses: &RelayAddresses, family: Family, used: &str) -> Vec<String> {
        let found = addresses.choose(family, used.parse().unwrap(), || 7);
        let text = |relay: &RelayAddress| format!("{}={}", relay.bind, relay.advertised);
        found.iter().map(text).collect()
    }

    const HOST: &str = "127.0.0.1%lo ::1%lo 172.17.0.1%docker0 11.0.0.5%eth0 10.8.0.1%tun0 \
                        fd00::5%eth0 2a00::5%eth1 2a00::6%eth0 fe80::1%eth0";

    #[test]
    fn a_relay_is_at_the_address_that_the_client_used() {
        let addresses = RelayAddresses::new(&[], host(HOST));
        for used in ["11.0.0.5", "172.17.0.1", "10.8.0.1"] {
            assert_eq!(
                chosen(&addresses, Family::V4, used),
                [format!("{used}={used}")]
            );
        }
        assert_eq!(
            chosen(&addresses, Family::V6, "fd00::5"),
            ["fd00::5=fd00::5"]
        );
        // So it is for who is on the host himself; elsewhere loopback and link-local
        // addresses mean nothing.
        assert_eq!(
            chosen(&addresses, Family::V4, "127.0.0.1"),
            ["127.0.0.1=127.0.0.1"]
        );
        assert_eq!(chosen(&addresses, Family::V6, "::1"), ["::1=::1"]);
        assert_eq!(
            chosen(&addresses, Family::V4, "0.0.0.0")[0],
            "11.0.0.5=11.0.0.5"
        );
        assert_eq!(
            chosen(&addresses, Family::V6, "fe80::1")[0],
            "2a00::6=2a00::6"
        );
    }

    #[test]
    fn for_the_other_family_public_goes_before_private_and_then_the_same_interface() {
        let addresses = RelayAddresses::new(&[], host(HOST));
        assert_eq!(
            chosen(&addresses, Family::V4, "fd00::5"),
            ["11.0.0.5=11.0.0.5"]
        );
        let sixes = ["2a00::6=2a00::6", "2a00::5=2a00::5"];
        assert_eq!(chosen(&addresses, Family::V6, "11.0.0.5"), sixes);
        let private = host("10.0.0.5%eth0 172.17.0.1%docker0 2a00::5%eth0");
        let addresses = RelayAddresses::new(&[], private);
        assert_eq!(
            chosen(&addresses, Family::V4, "2a00::5")[0],
            "10.0.0.5=10.0.0.5"
        );
    }

    #[test]
    fn loopback_serves_where_there_is_nothing_else() {
        let addresses = RelayAddresses::new(&[], host("127.0.0.1%lo ::1%lo"));
        assert_eq!(
            chosen(&addresses, Family::V4, "127.0.0.1"),
            ["127.0.0.1=127.0.0.1"]
        );
        assert_eq!(chosen(&addresses, Family::V6, "127.0.0.1"), ["::1=::1"]);
    }

    #[test]
    fn what_is_configured_decides() {
        let relay = |bind: &str, advertised: &str| RelayAddress {
            bind: bind.parse().unwrap(),
            advertised: advertised.parse().unwrap(),
        };
        let named = [relay("11.0.0.5", "11.0.0.5"), relay("11.0.0.6", "5.5.5.5")];
        let addresses = RelayAddresses::new(&named, host(HOST));
        assert_eq!(
            chosen(&addresses, Family::V4, "11.0.0.6")[0],
            "11.0.0.6=5.5.5.5"
        );
        assert_eq!(chosen(&addresses, Family::V4, "172.17.0.1").len(), 2);
        assert!(chosen(&addresses, Family::V6, "2a00::5").is_empty());

        let vague = [relay("0.0.0.0", "5.5.5.5")];
        let addresses = RelayAddresses::new(&vague, host(HOST));
        assert_eq!(
            chosen(&addresses, Family::V4, "172.17.0.1"),
            ["172.17.0.1=5.5.5.5"]
        );
        assert_eq!(
            chosen(&addresses, Family::V4, "127.0.0.1"),
            ["127.0.0.1=5.5.5.5"]
        );
        assert_eq!(
            chosen(&addresses, Family::V4, "2a00::5")[0],
            "11.0.0.5=5.5.5.5"
        );
    }
}
