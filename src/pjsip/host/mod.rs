//! Safe wrappers over what we import from PJLIB and PJSIP.
//!
//! Every wrapper is a pointer that the host gave to one exported function, good
//! for the length of that call: `'h`. The constructors are `unsafe` and say so;
//! what is made from them is safe to use. Wrappers have no destructor (but for
//! `Locked`, under which nothing is called that could throw), because PJLIB's
//! default policy answers exhausted memory with a `longjmp`.

mod cached_auth;
mod canary;
mod challenge_header;
mod credential;
mod credentials;
mod default;
mod dialog;
mod draft;
mod endpoint;
mod fork;
mod message;
mod module;
mod mute;
mod pool;
#[cfg(not(pj_async))]
mod request_session;
mod session;
mod symbols;
mod text;
mod timer;
mod token;
mod transaction;

pub use cached_auth::CachedAuth;
pub use canary::{Verdict, judge_requests, judge_response};
pub use challenge_header::Challenge;
pub use credential::Credential;
pub use credentials::{DATA_MASK, copy_to_pool, is_aka, store, wipe};
pub use default::{default_setting, forget_default_setting, set_default_setting};
#[cfg(not(pj_async))]
pub use dialog::is_for_ended_call;
pub use dialog::{
    attach_to_transaction, dialog_around, dialog_cancelled_by, dialog_of, is_call_over,
    is_ended_subscription, is_hung_up, is_of_ended_call, is_of_ended_subscription,
    is_of_hung_up_call, is_session_of, is_subscription, keep_dialog, let_dialog_go, note_on,
    send_as_keep_alive, session_of, usages_of,
};
pub use draft::{AkaCall, Bearer, Digest, Draft, Fields};
pub use endpoint::Endpoint;
pub use fork::{Lock, get_before_fork, is_child};
pub use message::{PreviousAnswer, Request, Response};
pub use module::{ensure_module, free_module, module_of};
pub use pool::Pool;
#[cfg(not(pj_async))]
pub use request_session::{link, session_of_request, unlink};
pub use session::Session;
pub use symbols::{is_answered_here, share_host};
pub use text::{Text, bytes};
pub use timer::{Alarm, on_exit};
pub use token::{Asker, Implementation, Listing, REALM, TOKEN_WORDS, Token, WORDS};
pub use transaction::{Transaction, code_of};

use super::abi;
use super::status::{self, Status};
use core::ffi::CStr;
use core::ptr::NonNull;

/// The version of the host's PJLIB, such as `2.17`.
pub fn version() -> &'static [u8] {
    // SAFETY: takes nothing, returns PJLIB's own constant string.
    let text = unsafe { abi::pj_get_version() };
    if text.is_null() {
        return b"";
    }
    // SAFETY: just checked; the string lives as long as the host's library.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// A line in the host's log at level 4 (debug): a challenge that is not answered.
pub fn log_unanswered(request: Request<'_>, status: Status) {
    #[cfg(pj_log)]
    // SAFETY: the format takes a zero-terminated name and a number.
    unsafe {
        if abi::pj_log_get_level() >= 4 {
            let format = c"%s: challenge not answered, status=%d";
            abi::pj_log_4(SENDER.as_ptr(), format.as_ptr(), request.name(), status);
        }
    }
    #[cfg(not(pj_log))]
    let _ = (request, status);
}

/// A line in the host's log at level 1 (error).
pub fn log_error(text: &str) {
    #[cfg(pj_log)]
    // SAFETY: the format takes a length and that many bytes of `text`.
    unsafe {
        if abi::pj_log_get_level() >= 1 {
            let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
            abi::pj_log_1(SENDER.as_ptr(), c"%.*s".as_ptr(), length, text.as_ptr());
        }
    }
    #[cfg(not(pj_log))]
    let _ = text;
}

#[cfg(pj_log)]
const SENDER: &CStr = c"pjauth";

/// Drops one reference of a group lock; NULL is none.
///
/// # Safety
/// The caller owns that reference.
pub unsafe fn drop_group_lock(lock: *mut abi::pj_grp_lock_t) {
    if !lock.is_null() {
        // SAFETY: the caller's own reference keeps the lock alive up to here.
        unsafe { abi::pj_grp_lock_dec_ref(lock) };
    }
}

/// Takes one more reference of a request.
///
/// # Safety
/// The request is alive.
pub unsafe fn add_request(request: *mut abi::pjsip_tx_data) {
    // SAFETY: as the caller promises.
    unsafe { abi::pjsip_tx_data_add_ref(request) };
}

/// Drops one reference of a request.
///
/// # Safety
/// The caller owns that reference.
pub unsafe fn drop_request(request: *mut abi::pjsip_tx_data) {
    // SAFETY: the caller's own reference keeps the request alive up to here.
    unsafe { abi::pjsip_tx_data_dec_ref(request) };
}

/// Acquires a group lock; NULL is none. To be called with nothing held.
///
/// # Safety
/// The caller has a reference of it.
pub unsafe fn acquire_group_lock(lock: *mut abi::pj_grp_lock_t) {
    if !lock.is_null() {
        // SAFETY: as the caller promises.
        unsafe { abi::pj_grp_lock_acquire(lock) };
    }
}

/// Releases what [`acquire_group_lock`] acquired.
///
/// # Safety
/// This thread holds it, and the caller has a reference.
pub unsafe fn release_group_lock(lock: *mut abi::pj_grp_lock_t) {
    if !lock.is_null() {
        // SAFETY: as the caller promises.
        unsafe { abi::pj_grp_lock_release(lock) };
    }
}

/// A value in memory of its own, which `Box::from_raw` gives back; `None` where there
/// is no memory for it.
pub fn boxed<T>(value: T) -> Option<NonNull<T>> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout is not empty; the memory is written before anybody reads it.
    unsafe {
        let room = NonNull::new(std::alloc::alloc(core::alloc::Layout::new::<T>()).cast::<T>())?;
        room.write(value);
        Some(room)
    }
}

/// Milliseconds of a clock that never goes back. Coarse: deadlines need no more.
pub fn now_ms() -> u64 {
    read_ms(libc::CLOCK_MONOTONIC_COARSE)
}

/// Milliseconds of the clock of the day, by which the host says when a packet arrived.
#[cold]
pub fn wall_ms() -> u64 {
    read_ms(libc::CLOCK_REALTIME)
}

fn read_ms(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is ours to write; the clock exists on every Linux we build for.
    unsafe { libc::clock_gettime(clock, &mut time) };
    let (seconds, nanoseconds) = (time.tv_sec as u64, time.tv_nsec as u64);
    seconds * 1000 + nanoseconds / 1_000_000
}

/// `PJ_SUCCESS` as `Ok`.
pub fn check(status: Status) -> Result<(), Status> {
    if status == status::SUCCESS {
        Ok(())
    } else {
        Err(status)
    }
}
