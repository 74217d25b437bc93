//! Address ranges in CIDR form, with or without a range of ports.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address; of some
/// ports only: `10.0.0.5:20000-29999`, `[2001:db8::/32]:5000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    bits: u128,
    prefix: u8,
    v4: bool,
    /// First and last.
    ports: (u16, u16),
}

/// How narrow a range is: the length of its prefix, then how few ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Narrowness(u8, u16);

impl Narrowness {
    /// That of a range of addresses with all their ports.
    pub fn of_prefix(prefix: u8) -> Self {
        Narrowness(prefix, 0)
    }

    /// That of the same range in a form with a longer prefix.
    pub fn with_prefix(self, change: impl FnOnce(u8) -> u8) -> Self {
        Narrowness(change(self.0), self.1)
    }
}

/// Text that is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRange;

impl Range {
    /// The addresses that share the first `prefix` bits of `ip`.
    ///
    /// # Errors
    /// [`BadRange`] when the prefix is longer than the address.
    pub fn new(ip: IpAddr, prefix: u8) -> Result<Self, BadRange> {
        let (bits, width) = bits(&ip);
        if prefix > width {
            return Err(BadRange);
        }
        Ok(Range {
            bits: bits & mask(prefix, width),
            prefix,
            v4: ip.is_ipv4(),
            ports: (0, u16::MAX),
        })
    }

    /// The IPv4 addresses that it is about where it is one of mapped ones, `::ffff:0:0/96`:
    /// whoever is there is known by the IPv4 address.
    fn unmapped(&self) -> Option<Self> {
        let IpAddr::V4(v4) = IpAddr::from(self.bits.to_be_bytes()).to_canonical() else {
            return None;
        };
        let prefix = self.prefix.checked_sub(96).filter(|_| !self.v4)?;
        Range::new(v4.into(), prefix).ok()
    }

    /// Whether the address lies in the range, at some port. Families do not mix.
    pub fn contains(&self, ip: &IpAddr) -> bool {
        let (bits, width) = bits(ip);
        ip.is_ipv4() == self.v4 && bits & mask(self.prefix, width) == self.bits
    }

    /// Whether the port is one of the range's.
    pub fn has_port(&self, port: u16) -> bool {
        (self.ports.0..=self.ports.1).contains(&port)
    }

    /// Whether it is about all ports.
    pub fn has_all_ports(&self) -> bool {
        self.ports == (0, u16::MAX)
    }

    /// Whether its addresses are IPv6.
    pub fn is_ipv6(&self) -> bool {
        !self.v4
    }

    /// Length of the common prefix in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// How narrow it is.
    pub fn narrowness(&self) -> Narrowness {
        Narrowness(self.prefix, u16::MAX - (self.ports.1 - self.ports.0))
    }
}

impl FromStr for Range {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (addresses, ports) = match text.strip_prefix('[') {
            Some(rest) => {
                let (addresses, rest) = rest.split_once(']').ok_or(BadRange)?;
                (addresses, Some(rest.strip_prefix(':').ok_or(BadRange)?))
            }
            // Two colons or more are an IPv6 address.
            None => match text.split_once(':') {
                Some((addresses, ports)) if !ports.contains(':') => (addresses, Some(ports)),
                _ => (text, None),
            },
        };
        let (ip, prefix) = match addresses.split_once('/') {
            Some((ip, prefix)) => (ip, Some(read_number(prefix)?)),
            None => (addresses, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| BadRange)?;
        let range = Range::new(ip, prefix.unwrap_or(if ip.is_ipv4() { 32 } else { 128 }))?;
        let range = range.unmapped().unwrap_or(range);
        let ports = ports.map_or(Ok(range.ports), read_ports)?;
        Ok(Range { ports, ..range })
    }
}

/// `5000` or `20000-29999`.
fn read_ports(text: &str) -> Result<(u16, u16), BadRange> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (read_number(first)?, read_number(last)?);
    if first == 0 || first > last {
        return Err(BadRange);
    }
    Ok((first, last))
}

/// Digits, and no sign before them.
fn read_number<T: FromStr>(text: &str) -> Result<T, BadRange> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(BadRange)
}

fn bits(ip: &IpAddr) -> (u128, u8) {
    match ip {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

fn mask(prefix: u8, width: u8) -> u128 {
    match u32::from(width - prefix) {
        128 => 0,
        low => u128::MAX << low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_contain_what_they_should() {
        let within = |range: &str, ip: &str| {
            range
                .parse::<Range>()
                .unwrap()
                .contains(&ip.parse().unwrap())
        };
        assert!(within("10.0.0.0/8", "10.255.0.1"));
        assert!(within("10.9.9.9/8", "10.0.0.1"));
        assert!(!within("10.0.0.0/8", "11.0.0.0"));
        assert!(within("0.0.0.0/0", "203.0.113.1"));
        assert!(!within("0.0.0.0/0", "::1"));
        assert!(within("::/0", "::1"));
        assert!(within("2001:db8::7", "2001:db8::7"));
        assert!(!within("2001:db8::7", "2001:db8::8"));
        assert!(within("::ffff:10.0.0.0/104", "10.9.9.9"));
        assert!(!within("::ffff:10.0.0.0/104", "11.0.0.1"));
        assert!(within("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!within("::ffff:0:0/95", "10.0.0.1"));
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "x/1",
            "::/-1",
            "10.0.0.5:",
            "10.0.0.5:0",
            "10.0.0.0/+8",
            "10.0.0.5:+5",
            "10.0.0.5:5-+6",
            "10.0.0.5:2-1",
            "10.0.0.5:1-65536",
            "10.0.0.5:1-2-3",
            "[2001:db8::1]",
            "[2001:db8::1]:",
            "[2001:db8::1:5",
        ] {
            assert_eq!(bad.parse::<Range>(), Err(BadRange), "{bad}");
        }
    }

    #[test]
    fn ranges_may_name_ports() {
        let range = |text: &str| text.parse::<Range>().unwrap();
        let media = range("10.0.0.5:20000-29999");
        assert!(media.contains(&"10.0.0.5".parse().unwrap()));
        assert!(!media.contains(&"10.0.0.6".parse().unwrap()));
        assert!(media.has_port(20_000) && media.has_port(29_999));
        assert!(!media.has_port(19_999) && !media.has_port(30_000));
        assert!(!media.has_all_ports() && range("::/0").has_all_ports());
        assert!(range("[2001:db8::/32]:53").has_port(53));
        assert!(range("[2001:db8::1]:53").contains(&"2001:db8::1".parse().unwrap()));
        assert_eq!(range("10.0.0.5:1-65535").ports, (1, 65535));
        assert!(media.narrowness() > range("10.0.0.5").narrowness());
        assert!(range("10.0.0.5:53").narrowness() > media.narrowness());
        assert!(range("10.0.0.5").narrowness() > range("10.0.0.0/24:53").narrowness());
    }
}
