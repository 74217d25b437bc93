//! Which challenges are outstanding, and what is known of each.

use super::{fill, status_of};
use crate::handle::{Handle, Info};
use crate::pjsip::abi::pjsip_auth_clt_sess;
use crate::pjsip::guard::guard;
use crate::pjsip::host::{self, Listing, REALM, Token, WORDS};
use crate::pjsip::status::{EINVAL, Status};
use crate::pjsip::tokens;
use core::ffi::{c_char, c_uint, c_void};

/// Bytes of a realm in `pjauth_challenge_info`, with the terminator.
pub const PJAUTH_REALM_SIZE: usize = 49;

const _: () = assert!(PJAUTH_REALM_SIZE == REALM + 1);

/// What is known of an outstanding challenge. May grow at its end: functions that fill
/// it are told how large the application takes it to be.
#[repr(C)]
pub struct pjauth_challenge_info {
    /// The token, as the application's callback got it.
    pub token: *mut c_void,
    /// Milliseconds since the challenge arrived, by the clock of the day.
    pub age_msec: u64,
    /// Milliseconds until it is abandoned, 0 if that is due; -1 without a deadline.
    pub expires_msec: i64,
    /// 401 or 407.
    pub status_code: c_uint,
    /// The last challenge's realm, zero-terminated; cut off where it is longer.
    pub realm: [c_char; PJAUTH_REALM_SIZE],
}

/// Whether a token stands for a challenge that can still be answered.
///
/// @param token  Anything: a token, a dead one, NULL, garbage.
/// @return 1 if it is live, 0 if not. Another thread may consume it in the next
///         moment: what counts is the status of the call that consumes it.
///
/// May be called from any thread.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_challenge_is_live(token: *const c_void) -> i32 {
    let live = guard(|| tokens::info(tokens::handle(token)?));
    i32::from(live.is_ok())
}

/// What is known of one outstanding challenge.
///
/// @param token  The token.
/// @param out    Where to write.
/// @param size   `sizeof(pjauth_challenge_info)` as the application sees it. What it has
///               beyond the library's is zeroed.
/// @return 0, or PJ_EINVAL for a dead token, a NULL or a size of 0; then nothing is
///         written.
///
/// May be called from any thread.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_challenge_get_info(
    token: *const c_void,
    out: *mut pjauth_challenge_info,
    size: usize,
) -> Status {
    if out.is_null() || size == 0 {
        return EINVAL;
    }
    status_of(guard(|| {
        let handle = tokens::handle(token)?;
        let (info, words) = (tokens::info(handle)?, tokens::peek(handle)?);
        // SAFETY: room that the caller gave.
        unsafe { fill(out.cast(), size, &describe(handle, info, &words)) };
        Ok(())
    }))
}

/// Lists the outstanding challenges of a session, of those that share it as their
/// parent, or of the whole process.
///
/// @param sess   The session; NULL for all. It is compared, not looked at.
/// @param out    Where to write; may be NULL if `*count` is 0.
/// @param size   `sizeof(pjauth_challenge_info)` as the application sees it: of one
///               element of `out`.
/// @param count  In: how many there is room for. Out: how many there are, which
///               may be more than were written.
/// @return 0, or PJ_EINVAL for a NULL or a size of 0.
///
/// May be called from any thread. The cost grows with the most challenges that were
/// ever outstanding at once.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` has room for as many of `size` bytes as `*count` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_session_challenges(
    sess: *const pjsip_auth_clt_sess,
    out: *mut pjauth_challenge_info,
    size: usize,
    count: *mut c_uint,
) -> Status {
    if count.is_null() || size == 0 {
        return EINVAL;
    }
    // SAFETY: the caller's number.
    let room = unsafe { *count } as usize;
    if out.is_null() && room > 0 {
        return EINVAL;
    }
    status_of(guard(|| {
        let mut found = 0;
        tokens::walk(|handle, info, words| {
            // SAFETY: words of a token.
            let token = unsafe { Token::from_words(words) };
            let sess = sess.cast_mut();
            if !sess.is_null() && token.session != sess && token.root != sess {
                return;
            }
            if found < room {
                // SAFETY: within the room that the caller gave.
                unsafe {
                    let at = out.cast::<u8>().add(found * size);
                    fill(at, size, &describe(handle, info, &words));
                }
            }
            found += 1;
        });
        // SAFETY: the caller's number.
        unsafe { *count = found as c_uint };
        Ok(())
    }))
}

fn describe(handle: Handle, info: Info, words: &[u64; WORDS]) -> pjauth_challenge_info {
    let now = host::now_ms();
    let listing = Listing::from_words(words);
    // SAFETY: words of a token, of which only an address is looked at.
    let endpoint = unsafe { Token::from_words(*words) }.endpoint;
    let due = tokens::due_of(endpoint.addr(), handle);
    let mut realm = [0; PJAUTH_REALM_SIZE];
    let length = usize::from(listing.realm_length).min(REALM);
    for (to, from) in realm.iter_mut().zip(&listing.realm[..length]) {
        *to = *from as c_char;
    }
    pjauth_challenge_info {
        token: tokens::pointer(handle),
        age_msec: host::wall_ms().saturating_sub(info.minted_at),
        expires_msec: due.map_or(-1, |due| due.saturating_sub(now) as i64),
        status_code: c_uint::from(listing.code),
        realm,
    }
}
