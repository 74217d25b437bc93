//! A module of ours in an endpoint: it sees responses before the transaction
//! layer does.

use crate::pjsip::abi::{
    self, pj_bool_t, pj_status_t, pjsip_endpoint, pjsip_module, pjsip_rx_data,
};
use crate::pjsip::status::Status;
use core::ptr;
use parking_lot::Mutex;

/// What the module does with a response; true keeps it from the layers above.
pub type OnResponse = unsafe extern "C-unwind" fn(*mut pjsip_rx_data) -> pj_bool_t;

/// What it does when the endpoint begins to go, and all in it is still there.
pub type OnStop = unsafe extern "C-unwind" fn() -> pj_status_t;

struct Registered {
    endpoint: usize,
    module: *mut pjsip_module,
}

// SAFETY: the module is the host's while its endpoint lives, and is freed after.
unsafe impl Send for Registered {}

static MODULES: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// Registers a module whose place is just below the transaction layer. May wait
/// for the host's threads, and throw: to be called with nothing held, and not
/// inside a callback of another module.
///
/// # Safety
/// `endpoint` is alive.
pub unsafe fn register_module(
    endpoint: *mut pjsip_endpoint,
    on_response: OnResponse,
    on_stop: OnStop,
) -> Result<(), Status> {
    // SAFETY: all-zero bytes are a value of the structure: no callbacks.
    let mut module: pjsip_module = unsafe { core::mem::zeroed() };
    module.name = super::Text::from_static(b"mod-pjauth-hold");
    module.id = -1;
    module.priority = abi::PJSIP_MOD_PRIORITY_TSX_LAYER as i32 - 1;
    module.on_rx_response = Some(on_response);
    module.stop = Some(on_stop);
    let module = Box::into_raw(Box::new(module));
    MODULES.lock().push(Registered {
        endpoint: endpoint.addr(),
        module,
    });
    // SAFETY: the endpoint is alive, and the module lives until `free_module`.
    super::check(unsafe { abi::pjsip_endpt_register_module(endpoint, module) })
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
/// The endpoint has unloaded its modules.
pub unsafe fn free_module(endpoint: *mut pjsip_endpoint) {
    let mut all = MODULES.lock();
    let at = all.iter().position(|one| one.endpoint == endpoint.addr());
    if let Some(one) = at.map(|at| all.swap_remove(at)) {
        // SAFETY: made by `register_module`, and no longer in the endpoint's list.
        drop(unsafe { Box::from_raw(one.module) });
    }
}
