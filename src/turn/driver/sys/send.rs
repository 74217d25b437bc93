//! Many datagrams sent in one system call.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::RawFd;
use std::ptr;

use super::address::RawAddress;
use super::headers::{Ancillary, NO_ANCILLARY, constant_vector, empty_header};

/// Messages in one sendmmsg.
const MESSAGES: usize = 64;
/// Datagrams that one message may carry (UDP_MAX_SEGMENTS of the kernel).
const SEGMENTS: usize = 64;
/// Payload of one message: what fits into one IPv4 datagram.
const MESSAGE_BYTES: usize = 65_507;
/// Larger datagrams are not joined: a segment must fit the path's MTU, which
/// is at least this much on all links that matter.
const LARGEST_SEGMENT: usize = 1280;
const PARTS: usize = 3;

/// A datagram to send: its parts one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub to: SocketAddr,
    pub parts: [&'a [u8]; PARTS],
}

impl Outgoing<'_> {
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }
}

/// Sends batches of datagrams.
pub struct Sender {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    addresses: Vec<RawAddress>,
    ancillary: Vec<Ancillary>,
    /// The datagrams of each message.
    groups: Vec<Range<usize>>,
    /// Whether the kernel takes several datagrams in one message (UDP GSO).
    joins: bool,
    /// Places of the datagrams that the kernel did not take.
    pub refused: Vec<usize>,
}

// SAFETY: the pointers in `headers` and `vectors` are set anew before each call
// and mean nothing outside of it.
unsafe impl Send for Sender {}

impl Sender {
    pub fn new() -> Self {
        Sender {
            headers: vec![empty_header(); MESSAGES],
            vectors: Vec::with_capacity(MESSAGES * PARTS),
            addresses: vec![RawAddress::empty(); MESSAGES],
            ancillary: vec![NO_ANCILLARY; MESSAGES],
            groups: Vec::with_capacity(MESSAGES),
            joins: true,
            refused: Vec::new(),
        }
    }

