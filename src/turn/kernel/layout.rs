//! What is in a route: the structures of `relay.h`, as this side writes them, in words of 64 bits.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

/// A packet that comes in: from where, to where, and on which channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    pub from: SocketAddr,
    pub to: SocketAddr,
    /// `None` for a packet from a peer.
    pub channel: Option<u16>,
    /// It comes from another allocation, and not from outside.
    pub inside: bool,
}

/// How such a packet goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onward {
    pub from: SocketAddr,
    pub to: SocketAddr,
    /// `None` for a packet to a peer.
    pub channel: Option<u16>,
    pub hop: Hop,
    /// The receiver must be another allocation.
    pub inside: bool,
}

/// Where a packet leaves the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The number of the interface.
    pub interface: u32,
    /// Whom the frame is for: a router, or the receiver himself.
    pub next: IpAddr,
    /// Bytes of the largest IP packet, where the route says less than the interface.
    pub mtu: Option<u32>,
}

impl Flow {
    /// How many words it has.
    pub const WORDS: usize = 5;

    pub fn to_words(self) -> [u64; Self::WORDS] {
        let mut bytes = [0; Self::WORDS * 8];
        bytes[..36].copy_from_slice(&ends(&self.from, &self.to));
        bytes[36..38].copy_from_slice(&self.channel.unwrap_or(0).to_be_bytes());
        bytes[38..].copy_from_slice(&u16::from(self.inside).to_ne_bytes());
        words(&bytes)
    }
}

impl Onward {
    /// How many words it has, without the number of the interface.
    pub const WORDS: usize = 7;

    pub fn to_words(self) -> [u64; Self::WORDS] {
        let mut bytes = [0; Self::WORDS * 8];
        let ends = ends(&self.from, &self.to);
        bytes[..32].copy_from_slice(&ends[..32]);
        bytes[32..48].copy_from_slice(&mapped(&self.hop.next));
        bytes[48..52].copy_from_slice(&ends[32..]);
        bytes[52..54].copy_from_slice(&self.channel.unwrap_or(0).to_be_bytes());
        bytes[54] = self.to.is_ipv6().into();
        bytes[55] = self.inside.into();
        words(&bytes)
    }
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_ne_bytes(words[i]))
}

/// Both addresses and both ports.
fn ends(from: &SocketAddr, to: &SocketAddr) -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[..16].copy_from_slice(&mapped(&from.ip()));
    bytes[16..32].copy_from_slice(&mapped(&to.ip()));
    bytes[32..34].copy_from_slice(&from.port().to_be_bytes());
    bytes[34..].copy_from_slice(&to.port().to_be_bytes());
    bytes
}

fn mapped(ip: &IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}
