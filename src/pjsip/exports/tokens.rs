//! `pjsip_auth_clt_async_*`: challenges that are answered later.

use super::{entry, status_of};
use crate::pjsip::abi::{
    pj_status_t, pjsip_auth_clt_async_impl_token, pjsip_auth_clt_async_on_chal_param,
    pjsip_auth_clt_sess, pjsip_dialog, pjsip_rx_data, pjsip_tx_data,
};
use crate::pjsip::aside::is_aside;
use crate::pjsip::hold::{has_callback, is_decided};
use crate::pjsip::host::{self, Asker, Implementation, Request, Response, Session};
use crate::pjsip::status::{EIGNORED, EINVAL, ENOTSUP, Status};
use crate::pjsip::tokens::endings;
use crate::pjsip::tokens::{offer, offer_once};
use core::ffi::c_void;
use core::ptr::NonNull;
use core::time::Duration;

/// # Safety
/// `param` is NULL or alive.
unsafe fn response_in(param: *const pjsip_auth_clt_async_on_chal_param) -> *const pjsip_rx_data {
    // SAFETY: as the caller promises.
    unsafe { param.as_ref() }.map_or(core::ptr::null(), |param| param.rdata)
}

entry! {
    /// Offers a challenge to the application. `PJ_SUCCESS`: taken, the token's
    /// references are the library's. Anything else: the caller keeps its reference
    /// of the group lock and goes on by itself.
    fn pjsip_auth_clt_async_impl_on_challenge(
        sess: *mut pjsip_auth_clt_sess,
        token: *mut pjsip_auth_clt_async_impl_token,
        param: *const pjsip_auth_clt_async_on_chal_param,
    ) -> pj_status_t, else ENOTSUP, unless is_response_foreign(response_in(param));
    {
        // SAFETY: the caller's; copied, where it is used when the application has been asked.
        let (token, param) = unsafe { (Implementation::from_raw(token), param.as_ref().copied()) };
        let (Some(token), Some(param)) = (token, param) else {
            return EINVAL;
        };
        // SAFETY: the caller's session, request and response, or NULL.
        let (sess, request, response) = unsafe {
            (Session::from_raw(sess), Request::from_raw(param.tdata), Response::from_raw(param.rdata))
        };
        let (Some(sess), Some(request), Some(response)) = (sess, request, response) else {
            return EINVAL;
        };
        if is_decided(param.rdata.addr()) || request.is_cancel() {
            return EIGNORED;
        }
        // SAFETY: the caller's response, of a transaction that it has locked. Where nothing is
        // left to be done the reference is the library's to drop.
        unsafe {
            status_of(match host::dialog_of(param.rdata) {
                None => offer(sess, token, request, response, param, Asker::Other, |_| {}),
                Some(dialog) => {
                    let (user, lock) = (token.get().user_data, token.get().grp_lock);
                    let offered = if is_of_no_use(dialog, user, request, || has_callback(sess)) {
                        Err(EIGNORED)
                    } else {
                        offer_once(sess, token, request, response, param, dialog)
                    };
                    // The callback may have ended what asks, and the module would go on with it.
                    match offered {
                        Err(EIGNORED) if is_of_no_use(dialog, user, request, || true) => {
                            host::drop_group_lock(lock);
                            Ok(())
                        }
                        offered => offered,
                    }
                }
            })
        }
    }
}

/// Whether nobody is left for whom a request would be sent again: its call has ended. Nor is an
/// application to be asked for a call that it has hung up, or a subscription that it has ended;
/// where none `is_asked` PJSIP does as it does.
///
/// # Safety
/// `user` asks in this dialog, which is locked.
unsafe fn is_of_no_use(
    dialog: NonNull<pjsip_dialog>,
    user: *const c_void,
    request: Request<'_>,
    is_asked: impl FnOnce() -> bool,
) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        host::is_of_ended_call(dialog, user)
            || ((host::is_of_hung_up_call(dialog, user)
                || (request.needs_subscription() && host::is_of_ended_subscription(dialog, user)))
                && is_asked())
    }
}

entry! {
    /// Sends `new_request` in answer to a challenge. On a live token the request's
    /// reference is consumed, whatever the status; on any other it stays the caller's.
    fn pjsip_auth_clt_async_send_req(
        sess: *mut pjsip_auth_clt_sess,
        token: *mut c_void,
        new_request: *mut pjsip_tx_data,
    ) -> pj_status_t, else ENOTSUP;
    {
        if sess.is_null() || token.is_null() || new_request.is_null() {
            return EINVAL;
        }
        // SAFETY: the caller's session and request; the request's reference goes along.
        unsafe { endings::send(sess, token, new_request) }
    }
}

entry! {
    /// Gives a challenge up: the implementation ends its operation.
    fn pjsip_auth_clt_async_abandon(
        sess: *mut pjsip_auth_clt_sess,
        token: *mut c_void,
    ) -> pj_status_t, else ENOTSUP;
    {
        if sess.is_null() || token.is_null() {
            return EINVAL;
        }
        // SAFETY: the caller's session.
        status_of(unsafe { endings::give_up(sess, token) })
    }
}

/// Kills a session's tokens, as `pjsip_auth_clt_deinit()` does, and returns when no other
/// thread is inside `pjsip_auth_clt_async_send_req()`, `pjsip_auth_clt_async_abandon()` or
/// a deadline with one of them: from then on nothing of the session's owner is touched.
/// Call it before you destroy a registration, a publication or a dialog whose tokens
/// another thread of yours may be using.
///
/// `pjsip_auth_clt_deinit()` waits as well, but for 3 s at most, because it may be called
/// under a lock that such a thread waits for. This function waits for as long as it
/// takes: hold no lock that the owner's functions and callbacks take.
///
/// @param sess  The session, which can go on and get new challenges.
/// @return 0; PJ_EINVAL for a NULL; PJ_ENOTSUP where the library has stepped aside for
///         another pjproject.
///
/// May be called from any thread that is registered with PJLIB; from within one of those
/// functions it does not wait for that.
///
/// Since 0.1.0.
///
/// # Safety
/// `sess` is NULL or an initialised session.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pjauth_session_revoke(sess: *mut pjsip_auth_clt_sess) -> Status {
    // SAFETY: the caller's session, or NULL.
    let Some(sess) = (unsafe { Session::from_raw(sess) }) else {
        return EINVAL;
    };
    if is_aside() {
        return ENOTSUP;
    }
    status_of(endings::revoke(sess, Duration::MAX))
}
