//! How tokens end: sent, abandoned, revoked with their session or endpoint, or at
//! their deadline. Whoever takes a token ends it here, once.

use super::table::Lent;
use super::{deadline, events, owners, table as tokens};
use crate::handle::Handle;
use crate::pjsip::abi::{pjsip_auth_clt_sess, pjsip_endpoint, pjsip_tx_data};
use crate::pjsip::guard::guard;
use crate::pjsip::hold;
use crate::pjsip::host::{self, Alarm, Session, Token};
use crate::pjsip::stats::{Event, count};
use crate::pjsip::status::{EINVAL, EINVALIDOP, SUCCESS, Status};
use core::ffi::c_void;
use core::ptr;
use core::time::Duration;

/// How long the end of a session waits for another thread that is in a module's function
/// with a token of the session's. Such a thread may itself wait for a lock that is held
/// here: PJSUA ends its registrations under the lock that their callbacks take.
const PATIENCE: Duration = Duration::from_secs(3);

/// `pjsip_auth_clt_async_send_req`.
///
/// # Safety
/// `sess` is what the caller says the token is of; `request` is alive.
#[inline]
pub unsafe fn send(
    sess: *mut pjsip_auth_clt_sess,
    token: *mut c_void,
    request: *mut pjsip_tx_data,
) -> Status {
    let (lent, token) = match take(sess, token, true) {
        Ok(taken) => taken,
        Err(status) => return refuse(status),
    };
    // SAFETY: just taken by us alone; the request's reference goes along.
    unsafe {
        let status = if token.is_in_dialog() {
            send_locked(lent, token, request)
        } else {
            let status = if hold::is_held(&token) {
                lent.stand_back();
                hold::answer(token, request)
            } else {
                token.call_send(request)
            };
            if status != SUCCESS {
                events::give_up(token.request.addr());
            }
            status
        };
        release(token);
        lent.finish();
        status
    }
}

/// `pjsip_auth_clt_async_abandon`.
///
/// # Safety
/// `sess` is what the caller says the token is of.
#[inline]
pub unsafe fn give_up(sess: *mut pjsip_auth_clt_sess, token: *mut c_void) -> Result<(), Status> {
    let (lent, token) = take(sess, token, false).map_err(refuse)?;
    count(Event::Abandoned);
    // SAFETY: just taken by us alone.
    unsafe {
        if token.is_in_dialog() {
            abandon_locked(lent, token);
        } else {
            if hold::is_held(&token) {
                lent.stand_back();
            }
            token.call_abandon();
            events::give_up(token.request.addr());
        }
        release(token);
    }
    lent.finish();
    Ok(())
}

/// Drops what the token owned. What its references kept alive may go with them.
///
/// # Safety
/// The caller took this token, and releases it only here.
#[inline]
pub unsafe fn release(token: Token) {
    // SAFETY: as the caller promises.
    unsafe {
        hold::discard(token.user_data.addr(), token.request.addr());
        events::let_go(token.request.addr());
        token.drop_references();
    }
}

/// Revokes a session's tokens, and returns when no other thread is in a module's
/// function with one of them; or after `patience`, which is for who holds a lock that
/// such a thread may wait for.
pub fn revoke(sess: Session<'_>, patience: Duration) -> Result<(), Status> {
    guard(|| {
        owners::take_back(sess, patience, |words| {
            count(Event::Revoked);
            // SAFETY: words of a token, just taken by us alone.
            unsafe { release(Token::from_words(words)) };
        });
        Ok(())
    })
}

/// The session ends: its tokens die first, while all that is the session's is there.
#[inline]
pub fn end(sess: Session<'_>) -> Result<(), Status> {
    // Most have none, and who had none is not waited for.
    if sess.owner() == 0 {
        return Ok(());
    }
    #[cfg(not(pj_async))]
    host::unlink(sess.owner());
    revoke(sess, PATIENCE)?;
    owners::end(sess);
    Ok(())
}

/// Takes a token for a caller who says it belongs to `sess`.
///
/// A dead token's session may be dead as well: `sess` is not looked at before the
/// token has proved alive, and then only if it is none of the token's own. Such a
/// session has to be configured, where `configured` asks for it.
#[inline(always)]
fn take(
    sess: *mut pjsip_auth_clt_sess,
    token: *mut c_void,
    configured: bool,
) -> Result<(Lent, Token), Status> {
    let lent = tokens::find(tokens::handle(token)?)?;
    let (words, seen) = lent.look()?;
    // SAFETY: words of a token.
    let token = unsafe { Token::from_words(words) };
    if configured && !token.is_of(sess) {
        // SAFETY: the caller's session, which PJSIP wants alive in this call.
        unsafe { expect_configured(lent, sess) }?;
    }
    if token.is_in_dialog() {
        lent.take_pending().ok_or(EINVAL)?;
    } else {
        lent.take(seen)?;
    }
    Ok((lent, token))
}

/// # Safety
/// The session is NULL or alive.
#[cold]
unsafe fn expect_configured(lent: Lent, sess: *mut pjsip_auth_clt_sess) -> Result<(), Status> {
    guard(|| {
        lent.expect_live()?;
        // SAFETY: as the caller promises.
        let root = unsafe { Session::from_raw(sess) }.and_then(Session::root);
        let setting = root.and_then(Session::callback);
        setting.map(|_| ()).ok_or(EINVALIDOP)
    })
}

/// What is left for a module's part with a token that was taken pending.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    All,
    /// The dialog, but not who asked: a call whose session PJSIP has freed, or a subscription
    /// of whose end the application knows.
    NoAsker,
    /// The session has ended.
    Nothing,
}

