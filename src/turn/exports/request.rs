//! A request that waits for a decision.

use core::ffi::{c_char, c_int, c_uint, c_void};

use crate::stun::address::Family;
use crate::stun::errors;
use crate::turn::core::action::{Decision, Grant, Refusal};
use crate::turn::status::{EINVAL, Status};

use super::arrays::read_place;
use super::observer::{RequestState, ServerState};
use super::options::algorithm_number;
use super::server::transport_number;
use super::types::{PJAUTH_TURN_AUTHENTICATING, pjauth_turn_request, pjauth_turn_server};
use super::{REQUESTS, guard, handle, pointer, request_of, strings, value};

/// Decides about a request, from any thread, once. The first to decide wins;
/// from then on the handle is dead. Called from inside `authenticate_request` it
/// counts, whatever that returns. Does not wait: the server's own thread grants
/// or refuses, unless the client or the server has gone by then.
///
/// @param request  A request for which `authenticate_request` returned, or is
///                 about to return, PJAUTH_TURN_AUTHENTICATING.
/// @param state    PJAUTH_TURN_AUTHORIZED, _QUOTA_REACHED or _NOT_AUTHORIZED.
///                 Any other number counts as the last and is logged, except
///                 PJAUTH_TURN_AUTHENTICATING, which decides nothing.
/// @return 0 if this decision is the one; PJ_EINVAL if the request was decided
///         before or can no longer be answered, or for
///         PJAUTH_TURN_AUTHENTICATING.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_handle_request(
    request: *mut pjauth_turn_request,
    state: c_int,
) -> Status {
    if state == PJAUTH_TURN_AUTHENTICATING {
        return EINVAL;
    }
    guard(|| decide(request, |terms, server| server.decision(terms, state)))
}

/// Refuses a request with any error: a decision as
/// `pjauth_turn_handle_request()` takes them, under the same rules. The reply is
/// protected where a password or key was set and the client holds it, which it
/// should: clients throw unsigned refusals away (RFC 8489, 9.2.5). One who does
/// not hold it gets 401.
///
/// @param request    The request.
/// @param code       300 to 699, such as 403 Forbidden or 508 Insufficient
///                   Capacity. 401 and 438 carry a nonce and are not protected.
/// @param reason     The reason phrase, at most 127 characters; NULL for the
///                   RFC's.
/// @param alternate  `IP:PORT` of the server to try instead, for ALTERNATE-SERVER
///                   with 300; NULL otherwise. Its family must be that of the
///                   client's address.
/// @return 0 if this decision is the one; PJ_EINVAL if the request was decided
///         before or can no longer be answered, and for arguments without sense:
///         then it waits on.
///
/// RFC 8489, 10 and 14.8; RFC 8656, 19. Since 0.1.0.
///
/// # Safety
/// `reason` and `alternate` are NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_refuse(
    request: *mut pjauth_turn_request,
    code: c_int,
    reason: *const c_char,
    alternate: *const c_char,
) -> Status {
    guard(|| {
        let state = request_of(request).ok_or(EINVAL)?;
        // SAFETY: the caller's strings.
        let (reason, alternate) = unsafe { (optional(reason)?, optional(alternate)?) };
        let refusal = refusal(&state, code, reason, alternate).ok_or(EINVAL)?;
        decide(request, |terms, _| {
            Decision::Refused(Refusal {
                identity: terms.identity(),
                ..refusal
            })
        })
    })
}

/// The refusal that the arguments make; `None` where they make none.
fn refusal(
    state: &RequestState,
    code: c_int,
    reason: Option<&str>,
    alternate: Option<&str>,
) -> Option<Refusal> {
    let code = u16::try_from(code)
        .ok()
        .filter(|c| (300..700).contains(c))?;
    // RFC 8489, 14.8: fewer than 128 characters.
    let reason_fits = reason.is_none_or(|reason| reason.chars().count() < 128);
    let alternate = match alternate {
        Some(text) => Some(read_place(text)?),
        None => None,
    };
    let may_try = alternate.is_none_or(|address| {
        let client = state.ask.tuple.client;
        code == errors::TRY_ALTERNATE && address.is_ipv4() == client.is_ipv4()
    });
    (reason_fits && may_try).then(|| Refusal {
        code,
        reason: reason.map(str::to_owned),
        alternate,
        ..Refusal::default()
    })
}

/// # Safety
/// NULL, or a terminated string that stays as it is while the result is used.
unsafe fn optional<'a>(text: *const c_char) -> Result<Option<&'a str>, Status> {
    match text.is_null() {
        true => Ok(None),
        // SAFETY: the caller's terminated string.
        false => unsafe { strings::read(text) }.map(Some),
    }
}

/// Takes the request out of the caller's hands and brings the decision to it.
fn decide(
    request: *mut pjauth_turn_request,
    decision: impl FnOnce(Grant, &ServerState) -> Decision,
) -> Result<(), Status> {
    let handle = handle(request).ok_or(EINVAL)?;
    request_of(request).ok_or(EINVAL)?;
    let taken = REQUESTS.take(handle).ok_or(EINVAL)?;
    let terms = std::mem::take(&mut *taken.terms.lock());
    let decision = decision(terms, &taken.server);
    if let Some(decision) = taken.answer(decision)
        && let Some(server) = taken.server.running()
    {
        server.cores().decide(taken.ask.place, decision);
    }
    Ok(())
}

/// Writes the user's name as the client gives it; nothing is proven yet. UTF-8 of
/// at most 508 bytes without control characters. Empty where the client hides it:
/// see `pjauth_turn_request_userhash()`.
///
/// Quotas, rates and revocations go by this name byte for byte. Where your table
/// of users takes several spellings for one (upper and lower case, say), refuse
/// all but one, or each has a quota of its own.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_username(
    request: *const pjauth_turn_request,
    out: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: the caller's room.
    unsafe { write(request, out, size, |state| state.ask.username.clone()) }
}

