//! Algorithms that are not answered.

use super::status_of;
use crate::pjsip::abi::pjsip_auth_clt_sess;
use crate::pjsip::aside::is_aside;
use crate::pjsip::guard::guard;
use crate::pjsip::host::Session;
use crate::pjsip::session;
use crate::pjsip::status::{EINVAL, ENOTINITIALIZED, ENOTSUP, SUCCESS, Status};
use core::ffi::c_uint;

/// Refuses MD5 and MD5-sess, for `pjauth_refuse_algorithms()`.
pub const PJAUTH_REFUSE_MD5: c_uint = 1;
/// Refuses SHA-256 and SHA-256-sess.
pub const PJAUTH_REFUSE_SHA256: c_uint = 2;
/// Refuses SHA-512-256 and SHA-512-256-sess.
pub const PJAUTH_REFUSE_SHA512_256: c_uint = 4;
const REFUSE_ALL: c_uint = PJAUTH_REFUSE_MD5 | PJAUTH_REFUSE_SHA256 | PJAUTH_REFUSE_SHA512_256;
// A hash that cannot be refused by name is forgotten above.
const _: () = assert!(REFUSE_ALL == crate::digest::Policy::ALL.bits() as c_uint);

/// Refuses to answer challenges of weak algorithms: they are passed over, and where
/// there is no other the status is PJSIP_EINVALIDALGORITHM.
///
/// @param sess  A session, which its children go by; NULL for all of the process.
/// @param mask  PJAUTH_REFUSE_* values; 0, the default, refuses none.
/// @return 0; PJ_EINVAL for a mask of other values; PJSIP_ENOTINITIALIZED for a session that
///         is all zero, whose pjsip_auth_clt_init() is still to come; PJ_ENOTSUP for a session
///         where the library has stepped aside for another pjproject.
///
/// May be called from any thread; on a session, as its other functions.
///
/// Since 0.1.0.
///
/// # Safety
/// `sess` is NULL or an initialised session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_refuse_algorithms(
    sess: *mut pjsip_auth_clt_sess,
    mask: c_uint,
) -> Status {
    if mask & !REFUSE_ALL != 0 {
        return EINVAL;
    }
    // SAFETY: the caller's session, or NULL.
    match unsafe { Session::from_raw(sess) } {
        None => {
            session::refuse_everywhere(mask as u8);
            SUCCESS
        }
        // What we would write to is laid out otherwise there.
        Some(_) if is_aside() => ENOTSUP,
        Some(sess) => status_of(guard(|| {
            // Else it would be lost when the session begins.
            sess.endpoint().ok_or(ENOTINITIALIZED)?;
            let (root, _) = session::root_of(sess)?;
            root.set_refused(mask as u8);
            Ok(())
        })),
    }
}
