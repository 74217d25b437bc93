//! `pjsip_auth_create_digest*` and the table of algorithms.

use super::entry;
use crate::digest::{self, Algorithm, Answer, DigestError, Hash, Secret};
use crate::pjsip::abi::{
    self, pj_bool_t, pj_status_t, pj_str_t, pjsip_auth_algorithm, pjsip_auth_algorithm_type,
    pjsip_cred_info,
};
use crate::pjsip::algorithm;
use crate::pjsip::guard::guard;
use crate::pjsip::host::{Credential, DATA_MASK, Text, bytes, is_aka};
use crate::pjsip::status::{EINVAL, ENOTSUP, SUCCESS, Status};

/// How many algorithms the table has, with an unnamed one at either end.
const ALGORITHMS: usize = abi::PJSIP_AUTH_ALGORITHM_COUNT as usize + 1;

/// The table as C sees it.
#[repr(transparent)]
pub struct AlgorithmTable([pjsip_auth_algorithm; ALGORITHMS]);

// SAFETY: constants and pointers to constants; nobody writes.
unsafe impl Sync for AlgorithmTable {}

/// The algorithms by `pjsip_auth_algorithm_type`.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static pjsip_auth_algorithms: AlgorithmTable = AlgorithmTable([
    row(abi::PJSIP_AUTH_ALGORITHM_NOT_SET, b"", c"", 0),
    row(abi::PJSIP_AUTH_ALGORITHM_MD5, b"MD5", c"MD5", 16),
    row(abi::PJSIP_AUTH_ALGORITHM_SHA256, b"SHA-256", c"SHA256", 32),
    row(
        abi::PJSIP_AUTH_ALGORITHM_SHA512_256,
        b"SHA-512-256",
        c"SHA512-256",
        32,
    ),
    row(abi::PJSIP_AUTH_ALGORITHM_AKAV1_MD5, b"AKAv1-MD5", c"", 16),
    row(abi::PJSIP_AUTH_ALGORITHM_AKAV2_MD5, b"AKAv2-MD5", c"", 16),
    row(abi::PJSIP_AUTH_ALGORITHM_COUNT, b"", c"", 0),
]);

const fn row(
    algorithm_type: pjsip_auth_algorithm_type,
    name: &'static [u8],
    openssl_name: &'static core::ffi::CStr,
    length: u32,
) -> pjsip_auth_algorithm {
    pjsip_auth_algorithm {
        algorithm_type,
        iana_name: Text::from_static(name),
        openssl_name: openssl_name.as_ptr(),
        digest_length: length,
        digest_str_length: 2 * length,
    }
}

/// The entry of a real algorithm.
fn find(algorithm_type: pjsip_auth_algorithm_type) -> Option<&'static pjsip_auth_algorithm> {
    let real = abi::PJSIP_AUTH_ALGORITHM_MD5..abi::PJSIP_AUTH_ALGORITHM_COUNT;
    real.contains(&algorithm_type)
        .then(|| &pjsip_auth_algorithms.0[algorithm_type as usize])
}

entry! {
    /// The algorithm of this type, NULL where there is none.
    fn pjsip_auth_get_algorithm_by_type(
        algorithm_type: pjsip_auth_algorithm_type,
    ) -> *const pjsip_auth_algorithm, else core::ptr::null();
    {
        find(algorithm_type).map_or(core::ptr::null(), core::ptr::from_ref)
    }
}

entry! {
    /// The algorithm of this IANA name, MD5 for an empty one, NULL where there is
    /// none. Names of `-sess` algorithms are not in the table; challenges that ask
    /// for one are answered all the same.
    fn pjsip_auth_get_algorithm_by_iana_name(
        iana_name: *const pj_str_t,
    ) -> *const pjsip_auth_algorithm, else core::ptr::null();
    {
        // SAFETY: the caller's text, or NULL.
        let Some(name) = (unsafe { iana_name.as_ref().map(|name| bytes(name)) }) else {
            return core::ptr::null();
        };
        let found = if name.is_empty() {
            find(abi::PJSIP_AUTH_ALGORITHM_MD5)
        } else {
            algorithm::by_name(name).and_then(find)
        };
        found.map_or(core::ptr::null(), core::ptr::from_ref)
    }
}

entry! {
    /// Whether challenges of this algorithm can be answered: MD5, SHA-256 and
    /// SHA-512-256 always, AKA by a credential's callback.
    fn pjsip_auth_is_algorithm_supported(
        algorithm_type: pjsip_auth_algorithm_type,
    ) -> pj_bool_t, else 0;
    {
        pj_bool_t::from(find(algorithm_type).is_some())
    }
}

entry! {
    /// Computes a `response` parameter into `result`, whose `slen` is the room
    /// there is and becomes the length there was need for.
    fn pjsip_auth_create_digest2(
        result: *mut pj_str_t,
        nonce: *const pj_str_t,
        nc: *const pj_str_t,
        cnonce: *const pj_str_t,
        qop: *const pj_str_t,
        uri: *const pj_str_t,
        realm: *const pj_str_t,
        cred_info: *const pjsip_cred_info,
        method: *const pj_str_t,
        algorithm_type: pjsip_auth_algorithm_type,
    ) -> pj_status_t, else ENOTSUP;
    {
        let texts = [nonce, uri, realm, method];
        if result.is_null() || cred_info.is_null() || texts.contains(&core::ptr::null()) {
            return EINVAL;
        }
        // SAFETY: the caller's texts, those that must not be NULL checked above.
        unsafe {
            let [nonce, uri, realm, method] = texts.map(|text| bytes(&*text));
            let [nc, cnonce, qop] = [nc, cnonce, qop].map(|t| t.as_ref().map(|t| bytes(t)));
            let input = Input { nonce, nc, cnonce, qop, uri, realm, method };
            create(&mut *result, &input, Credential::from_raw(cred_info), algorithm_type)
        }
    }
}

