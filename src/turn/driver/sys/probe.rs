//! Whether an address leads to this host.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{IpAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// The heads of a message and of a route, that of an attribute, and an IPv6
/// address.
const LONGEST: usize = 16 + 12 + 4 + 16;
const REQUEST: u16 = 1;

/// Whether packets to an address end at this host: it is one of its own, or a
/// local route leads to it. The kernel's routes tell (`ip route get`), in four
/// system calls. Binding would not: services on `::` are reached by a local route
/// whose addresses cannot be bound, and with `ip_nonlocal_bind` all can.
pub fn is_local(ip: &IpAddr) -> bool {
    let kind = route(ip);
    let is_end = |kind| {
        matches!(
            kind,
            libc::RTN_LOCAL | libc::RTN_ANYCAST | libc::RTN_BROADCAST
        )
    };
    // Where routes may not be asked for, binding has to do.
    kind.map_or_else(|_| UdpSocket::bind((*ip, 0)).is_ok(), is_end)
}

/// The kind of the route to an address, which is 0 where there is none.
fn route(ip: &IpAddr) -> io::Result<u8> {
    let (domain, protocol) = (libc::AF_NETLINK, libc::NETLINK_ROUTE);
    let mut socket = Socket::new(
        Domain::from(domain),
        Type::RAW.nonblocking(),
        Some(Protocol::from(protocol)),
    )?;
    socket.write_all(&question(ip))?;
    let mut answer = [0; 1024];
    // The kernel has answered before the question is sent.
    let len = socket.read(&mut answer)?;
    let kind = answer
        .get(4..6)
        .map(|kind| u16::from_ne_bytes([kind[0], kind[1]]));
    match kind {
        Some(libc::RTM_NEWROUTE) if len > 23 => Ok(answer[23]),
        _ => Ok(libc::RTN_UNSPEC),
    }
}

fn question(ip: &IpAddr) -> Vec<u8> {
    let (family, bytes) = match ip {
        IpAddr::V4(v4) => (libc::AF_INET, v4.octets().to_vec()),
        IpAddr::V6(v6) => (libc::AF_INET6, v6.octets().to_vec()),
    };
    let len = LONGEST - 16 + bytes.len();
    let mut message = Vec::with_capacity(LONGEST);
    message.extend((len as u32).to_ne_bytes());
    message.extend(libc::RTM_GETROUTE.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([family as u8, bytes.len() as u8 * 8]);
    message.extend([0; 10]);
    message.extend((4 + bytes.len() as u16).to_ne_bytes());
    message.extend(libc::RTA_DST.to_ne_bytes());
    message.extend(bytes);
    message
}

#[cfg(test)]
mod tests {
    #[test]
    fn loopback_is_local_and_a_documentation_address_is_not() {
        for (ip, is_local) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("192.0.2.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(super::is_local(&ip.parse().unwrap()), is_local, "{ip}");
        }
        assert!(super::route(&[127, 0, 0, 1].into()).is_ok());
    }
}
