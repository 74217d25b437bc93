//! Challenges of calls, held back below the transaction layer until the application
//! has decided. docs/deferral.md tells why there, and what goes over the wire.

use super::challenge::{offer, watch_endpoint};
use crate::pjsip::abi::{
    pj_bool_t, pj_status_t, pjsip_auth_clt_async_impl_token, pjsip_auth_clt_async_on_chal_param,
    pjsip_auth_clt_async_setting, pjsip_auth_clt_sess, pjsip_endpoint, pjsip_rx_data,
    pjsip_tx_data,
};
use crate::pjsip::aside::is_aside;
use crate::pjsip::challenge;
use crate::pjsip::guard::guard;
use crate::pjsip::hold::{self, Answer, Held};
use crate::pjsip::host::{
    self, Endpoint, Holding, Request, Response, Session, Token, Transaction, WORDS,
};
use crate::pjsip::stats::{Event, count};
use crate::pjsip::status::{EBUG, EINVAL, ENOTSUP, SUCCESS, Status};
use core::ffi::c_void;
use core::ptr;

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
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_hold_challenges(hold: bool) {
    hold::set_wanted(hold);
}

/// Sees to it that the challenges of calls are held from now on, in the endpoint
/// that a session lives in. Throws on exhausted memory.
pub(super) fn hold_in_endpoint_of(sess: Session<'_>) {
    if let Some(endpoint) = sess.endpoint() {
        hold_in(endpoint);
    }
}

fn hold_in(endpoint: Endpoint<'_>) {
    watch_endpoint(endpoint.as_ptr());
    // SAFETY: the endpoint is alive; nothing is held.
    unsafe { host::ensure_module(endpoint.as_ptr(), on_response, on_stop) };
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
    if is_aside() {
        return ENOTSUP;
    }
    host::set_default_setting(setting.copied());
    if setting.is_some() {
        hold_in(endpoint);
    }
    SUCCESS
}

/// The endpoint is going: what is held ends. There is one endpoint to a process, as
/// there is one transaction layer, so it is all that is held.
unsafe extern "C-unwind" fn on_stop() -> pj_status_t {
    loop {
        let taken = guard(|| {
            // SAFETY: words of a token, of which only an address is looked at.
            let held = |words: &[u64; WORDS]| unsafe { is_held(&Token::from_words(*words)) };
            Ok(challenge::take_some(|_, words| held(words)))
        });
        let Ok((taken, number)) = taken else {
            return SUCCESS;
        };
        for words in taken.into_iter().flatten() {
            count(Event::Revoked);
            // SAFETY: words of a token, just taken by us alone.
            unsafe { Token::from_words(words).release() };
        }
        if number < challenge::BATCH {
            return SUCCESS;
        }
    }
}

/// Every response, before the transaction layer sees it. True: it shall not.
unsafe extern "C-unwind" fn on_response(rdata: *mut pjsip_rx_data) -> pj_bool_t {
    // SAFETY: the host hands its modules a response that it has parsed.
    unsafe {
        let Some(code) = host::code_of(rdata) else {
            return 0;
        };
        let is_challenge = (code == 401 || code == 407) && hold::is_wanted();
        if !is_challenge && hold::is_empty() {
            return 0;
        }
        let Some(transaction) = Transaction::of(rdata) else {
            return 0;
        };
        let ours = if absorb(transaction, code) {
            true
        } else if is_challenge {
            hold_back(transaction, rdata)
        } else {
            if code >= 200 && transaction.ends_a_call() {
                give_up(transaction);
            }
            false
        };
        transaction.drop_reference();
        pj_bool_t::from(ours)
    }
}

/// Whether the transaction has had its final response, and waits for us: all that
/// comes later is a repetition, or should not come. An INVITE's is acknowledged.
fn absorb(transaction: Transaction<'_>, code: i32) -> bool {
    let acquired = transaction.acquire();
    let held = hold::waiting_for(transaction.addr());
    if let Some(held) = held.filter(|_| code >= 300) {
        // SAFETY: the lock keeps the challenge, and the transaction is its own.
        unsafe { transaction.acknowledge(Holding::of(held).ack()) };
    }
    if held.is_some() && !transaction.is_invite() {
        // A retransmission may have been on its way when they were stopped.
        transaction.stop_timers();
    }
    transaction.release(acquired);
    held.is_some()
}

