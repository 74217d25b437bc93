//! Credentials of the TURN REST interface: checked, and made.

use core::ffi::{c_char, c_int, c_uint};
use std::time::{Duration, SystemTime};

use crate::turn::auth::credentials::Identity;
use crate::turn::auth::rest::{
    RestHash, rest_credentials, rest_password, rest_remaining, rest_username,
};
use crate::turn::status::{EINVAL, Status};

use super::types::{PJAUTH_TURN_AUTHORIZED, PJAUTH_TURN_NOT_AUTHORIZED, pjauth_turn_request};
use super::{guard, request_of, strings, value};

/// Answers for an observer whose users come with time-limited credentials from a
/// web service, the "TURN REST interface" (draft-uberti-behave-turn-rest-00): the
/// user's name is `timestamp:user`, or `timestamp` alone, in seconds since 1970,
/// and the password is the Base64 text of the HMAC-SHA1, or the HMAC-SHA256, of
/// that name under a secret that the service shares with the server.
///
/// Where the time has not come and one of the secrets proves the request, that
/// password is set for it, and the allocation ends with the credential however
/// often it is refreshed (`pjauth_turn_request_set_valid_for()`). Quotas and rates
/// are yours to set, before or after. An observer may consist of
/// `return pjauth_turn_request_check_rest(request, &secret, 1);`.
///
/// @param request  The request. One that hides its user's name is refused unless
///                 `pjauth_turn_request_set_username()` has said it.
/// @param secrets  The secrets, terminated, the newest first: several while one is
///                 being replaced. They are copied nowhere.
/// @param count    How many.
/// @return PJAUTH_TURN_AUTHORIZED or PJAUTH_TURN_NOT_AUTHORIZED, for
///         `authenticate_request` to return or for
///         `pjauth_turn_handle_request()`; the latter for a dead handle or a NULL.
///         May be called from any thread.
///
/// Since 0.1.0.
///
/// # Safety
/// `secrets` is NULL or has `count` entries, each NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_check_rest(
    request: *mut pjauth_turn_request,
    secrets: *const *const c_char,
    count: c_uint,
) -> c_int {
    // SAFETY: the caller's secrets.
    let check = || unsafe { check(request, secrets, count) };
    match value(Err(EINVAL), check) {
        Ok(()) => PJAUTH_TURN_AUTHORIZED,
        Err(_) => PJAUTH_TURN_NOT_AUTHORIZED,
    }
}

/// # Safety
/// As for [`pjauth_turn_request_check_rest`].
unsafe fn check(
    request: *mut pjauth_turn_request,
    secrets: *const *const c_char,
    count: c_uint,
) -> Result<(), Status> {
    let state = request_of(request).ok_or(EINVAL)?;
    let count = if secrets.is_null() { 0 } else { count };
    let secrets = (0..count as usize)
        // SAFETY: the caller's array has `count` entries, each NULL or a string.
        .map(|at| unsafe { strings::read(*secrets.add(at)) }.map(str::as_bytes))
        .collect::<Result<Vec<_>, _>>()?;
    if secrets.iter().any(|secret| secret.is_empty()) {
        return Err(EINVAL);
    }
    let told = state.terms.lock().username.clone();
    let shown = Some(&state.ask.username).filter(|name| !name.is_empty());
    let name = shown.or(told.as_ref()).ok_or(EINVAL)?;
    let left = rest_remaining(name, now()).ok_or(EINVAL)?;
    let server = state.server.running().ok_or(EINVAL)?;
    let proven = rest_credentials(secrets, name).find(|candidate| {
        let identity = Identity {
            credential: candidate.clone(),
            username: told.clone(),
        };
        server.cores().verify(state.ask.place, Some(&identity)) == Some(true)
    });
    let mut terms = state.terms.lock();
    terms.credential = Some(proven.ok_or(EINVAL)?);
    terms.valid_for = Some(terms.valid_for.map_or(left, |set| set.min(left)));
    drop(terms);
    state.identify();
    Ok(())
}

/// Makes a credential of the TURN REST interface, as the web service does that hands
/// them out. See `pjauth_turn_request_check_rest()`.
///
/// @param secret         The shared secret, terminated and not empty.
/// @param user           The user, terminated; NULL or empty for none.
/// @param seconds        How long it is good for, from now.
/// @param sha256         0 for HMAC-SHA1, which all servers understand; else
///                       HMAC-SHA256.
/// @param username       Where to write the name: 22 bytes and the user's.
/// @param username_size  The room there.
/// @param password       Where to write the password: 29 bytes, or 45 of SHA-256.
/// @param password_size  The room there.
/// @return 0; PJ_EINVAL for a NULL, an empty secret, no room for all of it, or a user
///         with control characters: then nothing is written.
///
/// Since 0.1.0.
///
/// # Safety
/// `secret` and `user` are NULL or terminated; `username` and `password` are NULL or
/// have room for as many bytes as said.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn pjauth_turn_rest_credential(
    secret: *const c_char,
    user: *const c_char,
    seconds: c_uint,
    sha256: c_int,
    username: *mut c_char,
    username_size: usize,
    password: *mut c_char,
    password_size: usize,
) -> Status {
    guard(|| {
        // SAFETY: the caller's strings.
        let secret = unsafe { strings::read(secret) }?;
        let user = match user.is_null() {
            true => "",
            // SAFETY: likewise.
            false => unsafe { strings::read(user) }?,
        };
        if secret.is_empty() || user.chars().any(char::is_control) {
            return Err(EINVAL);
        }
        let hash = match sha256 {
            0 => RestHash::Sha1,
            _ => RestHash::Sha256,
        };
        let name = rest_username(user, now().as_secs() + u64::from(seconds));
        let word = rest_password(secret.as_bytes(), &name, hash);
        let fits = name.len() < username_size && word.len() < password_size;
        if !fits || username.is_null() || password.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: the caller's room.
        unsafe { strings::write(&name, username, username_size) };
        // SAFETY: likewise.
        unsafe { strings::write(&word, password, password_size) };
        Ok(())
    })
}

/// The time that credentials go by: seconds since 1970 by the system's clock.
fn now() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}
