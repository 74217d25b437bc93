//! `pjauth_*`: what PJSIP's interface has no word for.

use super::challenge::arm;
use super::status_of;
use crate::handle::{Handle, Info};
use crate::pjsip::abi::{
    self, pjsip_auth_clt_sess, pjsip_authorization_hdr, pjsip_digest_challenge,
    pjsip_digest_credential, pjsip_msg, pjsip_rx_data, pjsip_tx_data,
};
use crate::pjsip::aside::BUILT_FOR;
use crate::pjsip::challenge;
use crate::pjsip::guard::guard;
use crate::pjsip::host::{self, Listing, REALM, Session, Token, WORDS};
use crate::pjsip::stats::{Event, total};
use crate::pjsip::status::{EINVAL, SUCCESS, Status};
use core::ffi::{c_char, c_uint, c_void};
use core::mem::offset_of;

/// Refuses MD5 and MD5-sess, for `pjauth_refuse_algorithms()`.
pub const PJAUTH_REFUSE_MD5: c_uint = 1;
/// Refuses SHA-256 and SHA-256-sess.
pub const PJAUTH_REFUSE_SHA256: c_uint = 2;
/// Refuses SHA-512-256 and SHA-512-256-sess.
pub const PJAUTH_REFUSE_SHA512_256: c_uint = 4;
const REFUSE_ALL: c_uint = PJAUTH_REFUSE_MD5 | PJAUTH_REFUSE_SHA256 | PJAUTH_REFUSE_SHA512_256;

/// Bytes of a realm in `pjauth_challenge_info`, with the terminator.
pub const PJAUTH_REALM_SIZE: usize = 49;

const _: () = assert!(PJAUTH_REALM_SIZE == REALM + 1);

/// What is known of an outstanding challenge.
#[repr(C)]
pub struct pjauth_challenge_info {
    /// The token, as the application's callback got it.
    pub token: *mut c_void,
    /// Milliseconds since the challenge arrived, to about 4 ms.
    pub age_msec: u64,
    /// Milliseconds until it is abandoned, 0 if that is due; -1 without a deadline.
    pub expires_msec: i64,
    /// 401 or 407.
    pub status_code: c_uint,
    /// The last challenge's realm, zero-terminated; cut off where it is longer.
    pub realm: [c_char; PJAUTH_REALM_SIZE],
}

/// How tokens have fared in this process. Each one minted ends in one of the next
/// five, or is outstanding.
#[repr(C)]
pub struct pjauth_sip_stats {
    /// Tokens lent to a callback.
    pub minted: u64,
    /// Consumed by `pjsip_auth_clt_async_send_req()`.
    pub sent: u64,
    /// Consumed by `pjsip_auth_clt_async_abandon()`.
    pub abandoned: u64,
    /// Declined by the callback, to be answered synchronously.
    pub declined: u64,
    /// Died with their session or endpoint.
    pub revoked: u64,
    /// Abandoned by the library at their deadline.
    pub expired: u64,
    /// Calls that were refused because their token was dead or foreign.
    pub refused: u64,
    /// Tokens that are live now.
    pub outstanding: u64,
}

/// Sizes and offsets of PJSIP's structures; `PJAUTH_LAYOUT` are the application's.
#[repr(C)]
#[derive(PartialEq, Eq)]
pub struct pjauth_layout {
    /// pjproject's version: major, minor, revision.
    pub pj_version: [c_uint; 3],
    /// `sizeof(pjsip_auth_clt_sess)`
    pub session_size: usize,
    /// `offsetof(pjsip_auth_clt_sess, cached_auth)`
    pub session_cached_auth: usize,
    /// `sizeof(pjsip_cached_auth)`
    pub cached_auth_size: usize,
    /// `sizeof(pjsip_cred_info)`
    pub credential_size: usize,
    /// `sizeof(pjsip_tx_data)`
    pub tx_data_size: usize,
    /// `offsetof(pjsip_tx_data, msg)`
    pub tx_data_msg: usize,
    /// `offsetof(pjsip_tx_data, auth_retry)`
    pub tx_data_auth_retry: usize,
    /// `sizeof(pjsip_rx_data)`
    pub rx_data_size: usize,
    /// `offsetof(pjsip_rx_data, msg_info.msg)`
    pub rx_data_msg: usize,
    /// `sizeof(pjsip_msg)`
    pub msg_size: usize,
    /// `sizeof(pjsip_authorization_hdr)`
    pub authorization_size: usize,
    /// `sizeof(pjsip_digest_challenge)`
    pub challenge_size: usize,
    /// `sizeof(pjsip_digest_credential)`
    pub digest_credential_size: usize,
}

