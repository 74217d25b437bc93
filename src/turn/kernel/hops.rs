//! Where packets leave the host: what the routing table says (rtnetlink).

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::interfaces;
use super::layout::Hop;

/// The heads of a message and of a route, and that of an attribute.
const MESSAGE: usize = 16;
const ROUTE: usize = 12;
const ATTRIBUTE: usize = 4;
/// Names of attributes that the crate libc does not have.
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;
/// The name of the MTU among a route's metrics.
const RTAX_MTU: u16 = 2;
/// More than the kernel says of a route.
const ANSWER: usize = 4096;

/// Asks the routing table.
#[derive(Debug)]
pub struct Hops {
    socket: OwnedFd,
    serial: u32,
}

impl Hops {
    pub fn new() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: takes no pointer.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Hops { socket, serial: 0 })
    }

    /// How a datagram between these addresses leaves. `None` where it does not, or not over an Ethernet interface.
    pub fn find(&mut self, from: SocketAddr, to: SocketAddr) -> Option<Hop> {
        self.serial = self.serial.wrapping_add(1);
        let question = question(self.serial, from, to);
        let mut room = [0_u8; ANSWER];
        // SAFETY: the bytes outlive the call and are as many as it says.
        let sent = unsafe {
            let bytes = question.as_ptr().cast();
            libc::send(self.socket.as_raw_fd(), bytes, question.len(), 0)
        };
        if sent < 0 {
            return None;
        }
        loop {
            // SAFETY: the room outlives the call and is as large as it says.
            let got = unsafe {
                let bytes = room.as_mut_ptr().cast();
                libc::recv(self.socket.as_raw_fd(), bytes, room.len(), 0)
            };
            let answer = room.get(..usize::try_from(got).ok()?)?;
            // Answers that nobody waited for are older.
            if word(answer, 8)? == self.serial {
                return read(answer, to.ip()).filter(|hop| interfaces::is_ethernet(hop.interface));
            }
        }
    }
}

fn question(serial: u32, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let family = match to {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let ports = [from, to].map(|end| end.port().to_be_bytes().to_vec());
    let [source, destination] = ports;
    let (from, to) = (bits(from.ip()), bits(to.ip()));
    let prefix = (to.len() * 8) as u8;
    // Policy rules may go by all of these.
    let attributes = [
        (libc::RTA_DST, to),
        (libc::RTA_SRC, from),
        (RTA_IP_PROTO, vec![libc::IPPROTO_UDP as u8]),
        (RTA_SPORT, source),
        (RTA_DPORT, destination),
    ];
    let mut bytes = vec![0; MESSAGE];
    bytes.extend([family as u8, prefix, prefix]);
    bytes.resize(MESSAGE + ROUTE, 0);
    for (name, value) in attributes {
        bytes.extend(((ATTRIBUTE + value.len()) as u16).to_ne_bytes());
        bytes.extend(name.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    let len = bytes.len() as u32;
    bytes[..4].copy_from_slice(&len.to_ne_bytes());
    bytes[4..6].copy_from_slice(&libc::RTM_GETROUTE.to_ne_bytes());
    bytes[6..8].copy_from_slice(&(libc::NLM_F_REQUEST as u16).to_ne_bytes());
    bytes[8..12].copy_from_slice(&serial.to_ne_bytes());
    bytes
}

/// The hop in an answer about the way to `to`: not for what stays here, is refused, or has a next hop of another
/// family.
fn read(answer: &[u8], to: IpAddr) -> Option<Hop> {
    let len = word(answer, 0)? as usize;
    let body = answer.get(MESSAGE..len)?;
    if half(answer, 4)? != libc::RTM_NEWROUTE || *body.get(7)? != libc::RTN_UNICAST {
        return None;
    }
    let (mut interface, mut next, mut mtu) = (None, to, None);
    for (name, value) in attributes(body.get(ROUTE..)?) {
        match name {
            libc::RTA_OIF => interface = Some(word(value, 0)?),
            libc::RTA_GATEWAY => next = address(value)?,
            libc::RTA_METRICS => {
                let of_route = attributes(value).find(|(name, _)| *name == RTAX_MTU);
                mtu = of_route.and_then(|(_, value)| word(value, 0));
            }
            libc::RTA_VIA | libc::RTA_MULTIPATH => return None,
            _ => {}
        }
    }
    let interface = interface?;
    let hop = Hop {
        interface,
        next,
        mtu,
    };
    (next.is_ipv4() == to.is_ipv4()).then_some(hop)
}

/// Names and values, up to the first that is cut off.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (len, name) = (usize::from(half(rest, 0)?), half(rest, 2)?);
        let value = rest.get(ATTRIBUTE..len)?;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((name, value))
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = |bytes: [u8; 4]| IpAddr::from(Ipv4Addr::from(bytes));
    let v6 = |bytes: [u8; 16]| IpAddr::from(Ipv6Addr::from(bytes));
    let v4 = bytes.try_into().map(v4);
    v4.or_else(|_| bytes.try_into().map(v6)).ok()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + mem::size_of::<u32>())?;
    four.try_into().ok().map(u32::from_ne_bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + mem::size_of::<u16>())?;
    two.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_host_has_no_hop() {
        let mut hops = Hops::new().unwrap();
        for end in ["127.0.0.1:1", "[::1]:1"] {
            let end = end.parse().unwrap();
            assert_eq!(hops.find(end, end), None);
        }
    }

    #[test]
    fn an_answer_is_read_and_nonsense_is_survived() {
        let to = IpAddr::from([8, 8, 8, 8]);
        let answer = |kind: u8, attributes: &[(u16, [u8; 4])]| {
            let mut bytes = vec![0; MESSAGE];
            bytes.extend([libc::AF_INET as u8, 32, 0, 0, 254, 0, 0, kind, 0, 0, 0, 0]);
            for (name, value) in attributes {
                bytes.extend(8_u16.to_ne_bytes());
                bytes.extend(name.to_ne_bytes());
                bytes.extend(value);
            }
            let len = bytes.len() as u32;
            bytes[..4].copy_from_slice(&len.to_ne_bytes());
            bytes[4..6].copy_from_slice(&libc::RTM_NEWROUTE.to_ne_bytes());
            bytes
        };
        let out = (libc::RTA_OIF, 7_u32.to_ne_bytes());
        let router = (libc::RTA_GATEWAY, [10, 0, 0, 1]);
        let hop = |next: [u8; 4]| {
            Some(Hop {
                interface: 7,
                next: next.into(),
                mtu: None,
            })
        };
        let beside = answer(libc::RTN_UNICAST, &[out]);
        assert_eq!(read(&beside, to), hop([8, 8, 8, 8]));
        let beyond = answer(libc::RTN_UNICAST, &[out, router]);
        assert_eq!(read(&beyond, to), hop([10, 0, 0, 1]));
        assert_eq!(read(&answer(libc::RTN_LOCAL, &[out]), to), None);
        assert_eq!(read(&answer(libc::RTN_UNICAST, &[router]), to), None);
        for cut in 0..beyond.len() {
            read(&beyond[..cut], to);
        }
    }
}
