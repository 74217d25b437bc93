//! How tokens end: sent, abandoned, revoked with their session or endpoint, or at
//! their deadline. Whoever takes a token ends it here, once.

use super::{deadline, table as tokens};
use crate::pjsip::abi::{pjsip_auth_clt_sess, pjsip_endpoint, pjsip_tx_data};
use crate::pjsip::guard::guard;
use crate::pjsip::hold;
use crate::pjsip::host::{self, Alarm, Session, Token};
use crate::pjsip::stats::{Event, count};
use crate::pjsip::status::{EINVAL, EINVALIDOP, Status};
use core::ffi::c_void;
use core::ptr;

/// `pjsip_auth_clt_async_send_req`.
///
/// # Safety
/// `sess` is what the caller says the token is of; `request` is alive.
pub unsafe fn send(
    sess: *mut pjsip_auth_clt_sess,
    token: *mut c_void,
    request: *mut pjsip_tx_data,
) -> Status {
    match take(sess, token, true) {
        // SAFETY: just taken by us alone; the request's reference goes along.
        Ok(token) => unsafe {
            let status = if hold::is_held(&token) {
                hold::answer(&token, request)
            } else {
                token.call_send(request)
            };
            release(token);
            status
        },
        Err(status) => status,
    }
}

/// `pjsip_auth_clt_async_abandon`.
///
/// # Safety
/// `sess` is what the caller says the token is of.
pub unsafe fn give_up(sess: *mut pjsip_auth_clt_sess, token: *mut c_void) -> Result<(), Status> {
    let token = take(sess, token, false)?;
    count(Event::Abandoned);
    // SAFETY: just taken by us alone.
    unsafe { abandon(token) };
    Ok(())
}

/// # Safety
/// The caller took this token, and it alone.
unsafe fn abandon(token: Token) {
    // SAFETY: as the caller promises.
    unsafe {
        token.call_abandon();
        release(token);
    }
}

/// Drops what the token owned. What its references kept alive may go with them.
///
/// # Safety
/// The caller took this token, and releases it only here.
pub unsafe fn release(token: Token) {
    // SAFETY: as the caller promises.
    unsafe {
        hold::discard(token.user_data.addr(), token.request.addr());
        token.drop_references();
    }
}

/// Revokes a session's tokens, a batch at a time with nothing held.
pub fn revoke_tokens(sess: Session<'_>) {
    let owner = host::owner_of(sess);
    loop {
        let taken = guard(|| Ok(tokens::take_some(|info, _| info.owner == owner)));
        let Ok((taken, number)) = taken else { return };
        for words in taken.into_iter().flatten() {
            count(Event::Revoked);
            // SAFETY: words of a token, just taken by us alone.
            unsafe { release(host::Token::from_words(words)) };
        }
        if number < tokens::BATCH {
            return;
        }
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
        let lent = tokens::find(tokens::handle(token)?)?;
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
pub fn arm(handle: crate::handle::Handle, milliseconds: u32) -> Result<(), Status> {
    let armed = guard(|| {
        let due = tokens::set_deadline(handle, milliseconds)?;
        // SAFETY: words of a token, of which only an address is looked at.
        let token = unsafe { Token::from_words(tokens::peek(handle)?) };
        Ok(due.map(|due| (token.endpoint.addr(), due)))
    })?;
    if let Some((endpoint, due)) = armed {
        deadline::wake_at(endpoint, due);
    }
    Ok(())
}

/// Has the deadlines of this endpoint kept, and its end noticed.
#[inline]
pub fn watch_endpoint(endpoint: *mut pjsip_endpoint) {
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
            Ok(tokens::take_some(|info, words| {
                tokens::is_due(info, now) && lives_in(words)
            }))
        });
        let Ok((due, number)) = due else { return };
        for words in due.into_iter().flatten() {
            count(Event::Expired);
            // SAFETY: words of a token, just taken by us alone.
            unsafe { abandon(Token::from_words(words)) };
        }
        if number < tokens::BATCH {
            break;
        }
    }
    if let Ok(Some(next)) = guard(|| Ok(tokens::next_deadline(lives_in))) {
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
            let (dead, taken) = tokens::take_some(|_, words| unsafe {
                ptr::eq(Token::from_words(*words).endpoint, endpoint)
            });
            for words in dead.into_iter().flatten() {
                // SAFETY: words of a token, just taken by us alone.
                unsafe {
                    let token = Token::from_words(words);
                    hold::forget(token.user_data.addr(), token.request.addr());
                }
            }
            number += taken;
            if taken < tokens::BATCH {
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
