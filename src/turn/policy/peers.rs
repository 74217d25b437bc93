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
mod tests;