const LAYOUT: pjauth_layout = pjauth_layout {
    pj_version: BUILT_FOR,
    session_size: size_of::<pjsip_auth_clt_sess>(),
    session_cached_auth: offset_of!(pjsip_auth_clt_sess, cached_auth),
    cached_auth_size: size_of::<abi::pjsip_cached_auth>(),
    credential_size: size_of::<abi::pjsip_cred_info>(),
    tx_data_size: size_of::<pjsip_tx_data>(),
    tx_data_msg: offset_of!(pjsip_tx_data, msg),
    tx_data_auth_retry: offset_of!(pjsip_tx_data, auth_retry),
    rx_data_size: size_of::<pjsip_rx_data>(),
    rx_data_msg: offset_of!(pjsip_rx_data, msg_info.msg),
    msg_size: size_of::<pjsip_msg>(),
    authorization_size: size_of::<pjsip_authorization_hdr>(),
    challenge_size: size_of::<pjsip_digest_challenge>(),
    digest_credential_size: size_of::<pjsip_digest_credential>(),
};

/// Where the layouts of PJSIP's structures come from that the library was built
/// with, such as `headers of libpjproject 2.17 (pkg-config)`.
///
/// The string is static; never free it. May be called from any thread, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_layout_source() -> *const c_char {
    concat!(env!("PJAUTH_LAYOUT_SOURCE"), "\0").as_ptr().cast()
}

/// Compares the application's layout of PJSIP's structures with the library's. Call
/// it once, at start-up, before PJSIP is used.
///
/// @param app       The application's layout, `PJAUTH_LAYOUT`.
/// @param app_size  `sizeof(pjauth_layout)` as the application sees it.
/// @return 0 if they agree, PJ_EINVAL if not: the library was built for another
///         pjproject or another `config_site.h` and must not be used.
///
/// May be called from any thread, at any time.
///
/// # Safety
/// `app` is NULL or points to `app_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_check_layout(app: *const pjauth_layout, app_size: usize) -> Status {
    if app.is_null() || app_size != size_of::<pjauth_layout>() {
        return EINVAL;
    }
    // SAFETY: checked to be there and of the right size.
    if unsafe { &*app } == &LAYOUT {
        SUCCESS
    } else {
        EINVAL
    }
}

/// Whether a token stands for a challenge that can still be answered.
///
/// @param token  Anything: a token, a dead one, NULL, garbage.
/// @return 1 if it is live, 0 if not. Another thread may consume it in the next
///         moment: what counts is the status of the call that consumes it.
///
/// May be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_challenge_is_live(token: *const c_void) -> i32 {
    let live = guard(|| challenge::info(challenge::handle(token)?));
    i32::from(live.is_ok())
}

/// What is known of one outstanding challenge.
///
/// @param token  The token.
/// @param out    Where to write.
/// @return 0, or PJ_EINVAL for a dead token or a NULL; then nothing is written.
///
/// May be called from any thread.
///
/// # Safety
/// `out` is NULL or has room for the structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_challenge_get_info(
    token: *const c_void,
    out: *mut pjauth_challenge_info,
) -> Status {
    if out.is_null() {
        return EINVAL;
    }
    status_of(guard(|| {
        let handle = challenge::handle(token)?;
        let (info, words) = (challenge::info(handle)?, challenge::peek(handle)?);
        // SAFETY: room that the caller gave.
        unsafe { out.write(describe(handle, info, &words)) };
        Ok(())
    }))
}

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
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pjauth_challenge_set_deadline(
    token: *const c_void,
    msec: c_uint,
) -> Status {
    status_of(challenge::handle(token).and_then(|handle| arm(handle, msec)))
}

