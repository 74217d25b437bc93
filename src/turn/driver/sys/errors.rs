//! What the network says of datagrams that were sent.

use std::mem;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use super::address::RawAddress;
use super::headers::{empty_header, vector};

/// An error about a datagram that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError {
    /// Where the datagram was going. Of an IPv4 datagram that did not leave the host
    /// the kernel does not tell the port: it is 0.
    pub to: SocketAddr,
    /// Type and code of ICMP or ICMPv6.
    pub icmp: (u8, u8),
    /// The MTU, where the datagram was too big.
    pub mtu: u32,
}

/// Room for one item with an error and the address of its sender.
#[repr(C, align(8))]
struct Ancillary([u8; 128]);

/// Takes the oldest error that a socket keeps. `None` for no more; `Some(None)` for
/// one that is not the network's.
pub fn receive_error(fd: RawFd) -> Option<Option<SendError>> {
    let mut address = RawAddress::empty();
    let mut room = Ancillary([0; 128]);
    // What was sent is of no interest.
    let mut nothing = [0; 1];
    let mut part = vector(&mut nothing);
    let mut header = empty_header().msg_hdr;
    header.msg_name = (&raw mut address).cast();
    header.msg_namelen = RawAddress::SIZE;
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut room).cast();
    header.msg_controllen = mem::size_of::<Ancillary>() as _;
    // SAFETY: the header points to locals that outlive the call and are as large as
    // it says.
    let received =
        unsafe { libc::recvmsg(fd, &mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) };
    if received < 0 {
        return None;
    }
    Some(address.get().and_then(|to| read(&header, to)))
}

/// The error in a header that the kernel has filled in.
fn read(header: &libc::msghdr, to: SocketAddr) -> Option<SendError> {
    // SAFETY: the ancillary part lies in the caller's room and is as long as the
    // kernel says.
    let item = unsafe { libc::CMSG_FIRSTHDR(header).as_ref() }?;
    let is_error = matches!(
        (item.cmsg_level, item.cmsg_type),
        (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    );
    if !is_error {
        return None;
    }
    // SAFETY: an item of this type begins with this structure; the copy needs no
    // alignment.
    let error = unsafe {
        libc::CMSG_DATA(item)
            .cast::<libc::sock_extended_err>()
            .read_unaligned()
    };
    let icmp = match error.ee_origin {
        libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6 => (error.ee_type, error.ee_code),
        // The kernel knew from before that it would not fit.
        libc::SO_EE_ORIGIN_LOCAL if error.ee_errno == libc::EMSGSIZE as u32 => {
            if to.is_ipv4() {
                (3, 4)
            } else {
                (2, 0)
            }
        }
        _ => return None,
    };
    Some(SendError {
        to,
        icmp,
        mtu: error.ee_info,
    })
}
