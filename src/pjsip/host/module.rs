//! A module of ours in an endpoint: it sees responses before the transaction
//! layer does, and requests after it.

use super::fork::Lock;
use crate::pjsip::abi::{
    self, pj_bool_t, pj_pool_t, pj_status_t, pj_thread_t, pjsip_endpoint, pjsip_module,
    pjsip_rx_data, pjsip_tx_data,
};
use crate::pjsip::status::SUCCESS;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::time::Duration;
use parking_lot::Condvar;

/// What the module does with a response; true keeps it from the layers above.
pub type OnResponse = unsafe extern "C-unwind" fn(*mut pjsip_rx_data) -> pj_bool_t;

/// What it does with a request on its way out; anything but success keeps it here.
pub type OnRequest = unsafe extern "C-unwind" fn(*mut pjsip_tx_data) -> pj_status_t;

/// What it does when the endpoint begins to go, and all in it is still there.
pub type OnStop = unsafe extern "C-unwind" fn() -> pj_status_t;

/// How long a registration is waited for. 2.17 pauses for 100 ms in one that comes
/// during operation.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Clone, Copy)]
struct Registered {
    endpoint: usize,
    module: *mut pjsip_module,
    /// Who registers it, and in what pool; NULL when that is over.
    thread: *mut pj_thread_t,
    pool: *mut pj_pool_t,
    is_done: bool,
}

// SAFETY: the module is the host's while its endpoint lives, and is freed after;
// the thread and its pool are only touched then.
unsafe impl Send for Registered {}

static MODULES: Lock<Vec<Registered>> = Lock::new(Vec::new());
static DONE: Condvar = Condvar::new();

/// Sees to it that the endpoint has a module of ours, just below the transaction
/// layer, and returns when it has. Throws on exhausted memory: to be called with
/// nothing held.
///
/// The host takes a lock to register a module that a thread inside another module's
/// callback may hold already, and who calls us may be such a thread, or hold a lock
/// that one waits for. So another thread does it, and is waited for, but not for ever.
///
/// # Safety
/// `endpoint` is alive.
pub unsafe fn ensure_module(
    endpoint: *mut pjsip_endpoint,
    on_response: OnResponse,
    on_request: OnRequest,
    on_stop: OnStop,
) {
    if claim(endpoint.addr(), on_response, on_request, on_stop) {
        // SAFETY: as the caller promises.
        unsafe { register(endpoint) };
    }
    if wait(endpoint.addr()) {
        // SAFETY: as the caller promises.
        unsafe { retire_thread(endpoint) };
    }
}

/// Waits for a registration; false where that took too long.
fn wait(endpoint: usize) -> bool {
    let mut all = MODULES.lock();
    loop {
        let mine = all.iter().find(|one| one.endpoint == endpoint);
        if mine.is_none_or(|one| one.is_done) {
            return true;
        }
        if DONE.wait_for(&mut all, PATIENCE).timed_out() {
            return false;
        }
    }
}

/// Ends the thread that registered, or is about to end.
///
/// # Safety
/// `endpoint` still has its pools.
unsafe fn retire_thread(endpoint: *mut pjsip_endpoint) {
    let (mut thread, mut pool) = (ptr::null_mut(), ptr::null_mut());
    note(endpoint.addr(), |one| {
        thread = core::mem::replace(&mut one.thread, ptr::null_mut());
        pool = core::mem::replace(&mut one.pool, ptr::null_mut());
    });
    // SAFETY: made by `register`, and just become nobody else's.
    unsafe {
        if !thread.is_null() {
            abi::pj_thread_join(thread);
            abi::pj_thread_destroy(thread);
        }
        if !pool.is_null() {
            abi::pjsip_endpt_release_pool(endpoint, pool);
        }
    }
}

/// Notes that an endpoint gets a module; true for the caller who is to register it.
fn claim(endpoint: usize, on_response: OnResponse, on_request: OnRequest, on_stop: OnStop) -> bool {
    let mut all = MODULES.lock();
    if all.iter().any(|one| one.endpoint == endpoint) {
        return false;
    }
    // SAFETY: all-zero bytes are a value of the structure: no callbacks.
    let mut module: pjsip_module = unsafe { core::mem::zeroed() };
    module.name = super::Text::from_static(b"mod-pjauth-hold");
    module.id = -1;
    module.priority = abi::PJSIP_MOD_PRIORITY_TSX_LAYER as i32 - 1;
    module.on_rx_response = Some(on_response);
    module.on_tx_request = Some(on_request);
    module.stop = Some(on_stop);
    let room = super::boxed(module).filter(|_| all.try_reserve(1).is_ok());
    let Some(module) = room else {
        return false;
    };
    all.push(Registered {
        endpoint,
        module: module.as_ptr(),
        thread: ptr::null_mut(),
        pool: ptr::null_mut(),
        is_done: false,
    });
    true
}

/// # Safety
/// `endpoint` is alive.
unsafe fn register(endpoint: *mut pjsip_endpoint) {
    let mut thread = ptr::null_mut();
    let name = c"pjauth".as_ptr();
    // SAFETY: as the caller promises; the thread is joined before the endpoint's
    // pools go.
    let (pool, status) = unsafe {
        let pool = abi::pjsip_endpt_create_pool(endpoint, name, 512, 512);
        let arg = endpoint.cast();
        let status = match pool.is_null() {
            true => crate::pjsip::status::ENOMEM,
            false => abi::pj_thread_create(pool, name, Some(run), arg, 0, 0, &mut thread),
        };
        (pool, status)
    };
    note(endpoint.addr(), |one| {
        (one.thread, one.pool) = (thread, pool);
        one.is_done |= status != SUCCESS;
    });
}

unsafe extern "C-unwind" fn run(endpoint: *mut c_void) -> c_int {
    let endpoint = endpoint.cast::<pjsip_endpoint>();
    // SAFETY: the endpoint joins this thread before it goes, and frees the module
    // after.
    let status = unsafe { abi::pjsip_endpt_register_module(endpoint, module_of(endpoint)) };
    if status != SUCCESS {
        super::log_error("no room for a module: deferred challenges of calls are not held");
    }
    note(endpoint.addr(), |one| one.is_done = true);
    DONE.notify_all();
    0
}

fn note(endpoint: usize, change: impl FnOnce(&mut Registered)) {
    let mut all = MODULES.lock();
    if let Some(one) = all.iter_mut().find(|one| one.endpoint == endpoint) {
        change(one);
    }
}

/// The endpoint's module; NULL where there is none.
pub fn module_of(endpoint: *mut pjsip_endpoint) -> *mut pjsip_module {
    MODULES
        .lock()
        .iter()
        .find(|one| one.endpoint == endpoint.addr())
        .map_or(ptr::null_mut(), |one| one.module)
}

/// Frees the endpoint's module.
///
/// # Safety
/// The endpoint has unloaded its modules, and still has its pools.
pub unsafe fn free_module(endpoint: *mut pjsip_endpoint) {
    // SAFETY: as the caller promises.
    unsafe { retire_thread(endpoint) };
    let mut all = MODULES.lock();
    let at = all.iter().position(|one| one.endpoint == endpoint.addr());
    if let Some(one) = at.map(|at| all.swap_remove(at)) {
        // SAFETY: made by `claim`, and no longer in the endpoint's list.
        drop(unsafe { Box::from_raw(one.module) });
    }
}
