//! What the kernel says when the host's addresses change (rtnetlink).

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::events::checked;

/// Tells of addresses and of local routes that come and go.
#[derive(Debug)]
pub struct Monitor(OwnedFd);

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Addresses or local routes have come or gone.
    pub any: bool,
    /// Interfaces, or routes of whatever kind, have come, gone or changed.
    pub ways: bool,
    /// Ranges that lead to the host now: an address and the length of its prefix.
    pub local: Vec<(IpAddr, u8)>,
    /// The kernel had more to tell than there was room for.
    pub missed: bool,
}

/// The heads of a message and of a route, and that of an attribute.
const MESSAGE: usize = 16;
const ROUTE: usize = 12;
const ATTRIBUTE: usize = 4;
/// The group of RTNLGRP_IPV6_RULE, which has no name of the older kind.
const IPV6_RULES: i32 = 1 << (19 - 1);

impl Monitor {
    pub fn new() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: takes no pointer.
        let fd = checked(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) })?;
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: the C structure is made of numbers, for which zero is a value.
        let mut own: libc::sockaddr_nl = unsafe { mem::zeroed() };
        own.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        own.nl_groups = (libc::RTMGRP_LINK
            | libc::RTMGRP_IPV4_IFADDR
            | libc::RTMGRP_IPV6_IFADDR
            | libc::RTMGRP_IPV4_ROUTE
            | libc::RTMGRP_IPV6_ROUTE
            | libc::RTMGRP_IPV4_RULE
            | IPV6_RULES) as u32;
        let size = mem::size_of_val(&own) as libc::socklen_t;
        // SAFETY: the address outlives the call and is as long as it says.
        checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const own).cast(), size) })?;
        Ok(Monitor(fd))
    }

    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Takes what the kernel has told, without waiting.
    pub fn take(&self) -> Changes {
        let mut changes = Changes::default();
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            // SAFETY: the buffer outlives the call and is as long as it says.
            let got = unsafe {
                libc::recv(
                    self.fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            if let Ok(got) = usize::try_from(got) {
                read_messages(&buffer[..got], &mut changes);
                continue;
            }
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ENOBUFS) => {
                    changes.any = true;
                    changes.ways = true;
                    changes.missed = true;
                }
                _ => return changes,
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_ne_bytes(four)).ok()
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_ne_bytes(two))
}

fn read_messages(mut bytes: &[u8], changes: &mut Changes) {
    while let (Some(len), Some(kind)) = (word(bytes, 0), half(bytes, 4)) {
        let Some(body) = bytes.get(MESSAGE..len) else {
            return;
        };
        match kind {
            libc::RTM_NEWADDR | libc::RTM_DELADDR => changes.any = true,
            libc::RTM_NEWLINK | libc::RTM_DELLINK | libc::RTM_NEWRULE | libc::RTM_DELRULE => {
                changes.ways = true;
            }
            libc::RTM_NEWROUTE | libc::RTM_DELROUTE => {
                changes.ways = true;
                if let Some(local) = local_route(body) {
                    changes.any = true;
                    if kind == libc::RTM_NEWROUTE {
                        changes.local.push(local);
                    }
                }
            }
            _ => {}
        }
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
}

/// Where a route leads that ends at this host.
fn local_route(body: &[u8]) -> Option<(IpAddr, u8)> {
    let (family, prefix, kind) = (*body.first()?, *body.get(1)?, *body.get(7)?);
    if kind != libc::RTN_LOCAL {
        return None;
    }
    let mut rest = body.get(ROUTE..)?;
    while let (Some(len), Some(name)) = (half(rest, 0), half(rest, 2)) {
        let value = rest.get(ATTRIBUTE..usize::from(len))?;
        if name == libc::RTA_DST {
            let v4 = |bytes: [u8; 4]| IpAddr::from(Ipv4Addr::from(bytes));
            let v6 = |bytes: [u8; 16]| IpAddr::from(Ipv6Addr::from(bytes));
            let ip = value
                .try_into()
                .map(v4)
                .or_else(|_| value.try_into().map(v6));
            return ip.ok().map(|ip| (ip, prefix));
        }
        rest = rest.get(usize::from(len).next_multiple_of(4)..)?;
    }
    // Without a destination it is everything.
    let ip = match i32::from(family) {
        libc::AF_INET => IpAddr::from([0; 4]),
        _ => IpAddr::from([0; 16]),
    };
    Some((ip, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((MESSAGE + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(MESSAGE, 0);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_local_route_is_told_from_others_and_nonsense_is_survived() {
        let route = |kind: u8| {
            let mut body = vec![libc::AF_INET as u8, 24, 0, 0, 255, 2, 254, kind, 0, 0, 0, 0];
            body.extend(8_u16.to_ne_bytes());
            body.extend(libc::RTA_DST.to_ne_bytes());
            body.extend([11, 0, 7, 0]);
            message(libc::RTM_NEWROUTE, &body)
        };
        let mut changes = Changes::default();
        read_messages(&route(libc::RTN_UNICAST), &mut changes);
        let ways = Changes {
            ways: true,
            ..Changes::default()
        };
        assert_eq!(changes, ways);
        let both = [message(libc::RTM_DELADDR, &[]), route(libc::RTN_LOCAL)].concat();
        read_messages(&both, &mut changes);
        assert!(changes.any);
        assert_eq!(changes.local, [(IpAddr::from([11, 0, 7, 0]), 24)]);
        for cut in 0..both.len() {
            read_messages(&both[..cut], &mut Changes::default());
        }
        read_messages(&[0; 64], &mut Changes::default());
    }
}
