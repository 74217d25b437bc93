//! Whether and for whom the challenges of calls are held back.

use crate::pjsip::abi::{pjsip_auth_clt_async_setting, pjsip_endpoint};
use crate::pjsip::aside::{are_requests_foreign, is_aside};
use crate::pjsip::hold;
use crate::pjsip::host::{self, Endpoint};
use crate::pjsip::status::{EINVAL, ENOTSUP, SUCCESS, Status};

/// Sets whether the challenges of calls (INVITE, UPDATE and BYE) are held back until
/// the application has answered them, so that neither their transaction nor the call
/// ends meanwhile. They are by default, in sessions that have an asynchronous callback.
/// Without it they are as in PJSIP itself: an INVITE over TCP has failed by the time an
/// answer comes. Before pjproject 2.17 this is so for all requests, and without it the
/// application is not asked.
///
/// @param hold  Whether to hold the challenges that arrive from now on.
///
/// May be called from any thread, at any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_hold_challenges(hold: bool) {
    hold::set_wanted(hold);
}

/// Sets the callback that is asked about the challenges of every session that has
/// none of its own: those of modules that do not let an application at their session,
/// as `pjsip_regc` and `pjsip_publishc` before pjproject 2.17.
///
/// @param endpt  The endpoint that the sessions live in.
/// @param opt    The setting, which is copied; NULL takes it away.
/// @return 0; PJ_EINVAL for an endpoint or a callback that is NULL; PJ_ENOTSUP where
///         the library has stepped aside for another pjproject.
///
/// May be called from any thread that is registered with PJLIB; best before there is
/// any traffic.
///
/// Since 0.1.0.
///
/// # Safety
/// `endpt` is NULL or alive, `opt` NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pjauth_async_configure_default(
    endpt: *mut pjsip_endpoint,
    opt: *const pjsip_auth_clt_async_setting,
) -> Status {
    // SAFETY: as the caller promises.
    let (endpoint, setting) = unsafe { (Endpoint::from_raw(endpt), opt.as_ref()) };
    let Some(endpoint) = endpoint else {
        return EINVAL;
    };
    if setting.is_some_and(|setting| setting.cb.is_none()) {
        return EINVAL;
    }
    // SAFETY: as the caller promises.
    if is_aside() || unsafe { are_requests_foreign(endpt) } {
        return ENOTSUP;
    }
    host::set_default_setting(endpt, setting.copied());
    if setting.is_some() {
        hold::hold_in(endpoint);
    }
    SUCCESS
}
