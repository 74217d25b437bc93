//! Which peers a client may reach.
//!
//! A TURN server is a door into the network that it stands in. By default the
//! door leads to the public Internet alone.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::turn::policy::ranges::Range;

/// What the policy says of a peer address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Packets may go there.
    Allow,
    /// An address that relayed transport addresses of this server have:
    /// packets may go to another allocation of the server, inside the process,
    /// but never through the kernel to whatever else listens there.
    Inside,
    /// 403.
    Deny,
}

/// IPv4 ranges that no peer has business in (RFC 6890 and its registry).
const DENIED_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's metadata and health address
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, and cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments, Oracle's metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved, and broadcast
];

/// IPv6 ranges likewise. Forms that carry an IPv4 address follow in [`embedded`].
const DENIED_V6: [(Ipv6Addr, u8); 11] = [
    (Ipv6Addr::UNSPECIFIED, 96), // unspecified, loopback, IPv4-compatible
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), // IPv4-translated
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), // local NAT64
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64), // discard
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48), // benchmarks
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), // unique local, and AWS's metadata
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), // site-local
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), // multicast
];

/// Decides which peers a client may reach.
///
/// The most specific range of [`allow`](Self::allow) and [`deny`](Self::deny)
/// that contains an address decides, `deny` on a tie. Without one, the server's
/// own addresses and the special-purpose ranges are denied. IPv4-mapped
/// addresses are denied always.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: Vec<Range>,
    deny: Vec<Range>,
    own: Vec<IpAddr>,
    relays: Vec<IpAddr>,
}

impl Policy {
    /// The default policy.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Lets clients reach a range.
    pub fn allow(&mut self, range: Range) -> &mut Self {
        self.allow.push(range);
        self
    }

    /// Keeps clients out of a range.
    pub fn deny(&mut self, range: Range) -> &mut Self {
        self.deny.push(range);
        self
    }

    /// Names an address of the host that the server runs on.
    pub fn own(&mut self, ip: IpAddr) -> &mut Self {
        if !self.own.contains(&ip) {
            self.own.push(ip);
        }
        self
    }

    /// Names an address that relayed transport addresses have: see
    /// [`Verdict::Inside`]. Those that this core opens name themselves.
    pub fn relay(&mut self, ip: IpAddr) -> &mut Self {
        if !self.relays.contains(&ip) {
            self.relays.push(ip);
        }
        self
    }

    /// Whether relayed transport addresses of this server have this address.
    pub(crate) fn is_relay(&self, ip: &IpAddr) -> bool {
        self.relays.contains(ip)
    }

    /// What to do about a peer address.
    pub fn judge(&self, ip: &IpAddr) -> Verdict {
        // IPv4 in disguise: whoever may reach the address may say so plainly.
        if matches!(ip, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            return Verdict::Deny;
        }
        match (longest(&self.deny, ip), longest(&self.allow, ip)) {
            (Some(deny), Some(allow)) if allow > deny => Verdict::Allow,
            (Some(_), _) => Verdict::Deny,
            (None, Some(_)) => Verdict::Allow,
            (None, None) if self.is_relay(ip) => Verdict::Inside,
            (None, None) if self.own.contains(ip) || is_special(ip) => Verdict::Deny,
            (None, None) => match embedded(ip) {
                Some(v4) => self.judge_translated(&IpAddr::V4(v4)),
                None => Verdict::Allow,
            },
        }
    }

    /// A translated form leads out through the kernel, so the server's own
    /// IPv4 addresses are out of bounds in it.
    fn judge_translated(&self, v4: &IpAddr) -> Verdict {
        match self.judge(v4) {
            Verdict::Allow => Verdict::Allow,
            Verdict::Inside | Verdict::Deny => Verdict::Deny,
        }
    }
}

fn longest(ranges: &[Range], ip: &IpAddr) -> Option<u8> {
    let containing = ranges.iter().filter(|range| range.contains(ip));
    containing.map(Range::prefix).max()
}

