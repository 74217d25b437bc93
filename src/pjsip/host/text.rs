//! `pj_str_t`: a pointer and a length, without a terminator.

use crate::pjsip::abi::{pj_ssize_t, pj_str_t};

/// A string of the host's, as it stands in one of its structures.
pub type Text = pj_str_t;

impl pj_str_t {
    /// No text.
    pub const EMPTY: pj_str_t = pj_str_t {
        ptr: core::ptr::null_mut(),
        slen: 0,
    };

    /// A text that lives as long as the library. The host only reads it.
    pub const fn from_static(text: &'static [u8]) -> pj_str_t {
        pj_str_t {
            ptr: text.as_ptr().cast_mut().cast(),
            slen: text.len() as pj_ssize_t,
        }
    }
}

/// The bytes of a host string; none where the pointer is NULL or the length is
/// not positive.
///
/// # Safety
/// The string is the host's own, valid and unchanged for `'h`.
pub unsafe fn bytes<'h>(text: &pj_str_t) -> &'h [u8] {
    match usize::try_from(text.slen) {
        Ok(length) if length > 0 && !text.ptr.is_null() => {
            // SAFETY: the host vouches for `slen` bytes at `ptr`.
            unsafe { core::slice::from_raw_parts(text.ptr.cast(), length) }
        }
        _ => &[],
    }
}
