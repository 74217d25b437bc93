//! The host's interfaces, by name and by number.

use std::ffi::CString;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The number of the interface of this name, while there is one.
pub fn number(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is terminated and outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        number => Some(number),
    }
}

/// Whether an interface has frames as Ethernet has them.
pub fn is_ethernet(number: u32) -> bool {
    // SAFETY: the call fills in this part of the union.
    let kind = |answer: libc::ifreq| unsafe { answer.ifr_ifru.ifru_hwaddr.sa_family };
    ask(number, libc::SIOCGIFHWADDR as _).map(kind) == Some(libc::ARPHRD_ETHER)
}

/// The largest IP packet that leaves by an interface, while there is one of this number.
pub fn mtu(number: u32) -> Option<u32> {
    // SAFETY: the call fills in this part of the union.
    let mtu = |answer: libc::ifreq| unsafe { answer.ifr_ifru.ifru_mtu };
    let mtu = ask(number, libc::SIOCGIFMTU as _).map(mtu)?;
    u32::try_from(mtu).ok()
}

/// What the kernel says of an interface.
fn ask(number: u32, what: libc::Ioctl) -> Option<libc::ifreq> {
    // SAFETY: the C structure is made of numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // SAFETY: the room for the name is as large as the call wants it (IF_NAMESIZE).
    let named = unsafe { libc::if_indextoname(number, request.ifr_name.as_mut_ptr()) };
    if named.is_null() {
        return None;
    }
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointer.
    let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    if fd < 0 {
        return None;
    }
    // SAFETY: the kernel just gave us this descriptor, nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the request outlives the call, which fills in the answer.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), what, &mut request) };
    (done == 0).then_some(request)
}