struct Input<'a> {
    nonce: &'a [u8],
    nc: Option<&'a [u8]>,
    cnonce: Option<&'a [u8]>,
    qop: Option<&'a [u8]>,
    uri: &'a [u8],
    realm: &'a [u8],
    method: &'a [u8],
}

/// # Safety
/// There are `slen` bytes to write at the result's `ptr`, and nothing of the
/// input is among them.
unsafe fn create(
    result: &mut pj_str_t,
    input: &Input<'_>,
    credential: Credential<'_>,
    algorithm_type: pjsip_auth_algorithm_type,
) -> Status {
    let Some(found) = find(algorithm_type) else {
        return ENOTSUP;
    };
    let length = found.digest_str_length as usize;
    let protection = match (input.qop, input.nc, input.cnonce) {
        (None, ..) => None,
        (Some(_), None, _) | (Some(_), _, None) => return EINVAL,
        (Some(b""), ..) => None,
        (Some(qop), Some(nc), Some(cnonce)) => Some((qop, nc, cnonce)),
    };
    // Before 2.15 the room is what the function's name says, whatever the length.
    let room = match cfg!(pj_algorithms) {
        true => usize::try_from(result.slen).unwrap_or(0),
        false => length,
    };
    if room < length || result.ptr.is_null() {
        return EINVAL;
    }
    result.slen = 0;
    let computed = guard(|| {
        let secret = secret(credential, algorithm_type).ok_or(EINVAL)?;
        // An AKA response is the credential's callback to compute.
        let hash = algorithm::hash_of(algorithm_type).ok_or(ENOTSUP)?;
        respond(hash, secret, credential, input, protection).map_err(|_| EINVAL)
    });
    let hex = match computed {
        Ok(hex) => hex,
        Err(status) => return status,
    };
    let hex = hex.as_bytes();
    // SAFETY: as the caller promises; checked to be long enough.
    unsafe {
        result
            .ptr
            .cast::<u8>()
            .copy_from_nonoverlapping(hex.as_ptr(), hex.len())
    };
    result.slen = hex.len() as abi::pj_ssize_t;
    SUCCESS
}

fn secret<'a>(
    credential: Credential<'a>,
    algorithm_type: pjsip_auth_algorithm_type,
) -> Option<Secret<'a>> {
    match (credential.get().data_type & DATA_MASK) as u32 {
        abi::PJSIP_CRED_DATA_PLAIN_PASSWD => Some(Secret::Password(credential.data())),
        abi::PJSIP_CRED_DATA_DIGEST => {
            let own = credential.algorithm_type();
            (own == abi::PJSIP_AUTH_ALGORITHM_NOT_SET || own == algorithm_type)
                .then(|| Secret::Ha1(credential.data()))
        }
        _ => None,
    }
}

/// The protection's name is the caller's word: it enters the hash as it stands, and
/// stands for what has no body.
fn respond(
    hash: Hash,
    secret: Secret<'_>,
    credential: Credential<'_>,
    input: &Input<'_>,
    protection: Option<(&[u8], &[u8], &[u8])>,
) -> Result<digest::Hex, DigestError> {
    let answer = Answer {
        algorithm: Algorithm {
            hash,
            session: false,
        },
        username: credential.username(),
        realm: input.realm,
        secret,
        method: input.method,
        uri: input.uri,
        nonce: input.nonce,
        protection: None,
        session_cnonce: None,
    };
    match protection {
        None => digest::response(&answer),
        Some((qop, nc, cnonce)) => digest::response_with(&answer, qop, nc, cnonce),
    }
}

macro_rules! with_algorithm {
    ($(#[$meta:meta])* $name:ident, $algorithm:expr) => {
        entry! {
            $(#[$meta])*
            fn $name(
                result: *mut pj_str_t,
                nonce: *const pj_str_t,
                nc: *const pj_str_t,
                cnonce: *const pj_str_t,
                qop: *const pj_str_t,
                uri: *const pj_str_t,
                realm: *const pj_str_t,
                cred_info: *const pjsip_cred_info,
                method: *const pj_str_t,
            ) -> pj_status_t, else ENOTSUP;
            {
                // SAFETY: the caller's credential, NULL or valid; the rest is the
                // other function's to check.
                unsafe {
                    if cred_info.is_null() || is_aka(Credential::from_raw(cred_info)) {
                        return EINVAL;
                    }
                    pjsip_auth_create_digest2(
                        result, nonce, nc, cnonce, qop, uri, realm, cred_info, method, $algorithm,
                    )
                }
            }
        }
    };
}

with_algorithm!(
    /// [`pjsip_auth_create_digest2`] for MD5.
    pjsip_auth_create_digest,
    abi::PJSIP_AUTH_ALGORITHM_MD5
);
with_algorithm!(
    /// [`pjsip_auth_create_digest2`] for SHA-256.
    pjsip_auth_create_digestSHA256,
    abi::PJSIP_AUTH_ALGORITHM_SHA256
);
