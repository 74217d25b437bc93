//! Special-purpose addresses: what no peer has business in.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 ranges (RFC 6890 and its registry), and what clouds answer on for the
/// machines they run: credentials, for one.
const DENIED_V4: [(Ipv4Addr, u8); 22] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),          // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // carrier-grade NAT
    (Ipv4Addr::new(100, 96, 0, 96), 32),     // Volcengine's metadata
    (Ipv4Addr::new(100, 100, 100, 200), 32), // Alibaba's metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8),        // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32),   // Azure's metadata and health address
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link-local
    (Ipv4Addr::new(169, 254, 0, 23), 32),    // Tencent's metadata
    (Ipv4Addr::new(169, 254, 42, 42), 32),   // Scaleway's metadata
    (Ipv4Addr::new(169, 254, 169, 0), 24),   // metadata of nearly all, and AWS's other services
    (Ipv4Addr::new(169, 254, 170, 0), 24),   // AWS's credentials for containers
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),       // protocol assignments, Oracle's metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),       // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),     // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),      // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),    // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),     // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),        // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),        // reserved, and broadcast
];

/// IPv6 ranges likewise: whatever is outside of global unicast (2000::/3), and
/// within it and without what has a meaning of its own.
const DENIED_V6: [(Ipv6Addr, u8); 23] = [
    (Ipv6Addr::UNSPECIFIED, 3),
    (v6(0x4000, 0, 0, 0), 2),
    (v6(0x8000, 0, 0, 0), 1),
    (Ipv6Addr::UNSPECIFIED, 96), // unspecified, IPv4-compatible
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), // IPv4-translated
    (v6(0x64, 0xff9b, 1, 0), 48),                     // local NAT64
    (v6(0x100, 0, 0, 0), 64),                         // discard
    (v6(0x100, 0, 0, 1), 64),                         // dummy
    (v6(0x2001, 0, 0, 0), 23),                        // protocol assignments
    (v6(0x2001, 2, 0, 0), 48),                        // benchmarks
    (v6(0x2001, 0xdb8, 0, 0), 32),                    // documentation
    (v6(0x3fff, 0, 0, 0), 20),                        // documentation
    (v6(0x5f00, 0, 0, 0), 16),                        // segment routing
    (v6(0xfc00, 0, 0, 0), 7),                         // unique local
    (v6(0xfd00, 0xec2, 0, 0), 32),                    // AWS's metadata and other services
    (Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), 128), // Oracle's metadata
    (Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), 128), // Scaleway's metadata
    (Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1), 128), // Akamai's metadata
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128), // Google's metadata
    (v6(0xfe80, 0, 0, 0), 10),                        // link-local, OpenStack's metadata
    (v6(0xfec0, 0, 0, 0), 10),                        // site-local
    (v6(0xff00, 0, 0, 0), 8),                         // multicast
];

const fn v6(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

/// The longest prefix of a range that is denied and contains the address.
pub(super) fn narrowest(ip: &IpAddr) -> Option<u8> {
    match ip {
        IpAddr::V4(v4) => {
            let inside = |(net, prefix): &&(Ipv4Addr, u8)| {
                (v4.to_bits() ^ net.to_bits()) >> (32 - u32::from(*prefix)) == 0
            };
            let found = DENIED_V4.iter().filter(inside);
            found.map(|(_, prefix)| *prefix).max()
        }
        IpAddr::V6(v6) => {
            let inside = |(net, prefix): &&(Ipv6Addr, u8)| {
                (v6.to_bits() ^ net.to_bits()) >> (128 - u32::from(*prefix)) == 0
            };
            let found = DENIED_V6.iter().filter(inside);
            found.map(|(_, prefix)| *prefix).max()
        }
    }
}

/// Whether no peer on the public Internet has this address.
pub(crate) fn is_special(ip: &IpAddr) -> bool {
    narrowest(ip).is_some()
}
