//! The tallies that the program counts on, in memory that it and this process share.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::sys;
use crate::turn::state::allocation::Traffic;

/// A route's deadline, figures and limit: `struct tally` of `relay.h`.
#[repr(C)]
#[derive(Debug, Default)]
struct Tally {
    until: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    most: AtomicU64,
}

/// All tallies of a server.
#[derive(Debug)]
pub struct Tallies {
    map: OwnedFd,
    first: NonNull<Tally>,
    count: u32,
}

// SAFETY: what is shared are atomic numbers in memory that lives as long as this.
unsafe impl Send for Tallies {}
// SAFETY: likewise.
unsafe impl Sync for Tallies {}

impl Tallies {
    pub fn new(count: u32) -> io::Result<Self> {
        let map = sys::make_array(c"pjauth_tallies", size_of::<Tally>() as u32, count)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let fd = map.as_raw_fd();
        // SAFETY: a new mapping where the kernel likes, of a map that is as large.
        let mapped = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Tally>() * count as usize,
                access,
                libc::MAP_SHARED,
                fd,
                0,
            )
        };
        match NonNull::new(mapped.cast()) {
            Some(first) if mapped != libc::MAP_FAILED => Ok(Tallies { map, first, count }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub fn map(&self) -> &OwnedFd {
        &self.map
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    fn all(&self) -> &[Tally] {
        // SAFETY: the mapping has so many, is page-aligned, zero at first, and goes with `self`; the
        // kernel and we change only the atomic numbers.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count as usize) }
    }

    /// Lets a route forward until then, in the kernel's clock; 0 ends it.
    pub fn set_until(&self, tally: u32, until: u64) {
        self.all()[tally as usize].until.store(until, Release);
    }

    /// Until when a route forwards.
    #[cfg(test)]
    pub fn until(&self, tally: u32) -> u64 {
        self.all()[tally as usize].until.load(Relaxed)
    }

    /// Sets how large an IP packet may be that leaves by a route.
    pub fn set_most(&self, tally: u32, most: u32) {
        self.all()[tally as usize].most.store(most.into(), Relaxed);
    }

    /// Counts as the program does.
    #[cfg(test)]
    pub fn count_up(&self, tally: u32, more: Traffic) {
        let tally = &self.all()[tally as usize];
        tally.packets.fetch_add(more.packets, Relaxed);
        tally.bytes.fetch_add(more.bytes, Relaxed);
    }

    /// Forgets what was counted.
    pub fn clear(&self, tally: u32) {
        let tally = &self.all()[tally as usize];
        tally.packets.store(0, Relaxed);
        tally.bytes.store(0, Relaxed);
    }

    /// What was relayed since it was cleared.
    pub fn read(&self, tally: u32) -> Traffic {
        let tally = &self.all()[tally as usize];
        Traffic {
            packets: tally.packets.load(Relaxed),
            bytes: tally.bytes.load(Relaxed),
        }
    }
}

impl Drop for Tallies {
    fn drop(&mut self) {
        let size = size_of::<Tally>() * self.count as usize;
        // SAFETY: the mapping of `new`, whole, and nobody has a reference into it any more.
        unsafe { libc::munmap(self.first.as_ptr().cast(), size) };
    }
}
