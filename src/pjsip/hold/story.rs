//! Challenges of calls, held back below the transaction layer until the application
//! has decided. docs/deferral.md tells why there, and what goes over the wire.

use super::holding::{Holding, deliver, discard, hand_over, is_held, is_over};
use super::table::{self, Decision};
use crate::handle::Handle;
use crate::pjsip::abi::{
    pj_bool_t, pj_status_t, pjsip_auth_clt_async_impl_token, pjsip_auth_clt_async_on_chal_param,
    pjsip_auth_clt_sess, pjsip_dialog, pjsip_rx_data, pjsip_tx_data,
};
use crate::pjsip::aside::is_response_foreign;
use crate::pjsip::guard::guard;
use crate::pjsip::host::{
    self, Asker, Endpoint, Implementation, Request, Response, Session, Token, Transaction, WORDS,
};
use crate::pjsip::stats::{Event, count};
use crate::pjsip::status::{EBUG, EINVAL, SUCCESS};
use crate::pjsip::tokens;
use crate::pjsip::tokens::endings::{arm, release, watch_endpoint};
use crate::pjsip::tokens::offer;
use core::ffi::c_void;
use core::ptr::{self, NonNull};

/// Sees to it that the challenges of calls are held from now on, in the endpoint
/// that a session lives in. Throws on exhausted memory.
pub fn hold_in_endpoint_of(sess: Session<'_>) {
    if let Some(endpoint) = sess.endpoint() {
        hold_in(endpoint);
    }
}

/// The same for an endpoint.
pub fn hold_in(endpoint: Endpoint<'_>) {
    watch_endpoint(endpoint.as_ptr());
    // SAFETY: the endpoint is alive; nothing is held.
    unsafe { host::ensure_module(endpoint.as_ptr(), on_response, on_request, on_stop) };
}

/// The endpoint is going: what is held ends. There is one endpoint to a process, as
/// there is one transaction layer, so it is all that is held.
unsafe extern "C-unwind" fn on_stop() -> pj_status_t {
    loop {
        let taken = guard(|| {
            // SAFETY: words of a token, of which only an address is looked at.
            let held = |words: &[u64; WORDS]| unsafe { is_held(&Token::from_words(*words)) };
            Ok(tokens::take_some(|words| held(words)))
        });
        let Ok((taken, number)) = taken else {
            return SUCCESS;
        };
        for words in taken.into_iter().flatten() {
            count(Event::Revoked);
            // SAFETY: words of a token, just taken by us alone.
            unsafe { release(Token::from_words(words)) };
        }
        if number < tokens::BATCH {
            return SUCCESS;
        }
    }
}

