//! Which peers a client may reach.
//!
//! A TURN server is a door into the network that it stands in. By default the
//! door leads to the public Internet alone.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use super::ranges::{Narrowness, Range};
use super::special;
use super::translated::{self, Carried};

pub(crate) use super::special::is_special;

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

/// Whether an address leads to this host now, however it came to.
pub type Probe = fn(&IpAddr) -> bool;

/// Decides which peers a client may reach.
///
/// What is denied from the outset, which is the special-purpose ranges and the
/// host's own addresses, and what [`deny`](Self::deny) and
/// [`allow`](Self::allow) name are ranges alike, and the narrowest that contains
/// a peer decides; `allow` on a tie with what is denied from the outset, `deny`
/// on a tie with `allow`. Where nothing contains it, it is allowed. IPv4-mapped
/// addresses are denied always. An address that carries an IPv4 address is
/// judged as that one.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: Vec<Range>,
    deny: Vec<Range>,
    /// Prefixes of NAT64 translators beside the well-known one.
    nat64: Vec<Range>,
    /// Whether one of `allow` or `deny` is about some ports only.
    names_ports: bool,
    /// Addresses of the host, loopback excepted, which is a range.
    own: Vec<IpAddr>,
    probe: Option<Probe>,
    relays: Vec<IpAddr>,
    /// A bit for each of `relays`, by its last byte: most packets need not look
    /// further.
    relay_bits: u64,
}

impl Policy {
    /// The default policy.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Lets clients reach a range.
    pub fn allow(&mut self, range: Range) -> &mut Self {
        self.names_ports |= !range.has_all_ports();
        self.allow.push(range);
        self
    }

    /// Keeps clients out of a range.
    pub fn deny(&mut self, range: Range) -> &mut Self {
        self.names_ports |= !range.has_all_ports();
        self.deny.push(range);
        self
    }

    /// Replaces what is allowed and denied.
    pub fn set_ranges(&mut self, allow: Vec<Range>, deny: Vec<Range>) {
        let mut ranges = allow.iter().chain(&deny);
        self.names_ports = ranges.any(|range| !range.has_all_ports());
        (self.allow, self.deny) = (allow, deny);
    }

    /// Names the prefix of a NAT64 translator (RFC 6052: of 32, 40, 48, 56, 64 or
    /// 96 bits). `false` for a range that is none.
    pub fn nat64(&mut self, prefix: Range) -> bool {
        let is_one = translated::is_nat64_prefix(&prefix);
        if is_one {
            self.nat64.push(prefix);
        }
        is_one
    }

    /// How to find out whether an address leads to the host, beside
    /// [`own`](Self::own).
    pub fn set_probe(&mut self, probe: Probe) {
        self.probe = Some(probe);
    }

    /// Names an address of the host that the server runs on.
    pub fn own(&mut self, ip: IpAddr) -> &mut Self {
        if !ip.is_loopback() && !self.own.contains(&ip) {
            self.own.push(ip);
        }
        self
    }

    /// Names all addresses of the host anew.
    pub fn set_host(&mut self, ips: impl Iterator<Item = IpAddr>) {
        self.own.clear();
        for ip in ips {
            self.own(ip);
        }
    }

    /// Names an address that relayed transport addresses have: see
    /// [`Verdict::Inside`]. Those that this core opens name themselves.
    pub fn relay(&mut self, ip: IpAddr) -> &mut Self {
        if !self.relays.contains(&ip) {
            self.relays.push(ip);
            self.relay_bits |= relay_bit(&ip);
        }
        self
    }

    /// Whether relayed transport addresses of this server have this address.
    pub(crate) fn is_relay(&self, ip: &IpAddr) -> bool {
        self.relay_bits & relay_bit(ip) != 0 && self.relays.contains(ip)
    }

    /// Whether the port of a peer matters.
    pub(crate) fn names_ports(&self) -> bool {
        self.names_ports
    }

    /// What to do about a peer address: whatever its port, where none is given.
    /// Asks the system whether the address is the host's.
    pub fn judge(&self, ip: &IpAddr, port: Option<u16>) -> Verdict {
        let probe = |ip: &IpAddr| self.probe.is_some_and(|probe| probe(ip));
        self.decide(ip, port, &probe)
    }

    /// Likewise for a packet: nobody is asked.
    pub(crate) fn judge_packet(&self, peer: &SocketAddr) -> Verdict {
        self.decide(&peer.ip(), Some(peer.port()), &|_| false)
    }

