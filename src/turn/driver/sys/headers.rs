//! What recvmmsg and sendmmsg are told: headers, vectors, ancillary items.

use std::mem;
use std::ptr;

/// Room for one ancillary item of four bytes, aligned as it must be.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Ancillary([u8; 24]);

/// Without an item.
pub const NO_ANCILLARY: Ancillary = Ancillary([0; 24]);

pub fn empty_header() -> libc::mmsghdr {
    // SAFETY: the C structure is made of numbers and pointers, for which zero
    // is a value.
    unsafe { mem::zeroed() }
}

pub fn empty_vector() -> libc::iovec {
    libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: 0,
    }
}

pub fn vector(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    }
}

/// For calls that only read.
pub fn constant_vector(bytes: &[u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    }
}