    /// Sends datagrams from one socket, in order and without waiting. Those
    /// that the kernel does not take now are lost and counted, as datagrams are.
    pub fn send(&mut self, fd: RawFd, datagrams: &[Outgoing<'_>]) {
        if let [datagram] = datagrams {
            if !send_again(fd, datagram) {
                self.refused.push(0);
            }
            return;
        }
        let mut at = 0;
        while at < datagrams.len() {
            let end = self.group(datagrams, at);
            self.send_groups(fd, datagrams);
            at = end;
        }
    }

    /// Forms messages of the datagrams from `at` on, until there are MESSAGES.
    /// Returns where it stopped.
    fn group(&mut self, datagrams: &[Outgoing<'_>], mut at: usize) -> usize {
        self.groups.clear();
        while at < datagrams.len() && self.groups.len() < MESSAGES {
            let end = match self.joins {
                true => at + joinable(&datagrams[at..]),
                false => at + 1,
            };
            self.groups.push(at..end);
            at = end;
        }
        at
    }

    fn send_groups(&mut self, fd: RawFd, datagrams: &[Outgoing<'_>]) {
        self.vectors.clear();
        for group in &self.groups {
            for datagram in &datagrams[group.clone()] {
                let parts = datagram.parts.iter().filter(|part| !part.is_empty());
                self.vectors.extend(parts.map(|part| constant_vector(part)));
            }
        }
        let mut first_vector = self.vectors.as_mut_ptr();
        for (i, group) in self.groups.iter().enumerate() {
            let members = &datagrams[group.clone()];
            let count: usize = members
                .iter()
                .map(|d| d.parts.iter().filter(|part| !part.is_empty()).count())
                .sum();
            let (address, len) = RawAddress::new(&members[0].to);
            self.addresses[i] = address;
            let header = &mut self.headers[i].msg_hdr;
            header.msg_name = (&raw mut self.addresses[i]).cast();
            header.msg_namelen = len;
            header.msg_iov = first_vector;
            header.msg_iovlen = count as _;
            header.msg_control = ptr::null_mut();
            header.msg_controllen = 0;
            if members.len() > 1 {
                self.ancillary[i] = segment_size(members[0].len() as u16);
                header.msg_control = (&raw mut self.ancillary[i]).cast();
                header.msg_controllen = SEGMENT_SPACE as _;
            }
            first_vector = first_vector.wrapping_add(count);
        }
        let mut sent = 0;
        while sent < self.groups.len() {
            match self.call(fd, sent) {
                Ok(count) => sent += count,
                Err(error) => {
                    let group = self.groups[sent].clone();
                    self.refuse(fd, &error, datagrams, group);
                    sent += 1;
                }
            }
        }
    }

    /// Sends the messages from `first` on; returns how many went.
    fn call(&mut self, fd: RawFd, first: usize) -> io::Result<usize> {
        let count = self.groups.len() - first;
        // SAFETY: these headers were filled in by `send_groups` just now. They
        // point into this sender and to the datagrams' parts, all of which
        // outlive the call, and which the kernel only reads.
        let sent = unsafe {
            libc::sendmmsg(
                fd,
                self.headers[first..].as_mut_ptr(),
                count as u32,
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        match sent {
            -1 => Err(io::Error::last_os_error()),
            sent => Ok(sent as usize),
        }
    }

    /// The kernel did not take this message.
    fn refuse(
        &mut self,
        fd: RawFd,
        error: &io::Error,
        datagrams: &[Outgoing<'_>],
        group: Range<usize>,
    ) {
        if error.kind() == io::ErrorKind::WouldBlock {
            self.refused.extend(group);
            return;
        }
        // An error of an earlier datagram, a device or kernel that cannot split them,
        // or a path with a smaller MTU: one by one.
        let can_split = !matches!(
            error.raw_os_error(),
            Some(libc::EIO | libc::EOPNOTSUPP | libc::ENOPROTOOPT)
        );
        self.joins &= can_split;
        for place in group {
            if !send_again(fd, &datagrams[place]) {
                self.refused.push(place);
            }
        }
    }
}

/// Sends a datagram, or says `false`. What ICMP says of an earlier datagram is the
/// first attempt's error: then another has to follow.
fn send_again(fd: RawFd, datagram: &Outgoing<'_>) -> bool {
    send_one(fd, datagram)
        || io::Error::last_os_error().kind() != io::ErrorKind::WouldBlock && send_one(fd, datagram)
}

/// Sends a datagram, or says `false`.
fn send_one(fd: RawFd, datagram: &Outgoing<'_>) -> bool {
    const FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    let (mut address, len) = RawAddress::new(&datagram.to);
    let [before, payload, after] = datagram.parts;
    if before.is_empty() && after.is_empty() {
        // SAFETY: address and payload outlive the call, which only reads as
        // many bytes of them as it is told that there are.
        let sent = unsafe {
            let address = (&raw const address).cast();
            libc::sendto(
                fd,
                payload.as_ptr().cast(),
                payload.len(),
                FLAGS,
                address,
                len,
            )
        };
        return sent >= 0;
    }
    let mut vectors = datagram.parts.map(constant_vector);
    let mut header = empty_header().msg_hdr;
    header.msg_name = (&raw mut address).cast();
    header.msg_namelen = len;
    header.msg_iov = vectors.as_mut_ptr();
    header.msg_iovlen = PARTS as _;
    // SAFETY: the header points to locals and to the datagram's parts, which
    // outlive the call, and which the kernel only reads.
    unsafe { libc::sendmsg(fd, &header, FLAGS) >= 0 }
}

/// How many datagrams, from the first on, may go in one message: to the same
/// address and of the same size, only the last may be smaller.
fn joinable(datagrams: &[Outgoing<'_>]) -> usize {
    let (to, size) = (datagrams[0].to, datagrams[0].len());
    if size == 0 || size > LARGEST_SEGMENT {
        return 1;
    }
    let mut total = size;
    let mut count = 1;
    for datagram in datagrams[1..].iter().take(SEGMENTS - 1) {
        let len = datagram.len();
        if datagram.to != to || len > size || len == 0 || total + len > MESSAGE_BYTES {
            break;
        }
        total += len;
        count += 1;
        if len < size {
            break;
        }
    }
    count
}

// SAFETY: CMSG_SPACE only computes.
const SEGMENT_SPACE: usize = unsafe { libc::CMSG_SPACE(2) } as usize;
const _: () = assert!(SEGMENT_SPACE <= mem::size_of::<Ancillary>());

/// The ancillary item that tells the kernel the size of each datagram.
fn segment_size(size: u16) -> Ancillary {
    let mut room = NO_ANCILLARY;
    let item = (&raw mut room).cast::<libc::cmsghdr>();
    // SAFETY: `room` is aligned for the header and has room for it and two
    // bytes more, as asserted above.
    unsafe {
        (*item).cmsg_level = libc::SOL_UDP;
        (*item).cmsg_type = libc::UDP_SEGMENT;
        (*item).cmsg_len = libc::CMSG_LEN(2) as _;
        libc::CMSG_DATA(item).cast::<u16>().write_unaligned(size);
    }
    room
}
