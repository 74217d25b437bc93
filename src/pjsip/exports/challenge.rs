//! `pjsip_auth_clt_async_*`: challenges that are answered later.

use super::{entry, hold, status_of};
use crate::pjsip::abi::{
    pj_status_t, pjsip_auth_clt_async_impl_token, pjsip_auth_clt_async_on_chal_param,
    pjsip_auth_clt_sess, pjsip_endpoint, pjsip_tx_data,
};
use crate::pjsip::guard::guard;
use crate::pjsip::hold::is_decided;
use crate::pjsip::host::{self, Alarm, Request, Response, Session, Token};
use crate::pjsip::stats::{Event, count};
use crate::pjsip::status::{EIGNORED, EINVAL, EINVALIDOP, ENOTSUP, SUCCESS, Status};
use crate::pjsip::{challenge, deadline};
use core::ffi::c_void;
use core::ptr;

entry! {
    /// Offers a challenge to the application. `PJ_SUCCESS`: taken, the token's
    /// references are the library's. Anything else: the caller keeps its reference
    /// of the group lock and goes on by itself.
    fn pjsip_auth_clt_async_impl_on_challenge(
        sess: *mut pjsip_auth_clt_sess,
        token: *mut pjsip_auth_clt_async_impl_token,
        param: *const pjsip_auth_clt_async_on_chal_param,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (sess, token, param) = unsafe {
            (Session::from_raw(sess), host::implementation(token), param.as_ref())
        };
        let (Some(sess), Some(token), Some(param)) = (sess, token, param) else {
            return EINVAL;
        };
        // SAFETY: the caller's request and response, or NULL.
        let (request, response) = unsafe {
            (Request::from_raw(param.tdata), Response::from_raw(param.rdata))
        };
        let (Some(request), Some(response)) = (request, response) else {
            return EINVAL;
        };
        if is_decided(param.rdata.addr()) {
            return EIGNORED;
        }
        status_of(offer(sess, token, request, response, param))
    }
}

/// Asks the application. See [`pjsip_auth_clt_async_impl_on_challenge`].
pub(super) fn offer(
    sess: Session<'_>,
    implementation: &pjsip_auth_clt_async_impl_token,
    request: Request<'_>,
    response: Response<'_>,
    param: &pjsip_auth_clt_async_on_chal_param,
) -> Result<(), Status> {
    let (root, setting) = guard(|| {
        let root = sess.root().ok_or(EINVAL)?;
        let _held = root.locked();
        Ok((root, root.callback().ok_or(EINVALIDOP)?))
    })?;
    if let Some(endpoint) = sess.endpoint() {
        watch_endpoint(endpoint.as_ptr());
    }
    // The token's own reference: there before anybody can find the token in a list.
    // SAFETY: the request is alive.
    unsafe { host::add_request(request.as_ptr()) };
    let minted = guard(|| challenge::mint(sess, root, implementation, request, response));
    let handle = minted.inspect_err(|_| {
        // SAFETY: the reference taken above, which no token owns.
        unsafe { host::drop_request(request.as_ptr()) };
    })?;
    if challenge::default_deadline() != 0 {
        arm(handle, challenge::default_deadline())?;
    }
    let told = pjsip_auth_clt_async_on_chal_param {
        user_data: setting.user_data,
        ..*param
    };
    let taken = setting.cb.is_some_and(|cb| {
        // SAFETY: the application's callback, with what it is promised. Nothing is
        // held, so it may use any function of this library.
        unsafe { cb(root.as_ptr(), challenge::pointer(handle), &told) != 0 }
    });
    if taken {
        return Ok(());
    }
    // What was consumed inside the callback counts as taken whatever it returns.
    let Ok(words) = guard(|| challenge::take(handle)) else {
        return Ok(());
    };
    count(Event::Declined);
    // SAFETY: words of a token, just taken by us alone. The group lock's reference
    // goes back to the caller.
    unsafe {
        let token = Token::from_words(words);
        host::drop_request(token.request);
    }
    Err(EIGNORED)
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
        match take(sess, token, true) {
            // SAFETY: just taken by us alone; the request's reference goes along.
            Ok(token) => unsafe {
                let status = if hold::is_held(&token) {
                    hold::answer(&token, new_request)
                } else {
                    token.call_send(new_request)
                };
                token.release();
                status
            },
            Err(status) => status,
        }
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
        match take(sess, token, false) {
            Ok(token) => {
                count(Event::Abandoned);
                abandon(token);
                SUCCESS
            }
            Err(status) => status,
        }
    }
}

fn abandon(token: Token) {
    // SAFETY: the caller took this token, and it alone.
    unsafe {
        token.call_abandon();
        token.release();
    }
}