/// Every response, before the transaction layer sees it. True: it shall not.
unsafe extern "C-unwind" fn on_response(rdata: *mut pjsip_rx_data) -> pj_bool_t {
    // SAFETY: the host hands its modules a response that it has parsed.
    unsafe {
        if is_response_foreign(rdata) {
            return 0;
        }
        let Some(code) = host::code_of(rdata) else {
            return 0;
        };
        let is_challenge = (code == 401 || code == 407) && table::is_wanted();
        if !is_challenge && table::is_empty() {
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

/// Every request on its way out. A CANCEL of an INVITE that waits for us has nothing to
/// cancel any more, since the INVITE has had its final response (RFC 3261 section 9.1): it
/// is sent as a sign of life, and the challenge ends the INVITE.
unsafe extern "C-unwind" fn on_request(tdata: *mut pjsip_tx_data) -> pj_status_t {
    if table::is_empty() {
        return SUCCESS;
    }
    // SAFETY: the host hands its modules a request that is being sent.
    let dialog = unsafe { host::dialog_cancelled_by(tdata) };
    let token = dialog.and_then(|dialog| table::waiting_invite_in(dialog.addr().get()));
    // SAFETY: as above. Who sends it would take a status for a failure to hang up.
    if token.is_some() && unsafe { host::send_as_keep_alive(tdata) }.is_ok() {
        end_soon(token);
    }
    SUCCESS
}

/// Has a challenge given up by a thread that holds nothing: this one is in a dialog.
fn end_soon(token: Option<Handle>) {
    if let Some(token) = token {
        // A token that is gone has been given up by somebody else.
        let _ = arm(token, 1);
    }
}

/// Whether the transaction has had its final response, and waits for us: all that
/// comes later is a repetition, or should not come. An INVITE's is acknowledged.
fn absorb(transaction: Transaction<'_>, code: i32) -> bool {
    let acquired = transaction.acquire();
    let held = table::waiting_for(transaction.addr());
    if let Some(held) = held.filter(|_| code >= 300) {
        // SAFETY: the lock keeps the challenge, and the transaction is its own.
        unsafe { Holding::acknowledge(held) };
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
    // SAFETY: as the caller promises; the dialog lives while the lock is held, and what
    // is kept for as long as it is kept.
    unsafe {
        let acquired = transaction.acquire();
        let Some(session) = waits_for(transaction) else {
            transaction.release(acquired);
            return false;
        };
        let (request, dialog) = (transaction.request(), transaction.dialog());
        if is_over(transaction) {
            deliver(transaction, rdata, Decision::None);
            transaction.release(acquired);
            return true;
        }
        let module = host::module_of(transaction.endpoint());
        host::add_request(request);
        if !dialog.is_null() {
            host::keep_dialog(dialog, module);
        }
        transaction.release(acquired);

        // What may throw, with nothing held. Another copy of the response may come here
        // at the same time: the first to be listed is the one.
        let dealt_with = match Holding::create(transaction, request, rdata) {
            None => false,
            Some(holding) => {
                let acquired = transaction.acquire();
                let is_first = transaction.is_open() && Holding::list(holding, request);
                if is_first {
                    // The token's own, and the holding's.
                    transaction.add_reference();
                }
                transaction.release(acquired);
                if is_first {
                    ask(transaction, session, holding, request, rdata, dialog);
                    true
                } else {
                    Holding::drop_unlisted(holding);
                    absorb(transaction, i32::MAX)
                }
            }
        };
        host::drop_request(request);
        if !dialog.is_null() {
            host::let_dialog_go(dialog, module);
        }
        dealt_with
    }
}

/// The session whose application a challenge to this transaction waits for, if it waits.
/// To be asked with the lock held.
fn waits_for(transaction: Transaction<'_>) -> Option<Session<'_>> {
    let may_wait =
        transaction.is_open() && transaction.is_held_back() && !transaction.request().is_null();
    transaction
        .session()
        .filter(|&session| may_wait && has_callback(session))
}

/// Asks the application, and has the transaction wait or go on.
///
/// # Safety
/// The holding is listed and has its reference of the transaction; all else is kept by
/// the caller.
unsafe fn ask(
    transaction: Transaction<'_>,
    session: Session<'_>,
    holding: NonNull<Holding>,
    request: *mut pjsip_tx_data,
    rdata: *mut pjsip_rx_data,
    dialog: *mut pjsip_dialog,
) {
    let id = holding.as_ptr().addr();
    // SAFETY: as the caller promises.
    unsafe {
        host::attach_to_transaction(rdata, transaction, dialog);
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
        let offered = (
            Implementation::from_raw(&implementation),
            Request::from_raw(request),
            Response::from_raw(rdata),
        );
        let taken = match offered {
            (Some(implementation), Some(request), Some(response)) => {
                let minted = |token| table::set_token(id, token);
                offer(
                    session,
                    implementation,
                    request,
                    response,
                    param,
                    Asker::Other,
                    minted,
                )
            }
            _ => Err(EINVAL),
        };
        match taken {
            Ok(()) => settle(transaction, rdata),
            Err(_) => {
                discard(id, request.addr());
                transaction.drop_reference();
                let acquired = transaction.acquire();
                if transaction.is_open() {
                    deliver(transaction, rdata, Decision::Ordinary);
                }
                transaction.release(acquired);
            }
        }
    }
}

/// Whether an application is to be asked about a session's challenges.
pub fn has_callback(session: Session<'_>) -> bool {
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
    if let Some(held) = table::waiting_for(transaction.addr())
        && transaction.is_open()
    {
        // SAFETY: the lock is held, and keeps the challenge.
        unsafe {
            Holding::acknowledge(held);
            transaction.wait(rdata);
            if is_over(transaction) {
                end_soon(held.token);
            }
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
    while let Some(held) = table::waiting_in(dialog.addr()) {
        let taken = guard(|| {
            let lent = held.token.and_then(|token| tokens::find(token).ok());
            Ok(lent.and_then(|lent| Some((lent, lent.take_pending()?))))
        });
        let Ok(Some((lent, words))) = taken else {
            return; // somebody else has it, and will do the same
        };
        count(Event::Revoked);
        // SAFETY: words of a token, just taken by us alone.
        unsafe {
            let token = Token::from_words(words);
            token.call_abandon();
            release(token);
        }
        lent.finish();
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