/// Sets the deadline that every new challenge of this process gets.
///
/// @param msec  Milliseconds; 0, the default, is none.
///
/// May be called from any thread, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_set_default_deadline(msec: c_uint) {
    challenge::set_default_deadline(msec);
}

/// Lists the outstanding challenges of a session, of those that share it as their
/// parent, or of the whole process.
///
/// @param sess   The session; NULL for all. It is compared, not looked at.
/// @param out    Where to write; may be NULL if `*count` is 0.
/// @param count  In: how many there is room for. Out: how many there are, which
///               may be more than were written.
/// @return 0, or PJ_EINVAL for a NULL.
///
/// May be called from any thread. The cost grows with the most challenges that were
/// ever outstanding at once.
///
/// # Safety
/// `out` has room for as many as `*count` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_session_challenges(
    sess: *const pjsip_auth_clt_sess,
    out: *mut pjauth_challenge_info,
    count: *mut c_uint,
) -> Status {
    if count.is_null() {
        return EINVAL;
    }
    // SAFETY: the caller's number.
    let room = unsafe { *count } as usize;
    if out.is_null() && room > 0 {
        return EINVAL;
    }
    status_of(guard(|| {
        let mut found = 0;
        challenge::walk(|handle, info, words| {
            // SAFETY: words of a token.
            let token = unsafe { Token::from_words(words) };
            let sess = sess.cast_mut();
            if !sess.is_null() && token.session != sess && token.root != sess {
                return;
            }
            if found < room {
                // SAFETY: within the room that the caller gave.
                unsafe { out.add(found).write(describe(handle, info, &words)) };
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
    let mut realm = [0; PJAUTH_REALM_SIZE];
    let length = usize::from(listing.realm_length).min(REALM);
    for (to, from) in realm.iter_mut().zip(&listing.realm[..length]) {
        *to = *from as c_char;
    }
    pjauth_challenge_info {
        token: challenge::pointer(handle),
        age_msec: now.saturating_sub(info.minted_at),
        expires_msec: match info.deadline {
            0 => -1,
            at => at.saturating_sub(now) as i64,
        },
        status_code: c_uint::from(listing.code),
        realm,
    }
}

/// Refuses to answer challenges of weak algorithms: they are passed over, and where
/// there is no other the status is PJSIP_EINVALIDALGORITHM.
///
/// @param sess  A session, which its children go by; NULL for all of the process.
/// @param mask  PJAUTH_REFUSE_* values; 0, the default, refuses none.
/// @return 0, or PJ_EINVAL for a mask of other values.
///
/// May be called from any thread; on a session, as its other functions.
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
            challenge::refuse_everywhere(mask as u8);
            SUCCESS
        }
        Some(sess) => status_of(guard(|| {
            sess.root().ok_or(EINVAL)?.set_refused(mask as u8);
            Ok(())
        })),
    }
}

/// Reads the counters of this process.
///
/// @param out  Where to write; nothing is done if it is NULL.
///
/// May be called from any thread, at any time. Counters that change meanwhile may
/// be read before or after.
///
/// # Safety
/// `out` is NULL or has room for the structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_sip_get_stats(out: *mut pjauth_sip_stats) {
    if out.is_null() {
        return;
    }
    let mut outstanding = 0;
    challenge::walk(|_, _, _| outstanding += 1);
    let mut stats = pjauth_sip_stats {
        minted: challenge::minted(),
        sent: 0,
        abandoned: total(Event::Abandoned),
        declined: total(Event::Declined),
        revoked: total(Event::Revoked),
        expired: total(Event::Expired),
        refused: total(Event::Refused),
        outstanding,
    };
    let otherwise = stats.abandoned + stats.declined + stats.revoked + stats.expired;
    stats.sent = stats.minted.saturating_sub(otherwise + stats.outstanding);
    // SAFETY: room that the caller gave.
    unsafe { out.write(stats) };
}
