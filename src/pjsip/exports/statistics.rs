//! How tokens have fared in this process.

use super::fill;
use crate::pjsip::stats::{Event, total};
use crate::pjsip::tokens;

/// How tokens have fared in this process. Each one minted ends in one of the next
/// five, or is outstanding. May grow at its end.
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

/// Reads the counters of this process.
///
/// @param out   Where to write; nothing is done if it is NULL.
/// @param size  `sizeof(pjauth_sip_stats)` as the application sees it. What it has beyond
///              the library's is zeroed.
///
/// May be called from any thread, at any time. Counters that change meanwhile may
/// be read before or after.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_sip_get_stats(out: *mut pjauth_sip_stats, size: usize) {
    if out.is_null() {
        return;
    }
    let mut outstanding = 0;
    tokens::walk(|_, _, _| outstanding += 1);
    let mut stats = pjauth_sip_stats {
        minted: tokens::minted(),
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
    unsafe { fill(out.cast(), size, &stats) };
}
