//! The host's own addresses.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

use super::events::checked;

/// An address of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostAddress {
    pub ip: IpAddr,
    /// The name of the interface that has it.
    pub interface: Box<str>,
}

/// The addresses of the host's interfaces, loopback included.
pub fn interface_addresses() -> io::Result<Vec<HostAddress>> {
    let mut list: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: the pointer outlives the call, which sets it.
    checked(unsafe { libc::getifaddrs(&mut list) })?;
    let mut found = Vec::new();
    let mut next = list;
    while !next.is_null() {
        // SAFETY: `next` is an element of the list that getifaddrs made and
        // freeifaddrs has not freed yet.
        let interface = unsafe { &*next };
        // SAFETY: the address belongs to that element.
        if let Some(ip) = unsafe { ip_of(interface.ifa_addr) } {
            // SAFETY: so does the name, which is terminated.
            let name = unsafe { CStr::from_ptr(interface.ifa_name) };
            found.push(HostAddress {
                ip,
                interface: name.to_string_lossy().into(),
            });
        }
        next = interface.ifa_next;
    }
    // SAFETY: the list is freed once, and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    found.sort();
    found.dedup_by(|a, b| a.ip == b.ip);
    Ok(found)
}

/// # Safety
/// NULL, or an address as long as its family says.
unsafe fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: every address begins with its family.
    match i32::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: the family says what it is; the copy needs no alignment.
            let v4 = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes()).into())
        }
        libc::AF_INET6 => {
            // SAFETY: likewise.
            let v6 = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_host_has_a_loopback_address() {
        let addresses = super::interface_addresses().unwrap();
        assert!(addresses.iter().any(|address| address.ip.is_loopback()));
    }
}
