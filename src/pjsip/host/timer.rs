//! One timer entry for each endpoint, and word of the endpoint's end.

use super::now_ms;
use crate::pjsip::abi::{self, pj_timer_entry, pj_timer_heap_t, pjsip_endpoint};
use core::mem::MaybeUninit;
use core::ptr;

/// What is called with the endpoint's address.
pub type OnEndpoint = fn(usize);

/// A timer entry on the heap of an endpoint, at an address that does not change.
pub struct Alarm {
    endpoint: *mut pjsip_endpoint,
    entry: *mut Timer,
}

#[repr(C)]
struct Timer {
    /// First, so that the host's pointer to it is one to the whole.
    timer: pj_timer_entry,
    endpoint: *mut pjsip_endpoint,
    on_fire: OnEndpoint,
}

// SAFETY: the timer heap has a lock of its own; `deadline` sees to it that one
// thread at a time sets an alarm.
unsafe impl Send for Alarm {}

unsafe extern "C-unwind" fn fire(_heap: *mut pj_timer_heap_t, timer: *mut pj_timer_entry) {
    // SAFETY: the first field of an `Timer` that lives until its endpoint is gone.
    let (on_fire, endpoint) = unsafe {
        let entry = timer.cast::<Timer>();
        ((*entry).on_fire, (*entry).endpoint)
    };
    on_fire(endpoint.addr());
}

impl Alarm {
    /// An alarm that is not set; `None` where there is no memory for it.
    ///
    /// # Safety
    /// `endpoint` lives until [`Alarm::discard`].
    pub unsafe fn create(endpoint: *mut pjsip_endpoint, on_fire: OnEndpoint) -> Option<Alarm> {
        let mut timer = MaybeUninit::<pj_timer_entry>::zeroed();
        // SAFETY: initialises the entry, whose every field may be zero.
        let timer = unsafe {
            abi::pj_timer_entry_init(timer.as_mut_ptr(), 0, ptr::null_mut(), Some(fire));
            timer.assume_init()
        };
        let entry = super::boxed(Timer {
            timer,
            endpoint,
            on_fire,
        })?;
        let entry = entry.as_ptr();
        Some(Alarm { endpoint, entry })
    }

    /// The endpoint's address.
    pub fn endpoint(&self) -> usize {
        self.endpoint.addr()
    }

    /// A second name for the same alarm, to set it without holding a lock.
    pub fn alias(&self) -> Alarm {
        Alarm { ..*self }
    }

    /// Sets the alarm anew, for the moment `due` of [`now_ms`]. One thread at a
    /// time; to be called with nothing held, as the timer heap may grow and throw.
    pub fn set(&self, due: u64) {
        let wait = due.saturating_sub(now_ms());
        let delay = abi::pj_time_val {
            sec: (wait / 1000) as _,
            msec: (wait % 1000) as _,
        };
        // SAFETY: endpoint and entry are alive until `discard`.
        unsafe {
            let timer = &raw mut (*self.entry).timer;
            abi::pjsip_endpt_cancel_timer(self.endpoint, timer);
            schedule(self.endpoint, timer, &delay);
        }
    }

    /// Frees the entry.
    ///
    /// # Safety
    /// The endpoint's timer heap is gone, and so is every alias.
    pub unsafe fn discard(self) {
        // SAFETY: made by `create`, and nobody else's any more.
        drop(unsafe { Box::from_raw(self.entry) });
    }
}

/// # Safety
/// Endpoint and entry are alive, the entry not set.
unsafe fn schedule(
    endpoint: *mut pjsip_endpoint,
    timer: *mut pj_timer_entry,
    delay: &abi::pj_time_val,
) {
    // SAFETY: as the caller promises. Where the host was built with PJ_TIMER_DEBUG
    // (the default) the function's real name is another.
    #[cfg(pj_timer_debug)]
    let status = unsafe {
        abi::pjsip_endpt_schedule_timer_dbg(endpoint, timer, delay, c"pjauth".as_ptr(), 0)
    };
    // SAFETY: as the caller promises.
    #[cfg(not(pj_timer_debug))]
    let status = unsafe { abi::pjsip_endpt_schedule_timer(endpoint, timer, delay) };
    if super::check(status).is_err() {
        super::log_error("a challenge's deadline could not be scheduled");
    }
}

/// Has `at_exit` called when the endpoint is destroyed, after its timers. Throws
/// on exhausted memory: to be called with nothing held.
///
/// # Safety
/// `endpoint` is alive.
pub unsafe fn on_exit(
    endpoint: *mut pjsip_endpoint,
    at_exit: unsafe extern "C-unwind" fn(*mut pjsip_endpoint),
) {
    // SAFETY: as the caller promises.
    unsafe { abi::pjsip_endpt_atexit(endpoint, Some(at_exit)) };
}
