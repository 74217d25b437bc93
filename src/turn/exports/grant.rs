//! What the application says of a request before it decides: who the client must
//! prove to be, and what it gets.

use core::ffi::{c_char, c_uint};
use std::time::Duration;

use crate::turn::auth::credentials::{Algorithm, Credential};
use crate::turn::core::action::Grant;
use crate::turn::status::{EINVAL, Status};

use super::options::{algorithm_number, limit, rate};
use super::types::pjauth_turn_request;
use super::{guard, request_of, strings};

/// Sets the password that the client must prove to know: UTF-8, as it comes out of
/// RFC 8265's OpaqueString profile, which leaves ASCII as it is.
///
/// @return 0, or PJ_EINVAL for a NULL or a dead handle; so with the next ones.
///
/// Since 0.1.0.
///
/// # Safety
/// `password` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_set_password(
    request: *mut pjauth_turn_request,
    password: *const c_char,
) -> Status {
    identify(request, |terms| {
        // SAFETY: the caller's string.
        let password = unsafe { strings::read(password) }?;
        terms.credential = Some(Credential::password(password));
        Ok(())
    })
}

/// Sets the key that the client must prove to hold, in place of a password.
///
/// @param request    The request.
/// @param algorithm  PJAUTH_TURN_MD5 or PJAUTH_TURN_SHA256.
/// @param key        The key, 16 or 32 bytes.
/// @param size       How many: PJ_EINVAL for another number.
///
/// Since 0.1.0.
///
/// # Safety
/// `key` is NULL or has `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_set_key(
    request: *mut pjauth_turn_request,
    algorithm: c_uint,
    key: *const u8,
    size: usize,
) -> Status {
    if key.is_null() {
        return EINVAL;
    }
    identify(request, |terms| {
        let mut all = Algorithm::ALL.into_iter();
        let named = all.find(|known| algorithm_number(*known) == algorithm);
        terms.credential = Some(match named.ok_or(EINVAL)? {
            // SAFETY: the caller's key, which has `size` bytes.
            Algorithm::Md5 => Credential::md5(unsafe { exactly(key, size) }?),
            // SAFETY: likewise.
            Algorithm::Sha256 => Credential::sha256(unsafe { exactly(key, size) }?),
        });
        Ok(())
    })
}

/// Sets the user's name where the client hides it. It must match the hash.
///
/// Since 0.1.0.
///
/// # Safety
/// `username` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_set_username(
    request: *mut pjauth_turn_request,
    username: *const c_char,
) -> Status {
    identify(request, |terms| {
        // SAFETY: the caller's string.
        terms.username = Some(unsafe { strings::read(username) }?.to_owned());
        Ok(())
    })
}

/// Sets how many allocations the user may have at once, this one included; if it
/// would be more, the client gets 486. Counted when the decision takes effect, so
/// that two requests that wait at once cannot both take the last place.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_set_quota(
    request: *mut pjauth_turn_request,
    quota: c_uint,
) -> Status {
    change(request, |terms| {
        terms.quota = Some(quota);
        Ok(())
    })
}

/// Sets how many bytes the allocation may relay in all, both directions
/// together, or PJAUTH_TURN_UNLIMITED.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_set_bandwidth_limit(
    request: *mut pjauth_turn_request,
    bytes: u64,
) -> Status {
    change(request, |terms| {
        terms.byte_cap = limit(bytes);
        Ok(())
    })
}

/// Sets how many bytes a second the allocation may relay, both directions
/// together, or PJAUTH_TURN_UNLIMITED.
///
/// @param request  The request.
/// @param bytes_per_second  Bytes a second, or PJAUTH_TURN_UNLIMITED.
/// @param burst  Bytes that may pass at once after a pause; a packet larger than
///               this never passes.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_set_rate(
    request: *mut pjauth_turn_request,
    bytes_per_second: u64,
    burst: u64,
) -> Status {
    change(request, |terms| {
        terms.rate = rate(bytes_per_second, burst);
        Ok(())
    })
}

/// Sets how long the allocation may last in milliseconds, however often the
/// client refreshes it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_set_valid_for(
    request: *mut pjauth_turn_request,
    msec: u64,
) -> Status {
    change(request, |terms| {
        terms.valid_for = Some(Duration::from_millis(msec));
        Ok(())
    })
}

/// A key of as many bytes as its algorithm has.
///
/// # Safety
/// `key` has `size` bytes.
unsafe fn exactly<const N: usize>(key: *const u8, size: usize) -> Result<[u8; N], Status> {
    match size == N {
        // SAFETY: the caller's bytes, as many as these.
        true => Ok(unsafe { key.cast::<[u8; N]>().read() }),
        false => Err(EINVAL),
    }
}

fn change(
    request: *mut pjauth_turn_request,
    change: impl FnOnce(&mut Grant) -> Result<(), Status>,
) -> Status {
    guard(|| {
        let state = request_of(request).ok_or(EINVAL)?;
        change(&mut state.terms.lock())
    })
}

/// A change in who the client must prove to be, which a reply may need that nobody
/// decides about.
fn identify(
    request: *mut pjauth_turn_request,
    set: impl FnOnce(&mut Grant) -> Result<(), Status>,
) -> Status {
    guard(|| {
        let state = request_of(request).ok_or(EINVAL)?;
        set(&mut state.terms.lock())?;
        state.identify();
        Ok(())
    })
}