/// Offers a challenge to the application, if it is one of a call whose session has
/// a callback. Whether the response is dealt with.
///
/// # Safety
/// `rdata` is a 401 or 407 to the transaction, of which the caller has a reference.
unsafe fn hold_back(transaction: Transaction<'_>, rdata: *mut pjsip_rx_data) -> bool {
    let acquired = transaction.acquire();
    // SAFETY: as the caller promises; the dialog lives while the lock is held.
    unsafe {
        let dialog = transaction.dialog();
        let may_wait =
            transaction.is_open() && transaction.is_held_back() && !transaction.request().is_null();
        let session = transaction
            .session()
            .filter(|&session| has_callback(session));
        let Some(session) = session.filter(|_| may_wait) else {
            transaction.release(acquired);
            return false;
        };
        if transaction.is_of_a_dialog() && host::is_call_over(dialog) {
            transaction.deliver(rdata, Answer::None);
            transaction.release(acquired);
            return true;
        }
        let Some(holding) = Holding::create(transaction, rdata) else {
            transaction.release(acquired);
            return false;
        };
        let module = host::module_of(transaction.endpoint());
        let request = transaction.request();
        host::add_request(request);
        if !dialog.is_null() {
            host::keep_dialog(dialog, module);
        }
        // The token's own, and the holding's.
        transaction.add_reference();
        transaction.release(acquired);

        host::introduce(rdata, transaction, dialog);
        let implementation = pjsip_auth_clt_async_impl_token {
            user_data: holding.as_ptr().cast(),
            send_impl: Some(send),
            abandon_impl: Some(abandon),
            grp_lock: transaction.group_lock(),
            signature: [0; 4],
        };
        let param = pjsip_auth_clt_async_on_chal_param {
            tdata: request,
            rdata,
            user_data: ptr::null_mut(),
        };
        let taken = match (Request::from_raw(request), Response::from_raw(rdata)) {
            (Some(request), Some(response)) => {
                offer(session, &implementation, request, response, &param)
            }
            _ => Err(EINVAL),
        };
        match taken {
            Ok(()) => settle(transaction, rdata),
            Err(_) => {
                host::discard_holding(holding.as_ptr().addr(), request.addr());
                transaction.drop_reference();
                let acquired = transaction.acquire();
                if transaction.is_open() {
                    transaction.deliver(rdata, Answer::Ordinary);
                }
                transaction.release(acquired);
            }
        }
        host::drop_request(request);
        if !dialog.is_null() {
            host::let_dialog_go(dialog, module);
        }
    }
    true
}

/// Whether an application is to be asked about a session's challenges.
pub(super) fn has_callback(session: Session<'_>) -> bool {
    let found = guard(|| {
        let root = session.root().ok_or(EINVAL)?;
        let _held = root.locked();
        root.callback().ok_or(EINVAL).map(|_| ())
    });
    found.is_ok()
}

/// The application took the challenge. If it has not answered yet, the peer is told
/// that its response has arrived, and the transaction to wait.
///
/// # Safety
/// `rdata` is the challenge, the caller has a reference of the transaction.
unsafe fn settle(transaction: Transaction<'_>, rdata: *mut pjsip_rx_data) {
    let acquired = transaction.acquire();
    if let Some(held) = hold::waiting_for(transaction.addr())
        && transaction.is_open()
    {
        // SAFETY: the lock is held, and keeps the challenge.
        unsafe {
            transaction.acknowledge(Holding::of(held).ack());
            transaction.wait(rdata);
        }
    }
    transaction.release(acquired);
}

/// A CANCEL or a BYE was answered: what else waits in the dialog gets its challenge
/// as the final response that ends it, since the peer has no other to send.
fn give_up(end: Transaction<'_>) {
    let acquired = end.acquire();
    let dialog = end.dialog();
    end.release(acquired);
    if dialog.is_null() {
        return;
    }
    while let Some(held) = hold::waiting_in(dialog.addr()) {
        let taken = guard(|| {
            Ok(challenge::take_some(|_, words| {
                // SAFETY: words of a token, of which only an address is looked at.
                let token = unsafe { Token::from_words(*words) };
                held_of(&token).is_some_and(|found| found.id == held.id)
            }))
        });
        let Ok(([Some(words), ..], _)) = taken else {
            return; // somebody else has it, and will do the same
        };
        count(Event::Revoked);
        // SAFETY: words of a token, just taken by us alone.
        unsafe {
            let token = Token::from_words(words);
            token.call_abandon();
            token.release();
        }
    }
}

/// Whether a token is one of ours, whose [`answer`] is to be used.
pub(super) fn is_held(token: &Token) -> bool {
    held_of(token).is_some()
}

#[inline]
fn held_of(token: &Token) -> Option<Held> {
    hold::get(token.user_data.addr(), token.request.addr())
}

/// Hands the challenge to its transaction, and `request` to whoever then asks for
/// an answer. `PJ_EINVAL`: transaction or call is gone, the request is the caller's.
/// Otherwise its reference is consumed.
///
/// # Safety
/// The caller took the token, a held one; `request` is alive.
pub(super) unsafe fn answer(token: &Token, request: *mut pjsip_tx_data) -> Status {
    // SAFETY: as the caller promises.
    unsafe { hand_over(token.user_data.addr(), request) }
}

/// # Safety
/// The caller took the token of this challenge; `request` is alive, or NULL: there is
/// no answer.
unsafe fn hand_over(id: usize, request: *mut pjsip_tx_data) -> Status {
    let Some(held) = hold::of(id) else {
        return EBUG;
    };
    // SAFETY: the token is the caller's, and keeps transaction and challenge.
    unsafe {
        let holding = Holding::of(held);
        let transaction = holding.transaction();
        let answer = if request.is_null() {
            Answer::None
        } else {
            Answer::Prepared(request.expose_provenance())
        };
        let acquired = transaction.acquire();
        if !hold::stop_waiting(held.id) || !transaction.is_open() {
            transaction.release(acquired);
            return EINVAL;
        }
        let used = transaction.deliver(holding.response(), answer);
        transaction.release(acquired);
        if used || request.is_null() {
            SUCCESS
        } else {
            EINVAL
        }
    }
}

unsafe extern "C-unwind" fn send(
    _sess: *mut pjsip_auth_clt_sess,
    _user_data: *mut c_void,
    _request: *mut pjsip_tx_data,
) -> pj_status_t {
    // Never called: send_req knows our tokens, and calls `answer`.
    EBUG
}

unsafe extern "C-unwind" fn abandon(_sess: *mut pjsip_auth_clt_sess, user_data: *mut c_void) {
    // SAFETY: called by whoever took the token.
    unsafe { hand_over(user_data.addr(), ptr::null_mut()) };
}
