//! Keys of the long-term credential mechanism (RFC 8489, 9.2.2 and 18.5).
#![forbid(unsafe_code)]

use md5::{Digest, Md5};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::stun::integrity::Protection;

listed! {
    /// A password algorithm with its number on the wire (RFC 8489, 18.5), the
    /// weakest first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Algorithm {
        /// `MD5(user:realm:password)`, the key of every RFC 5389 client.
        Md5 = 1,
        /// `SHA-256(user:realm:password)`.
        Sha256 = 2,
    }
}

impl Algorithm {
    /// The algorithm's number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The algorithm with that number.
    pub fn from_code(code: u16) -> Option<Self> {
        let mut all = Algorithm::ALL.into_iter();
        all.find(|algorithm| algorithm.code() == code)
    }
}

/// What an observer knows of a user. Wiped when dropped.
#[derive(Clone)]
pub enum Credential {
    /// The password, which serves every algorithm.
    Password(Zeroizing<String>),
    /// A stored `MD5(user:realm:password)`, which serves MD5 alone.
    Md5(Zeroizing<[u8; 16]>),
    /// A stored `SHA-256(user:realm:password)`, which serves SHA-256 alone.
    Sha256(Zeroizing<[u8; 32]>),
}

impl Credential {
    /// A password.
    pub fn password(password: impl Into<String>) -> Self {
        Credential::Password(Zeroizing::new(password.into()))
    }

    /// A stored `MD5(user:realm:password)`.
    pub fn md5(key: [u8; 16]) -> Self {
        Credential::Md5(Zeroizing::new(key))
    }

    /// A stored `SHA-256(user:realm:password)`.
    pub fn sha256(key: [u8; 32]) -> Self {
        Credential::Sha256(Zeroizing::new(key))
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::Password(_) => "Password(..)",
            Credential::Md5(_) => "Md5(..)",
            Credential::Sha256(_) => "Sha256(..)",
        })
    }
}

/// Who a user is: what the client must prove to hold, and the name, where the
/// request hides it (USERHASH).
#[derive(Clone, Debug)]
pub struct Identity {
    /// What the client must prove to hold.
    pub credential: Credential,
    /// The user's name. It must match the hash. Ignored where the request names
    /// the user.
    pub username: Option<String>,
}

impl From<Credential> for Identity {
    fn from(credential: Credential) -> Self {
        Identity {
            credential,
            username: None,
        }
    }
}

/// The keys that a credential gives for one user and realm.
#[derive(Clone)]
pub(crate) struct Keys {
    md5: Option<Zeroizing<[u8; 16]>>,
    sha256: Option<Zeroizing<[u8; 32]>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    pub(crate) fn new(credential: &Credential, user: &str, realm: &str) -> Self {
        let (mut md5, mut sha256) = (None, None);
        match credential {
            Credential::Password(password) => {
                let text = Zeroizing::new(format!("{user}:{realm}:{}", password.as_str()));
                md5 = Some(Zeroizing::new(Md5::digest(text.as_bytes()).into()));
                sha256 = Some(Zeroizing::new(Sha256::digest(text.as_bytes()).into()));
            }
            Credential::Md5(key) => md5 = Some(key.clone()),
            Credential::Sha256(key) => sha256 = Some(key.clone()),
        }
        Keys { md5, sha256 }
    }

    /// The key for an algorithm, if the credential serves it.
    pub(crate) fn get(&self, algorithm: Algorithm) -> Option<&[u8]> {
        match algorithm {
            Algorithm::Md5 => self.md5.as_ref().map(|key| &key[..]),
            Algorithm::Sha256 => self.sha256.as_ref().map(|key| &key[..]),
        }
    }
}

/// The USERHASH of a user: `SHA-256(user:realm)` (RFC 8489, 14.4).
pub fn userhash(user: &str, realm: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(user)
        .chain_update(":")
        .chain_update(realm)
        .finalize()
        .into()
}

/// What signs the replies to an authenticated request.
#[derive(Clone)]
pub(crate) struct Signer {
    key: Zeroizing<[u8; 32]>,
    len: usize,
    protection: Protection,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// `key` has 16 or 32 bytes.
    pub(crate) fn new(key: &[u8], protection: Protection) -> Self {
        let mut own = Zeroizing::new([0; 32]);
        own[..key.len()].copy_from_slice(key);
        Signer {
            key: own,
            len: key.len(),
            protection,
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key[..self.len]
    }

    pub(crate) fn protection(&self) -> Protection {
        self.protection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_match_the_example_of_rfc_8489() {
        let keys = Keys::new(&Credential::password("pass"), "user", "realm");
        let expected = 0x8493_fbc5_3ba5_82fb_4c04_4c45_6bdc_40eb_u128.to_be_bytes();
        assert_eq!(keys.get(Algorithm::Md5), Some(&expected[..]));
        assert!(keys.get(Algorithm::Sha256).is_some());
        let stored = Keys::new(&Credential::md5(expected), "anyone", "anywhere");
        assert_eq!(stored.get(Algorithm::Md5), Some(&expected[..]));
        assert_eq!(stored.get(Algorithm::Sha256), None);
    }

    #[test]
    fn a_credential_prints_no_secret() {
        assert_eq!(
            format!("{:?}", Credential::password("hush")),
            "Password(..)"
        );
    }
}
