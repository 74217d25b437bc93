//! Arrays of the kernel's, in memory that a program there and this process share.

use std::ffi::CStr;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::slice;

use super::sys;

/// What elements may be.
///
/// # Safety
/// Made of atomic numbers, without anything between them: every content is a value, and anybody may write it. The kernel
/// lays them out in multiples of eight bytes.
pub unsafe trait Element {}

/// All its elements are zero at first.
#[derive(Debug)]
pub struct Array<T> {
    map: OwnedFd,
    first: NonNull<T>,
    count: usize,
}

// SAFETY: what is shared are atomic numbers in memory that lives as long as this.
unsafe impl<T: Element> Send for Array<T> {}
// SAFETY: likewise.
unsafe impl<T: Element> Sync for Array<T> {}

impl<T: Element> Array<T> {
    pub fn new(name: &CStr, count: u32) -> io::Result<Self> {
        const { assert!(size_of::<T>().is_multiple_of(8)) };
        let map = sys::make_array(name, size_of::<T>() as u32, count)?;
        let count = count as usize;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let fd = map.as_raw_fd();
        let size = size_of::<T>() * count;
        // SAFETY: a new mapping where the kernel likes, of a map that is as large.
        let mapped = unsafe { libc::mmap(ptr::null_mut(), size, access, libc::MAP_SHARED, fd, 0) };
        match NonNull::new(mapped.cast()) {
            Some(first) if mapped != libc::MAP_FAILED => Ok(Array { map, first, count }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub fn map(&self) -> &OwnedFd {
        &self.map
    }
}

impl<T> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the mapping has so many, is page-aligned, and goes with `self`; the kernel and we change only atomic
        // numbers, of which they are made.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl<T> Drop for Array<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, whole, and nobody has a reference into it any more.
        unsafe { libc::munmap(self.first.as_ptr().cast(), size_of::<T>() * self.count) };
    }
}
