//! When a challenge that nobody answers is given up.

use super::status_of;
use crate::pjsip::status::Status;
use crate::pjsip::tokens;
use crate::pjsip::tokens::endings::arm;
use core::ffi::{c_uint, c_void};

/// Gives an outstanding challenge a deadline: unless it is consumed before, the
/// library abandons it then, on a thread that polls the endpoint, as if by
/// `pjsip_auth_clt_async_abandon()`.
///
/// @param token  The token.
/// @param msec   Milliseconds from now; 0 takes the deadline away.
/// @return 0, or PJ_EINVAL for a dead token.
///
/// May be called from any thread that is registered with PJLIB, also from within
/// the challenge's callback.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pjauth_challenge_set_deadline(
    token: *const c_void,
    msec: c_uint,
) -> Status {
    status_of(tokens::handle(token).and_then(|handle| arm(handle, msec)))
}

/// Sets the deadline that every new challenge of this process gets.
///
/// @param msec  Milliseconds; 0, the default, is none.
///
/// May be called from any thread, at any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_set_default_deadline(msec: c_uint) {
    tokens::set_default_deadline(msec);
}
