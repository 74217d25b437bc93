//! Sessions: their birth and end, credentials, preferences, parents.
#![forbid(unsafe_code)]

use super::break_out::{breaks_out, breaks_out_of_quotes};
use super::host::{self, Credential, Endpoint, Pool, Session};
use super::status::{EAUTHINAKACRED, EINVAL, ENOTINITIALIZED, Status};
use crate::digest::Policy;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Longest K, OP and AMF of an AKA credential (3GPP TS 35.206), in bytes.
const AKA_KEY_SIZES: [usize; 3] = [16, 16, 2];

/// Algorithms that no session answers, as bits of [`Policy`].
static REFUSED: AtomicU8 = AtomicU8::new(0);

/// `pjsip_auth_clt_init`.
pub fn init(session: Session<'_>, endpoint: Endpoint<'_>, pool: Pool<'_>) {
    session.reset(endpoint, pool);
}

/// `pjsip_auth_clt_deinit`, but for the tokens and the lock: gives back what was
/// remembered and wipes the credentials. May be called again.
pub fn deinit(session: Session<'_>) -> Result<(), Status> {
    let endpoint = session.endpoint().ok_or(EINVAL)?;
    let _held = session.locked();
    for entry in session.entries() {
        entry.release(endpoint);
    }
    session.forget_entries();
    host::wipe(session);
    session.set_parent(None);
    Ok(())
}

/// Whether `session` may get `parent`: not when that would close a ring.
#[cfg(pj_parent)]
pub fn may_adopt(session: Session<'_>, parent: Session<'_>) -> bool {
    let mut at = Some(parent);
    // `root` bounds the walk: a chain that is too long has no end.
    if parent.root().is_none() {
        return false;
    }
    while let Some(ancestor) = at {
        if ancestor.as_ptr() == session.as_ptr() {
            return false;
        }
        at = ancestor.parent();
    }
    true
}

/// Whether a credential may be stored: what goes over the wire as it stands must fit into
/// a header, for names come from address books and provisioning files. AKA needs a
/// callback, PJSIP's own or another, and keys of the right size.
pub fn check_credential(credential: Credential<'_>) -> Result<(), Status> {
    let (is_bearer, is_sound) = match credential.scheme() {
        b"digest" | b"Digest" => (false, true), // nearly all
        scheme => (scheme.eq_ignore_ascii_case(b"Bearer"), !breaks_out(scheme)),
    };
    if !is_sound
        || ends_early(credential.realm())
        || ends_early(credential.username())
        || (is_bearer && ends_early(credential.data()))
    {
        return Err(EINVAL);
    }
    if !host::is_aka(credential) {
        return Ok(());
    }
    if credential.aka_callback().is_none() {
        return Err(EINVAL);
    }
    let too_long = credential
        .aka_keys()
        .iter()
        .zip(AKA_KEY_SIZES)
        .any(|(key, size)| key.len() > size);
    if too_long {
        Err(EAUTHINAKACRED)
    } else {
        Ok(())
    }
}

/// Whether a text would end the quotes around it too early. PJSIP puts them around what has
/// none.
fn ends_early(text: &[u8]) -> bool {
    breaks_out_of_quotes(text)
        && match text {
            [b'"', inner @ .., b'"'] => breaks_out_of_quotes(inner),
            _ => true,
        }
}

/// The session that takes the settings of `session`, which has been initialised.
pub fn root_of(session: Session<'_>) -> Result<(Session<'_>, Pool<'_>), Status> {
    let root = session.root().ok_or(EINVAL)?;
    let pool = root.pool().ok_or(ENOTINITIALIZED)?;
    Ok((root, pool))
}

/// The name of an algorithm as a text that needs no memory, if we know it.
pub fn known_algorithm(name: &[u8]) -> Option<&'static [u8]> {
    if name.is_empty() {
        return Some(b"");
    }
    crate::digest::Algorithm::parse(name)
        .map(|algorithm| algorithm.name().as_bytes())
        // The parser tolerates case, quotes and spaces; we print what we got.
        .filter(|known| *known == name)
}

/// The algorithms a session refuses by itself, with its parents, and together with all
/// others of the process.
pub fn refused(session: Session<'_>, root: Session<'_>) -> Policy {
    Policy::from_bits(session.refused() | root.refused() | REFUSED.load(Relaxed))
}

/// Sets the algorithms that no session of this process answers, as bits.
pub fn refuse_everywhere(bits: u8) {
    REFUSED.store(Policy::from_bits(bits).bits(), Relaxed);
}
