//! Whether the process has the pjproject we were built for. Where it has another,
//! a preloaded library steps aside: each call goes to the next definition of the
//! same name, the host's own.

use super::{abi, host};
use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering::Relaxed};

const UNKNOWN: u8 = 0;
const OURS: u8 = 1;
const ASIDE: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// The version our layouts are of.
pub const BUILT_FOR: [u32; 3] = [
    abi::PJAUTH_PJ_MAJOR,
    abi::PJAUTH_PJ_MINOR,
    abi::PJAUTH_PJ_REV,
];

/// Whether calls are to be handed on. Decided at the first call.
#[inline]
pub fn is_aside() -> bool {
    match STATE.load(Relaxed) {
        OURS => false,
        ASIDE => true,
        _ => decide(),
    }
}

#[cold]
fn decide() -> bool {
    super::guard::install();
    host::share_host();
    let version = host::version();
    let aside = parse(version) != Some(BUILT_FOR);
    let state = if aside { ASIDE } else { OURS };
    let first = STATE
        .compare_exchange(UNKNOWN, state, Relaxed, Relaxed)
        .is_ok();
    if aside && first {
        let [major, minor, rev] = BUILT_FOR;
        host::log_error(&format!(
            "pjauth {} is built for pjproject {major}.{minor}.{rev}, this is {}: stepping aside",
            env!("CARGO_PKG_VERSION"),
            String::from_utf8_lossy(version),
        ));
    }
    aside
}

/// The numbers of a version such as `2.17`, `2.15.1` or `2.17-dev`.
fn parse(version: &[u8]) -> Option<[u32; 3]> {
    let version = core::str::from_utf8(version).ok()?;
    let numbers = version
        .split(|c: char| c != '.' && !c.is_ascii_digit())
        .next()?;
    let mut parts = numbers.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let rev = match parts.next() {
        Some(rev) => rev.parse().ok()?,
        None => 0,
    };
    Some([major, minor, rev])
}

/// The host's own definition of one of our functions.
pub struct Next {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Next {
    /// The definition of `name` that comes after ours.
    pub const fn of(name: &'static CStr) -> Next {
        Next {
            name,
            found: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// `None` where there is none: the host was linked with our archive.
    pub fn find(&self) -> Option<ptr::NonNull<c_void>> {
        let mut found = self.found.load(Relaxed);
        if found.is_null() {
            // SAFETY: a constant string; looks the name up in the objects after this.
            found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
            self.found.store(found, Relaxed);
        }
        ptr::NonNull::new(found)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn versions() {
        assert_eq!(parse(b"2.17"), Some([2, 17, 0]));
        assert_eq!(parse(b"2.15.1"), Some([2, 15, 1]));
        assert_eq!(parse(b"2.17-dev"), Some([2, 17, 0]));
        assert_eq!(parse(b"2.17.1-beta2"), Some([2, 17, 1]));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"two"), None);
    }
}
