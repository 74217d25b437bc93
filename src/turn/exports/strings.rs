//! Text in and out.

use core::ffi::{CStr, c_char};

use crate::turn::status::{EINVAL, Status};

/// Text of the caller's; NULL or broken UTF-8 is `PJ_EINVAL`.
///
/// # Safety
/// NULL, or a terminated string that stays as it is while the result is used.
pub unsafe fn read<'a>(text: *const c_char) -> Result<&'a str, Status> {
    if text.is_null() {
        return Err(EINVAL);
    }
    // SAFETY: the caller's terminated string.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| EINVAL)
}

/// Writes text as `snprintf` does: as much as fits, always terminated if there
/// is room for one byte. Returns the length of the whole text.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
pub unsafe fn write(text: &str, out: *mut c_char, size: usize) -> usize {
    if out.is_null() || size == 0 {
        return text.len();
    }
    let fits = text.len().min(size - 1);
    // SAFETY: `fits` bytes and the terminator are within the caller's room,
    // which does not overlap text of ours.
    unsafe {
        core::ptr::copy_nonoverlapping(text.as_ptr().cast(), out, fits);
        out.add(fits).write(0);
    }
    text.len()
}

/// Copies text into an array of a structure; cut off where it is longer.
pub fn copy<const N: usize>(text: &str, out: &mut [c_char; N]) {
    *out = [0; N];
    for (to, from) in out[..N - 1].iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
}
