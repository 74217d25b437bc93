//! The asynchronous setting of sessions that have none of their own.

use crate::pjsip::abi::pjsip_auth_clt_async_setting;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use parking_lot::Mutex;

struct Setting(pjsip_auth_clt_async_setting);

// SAFETY: a function and a pointer that is the application's and never followed.
unsafe impl Send for Setting {}

static DEFAULT: Mutex<Option<Setting>> = Mutex::new(None);

/// Whether there is one, so that who has none takes no lock.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// What sessions without a setting of their own go by.
pub fn default_setting() -> Option<pjsip_auth_clt_async_setting> {
    if !IS_SET.load(Relaxed) {
        return None;
    }
    DEFAULT.lock().as_ref().map(|setting| setting.0)
}

/// Sets what [`default_setting`] returns.
pub fn set_default_setting(setting: Option<pjsip_auth_clt_async_setting>) {
    let mut default = DEFAULT.lock();
    IS_SET.store(setting.is_some(), Relaxed);
    *default = setting.map(Setting);
}
