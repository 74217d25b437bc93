//! Algorithms as the host numbers and names them (`pjsip_auth_algorithm_type`).
#![forbid(unsafe_code)]

use super::abi::{self, pjsip_auth_algorithm_type};
use crate::digest::Hash;

/// All that have a number and a name, as they stand in the host's table.
const NAMES: [(pjsip_auth_algorithm_type, &[u8]); 5] = [
    (abi::PJSIP_AUTH_ALGORITHM_MD5, b"MD5"),
    (abi::PJSIP_AUTH_ALGORITHM_SHA256, b"SHA-256"),
    (abi::PJSIP_AUTH_ALGORITHM_SHA512_256, b"SHA-512-256"),
    (abi::PJSIP_AUTH_ALGORITHM_AKAV1_MD5, b"AKAv1-MD5"),
    (abi::PJSIP_AUTH_ALGORITHM_AKAV2_MD5, b"AKAv2-MD5"),
];

/// The IANA name of an algorithm, `None` where none is set.
pub fn name_of(number: pjsip_auth_algorithm_type) -> Option<&'static [u8]> {
    let named = NAMES.iter().find(|(known, _)| *known == number);
    named.map(|(_, name)| *name)
}

/// The algorithm with this IANA name, whatever its case.
pub fn by_name(name: &[u8]) -> Option<pjsip_auth_algorithm_type> {
    let named = NAMES
        .iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(name));
    named.map(|(number, _)| *number)
}

/// The algorithm of a hash.
pub const fn of_hash(hash: Hash) -> pjsip_auth_algorithm_type {
    match hash {
        Hash::Md5 => abi::PJSIP_AUTH_ALGORITHM_MD5,
        Hash::Sha256 => abi::PJSIP_AUTH_ALGORITHM_SHA256,
        Hash::Sha512_256 => abi::PJSIP_AUTH_ALGORITHM_SHA512_256,
    }
}

/// The hash of an algorithm that we compute ourselves.
pub fn hash_of(number: pjsip_auth_algorithm_type) -> Option<Hash> {
    Hash::ALL.into_iter().find(|&hash| of_hash(hash) == number)
}

/// Whether the algorithm is a credential's callback's to compute (RFC 3310, RFC 4169).
pub fn is_aka(number: pjsip_auth_algorithm_type) -> bool {
    number == abi::PJSIP_AUTH_ALGORITHM_AKAV1_MD5 || number == abi::PJSIP_AUTH_ALGORITHM_AKAV2_MD5
}
