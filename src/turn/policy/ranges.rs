//! Address ranges in CIDR form.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    bits: u128,
    prefix: u8,
    v4: bool,
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
        })
    }

    /// Whether the address lies in the range. Families do not mix.
    pub fn contains(&self, ip: &IpAddr) -> bool {
        let (bits, width) = bits(ip);
        ip.is_ipv4() == self.v4 && bits & mask(self.prefix, width) == self.bits
    }

    /// Length of the common prefix in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl FromStr for Range {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix.parse().map_err(|_| BadRange)?)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| BadRange)?;
        Range::new(ip, prefix.unwrap_or(if ip.is_ipv4() { 32 } else { 128 }))
    }
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
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "x/1",
            "::/-1",
        ] {
            assert_eq!(bad.parse::<Range>(), Err(BadRange), "{bad}");
        }
    }
}
