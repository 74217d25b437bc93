//! Which challenge to answer, and how.
#![forbid(unsafe_code)]

use super::algorithm::unquote;
use super::{Algorithm, Hash, Qop, choose_qop};

/// Realms answered in one response; more than this many are not looked at.
pub const MAX_REALMS: usize = 16;

/// The parameters of one WWW-Authenticate or Proxy-Authenticate header, without
/// the quotes around them; an absent one is empty.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// The authentication scheme; only `Digest` can be answered.
    pub scheme: &'a [u8],
    /// May be empty.
    pub realm: &'a [u8],
    /// The RFC wants one; what pjproject answers without one, we answer too.
    /// A server that sends none could as well send the same one for ever.
    pub nonce: &'a [u8],
    /// See [`Algorithm::parse`].
    pub algorithm: &'a [u8],
    /// See [`choose_qop`].
    pub qop: &'a [u8],
    /// Whether the server accepts a hashed user name (see [`is_true`]).
    pub userhash: bool,
}

/// How to answer a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The algorithm asked for, MD5 where none was named.
    pub algorithm: Algorithm,
    /// `None` where the server offered none.
    pub qop: Option<Qop>,
    /// Whether the user name may go hashed.
    pub userhash: bool,
}

/// Why a challenge cannot be answered, whatever the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not the Digest scheme.
    Scheme,
    /// An algorithm that is not ours. AKA is the caller's to recognise.
    Algorithm,
    /// An algorithm that the [`Policy`] refuses.
    Weak,
    /// Protections are offered, none of them ours.
    Qop,
}

/// Hashes that shall not be used, as a set of bits; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy(u8);

impl Policy {
    /// Refuses every hash that there is.
    pub const ALL: Policy = Policy((1 << Hash::ALL.len()) - 1);

    /// The policy that refuses what is in `bits`: 1 MD5, 2 SHA-256, 4
    /// SHA-512-256, each with its `-sess`. Other bits have no meaning.
    pub const fn from_bits(bits: u8) -> Policy {
        Policy(bits & Policy::ALL.0)
    }

    /// The bits that [`Policy::from_bits`] takes.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `hash` is refused.
    pub const fn refuses(self, hash: Hash) -> bool {
        self.0 & Policy::bit(hash) != 0
    }

    const fn bit(hash: Hash) -> u8 {
        1 << hash as u8
    }
}

/// Whether we can answer this challenge at all. Credentials come later.
pub fn assess(challenge: &Challenge<'_>, policy: Policy) -> Result<Plan, Refusal> {
    if !challenge.scheme.eq_ignore_ascii_case(b"Digest") {
        return Err(Refusal::Scheme);
    }
    let algorithm = Algorithm::parse(challenge.algorithm).ok_or(Refusal::Algorithm)?;
    if policy.refuses(algorithm.hash) {
        return Err(Refusal::Weak);
    }
    let qop = choose_qop(challenge.qop).map_err(|_| Refusal::Qop)?;
    Ok(Plan {
        algorithm,
        qop,
        userhash: challenge.userhash,
    })
}

/// Whether a parameter such as `userhash` or `stale` says true: case, and the
/// quotes that PJSIP leaves around parameters it does not know, do not matter.
pub fn is_true(value: &[u8]) -> bool {
    unquote(value).eq_ignore_ascii_case(b"true")
}

/// Whether two realms are the same: the case of letters does not matter, but it is
/// the same nearly always.
pub fn is_same_realm(realm: &[u8], other: &[u8]) -> bool {
    realm == other || realm.eq_ignore_ascii_case(other)
}

/// The realms that have their answer: at most `N`, compared without case.
#[derive(Clone, Debug)]
pub struct Realms<'a, const N: usize = MAX_REALMS> {
    claimed: [&'a [u8]; N],
    len: usize,
}

impl<'a, const N: usize> Realms<'a, N> {
    /// No realm yet.
    pub const fn new() -> Self {
        Realms {
            claimed: [&[]; N],
            len: 0,
        }
    }

    /// Whether `realm` has its answer.
    pub fn contains(&self, realm: &[u8]) -> bool {
        self.claimed[..self.len]
            .iter()
            .any(|claimed| is_same_realm(claimed, realm))
    }

    /// Claims `realm`; false when it has been claimed or there is no room.
    pub fn claim(&mut self, realm: &'a [u8]) -> bool {
        if self.is_full() || self.contains(realm) {
            return false;
        }
        self.claimed[self.len] = realm;
        self.len += 1;
        true
    }

    /// Whether every further claim fails.
    pub const fn is_full(&self) -> bool {
        self.len == N
    }
}

impl<const N: usize> Default for Realms<'_, N> {
    fn default() -> Self {
        Realms::new()
    }
}