    fn decide(
        &self,
        ip: &IpAddr,
        port: Option<u16>,
        is_local: &dyn Fn(&IpAddr) -> bool,
    ) -> Verdict {
        // IPv4 in disguise: whoever may reach the address may say so plainly.
        if matches!(ip, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            return Verdict::Deny;
        }
        let allow = narrowest(&self.allow, ip, port, true);
        let deny = narrowest(&self.deny, ip, port, false);
        if deny.is_some() && deny >= allow {
            return Verdict::Deny;
        }
        let carried = translated::carried(ip, &self.nat64);
        let from_the_outset = self.denied_from_the_outset(ip, carried.as_ref(), is_local);
        if from_the_outset.is_some() && from_the_outset > allow {
            return match self.is_relay(ip) {
                true => Verdict::Inside,
                false => Verdict::Deny,
            };
        }
        match carried {
            Some(carried) => self.decide_carried(&carried, port, allow, is_local),
            None => Verdict::Allow,
        }
    }

    /// A translated form leads out through the kernel, so the server's own
    /// IPv4 addresses are out of bounds in it.
    fn decide_carried(
        &self,
        carried: &Carried,
        port: Option<u16>,
        allow: Option<Narrowness>,
        is_local: &dyn Fn(&IpAddr) -> bool,
    ) -> Verdict {
        let v4 = IpAddr::V4(carried.ip);
        if self.decide(&v4, port, is_local) == Verdict::Allow {
            return Verdict::Allow;
        }
        // What denies it, in the form that it has here.
        let here = |found: Option<Narrowness>| {
            found.map(|narrowness| narrowness.with_prefix(|prefix| carried.prefix(prefix)))
        };
        let deny = here(narrowest(&self.deny, &v4, port, false));
        let from_the_outset = here(self.denied_from_the_outset(&v4, None, is_local));
        match allow {
            Some(_) if allow >= from_the_outset && allow > deny => Verdict::Allow,
            _ => Verdict::Deny,
        }
    }

    /// The narrowest range around an address that is denied unless allowed.
    fn denied_from_the_outset(
        &self,
        ip: &IpAddr,
        carried: Option<&Carried>,
        is_local: &dyn Fn(&IpAddr) -> bool,
    ) -> Option<Narrowness> {
        let is_own = || self.is_relay(ip) || self.own.contains(ip) || is_local(ip);
        if !ip.is_loopback() && is_own() {
            let all = if ip.is_ipv4() { 32 } else { 128 };
            return Some(Narrowness::of_prefix(all));
        }
        let replaces = carried.is_some_and(|carried| carried.replaces);
        let prefix = special::narrowest(ip).filter(|_| !replaces);
        prefix.map(Narrowness::of_prefix)
    }
}

/// Of no port in particular: one that names ports counts where it `opens` some.
fn narrowest(ranges: &[Range], ip: &IpAddr, port: Option<u16>, opens: bool) -> Option<Narrowness> {
    let matches = |range: &&Range| {
        range.contains(ip)
            && match port {
                Some(port) => range.has_port(port),
                None => opens || range.has_all_ports(),
            }
    };
    ranges.iter().filter(matches).map(Range::narrowness).max()
}