/// Whether no peer on the public Internet has this address.
pub(crate) fn is_special(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => DENIED_V4
            .iter()
            .any(|(net, prefix)| (v4.to_bits() ^ net.to_bits()) >> (32 - u32::from(*prefix)) == 0),
        IpAddr::V6(v6) => DENIED_V6
            .iter()
            .any(|(net, prefix)| (v6.to_bits() ^ net.to_bits()) >> (128 - u32::from(*prefix)) == 0),
    }
}

/// The IPv4 address that an IPv6 address leads to: NAT64 (RFC 6052), 6to4
/// (RFC 3056), Teredo's client (RFC 4380) and ISATAP (RFC 5214).
fn embedded(ip: &IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = ip else { return None };
    let s = v6.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(v4(!high, !low)),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &Policy, ip: &str) -> Verdict {
        policy.judge(&ip.parse().unwrap())
    }

    #[test]
    fn special_purpose_addresses_are_denied_in_every_form() {
        let policy = Policy::new();
        let denied = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9 \
             168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 \
             192.168.1.1 198.18.0.1 198.19.255.255 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 \
             255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 \
             64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b:1::8.8.8.8 2002:7f00:1:: 2002:a00:1::5 \
             2002:c0a8:101::1 2001:0:4136:e378:8000:63bf:80ff:fffe fd00::1 fc00::1 fd00:ec2::254 \
             fe80::1 febf::1 fec0::1 ff02::1 2001:db8::1 100::1 2a00::5efe:10.0.0.1";
        for ip in denied.split_whitespace() {
            assert_eq!(judge(&policy, ip), Verdict::Deny, "{ip}");
        }
        let allowed = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.1 \
             198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00::1 64:ff9b::8.8.8.8 \
             2002:808:808::1";
        for ip in allowed.split_whitespace() {
            assert_eq!(judge(&policy, ip), Verdict::Allow, "{ip}");
        }
    }

    #[test]
    fn the_most_specific_range_decides() {
        let mut policy = Policy::new();
        for range in ["10.0.0.0/8", "10.1.2.3", "127.0.0.0/8"] {
            policy.allow(range.parse().unwrap());
        }
        for range in ["0.0.0.0/0", "10.1.0.0/16", "127.0.0.0/8"] {
            policy.deny(range.parse().unwrap());
        }
        assert_eq!(judge(&policy, "10.0.0.1"), Verdict::Allow);
        assert_eq!(judge(&policy, "10.1.0.1"), Verdict::Deny);
        assert_eq!(judge(&policy, "10.1.2.3"), Verdict::Allow);
        assert_eq!(judge(&policy, "127.0.0.1"), Verdict::Deny);
        assert_eq!(judge(&policy, "8.8.8.8"), Verdict::Deny);
        assert_eq!(judge(&policy, "2606:4700::1111"), Verdict::Allow);
    }

    #[test]
    fn a_range_allowed_is_allowed_in_its_translated_forms() {
        let mut policy = Policy::new();
        policy.allow("10.0.0.0/8".parse().unwrap());
        assert_eq!(judge(&policy, "64:ff9b::10.0.0.1"), Verdict::Allow);
        assert_eq!(judge(&policy, "64:ff9b::192.168.0.1"), Verdict::Deny);
    }

    #[test]
    fn own_addresses_lead_inside_or_nowhere() {
        let mut policy = Policy::new();
        policy.own("1.2.3.4".parse().unwrap());
        assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Deny);
        policy.relay("1.2.3.4".parse().unwrap());
        assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Inside);
        assert_eq!(judge(&policy, "64:ff9b::1.2.3.4"), Verdict::Deny);
        policy.allow("::/0".parse().unwrap());
        assert_eq!(judge(&policy, "::ffff:8.8.8.8"), Verdict::Deny);
        policy.deny("1.2.3.4".parse().unwrap());
        assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Deny);
    }
}
