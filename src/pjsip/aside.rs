//! Whether the process has the pjproject we were built for: its version, and its
//! structures, which `config_site.h` may move. Where it has another, a preloaded library
//! steps aside: each call goes to the next definition of the same name, the host's own.

use super::abi::{self, pjsip_endpoint, pjsip_rx_data};
use super::host::{self, Endpoint, Verdict};
use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering::Relaxed};

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
    if aside {
        let [major, minor, rev] = BUILT_FOR;
        step_aside(&format!(
            "pjproject {major}.{minor}.{rev}, this is {}",
            String::from_utf8_lossy(version),
        ));
    } else {
        let _ = STATE.compare_exchange(UNKNOWN, OURS, Relaxed, Relaxed);
    }
    aside
}

/// Hands every call on from now, and says so once.
fn step_aside(difference: &str) {
    if STATE.swap(ASIDE, Relaxed) != ASIDE {
        host::log_error(&format!(
            "pjauth {} is built for {difference}: stepping aside",
            env!("CARGO_PKG_VERSION"),
        ));
    }
}

/// A structure that has not been seen to be ours yet.
struct Unseen(AtomicBool);

static REQUESTS: Unseen = Unseen(AtomicBool::new(true));
static RESPONSES: Unseen = Unseen(AtomicBool::new(true));

impl Unseen {
    /// Looks at one, unless an earlier look has settled it; true: it is foreign.
    #[inline(always)]
    fn is_foreign(&self, name: &str, look: impl FnOnce() -> Verdict) -> bool {
        self.0.load(Relaxed) && self.judge(name, look)
    }

    #[cold]
    fn judge(&self, name: &str, look: impl FnOnce() -> Verdict) -> bool {
        let verdict = look();
        match verdict {
            Verdict::Ours => self.0.store(false, Relaxed),
            Verdict::Foreign => step_aside(&format!(
                "another config_site.h than this pjproject: {name} differs ({})",
                env!("PJAUTH_LAYOUT_SOURCE"),
            )),
            Verdict::Unknown => {}
        }
        verdict == Verdict::Foreign
    }
}

/// Whether this endpoint makes other requests than we know.
///
/// # Safety
/// `endpoint` is NULL or alive.
#[inline]
pub unsafe fn are_requests_foreign(endpoint: *mut pjsip_endpoint) -> bool {
    REQUESTS.is_foreign("pjsip_tx_data", || {
        // SAFETY: as the caller promises.
        match unsafe { Endpoint::from_raw(endpoint) } {
            Some(endpoint) => host::judge_requests(endpoint),
            None => Verdict::Unknown,
        }
    })
}

/// Whether a response is one that we do not know.
///
/// # Safety
/// `response` is NULL or alive.
#[inline]
pub unsafe fn is_response_foreign(response: *const pjsip_rx_data) -> bool {
    // SAFETY: as the caller promises.
    RESPONSES.is_foreign("pjsip_rx_data", || unsafe {
        host::judge_response(response)
    })
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
