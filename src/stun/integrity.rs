//! MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489, 14.5-14.7).
#![forbid(unsafe_code)]

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::stun::attributes::kind;
use crate::stun::message::{HEADER_LEN, Message};

const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// Which attribute protects a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// MESSAGE-INTEGRITY: HMAC-SHA1.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA256, never truncated here.
    Sha256,
}

impl Protection {
    /// The attribute's type.
    pub const fn attribute(self) -> u16 {
        match self {
            Protection::Sha1 => kind::MESSAGE_INTEGRITY,
            Protection::Sha256 => kind::MESSAGE_INTEGRITY_SHA256,
        }
    }

    /// The attribute's length.
    pub const fn value_len(self) -> usize {
        match self {
            Protection::Sha1 => 20,
            Protection::Sha256 => 32,
        }
    }
}

/// Whether the protection that a message carries was made with `key`, compared
/// in constant time. `false` when the attribute is missing or has another
/// length (no usage of ours allows truncation).
pub fn verify(message: &Message<'_>, protection: Protection, key: &[u8]) -> bool {
    let Some(range) = message.range(protection.attribute()) else {
        return false;
    };
    let (before, _) = message.bytes().split_at(range.start - 4);
    let claimed = &message.bytes()[range];
    match protection {
        Protection::Sha1 => feed::<Hmac<Sha1>>(key, before, 20).verify_slice(claimed),
        Protection::Sha256 => feed::<Hmac<Sha256>>(key, before, 32).verify_slice(claimed),
    }
    .is_ok()
}

/// Writes the value that protects `before`, the message so far, into `value`,
/// which must have [`Protection::value_len`] bytes.
pub(crate) fn compute(before: &[u8], protection: Protection, key: &[u8], value: &mut [u8]) {
    match protection {
        Protection::Sha1 => {
            value.copy_from_slice(&feed::<Hmac<Sha1>>(key, before, 20).finalize().into_bytes());
        }
        Protection::Sha256 => {
            value.copy_from_slice(
                &feed::<Hmac<Sha256>>(key, before, 32)
                    .finalize()
                    .into_bytes(),
            );
        }
    }
}

/// Hashes the message up to the attribute, as if the attribute were its last.
fn feed<M: Mac + KeyInit>(key: &[u8], before: &[u8], len: usize) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    let total = (before.len() + 4 + len - HEADER_LEN) as u16;
    mac.update(&before[..2]);
    mac.update(&total.to_be_bytes());
    mac.update(&before[4..]);
    mac
}

/// The FINGERPRINT of a message of which `before` comes ahead of the attribute
/// and whose length field already counts it.
pub(crate) fn fingerprint(before: &[u8]) -> u32 {
    crc32fast::hash(before) ^ FINGERPRINT_XOR
}

/// `false` when the message has a FINGERPRINT, and a wrong one.
pub(crate) fn fingerprint_holds(message: &Message<'_>) -> bool {
    match message.range(kind::FINGERPRINT) {
        None => true,
        Some(range) => {
            let expected = fingerprint(&message.bytes()[..range.start - 4]).to_be_bytes();
            message.bytes()[range] == expected
        }
    }
}
