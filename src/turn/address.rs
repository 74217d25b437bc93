//! Addresses as keys of tables, and as sources that limits count.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An address, port and (for clients) listener in three words: quick to hash
/// and to compare. Flow labels and scope ids do not take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AddrKey {
    hi: u64,
    lo: u64,
    tail: u64,
}

impl AddrKey {
    pub(crate) fn new(addr: &SocketAddr, listener: u32) -> Self {
        let (hi, lo) = words(&addr.ip());
        AddrKey {
            hi,
            lo,
            tail: u64::from(listener) << 16 | u64::from(addr.port()),
        }
    }

    pub(crate) fn of(addr: &SocketAddr) -> Self {
        AddrKey::new(addr, 0)
    }

    pub(crate) fn of_ip(ip: &IpAddr) -> Self {
        let (hi, lo) = words(ip);
        AddrKey { hi, lo, tail: 0 }
    }

    /// The key as bytes, for a MAC.
    pub(crate) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.hi.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.lo.to_be_bytes());
        bytes[16..].copy_from_slice(&self.tail.to_be_bytes());
        bytes
    }

    /// The address the key was made of.
    pub(crate) fn ip(&self) -> IpAddr {
        let bits = u128::from(self.hi) << 64 | u128::from(self.lo);
        let v6 = Ipv6Addr::from(bits);
        v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
    }

    /// The source that a limit counts: an IPv4 address, or the /64 network
    /// that an IPv6 host can pick addresses from at will.
    pub(crate) fn source(ip: &IpAddr) -> Self {
        let (hi, lo) = words(ip);
        let lo = if ip.is_ipv4() { lo } else { 0 };
        AddrKey { hi, lo, tail: 0 }
    }
}

/// The same place, without the mapping of an IPv4 address into IPv6.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether an address can be that of one host: it is no group's, not that of everybody, and
/// stands for no other.
pub(crate) fn is_of_a_host(ip: &IpAddr) -> bool {
    let is_group = match ip {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    !is_group && !ip.is_unspecified()
}

/// Whether somebody can be there.
pub(crate) fn is_somebody(address: &SocketAddr) -> bool {
    is_of_a_host(&address.ip()) && address.port() != 0
}

fn words(ip: &IpAddr) -> (u64, u64) {
    let bits = match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    ((bits >> 64) as u64, bits as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_addresses_ports_and_listeners_apart() {
        let a: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let b: SocketAddr = "192.0.2.1:2".parse().unwrap();
        assert_ne!(AddrKey::new(&a, 0), AddrKey::new(&b, 0));
        assert_ne!(AddrKey::new(&a, 0), AddrKey::new(&a, 1));
        assert_eq!(AddrKey::of_ip(&a.ip()), AddrKey::of_ip(&b.ip()));
        assert_eq!(AddrKey::of_ip(&a.ip()).ip(), a.ip());
        let v6: IpAddr = "2001:db8::7".parse().unwrap();
        assert_eq!(AddrKey::of_ip(&v6).ip(), v6);
        assert_eq!(
            AddrKey::source(&v6),
            AddrKey::source(&"2001:db8::8".parse().unwrap())
        );
    }
}
