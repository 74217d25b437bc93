//! Before 2.17: which session prepared a request. A dialog's requests have the
//! dialog's; of the others only `pjsip_auth_clt_init_req` has seen both, and leaves
//! the session's number in the slot that our module has in the request. The number
//! finds the session until it is deinitialised.

use super::endpoint::Endpoint;
use super::fork::Lock;
use super::message::Request;
use super::session::Session;
use crate::pjsip::abi::pjsip_tx_data;
use core::ptr;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// The addresses of the sessions that have prepared a request, by their numbers.
static SESSIONS: Lock<HashMap<u64, usize, BuildHasherDefault<DefaultHasher>>> =
    Lock::new(HashMap::with_hasher(BuildHasherDefault::new()));

/// Remembers that a session prepares a request.
pub fn link(request: Request<'_>, session: Session<'_>, number: u64) {
    let Some(slot) = session.endpoint().and_then(slot_in) else {
        return;
    };
    let address = session.as_ptr().expose_provenance();
    {
        let mut all = SESSIONS.lock();
        if all.try_reserve(1).is_err() {
            return;
        }
        all.entry(number).or_insert(address);
    }
    // SAFETY: the slot of our own module in a live request.
    unsafe {
        let slots = &raw mut (*request.as_ptr()).mod_data;
        (&mut *slots)[slot] = ptr::without_provenance_mut(number as usize);
    }
}

/// The session that prepared a request, if it is still there.
///
/// # Safety
/// `request` is alive, or NULL; the session that prepared it lives until the request
/// is done with, or is deinitialised.
pub unsafe fn session_of_request<'h>(
    request: *mut pjsip_tx_data,
    endpoint: Endpoint<'_>,
) -> Option<Session<'h>> {
    if request.is_null() {
        return None;
    }
    let slot = slot_in(endpoint)?;
    // SAFETY: as the caller promises; the slot is our own module's.
    let number = unsafe {
        let slots = &raw const (*request).mod_data;
        (&*slots)[slot].addr() as u64
    };
    let all = SESSIONS.lock();
    let session = all.get(&number)?;
    // SAFETY: not deinitialised, so alive, as the caller promises.
    unsafe { Session::from_raw(ptr::with_exposed_provenance(*session)) }
}

/// The session with this number is deinitialised.
pub fn unlink(number: u64) {
    SESSIONS.lock().remove(&number);
}

fn slot_in(endpoint: Endpoint<'_>) -> Option<usize> {
    // SAFETY: the module is there as long as its endpoint.
    let module = unsafe { super::module_of(endpoint.as_ptr()).as_ref() }?;
    usize::try_from(module.id).ok()
}
