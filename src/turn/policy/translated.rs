//! IPv6 addresses that lead to an IPv4 address.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr};

use super::ranges::Range;

/// An IPv4 address within an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    pub ip: Ipv4Addr,
    /// Bits ahead of it.
    before: u8,
    /// Whether the form says all there is to say about the address: what else
    /// is known of the range it lies in does not matter.
    pub replaces: bool,
}

impl Carried {
    /// The length in the IPv6 form of a prefix of the IPv4 address.
    pub fn prefix(&self, prefix: u8) -> u8 {
        // Bits 64 to 71 are left out (RFC 6052, 2.2).
        let straddles = self.before < 72 && self.before != 16 && self.before + prefix > 64;
        (self.before + prefix + if straddles { 8 } else { 0 }).min(128)
    }
}

/// Whether a range is the prefix of a NAT64 translator.
pub fn is_nat64_prefix(range: &Range) -> bool {
    matches!(range.prefix(), 32 | 40 | 48 | 56 | 64 | 96)
        && range.has_all_ports()
        && range.is_ipv6()
}

/// What an address carries: NAT64 (RFC 6052), by the well-known prefix or one of
/// those given, 6to4 (RFC 3056), Teredo's client (RFC 4380), ISATAP (RFC 5214).
pub fn carried(ip: &IpAddr, nat64: &[Range]) -> Option<Carried> {
    let IpAddr::V6(v6) = ip else { return None };
    let prefixes = nat64.iter().filter(|range| range.contains(ip));
    if let Some(prefix) = prefixes.map(Range::prefix).max() {
        return Some(by_nat64(&v6.octets(), prefix));
    }
    let s = v6.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    let found = |ip, before, replaces| {
        Some(Carried {
            ip,
            before,
            replaces,
        })
    };
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => found(v4(high, low), 96, true),
        [0x2002, high, low, ..] => found(v4(high, low), 16, false),
        [0x2001, 0, _, _, _, _, high, low] => found(v4(!high, !low), 96, true),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => found(v4(high, low), 96, false),
        _ => None,
    }
}

/// The four bytes after the prefix, but for the ninth of the address.
fn by_nat64(bytes: &[u8; 16], prefix: u8) -> Carried {
    let after = usize::from(prefix / 8)..16;
    let mut places = after.filter(|place| prefix == 96 || *place != 8);
    let ip: [u8; 4] = std::array::from_fn(|_| places.next().map_or(0, |place| bytes[place]));
    Carried {
        ip: ip.into(),
        before: prefix,
        replaces: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_rfc_6052_are_read() {
        // Its table in 2.4, with 192.0.2.33.
        let table = [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ];
        for (prefix, address) in table {
            let prefix: Range = prefix.parse().unwrap();
            assert!(is_nat64_prefix(&prefix));
            let found = carried(&address.parse().unwrap(), &[prefix]).unwrap();
            assert_eq!(found.ip, Ipv4Addr::new(192, 0, 2, 33), "{address}");
        }
        assert!(!is_nat64_prefix(&"2001:db8::/33".parse().unwrap()));
        assert!(!is_nat64_prefix(&"10.0.0.0/32".parse().unwrap()));
        assert_eq!(carried(&"2a00::1".parse().unwrap(), &[]), None);
    }

    #[test]
    fn prefixes_of_what_is_carried_skip_the_ninth_byte() {
        let of = |before| Carried {
            ip: Ipv4Addr::UNSPECIFIED,
            before,
            replaces: true,
        };
        assert_eq!(of(96).prefix(8), 104);
        assert_eq!(of(16).prefix(32), 48);
        assert_eq!(of(48).prefix(8), 56);
        assert_eq!(of(48).prefix(24), 80);
        assert_eq!(of(64).prefix(8), 80);
        assert_eq!(of(32).prefix(32), 64);
    }
}