/// Writes the realm.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_realm(
    request: *const pjauth_turn_request,
    out: *mut c_char,
    size: usize,
) -> usize {
    let realm = |state: &RequestState| state.server.options.config.realm.clone();
    // SAFETY: the caller's room.
    unsafe { write(request, out, size, realm) }
}

/// Writes the client's address.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_client_address(
    request: *const pjauth_turn_request,
    out: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: the caller's room.
    unsafe {
        write(request, out, size, |state| {
            state.ask.tuple.client.to_string()
        })
    }
}

/// Writes the server's address that the client uses.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_server_address(
    request: *const pjauth_turn_request,
    out: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: the caller's room.
    unsafe {
        write(request, out, size, |state| {
            state.ask.tuple.server.to_string()
        })
    }
}

/// @return PJAUTH_TURN_UDP or PJAUTH_TURN_TCP; 0 for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_transport(request: *const pjauth_turn_request) -> c_int {
    number(request, |state| transport_number(state.ask.tuple.transport))
}

/// @return the STUN method: 3 Allocate; with `ask_each` also 4 Refresh,
///         8 CreatePermission, 9 ChannelBind, 10 Connect; 0 for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_method(request: *const pjauth_turn_request) -> c_int {
    number(request, |state| state.ask.method as c_int)
}

/// What becomes of a request whatever is decided, because there is nothing to decide:
/// it is refused, and the observer is asked for the user's key alone, with which the
/// refusal is signed. A client throws unsigned ones away (RFC 8489, 9.2.5).
///
/// @return the error code: 437, 441 or 508; 0 for a request to decide about, and for
///         a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_refusal(request: *const pjauth_turn_request) -> c_int {
    number(request, |state| state.ask.refusal.map_or(0, c_int::from))
}

/// @return PJAUTH_TURN_MD5 or PJAUTH_TURN_SHA256: which key the client uses. A
///         stored key of the other is no use. 0 for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_algorithm(request: *const pjauth_turn_request) -> c_uint {
    number(request, |state| {
        algorithm_number(state.ask.algorithm) as c_int
    }) as c_uint
}

/// @return the lifetime in seconds that the client asks for; -1 if it asks for
///         none, or for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_lifetime(request: *const pjauth_turn_request) -> i64 {
    let asked = |state: &RequestState| state.ask.lifetime.map(|asked| asked.as_secs() as i64);
    value(-1, || {
        let state = request_of(request);
        state.and_then(|state| asked(&state)).unwrap_or(-1)
    })
}

/// @return 4 or 6: the address family that the client asks for; 0 if it asks for
///         none, or for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_family(request: *const pjauth_turn_request) -> c_int {
    number(request, |state| match state.ask.family {
        Some(Family::V4) => 4,
        Some(Family::V6) => 6,
        None => 0,
    })
}

/// Copies `SHA-256(user:realm)`, where the client hides the user's name.
///
/// @param request  The request.
/// @param out  Room for 32 bytes.
/// @return 0; PJ_EINVAL for a NULL, a dead handle, or a client that names the
///         user.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_userhash(
    request: *const pjauth_turn_request,
    out: *mut u8,
) -> Status {
    guard(|| {
        let state = request_of(request).ok_or(EINVAL)?;
        let hash = state
            .ask
            .userhash
            .filter(|_| !out.is_null())
            .ok_or(EINVAL)?;
        // SAFETY: the caller's 32 bytes.
        unsafe { out.cast::<[u8; 32]>().write(hash) };
        Ok(())
    })
}

/// @return the server; NULL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_server(
    request: *const pjauth_turn_request,
) -> *mut pjauth_turn_server {
    let state = request_of(request);
    let server = state.and_then(|state| state.server.handle.get().copied());
    server.map_or(core::ptr::null_mut(), pointer)
}

/// Whether the client holds what was set. The server asks the same before it
/// grants anything; ask it earlier where the decision itself must not be open to
/// strangers, such as one that takes a place in a quota elsewhere.
///
/// @return 1 if it does, 0 if not, for a dead handle, or if nothing was set.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_verify(request: *const pjauth_turn_request) -> c_int {
    number(request, |state| {
        let identity = state.terms.lock().identity();
        let proven = state
            .server
            .running()
            .and_then(|server| server.cores().verify(state.ask.place, identity.as_ref()));
        c_int::from(proven == Some(true))
    })
}

/// Keeps a pointer for the application while the request waits.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_set_user_data(
    request: *mut pjauth_turn_request,
    user_data: *mut c_void,
) -> Status {
    guard(|| {
        request_of(request).ok_or(EINVAL)?.user_data.set(user_data);
        Ok(())
    })
}

/// @return the pointer kept; NULL without one or for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_user_data(
    request: *const pjauth_turn_request,
) -> *mut c_void {
    let state = request_of(request);
    state.map_or(core::ptr::null_mut(), |state| state.user_data.get())
}

fn number(request: *const pjauth_turn_request, of: impl FnOnce(&RequestState) -> c_int) -> c_int {
    value(0, || request_of(request).map_or(0, |state| of(&state)))
}

/// # Safety
/// `out` is NULL or has room for `size` bytes.
pub unsafe fn write(
    request: *const pjauth_turn_request,
    out: *mut c_char,
    size: usize,
    of: impl FnOnce(&RequestState) -> String,
) -> usize {
    value(0, || {
        let found = request_of(request).map(|state| of(&state));
        // SAFETY: the caller's room.
        unsafe { strings::write(&found.unwrap_or_default(), out, size) }
    })
}