/// Takes a token for a caller who says it belongs to `sess`.
///
/// A dead token's session may be dead as well: `sess` is not looked at before the
/// token has proved alive, and then only if it is none of the token's own. Such a
/// session has to be configured, where `configured` asks for it.
fn take(
    sess: *mut pjsip_auth_clt_sess,
    token: *mut c_void,
    configured: bool,
) -> Result<Token, Status> {
    let taken = guard(|| {
        let lent = challenge::find(challenge::handle(token)?)?;
        if configured && !lent.is_of(sess)? {
            // SAFETY: the caller's session, which PJSIP wants alive in this call.
            let root = unsafe { Session::from_raw(sess) }.and_then(Session::root);
            if root.and_then(Session::callback).is_none() {
                return Err(EINVALIDOP);
            }
        }
        // SAFETY: words of a token, just taken by us alone.
        lent.take().map(|words| unsafe { Token::from_words(words) })
    });
    if matches!(taken, Err(EINVAL)) {
        count(Event::Refused);
    }
    taken
}

/// Gives a live token a deadline in milliseconds from now; 0 takes it away.
pub(super) fn arm(handle: crate::handle::Handle, milliseconds: u32) -> Result<(), Status> {
    let armed = guard(|| {
        let due = challenge::set_deadline(handle, milliseconds)?;
        // SAFETY: words of a token, of which only an address is looked at.
        let token = unsafe { Token::from_words(challenge::peek(handle)?) };
        Ok(due.map(|due| (token.endpoint.addr(), due)))
    })?;
    if let Some((endpoint, due)) = armed {
        deadline::wake_at(endpoint, due);
    }
    Ok(())
}

/// Has the deadlines of this endpoint kept, and its end noticed.
#[inline]
pub(super) fn watch_endpoint(endpoint: *mut pjsip_endpoint) {
    if !deadline::is_watched(endpoint.addr()) {
        watch(endpoint);
    }
}

#[cold]
fn watch(endpoint: *mut pjsip_endpoint) {
    // SAFETY: the endpoint is alive; `endpoint_gone` discards the alarm. An alarm
    // that came second was never set.
    unsafe {
        let alarm = Alarm::create(endpoint, abandon_expired);
        match deadline::watch(alarm) {
            Ok(()) => host::on_exit(endpoint, endpoint_gone),
            Err(second) => second.discard(),
        }
    }
}

/// On a thread of the endpoint's, with nothing held: abandons what is overdue.
fn abandon_expired(endpoint: usize) {
    deadline::went_off(endpoint);
    // SAFETY: words of a token, of which only an address is looked at.
    let lives_in = |words: &[u64; host::WORDS]| unsafe {
        Token::from_words(*words).endpoint.addr() == endpoint
    };
    loop {
        let now = host::now_ms();
        let due = guard(|| {
            Ok(challenge::take_some(|info, words| {
                challenge::is_due(info, now) && lives_in(words)
            }))
        });
        let Ok((due, number)) = due else { return };
        for words in due.into_iter().flatten() {
            count(Event::Expired);
            // SAFETY: words of a token, just taken by us alone.
            abandon(unsafe { Token::from_words(words) });
        }
        if number < challenge::BATCH {
            break;
        }
    }
    if let Ok(Some(next)) = guard(|| Ok(challenge::next_deadline(lives_in))) {
        deadline::wake_at(endpoint, next);
    }
}

/// The endpoint is being destroyed: its tokens die. What their references kept
/// alive goes with the endpoint's pools, so nothing of it is touched.
unsafe extern "C-unwind" fn endpoint_gone(endpoint: *mut pjsip_endpoint) {
    let dead = guard(|| {
        let mut number = 0;
        loop {
            // SAFETY: words of a token, of which only an address is looked at.
            let (dead, taken) = challenge::take_some(|_, words| unsafe {
                ptr::eq(Token::from_words(*words).endpoint, endpoint)
            });
            for words in dead.into_iter().flatten() {
                // SAFETY: words of a token, just taken by us alone.
                unsafe {
                    let token = Token::from_words(words);
                    host::forget_holding(token.user_data.addr(), token.request.addr());
                }
            }
            number += taken;
            if taken < challenge::BATCH {
                return Ok(number);
            }
        }
    });
    for _ in 0..dead.unwrap_or(0) {
        count(Event::Revoked);
    }
    // SAFETY: the modules are unloaded, and the pools still there.
    unsafe { host::free_module(endpoint) };
    if let Some(alarm) = deadline::unwatch(endpoint.addr()) {
        // SAFETY: the timer heap is gone by now. An alias lives only while another
        // thread is inside a call on this endpoint, which its destruction forbids.
        unsafe { alarm.discard() };
    }
}
