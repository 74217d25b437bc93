//! Transport addresses: their families and forms on the wire.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::stun::message::{MAGIC_COOKIE, TransactionId};

/// An address family, as REQUESTED-ADDRESS-FAMILY counts them (RFC 8656, 18.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4 (0x01).
    V4,
    /// IPv6 (0x02).
    V6,
}

impl Family {
    /// The family of an address.
    pub const fn of(ip: &IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The family's number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Family::V4 => 1,
            Family::V6 => 2,
        }
    }

    /// The family with that number.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Family::V4),
            2 => Some(Family::V6),
            _ => None,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Family::V4 => 0,
            Family::V6 => 1,
        }
    }
}

/// An attribute value of the XOR-MAPPED-ADDRESS form, at most 20 bytes
/// (RFC 8489, 14.2), and its length.
pub(crate) fn encode_xor(addr: &SocketAddr, id: &TransactionId) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    value[1] = Family::of(&addr.ip()).code();
    let port = addr.port() ^ (MAGIC_COOKIE >> 16) as u16;
    value[2..4].copy_from_slice(&port.to_be_bytes());
    match addr.ip() {
        IpAddr::V4(ip) => {
            let bits = u32::from(ip) ^ MAGIC_COOKIE;
            value[4..8].copy_from_slice(&bits.to_be_bytes());
            (value, 8)
        }
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) ^ pad(id);
            value[4..20].copy_from_slice(&bits.to_be_bytes());
            (value, 20)
        }
    }
}

/// An attribute value of the MAPPED-ADDRESS form (RFC 8489, 14.1), and its length.
pub(crate) fn encode_plain(addr: &SocketAddr) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    value[1] = Family::of(&addr.ip()).code();
    value[2..4].copy_from_slice(&addr.port().to_be_bytes());
    match addr.ip() {
        IpAddr::V4(ip) => {
            value[4..8].copy_from_slice(&ip.octets());
            (value, 8)
        }
        IpAddr::V6(ip) => {
            value[4..20].copy_from_slice(&ip.octets());
            (value, 20)
        }
    }
}

/// The address in a value of the XOR-MAPPED-ADDRESS form; `None` when the
/// value is not one.
pub(crate) fn decode_xor(value: &[u8], id: &TransactionId) -> Option<SocketAddr> {
    let (head, ip) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([head[2], head[3]]) ^ (MAGIC_COOKIE >> 16) as u16;
    let ip = match Family::from_code(head[1])? {
        Family::V4 => {
            let bits = u32::from_be_bytes(ip.try_into().ok()?);
            IpAddr::V4(Ipv4Addr::from(bits ^ MAGIC_COOKIE))
        }
        Family::V6 => {
            let bits = u128::from_be_bytes(ip.try_into().ok()?);
            IpAddr::V6(Ipv6Addr::from(bits ^ pad(id)))
        }
    };
    Some(SocketAddr::new(ip, port))
}

/// Magic cookie and transaction id, which mask an IPv6 address.
fn pad(id: &TransactionId) -> u128 {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    bytes[4..].copy_from_slice(id);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xor_addresses_come_back() {
        let id = *b"0123456789ab";
        for text in ["192.0.2.1:32853", "[2001:db8::1]:9"] {
            let addr: SocketAddr = text.parse().unwrap();
            let (value, len) = encode_xor(&addr, &id);
            assert_eq!(decode_xor(&value[..len], &id), Some(addr));
            for short in 0..len {
                assert_eq!(decode_xor(&value[..short], &id), None);
            }
        }
        assert_eq!(decode_xor(&[0, 3, 0, 0, 1, 2, 3, 4], &id), None);
        assert_eq!(decode_xor(&[0, 1, 0, 0, 1, 2, 3, 4, 5], &id), None);
    }
}