/// # Safety
/// The caller took this token, pending, and holds its group lock.
unsafe fn left_for(lent: Lent, token: &Token) -> Left {
    if !lent.begin() {
        return Left::Nothing;
    }
    // SAFETY: as the caller promises. The session is there, and with it its dialog, whose lock
    // goes with the token's.
    match unsafe { events::has_ended(token) } {
        true => Left::NoAsker,
        false => Left::All,
    }
}

/// Sends in a dialog, under the lock under which PJSIP would do so by itself. Where who asked has
/// ended, another that was told of the same challenge may send. `PJ_EINVAL`: there is
/// nobody left, and the request is the caller's.
///
/// # Safety
/// The caller took this token, a dialog's, pending; `request` is alive.
#[cold]
unsafe fn send_locked(lent: Lent, token: Token, request: *mut pjsip_tx_data) -> Status {
    let asked = token.request.addr();
    // SAFETY: as the caller promises; the token's reference keeps the lock.
    unsafe {
        host::acquire_group_lock(token.group_lock);
        let left = left_for(lent, &token);
        let status = match left {
            Left::All => token.call_send(request),
            Left::NoAsker => events::send(asked, request),
            Left::Nothing => EINVAL,
        };
        if status != SUCCESS && left != Left::Nothing {
            events::give_up(asked);
        }
        host::release_group_lock(token.group_lock);
        status
    }
}

/// Has a module give up, under the lock under which it would do so by itself. Returns whether
/// the session was there.
///
/// # Safety
/// The caller took this token, pending.
#[cold]
unsafe fn abandon_locked(lent: Lent, token: Token) -> bool {
    // SAFETY: as the caller promises; the token's reference keeps the lock.
    unsafe {
        host::acquire_group_lock(token.group_lock);
        let left = left_for(lent, &token);
        if left == Left::All {
            token.call_abandon();
        }
        if left != Left::Nothing {
            events::give_up(token.request.addr());
        }
        host::release_group_lock(token.group_lock);
        left != Left::Nothing
    }
}

#[cold]
fn refuse(status: Status) -> Status {
    if status == EINVAL {
        count(Event::Refused);
    }
    status
}

/// Gives a live token a deadline in milliseconds from now; 0 takes it away.
pub fn arm(handle: Handle, milliseconds: u32) -> Result<(), Status> {
    let armed = guard(|| {
        // SAFETY: words of a token, of which only an address is looked at.
        let token = unsafe { Token::from_words(tokens::peek(handle)?) };
        let endpoint = token.endpoint.addr();
        Ok(deadline::set(endpoint, handle, milliseconds)?.map(|_| endpoint))
    })?;
    if let Some(endpoint) = armed {
        deadline::wake(endpoint);
    }
    Ok(())
}

/// Has the deadlines of this endpoint kept, and its end noticed.
#[inline(always)]
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
        let Some(alarm) = Alarm::create(endpoint, abandon_expired) else {
            return;
        };
        match deadline::watch(alarm) {
            Ok(()) => host::on_exit(endpoint, endpoint_gone),
            Err(second) => second.discard(),
        }
    }
}

/// On a thread of the endpoint's, with nothing held: abandons some of what is overdue.
/// The rest waits for the next time, so that this thread gets to its other work.
fn abandon_expired(endpoint: usize) {
    deadline::went_off(endpoint);
    for _ in 0..tokens::BATCH {
        let Ok(Some((lent, words))) = guard(|| Ok(deadline::take_due(endpoint))) else {
            break;
        };
        // SAFETY: words of a token, just taken by us alone.
        unsafe { expire(lent, Token::from_words(words)) };
    }
    deadline::wake(endpoint);
}

/// Dialogs end under their lock, which goes with that of their transactions. So a
/// module's function is called under the token's group lock, as PJSIP calls it when it
/// gives up by itself: either the session has ended before, or its end waits outside.
/// What is held keeps what it needs, by other means.
///
/// # Safety
/// The caller took this token, pending.
unsafe fn expire(lent: Lent, token: Token) {
    // SAFETY: as the caller promises.
    unsafe {
        let expired = if hold::is_held(&token) {
            token.call_abandon();
            events::give_up(token.request.addr());
            true
        } else {
            abandon_locked(lent, token)
        };
        count(match expired {
            true => Event::Expired,
            false => Event::Revoked,
        });
        release(token);
    }
    lent.finish();
}

/// The endpoint is being destroyed: its tokens die. What their references kept
/// alive goes with the endpoint's pools, so nothing of it is touched.
unsafe extern "C-unwind" fn endpoint_gone(endpoint: *mut pjsip_endpoint) {
    let dead = guard(|| {
        let mut number = 0;
        loop {
            // SAFETY: words of a token, of which only an address is looked at.
            let (dead, taken) = tokens::take_some(|words| unsafe {
                ptr::eq(Token::from_words(*words).endpoint, endpoint)
            });
            for words in dead.into_iter().flatten() {
                // SAFETY: words of a token, just taken by us alone.
                unsafe {
                    let token = Token::from_words(words);
                    hold::forget(token.user_data.addr(), token.request.addr());
                    events::forget(token.request.addr());
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
    host::forget_default_setting(endpoint);
    // SAFETY: the modules are unloaded, and the pools still there.
    unsafe { host::free_module(endpoint) };
    if let Some(alarm) = deadline::unwatch(endpoint.addr()) {
        // SAFETY: the timer heap is gone by now. An alias lives only while another
        // thread is inside a call on this endpoint, which its destruction forbids.
        unsafe { alarm.discard() };
    }
}
