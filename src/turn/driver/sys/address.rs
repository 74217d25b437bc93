//! Socket addresses in the kernel's form.

use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Room for an IPv4 or IPv6 address in the kernel's form.
#[derive(Clone, Copy)]
#[repr(C)]
pub union RawAddress {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl RawAddress {
    /// Its size.
    pub const SIZE: libc::socklen_t = mem::size_of::<RawAddress>() as libc::socklen_t;

    /// No address.
    pub const fn empty() -> Self {
        RawAddress {
            v6: libc::sockaddr_in6 {
                sin6_family: libc::AF_UNSPEC as libc::sa_family_t,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
                sin6_scope_id: 0,
            },
        }
    }

    /// The kernel's form of an address, and its size.
    pub fn new(address: &SocketAddr) -> (Self, libc::socklen_t) {
        match address {
            SocketAddr::V4(v4) => {
                let mut raw = RawAddress::empty();
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(v4.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
                (raw, mem::size_of::<libc::sockaddr_in>() as u32)
            }
            SocketAddr::V6(v6) => {
                let mut raw = RawAddress::empty();
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: v6.ip().octets(),
                    },
                    sin6_scope_id: v6.scope_id(),
                };
                (raw, mem::size_of::<libc::sockaddr_in6>() as u32)
            }
        }
    }

    /// The address at `from`, if it is of one of the two families and `size` bytes
    /// are enough for it.
    ///
    /// # Safety
    /// `from` has `size` bytes.
    pub unsafe fn read(from: *const libc::sockaddr, size: libc::socklen_t) -> Option<SocketAddr> {
        let mut raw = RawAddress::empty();
        let given = size.min(RawAddress::SIZE) as usize;
        // SAFETY: the caller's bytes, as many as fit.
        unsafe { std::ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut raw).cast(), given) };
        let found = raw.get()?;
        (RawAddress::new(&found).1 as usize <= given).then_some(found)
    }

    /// The address, if it is of one of the two families.
    pub fn get(&self) -> Option<SocketAddr> {
        // SAFETY: all 28 bytes are initialised by `empty`, and every variant
        // begins with the family and is made of plain numbers.
        unsafe {
            match i32::from(self.family) {
                libc::AF_INET => Some(SocketAddr::V4(SocketAddrV4::new(
                    Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes()),
                    u16::from_be(self.v4.sin_port),
                ))),
                libc::AF_INET6 => Some(SocketAddr::V6(SocketAddrV6::new(
                    Ipv6Addr::from(self.v6.sin6_addr.s6_addr),
                    u16::from_be(self.v6.sin6_port),
                    0,
                    self.v6.sin6_scope_id,
                ))),
                _ => None,
            }
        }
    }
}
