//! Arrays and addresses, as C gives them.

use core::ffi::{c_char, c_uint};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::turn::address::{canonical, is_somebody};
use crate::turn::driver::RelayAddress;
use crate::turn::policy::ranges::Range;
use crate::turn::state::five_tuple::{Listener, Transport};
use crate::turn::status::{EINVAL, Status};

use super::options_types::{pjauth_turn_listener, pjauth_turn_relay};
use super::strings;
use super::types::{PJAUTH_TURN_BOTH_FAMILIES, PJAUTH_TURN_TCP, PJAUTH_TURN_TLS, PJAUTH_TURN_UDP};
/// Reads all elements of an array.
///
/// # Safety
/// NULL, or as many elements as `count` says.
pub unsafe fn each<T, R>(
    first: *const T,
    count: c_uint,
    read: impl FnMut(&T) -> Result<R, Status>,
) -> Result<Vec<R>, Status> {
    match (first.is_null(), count) {
        (_, 0) => Ok(Vec::new()),
        (true, _) => Err(EINVAL),
        (false, count) => {
            // SAFETY: the caller's array.
            let all = unsafe { core::slice::from_raw_parts(first, count as usize) };
            all.iter().map(read).collect()
        }
    }
}

/// Ranges, as options and changes give them.
///
/// # Safety
/// NULL, or as many terminated strings as `count` says.
pub unsafe fn read_ranges(
    first: *const *const c_char,
    count: c_uint,
) -> Result<Vec<Range>, Status> {
    // SAFETY: the caller's array and strings.
    unsafe { each(first, count, |range| read_range(*range)) }
}

pub unsafe fn read_ip(address: *const c_char) -> Result<IpAddr, Status> {
    // SAFETY: the caller's terminated string.
    unsafe { strings::read(address) }?
        .parse()
        .map(|ip: IpAddr| ip.to_canonical())
        .map_err(|_| EINVAL)
}

/// `IP:PORT`, where somebody can be.
pub fn read_place(text: &str) -> Option<SocketAddr> {
    let place = canonical(text.parse().ok()?);
    is_somebody(&place).then_some(place)
}

pub unsafe fn read_range(range: *const c_char) -> Result<Range, Status> {
    // SAFETY: the caller's terminated string.
    unsafe { strings::read(range) }?.parse().map_err(|_| EINVAL)
}

/// The listeners that one entry stands for.
pub unsafe fn read_listener(listener: &pjauth_turn_listener) -> Result<Vec<Listener>, Status> {
    // SAFETY: the caller's terminated string.
    let ip = unsafe { read_ip(listener.address) }?;
    let both = PJAUTH_TURN_BOTH_FAMILIES;
    let ips = match listener.transport & both {
        0 => vec![ip],
        _ if ip == Ipv6Addr::UNSPECIFIED => vec![Ipv4Addr::UNSPECIFIED.into(), ip],
        _ => return Err(EINVAL),
    };
    let transports = match listener.transport & !both {
        PJAUTH_TURN_UDP => &[Transport::Udp][..],
        PJAUTH_TURN_TCP => &[Transport::Tcp],
        PJAUTH_TURN_TLS => &[Transport::Tls],
        all if all == PJAUTH_TURN_UDP | PJAUTH_TURN_TCP => &[Transport::Udp, Transport::Tcp],
        all if all == PJAUTH_TURN_UDP | PJAUTH_TURN_TLS => &[Transport::Udp, Transport::Tls],
        _ => return Err(EINVAL),
    };
    let at = |ip| {
        transports.iter().map(move |transport| Listener {
            transport: *transport,
            address: SocketAddr::new(ip, listener.port),
        })
    };
    Ok(ips.into_iter().flat_map(at).collect())
}

pub unsafe fn read_relay(relay: &pjauth_turn_relay) -> Result<RelayAddress, Status> {
    // SAFETY: the caller's terminated string.
    let bind = unsafe { read_ip(relay.address) }?;
    let advertised = match relay.external.is_null() {
        true => bind,
        // SAFETY: likewise.
        false => unsafe { read_ip(relay.external) }?,
    };
    Ok(RelayAddress { bind, advertised })
}
