//! One response, one question. Where a dialog has several usages, PJSIP tells each of a
//! response, and each of its modules hands the same challenge over: of a REFER or a NOTIFY
//! inside a call that are the call and the subscription. The first is asked about. What
//! comes after follows it: answered, the others are done as well; given up, they are told
//! so, too.

use super::offer::offer;
use super::table as tokens;
use crate::pjsip::abi::{pjsip_auth_clt_async_on_chal_param, pjsip_dialog, pjsip_tx_data};
use crate::pjsip::guard::guard;
use crate::pjsip::host::{
    self, Asker, Endpoint, Implementation, Lock, Request, Response, Session, TOKEN_WORDS, Token,
};
use crate::pjsip::status::{EIGNORED, EINVAL, Status};
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What is noted on a response that nobody holds a token of: the application declined, or
/// is not asked at all. Any other note is a token.
const SYNCHRONOUS: *mut c_void = ptr::without_provenance_mut(2);

/// The request that it is about, and words of a [`Token`].
type Follower = (usize, [u64; TOKEN_WORDS]);

/// Those that follow.
static FOLLOWERS: Lock<Vec<Follower>> = Lock::new(Vec::new());

/// Their number, so that a process that has none takes no lock.
static FOLLOWER_COUNT: AtomicUsize = AtomicUsize::new(0);

/// [`offer`], once for each response of a dialog's.
///
/// # Safety
/// The response is one that the host tells the usages of its dialog about.
#[inline(never)]
pub unsafe fn offer_once(
    sess: Session<'_>,
    implementation: Implementation,
    request: Request<'_>,
    response: Response<'_>,
    param: pjsip_auth_clt_async_on_chal_param,
    dialog: NonNull<pjsip_dialog>,
) -> Result<(), Status> {
    // SAFETY: as the caller promises; the dialog is locked by who tells its usages.
    let asker = unsafe { asker_in(dialog, sess, implementation.get().user_data) };
    // SAFETY: as above.
    let Some(note) = (unsafe { shared_note(sess, &param, dialog) }) else {
        return offer(
            sess,
            implementation,
            request,
            response,
            param,
            asker,
            |_| {},
        );
    };
    // SAFETY: a field of the response, which only this thread looks at; the reference of
    // the group lock is the library's where the challenge counts as taken.
    unsafe {
        let noted = note.read();
        if noted.is_null() {
            let lend = |token| note.write(tokens::pointer(token));
            let offered = offer(sess, implementation, request, response, param, asker, lend);
            if offered.is_err() {
                note.write(SYNCHRONOUS);
            }
            return offered;
        }
        if request.is_retried() {
            host::drop_group_lock(implementation.get().grp_lock);
            return Ok(());
        }
        if noted == SYNCHRONOUS {
            return Err(EIGNORED);
        }
        follow(sess, implementation, request, asker, noted);
    }
    Ok(())
}

/// Who hands the challenge of a dialog over.
///
/// # Safety
/// The dialog is alive, and locked.
unsafe fn asker_in(dialog: NonNull<pjsip_dialog>, sess: Session<'_>, user: *mut c_void) -> Asker {
    // SAFETY: as the caller promises.
    unsafe {
        match host::is_session_of(sess, dialog) {
            false => Asker::Other,
            true if !host::is_subscription(dialog, user) => Asker::Dialog,
            true if host::is_ended_subscription(user) => Asker::Ended,
            true => Asker::Subscription,
        }
    }
}

/// Where it is noted that a response was asked about; `None` where one module alone is
/// told of it.
///
/// # Safety
/// As for [`offer_once`].
unsafe fn shared_note(
    sess: Session<'_>,
    param: &pjsip_auth_clt_async_on_chal_param,
    dialog: NonNull<pjsip_dialog>,
) -> Option<NonNull<*mut c_void>> {
    // SAFETY: as the caller promises; the dialog is locked by who tells its usages.
    unsafe {
        if host::usages_of(dialog) < 2 {
            return None;
        }
        let module = host::module_of(sess.endpoint().map(Endpoint::as_ptr)?);
        host::note_on(param.rdata.cast_mut(), module)
    }
}

