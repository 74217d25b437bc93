//! Many datagrams received in one system call.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::RawFd;
use std::ptr;

use super::address::RawAddress;
use super::headers::{Ancillary, NO_ANCILLARY, empty_header, empty_vector, vector};

/// Slots of a receiver.
pub const SLOTS: usize = 64;
/// Free bytes at the beginning of a slot, for what a message to a client has
/// ahead of its payload.
pub const HEADROOM: usize = 64;
/// Bytes of a slot: after the headroom the largest datagram, or datagrams that
/// GRO joined, or the longest frame of a stream with some room to read more.
/// Not a multiple of a page, so that slots do not compete for the same lines of
/// the processor's cache.
pub const SLOT: usize = 17 * 4096 + 4 * HEADROOM;
/// Buffers that packets are received into from [`HEADROOM`] on, used up from
/// the first to the last.
pub struct Slots {
    bytes: Vec<u8>,
    used: usize,
}

impl Slots {
    pub fn new() -> Self {
        Slots {
            bytes: vec![0; SLOTS * SLOT],
            used: 0,
        }
    }

    pub fn slot(&self, index: usize) -> &[u8] {
        &self.bytes[index * SLOT..][..SLOT]
    }

    pub fn slot_mut(&mut self, index: usize) -> &mut [u8] {
        &mut self.bytes[index * SLOT..][..SLOT]
    }

    /// Writes a header right before a payload, if that touches nothing below
    /// `floor`. Returns where both stand.
    pub fn prepend(
        &mut self,
        index: usize,
        header: &[u8],
        payload: &Range<usize>,
        floor: usize,
    ) -> Option<Range<usize>> {
        let start = payload.start.checked_sub(header.len())?;
        if start < floor {
            return None;
        }
        self.slot_mut(index)[start..payload.start].copy_from_slice(header);
        Some(start..payload.end)
    }

    /// How many are free.
    pub fn left(&self) -> usize {
        SLOTS - self.used
    }

    /// Makes all of them free again.
    pub fn reset(&mut self) {
        self.used = 0;
    }

    /// Takes the next, of which there must be one.
    pub fn take(&mut self) -> usize {
        self.used += 1;
        self.used - 1
    }
}

/// What was received into a slot: one datagram, or several of the same flow
/// and size, of which only the last may be smaller.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    pub slot: usize,
    pub from: SocketAddr,
    pub len: usize,
    /// Size of each.
    pub segment: usize,
}

impl Received {
    /// Where each datagram stands in the slot.
    pub fn datagrams(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (end, step) = (HEADROOM + self.len, self.segment.max(1));
        let empty = (self.len == 0).then_some(HEADROOM..HEADROOM);
        let full = (HEADROOM..end)
            .step_by(step)
            .map(move |at| at..(at + step).min(end));
        empty.into_iter().chain(full)
    }
}

/// Receives batches of datagrams.
pub struct Inbox {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    addresses: Vec<RawAddress>,
    ancillary: Vec<Ancillary>,
    received: Vec<Received>,
}

// SAFETY: the pointers in `headers` and `vectors` are set anew before each call
// and mean nothing outside of it.
unsafe impl Send for Inbox {}

impl Inbox {
    pub fn new() -> Self {
        Inbox {
            headers: vec![empty_header(); SLOTS],
            vectors: vec![empty_vector(); SLOTS],
            addresses: vec![RawAddress::empty(); SLOTS],
            ancillary: vec![NO_ANCILLARY; SLOTS],
            received: Vec::with_capacity(SLOTS),
        }
    }

    /// Receives into free slots, at most `most` and without waiting. What came
    /// is [`received`](Self::received). `false` when the socket is empty now.
    ///
    /// # Errors
    /// What the kernel says, other than that there is nothing.
    pub fn receive(&mut self, fd: RawFd, slots: &mut Slots, most: usize) -> io::Result<bool> {
        self.received.clear();
        let first = slots.used;
        let count = most.min(slots.left());
        for i in 0..count {
            self.vectors[i] = vector(&mut slots.slot_mut(first + i)[HEADROOM..]);
            let header = &mut self.headers[i].msg_hdr;
            header.msg_name = (&raw mut self.addresses[i]).cast();
            header.msg_namelen = RawAddress::SIZE;
            header.msg_iov = &raw mut self.vectors[i];
            header.msg_iovlen = 1;
            header.msg_control = (&raw mut self.ancillary[i]).cast();
            header.msg_controllen = mem::size_of::<Ancillary>() as _;
            header.msg_flags = 0;
        }
        // SAFETY: the first `count` headers point to addresses, vectors and
        // ancillary room of this receiver, and the vectors to free slots, all
        // of which outlive the call and are borrowed by nobody else.
        let found = unsafe {
            libc::recvmmsg(
                fd,
                self.headers.as_mut_ptr(),
                count as u32,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        if found < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error),
            };
        }
        let found = found as usize;
        for i in 0..found {
            let slot = slots.take();
            let header = &self.headers[i];
            let len = header.msg_len as usize;
            // A datagram that did not fit is no use to anybody.
            let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            if let Some(from) = self.addresses[i].get().filter(|_| whole) {
                let segment = self.segment(i).filter(|size| *size > 0).unwrap_or(len);
                self.received.push(Received {
                    slot,
                    from,
                    len,
                    segment,
                });
            }
        }
        Ok(found == count)
    }

    pub fn count(&self) -> usize {
        self.received.len()
    }

    pub fn received(&self, index: usize) -> Received {
        self.received[index]
    }

    /// The size of the datagrams that GRO joined.
    fn segment(&self, index: usize) -> Option<usize> {
        let header = &self.headers[index].msg_hdr;
        // SAFETY: the kernel has filled in the header's ancillary part, which
        // points into `ancillary` and is as long as it says.
        let item = unsafe { libc::CMSG_FIRSTHDR(header).as_ref() }?;
        if item.cmsg_level != libc::SOL_UDP || item.cmsg_type != libc::UDP_GRO {
            return None;
        }
        // SAFETY: an item of this type carries an int.
        let size = unsafe { libc::CMSG_DATA(item).cast::<i32>().read_unaligned() };
        usize::try_from(size).ok()
    }
}
