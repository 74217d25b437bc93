//! The asynchronous setting of an endpoint's sessions that have none of their own.

use super::fork::Lock;
use crate::pjsip::abi::{pjsip_auth_clt_async_setting, pjsip_endpoint};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

struct Setting {
    endpoint: usize,
    setting: pjsip_auth_clt_async_setting,
}

// SAFETY: an address, a function and a pointer that is the application's and never
// followed.
unsafe impl Send for Setting {}

static DEFAULT: Lock<Option<Setting>> = Lock::new(None);

/// Whether there is one, so that who has none takes no lock.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// What sessions of an endpoint go by that have no setting of their own; without a callback
/// where there is none.
#[cold]
pub fn default_setting(endpoint: *mut pjsip_endpoint) -> pjsip_auth_clt_async_setting {
    let is_set = IS_SET.load(Relaxed);
    let default = is_set.then(|| DEFAULT.lock());
    let found = default.as_deref().and_then(Option::as_ref);
    match found.filter(|found| found.endpoint == endpoint.addr()) {
        Some(found) => found.setting,
        None => pjsip_auth_clt_async_setting {
            cb: None,
            user_data: ptr::null_mut(),
        },
    }
}

/// Sets what [`default_setting`] returns for an endpoint, and for no other.
pub fn set_default_setting(
    endpoint: *mut pjsip_endpoint,
    setting: Option<pjsip_auth_clt_async_setting>,
) {
    let mut default = DEFAULT.lock();
    IS_SET.store(setting.is_some(), Relaxed);
    *default = setting.map(|setting| Setting {
        endpoint: endpoint.addr(),
        setting,
    });
}

/// The endpoint is gone, and with it what was set for it.
pub fn forget_default_setting(endpoint: *mut pjsip_endpoint) {
    let mut default = DEFAULT.lock();
    if default
        .as_ref()
        .is_some_and(|found| found.endpoint == endpoint.addr())
    {
        IS_SET.store(false, Relaxed);
        *default = None;
    }
}