/// # Safety
/// The reference of the group lock comes along.
unsafe fn follow(
    sess: Session<'_>,
    implementation: Implementation,
    request: Request<'_>,
    asker: Asker,
    leader: *mut c_void,
) {
    let implementation = implementation.get();
    let token = Token {
        user_data: implementation.user_data,
        send: implementation.send_impl,
        abandon: implementation.abandon_impl,
        group_lock: implementation.grp_lock,
        session: sess.as_ptr(),
        root: sess.root().unwrap_or(sess).as_ptr(),
        request: request.as_ptr(),
        endpoint: ptr::null_mut(),
        asker,
    };
    // SAFETY: the request is alive; the references are the follower's, and go with it.
    unsafe {
        host::add_request(token.request);
        let is_listed = with(|all| {
            let has_room = all.try_reserve(1).is_ok();
            if has_room {
                all.push((token.request.addr(), token.to_words()));
                FOLLOWER_COUNT.store(all.len(), Relaxed);
            }
            has_room
        });
        if !is_listed {
            token.drop_references();
            return;
        }
        // Who ended the leader meanwhile may not have seen it.
        let leader = tokens::handle(leader);
        if leader.and_then(tokens::peek).is_err() {
            match request.is_retried() {
                true => let_go(token.request.addr()),
                false => give_up(token.request.addr()),
            }
        }
    }
}

/// The first of those that follow sends in the place of the one whose challenge it was.
/// `PJ_EINVAL`: there is none, and `answer` is the caller's.
///
/// # Safety
/// The caller took the token of `request`, and holds its lock; what follows is still there.
pub unsafe fn send(request: usize, answer: *mut pjsip_tx_data) -> Status {
    while let Some(words) = take(request) {
        // SAFETY: words of a token, just taken by us alone.
        unsafe {
            let token = Token::from_words(words);
            let sent = (!has_ended(&token)).then(|| token.call_send(answer));
            token.drop_references();
            if let Some(status) = sent {
                return status;
            }
        }
    }
    EINVAL
}

/// Whether who asks has ended meanwhile: a call, whose session PJSIP has freed, or a subscription,
/// of whose end the application knows.
///
/// # Safety
/// The token is the caller's; its session has not ended, or its references keep the dialog.
pub unsafe fn has_ended(token: &Token) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        match token.asker {
            Asker::Other | Asker::Ended => false,
            Asker::Dialog => {
                host::is_of_ended_call(host::dialog_around(token.session), token.user_data)
            }
            Asker::Subscription => host::is_ended_subscription(token.user_data),
        }
    }
}

/// The challenge of a request was given up: whoever follows is told.
///
/// # Safety
/// The caller took the token of that request; what follows is still there.
#[inline]
pub unsafe fn give_up(request: usize) {
    while let Some(words) = take(request) {
        // SAFETY: words of a token, just taken by us alone.
        unsafe {
            let token = Token::from_words(words);
            if !has_ended(&token) {
                token.call_abandon();
            }
            token.drop_references();
        }
    }
}

/// The challenge of a request has ended: nobody follows it any more.
///
/// # Safety
/// The caller took the token of that request.
#[inline]
pub unsafe fn let_go(request: usize) {
    while let Some(words) = take(request) {
        // SAFETY: words of a token, just taken by us alone.
        unsafe { Token::from_words(words).drop_references() };
    }
}

/// The same when the endpoint is gone, and all that there was references of.
pub fn forget(request: usize) {
    while take(request).is_some() {}
}

#[inline]
fn take(request: usize) -> Option<[u64; TOKEN_WORDS]> {
    match FOLLOWER_COUNT.load(Relaxed) {
        0 => None,
        _ => take_one(request),
    }
}

#[cold]
fn take_one(request: usize) -> Option<[u64; TOKEN_WORDS]> {
    with(|all| {
        let at = all.iter().position(|(of, _)| *of == request)?;
        let (_, words) = all.swap_remove(at);
        FOLLOWER_COUNT.store(all.len(), Relaxed);
        Some(words)
    })
}

/// Under the lock, and behind the panic barrier.
fn with<T: Default>(f: impl FnOnce(&mut Vec<Follower>) -> T) -> T {
    guard(|| Ok(f(&mut FOLLOWERS.lock()))).unwrap_or_default()
}
