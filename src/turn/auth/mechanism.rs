//! The checks of the long-term credential mechanism (RFC 8489, 9.2.4) that
//! need no key.
#![forbid(unsafe_code)]

use crate::stun::attributes::kind;
use crate::stun::errors;
use crate::stun::integrity::Protection;
use crate::stun::message::Message;
use crate::turn::auth::credentials::{Algorithm, userhash};
use crate::turn::auth::nonce::Features;

/// The longest user name (RFC 8489, 14.3).
const MAX_USERNAME: usize = 508;

/// What a server tells clients about authentication.
#[derive(Debug)]
pub(crate) struct Mechanism {
    pub realm: String,
    pub features: Features,
    algorithms: Vec<Algorithm>,
    /// The value of PASSWORD-ALGORITHMS.
    pub offer: Vec<u8>,
}

/// Who a request says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User<'a> {
    /// USERNAME.
    Name(&'a str),
    /// USERHASH: `SHA-256(user:realm)`.
    Hash(&'a [u8; 32]),
}

impl User<'_> {
    /// SHA-256 of user and realm, whichever way the request names the user.
    pub(crate) fn hash(&self, realm: &str) -> [u8; 32] {
        match self {
            User::Name(name) => userhash(name, realm),
            User::Hash(hash) => **hash,
        }
    }

    /// Whether that is this user.
    pub(crate) fn is(&self, name: &str, realm: &str) -> bool {
        match self {
            User::Name(own) => *own == name,
            User::Hash(hash) => **hash == userhash(name, realm),
        }
    }
}

/// The credentials that a request presents, not yet verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub user: User<'a>,
    /// Which key.
    pub algorithm: Algorithm,
    /// What to verify with it.
    pub protection: Protection,
    /// How to protect the reply.
    pub reply: Protection,
}

impl Mechanism {
    /// `algorithms` are those offered, the preferred first; `userhash` asks
    /// clients to hide their names.
    pub(crate) fn new(realm: &str, algorithms: &[Algorithm], userhash: bool) -> Self {
        let mut algorithms = algorithms.to_vec();
        if algorithms.is_empty() {
            algorithms.push(Algorithm::Md5);
        }
        let offer = algorithms
            .iter()
            .flat_map(|algorithm| [0, algorithm.code() as u8, 0, 0])
            .collect();
        Mechanism {
            realm: realm.to_owned(),
            features: Features {
                // MD5 alone is what a server without the feature has.
                password_algorithms: algorithms != [Algorithm::Md5],
                username_anonymity: userhash,
            },
            algorithms,
            offer,
        }
    }

    /// Reads the credentials of a request.
    ///
    /// `is_fresh` judges the nonce. That comes last in the RFC, after the
    /// integrity check; here it comes first, so that nobody is asked about a
    /// request whose sender has not been shown to receive at its address.
    ///
    /// # Errors
    /// The code to answer with: 401, 400 or 438.
    pub(crate) fn examine<'a>(
        &self,
        message: &Message<'a>,
        is_fresh: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Presented<'a>, u16> {
        let protection = if message.has(kind::MESSAGE_INTEGRITY_SHA256) {
            Protection::Sha256
        } else if message.has(kind::MESSAGE_INTEGRITY) {
            Protection::Sha1
        } else {
            return Err(errors::UNAUTHENTICATED);
        };
        let user = self.user(message)?;
        let realm = message.get(kind::REALM).ok_or(errors::BAD_REQUEST)?;
        let nonce = message.get(kind::NONCE).ok_or(errors::BAD_REQUEST)?;
        if !is_fresh(nonce) {
            return Err(errors::STALE_NONCE);
        }
        let (algorithm, reply) = self.algorithm(message, protection)?;
        let announced = self.features.username_anonymity || matches!(user, User::Name(_));
        if realm != self.realm.as_bytes() || !announced || !self.algorithms.contains(&algorithm) {
            return Err(errors::UNAUTHENTICATED);
        }
        Ok(Presented {
            user,
            algorithm,
            protection,
            reply,
        })
    }

    fn user<'a>(&self, message: &Message<'a>) -> Result<User<'a>, u16> {
        match (message.get(kind::USERNAME), message.get(kind::USERHASH)) {
            (Some(name), _) if name.len() <= MAX_USERNAME => std::str::from_utf8(name)
                .ok()
                .filter(|name| is_name(name))
                .map(User::Name)
                .ok_or(errors::BAD_REQUEST),
            (None, Some(hash)) => hash
                .try_into()
                .map(User::Hash)
                .map_err(|_| errors::BAD_REQUEST),
            _ => Err(errors::BAD_REQUEST),
        }
    }

    /// The password algorithm, and the protection of the reply, which is no weaker than
    /// the request's.
    fn algorithm(
        &self,
        message: &Message<'_>,
        protection: Protection,
    ) -> Result<(Algorithm, Protection), u16> {
        let chosen = message.get(kind::PASSWORD_ALGORITHM);
        let offered = message.get(kind::PASSWORD_ALGORITHMS);
        if !self.features.password_algorithms || chosen.is_none() && offered.is_none() {
            return Ok((Algorithm::Md5, protection));
        }
        // An offer that is not ours was changed on the way (bid-down).
        if offered != Some(&self.offer[..]) {
            return Err(errors::BAD_REQUEST);
        }
        let algorithm = match chosen {
            // No algorithm that we know has parameters.
            Some([high, low, 0, 0]) => Algorithm::from_code(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
        let algorithm = algorithm.ok_or(errors::BAD_REQUEST)?;
        if !self.algorithms.contains(&algorithm) {
            return Err(errors::BAD_REQUEST);
        }
        Ok((algorithm, Protection::Sha256))
    }
}

/// Whether a user can be called that: neither empty nor with a control character
/// (RFC 8489, 14.3, by RFC 8265, 4.2). An observer in C would see the name end at
/// a NUL and take its bearer for another, whose quota it does not count towards.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_control)
}
