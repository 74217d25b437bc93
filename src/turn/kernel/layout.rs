//! What is in the maps: the structures of `relay.h`, as this side writes them.
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
    /// Which tally holds its deadline and counts it.
    pub tally: u32,
}

/// Where a packet leaves the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The number of the interface.
    pub interface: u32,
    /// Whom the frame is for: a router, or the receiver himself.
    pub next: IpAddr,
}

/// Bytes of a key of the first map, and of its value.
pub const FLOW: usize = 40;
pub const ROUTE: usize = 64;

impl Flow {
    pub fn to_bytes(self) -> [u8; FLOW] {
        let mut bytes = [0; FLOW];
        bytes[..36].copy_from_slice(&ends(&self.from, &self.to));
        bytes[36..38].copy_from_slice(&self.channel.unwrap_or(0).to_be_bytes());
        bytes[38..].copy_from_slice(&u16::from(self.inside).to_ne_bytes());
        bytes
    }
}

impl Onward {
    pub fn to_bytes(self) -> [u8; ROUTE] {
        let mut bytes = [0; ROUTE];
        let ends = ends(&self.from, &self.to);
        bytes[..32].copy_from_slice(&ends[..32]);
        bytes[32..48].copy_from_slice(&mapped(&self.hop.next));
        bytes[48..52].copy_from_slice(&ends[32..]);
        bytes[52..54].copy_from_slice(&self.channel.unwrap_or(0).to_be_bytes());
        bytes[54] = self.to.is_ipv6().into();
        bytes[55] = self.inside.into();
        bytes[56..60].copy_from_slice(&self.hop.interface.to_ne_bytes());
        bytes[60..].copy_from_slice(&self.tally.to_ne_bytes());
        bytes
    }
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