fn relay_bit(ip: &IpAddr) -> u64 {
    let last = match ip {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(v6) => v6.octets()[15],
    };
    1 << (last & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &Policy, ip: &str) -> Verdict {
        policy.judge(&ip.parse().unwrap(), None)
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
             fe80::1 febf::1 fec0::1 ff02::1 2001:db8::1 100::1 2a00::5efe:10.0.0.1 5f00::1 4000::1 \
             8000::1 2001:4:112::1 2001:1ff::1 2001:20::1 fd20:ce::254 fd00:c1::a9fe:a9fe 1000::1 \
             100.100.100.200 169.254.170.2";
        for ip in denied.split_whitespace() {
            assert_eq!(judge(&policy, ip), Verdict::Deny, "{ip}");
        }
        let allowed = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.1 \
             198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00::1 64:ff9b::8.8.8.8 \
             2002:808:808::1 2001:200::1 3ffe::1";
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
        assert_eq!(judge(&policy, "64:ff9b::1.2.3.4"), Verdict::Deny);
        policy.deny("1.2.3.4".parse().unwrap());
        assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Deny);
    }

    fn policy(allow: &str, deny: &str) -> Policy {
        let mut policy = Policy::new();
        let read = |text: &str| {
            text.split_whitespace()
                .map(|r| r.parse().unwrap())
                .collect()
        };
        policy.set_ranges(read(allow), read(deny));
        policy
    }

    #[test]
    fn what_is_allowed_opens_nothing_narrower_that_is_denied_from_the_outset() {
        let mut wide = policy(
            "10.0.0.0/8 0.0.0.0/0 fc00::/7 169.254.0.0/16 2000::/3 64:ff9b::/96",
            "",
        );
        wide.own("10.0.0.5".parse().unwrap());
        wide.own("fd00::5".parse().unwrap());
        for ip in [
            "10.0.0.5",
            "fd00::5",
            "192.168.0.1",
            "127.0.0.1",
            "fd20:ce::254",
            "fd00:ec2::254",
            "169.254.169.254",
            "2001:db8::1",
            "2002:a00:5::1",
            "64:ff9b::10.0.0.5",
            "64:ff9b::192.168.0.1",
        ] {
            assert_eq!(judge(&wide, ip), Verdict::Deny, "{ip}");
        }
        for ip in [
            "10.0.0.6",
            "fd00::6",
            "169.254.1.1",
            "8.8.8.8",
            "64:ff9b::10.0.0.6",
        ] {
            assert_eq!(judge(&wide, ip), Verdict::Allow, "{ip}");
        }
        let exact = policy("10.0.0.5 fd20:ce::254 64:ff9b::192.168.0.0/112", "");
        for ip in ["10.0.0.5", "fd20:ce::254", "64:ff9b::192.168.0.1"] {
            assert_eq!(judge(&exact, ip), Verdict::Allow, "{ip}");
        }
    }

    #[test]
    fn ranges_may_open_and_close_ports() {
        let mut policy = policy(
            "10.0.0.5:20000-29999 [fd00::5]:20000-29999",
            "8.8.8.8:53 10.0.0.5:20500",
        );
        policy.relay("10.0.0.5".parse().unwrap());
        policy.own("fd00::5".parse().unwrap());
        let at = |peer: &str| {
            let peer: SocketAddr = peer.parse().unwrap();
            policy.judge(&peer.ip(), Some(peer.port()))
        };
        assert_eq!(at("10.0.0.5:20000"), Verdict::Allow);
        assert_eq!(at("[fd00::5]:29999"), Verdict::Allow);
        assert_eq!(at("10.0.0.5:19999"), Verdict::Inside);
        assert_eq!(at("10.0.0.5:20500"), Verdict::Deny);
        assert_eq!(at("[fd00::5]:30000"), Verdict::Deny);
        assert_eq!(at("8.8.8.8:53"), Verdict::Deny);
        assert_eq!(at("8.8.8.8:54"), Verdict::Allow);
        // A permission has no port: it is given where some port is open.
        assert_eq!(judge(&policy, "10.0.0.5"), Verdict::Allow);
        assert_eq!(judge(&policy, "8.8.8.8"), Verdict::Allow);
        assert!(policy.names_ports() && !Policy::new().names_ports());
    }

    #[test]
    fn a_local_route_is_found_out_and_loopback_is_a_range() {
        let mut policy = policy("11.0.0.0/8 127.0.0.0/8", "");
        policy.set_probe(|ip| *ip == IpAddr::from([11, 7, 0, 1]) || ip.is_loopback());
        policy.own("127.0.0.1".parse().unwrap());
        assert_eq!(judge(&policy, "11.7.0.1"), Verdict::Deny);
        assert_eq!(judge(&policy, "64:ff9b::11.7.0.1"), Verdict::Deny);
        assert_eq!(judge(&policy, "11.7.0.2"), Verdict::Allow);
        assert_eq!(judge(&policy, "127.0.0.1"), Verdict::Allow);
    }

    #[test]
    fn nat64_prefixes_can_be_named() {
        let mut policy = Policy::new();
        for prefix in ["2a00:64::/96", "64:ff9b:1::/48"] {
            assert!(policy.nat64(prefix.parse().unwrap()));
        }
        assert!(!policy.nat64("2a00::/31".parse().unwrap()));
        for (ip, verdict) in [
            ("2a00:64::10.0.0.1", Verdict::Deny),
            ("2a00:64::8.8.8.8", Verdict::Allow),
            ("64:ff9b:1:808:8:800::", Verdict::Allow),
            ("64:ff9b:1:a00:0:100::", Verdict::Deny),
            ("2a00:65::10.0.0.1", Verdict::Allow),
        ] {
            assert_eq!(judge(&policy, ip), verdict, "{ip}");
        }
    }
}
