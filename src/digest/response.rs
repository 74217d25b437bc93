//! The arithmetic: H(A1), H(A2) and the response (RFC 7616 section 3.4).
#![forbid(unsafe_code)]

use super::joined::{Function, Scratch};
use super::{Algorithm, Hash, Hex, Qop};
use md5::Md5;
use sha2::{Sha256, Sha512_256};
use std::fmt;
use zeroize::Zeroizing;

/// What the user proves to know.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// The password; serves every algorithm.
    Password(&'a [u8]),
    /// The hexadecimal form of H(user ":" realm ":" password) under the
    /// algorithm's own hash; also for a `-sess` algorithm, which hashes it
    /// further. As many characters as the hash has are used, what follows is
    /// ignored. Upper-case digits are taken for lower-case ones: it is the text
    /// that enters the next hash, the RFC writes it in lower case (LHEX), and
    /// every server computes it so; any other spelling can only fail.
    Ha1(&'a [u8]),
}

/// Secrets do not belong in logs.
impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Password(_) => "Password(..)",
            Secret::Ha1(_) => "Ha1(..)",
        })
    }
}

/// All that an answer to one challenge depends on. Nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// From the challenge's [`Plan`](super::Plan).
    pub algorithm: Algorithm,
    /// The name in plain text, also where the header shows its [`userhash`].
    pub username: &'a [u8],
    /// As in the challenge, without the quotes around it.
    pub realm: &'a [u8],
    /// The password, or what stands for it.
    pub secret: Secret<'a>,
    /// The request's method, such as `REGISTER`.
    pub method: &'a [u8],
    /// The `uri` parameter exactly as the answer shows it.
    pub uri: &'a [u8],
    /// As in the challenge, without the quotes around it.
    pub nonce: &'a [u8],
    /// `None` where the server offered no `qop`.
    pub protection: Option<Protection<'a>>,
    /// For `-sess` only: the cnonce of the request that opened the session, the
    /// first under this nonce. Needed where it differs from this request's, or
    /// where there is no `qop`. A new nonce opens a new session.
    pub session_cnonce: Option<&'a [u8]>,
}

/// What goes with a `qop`.
#[derive(Clone, Copy, Debug)]
pub struct Protection<'a> {
    /// The protection chosen from the offer.
    pub qop: Qop,
    /// See [`nonce_count`](super::nonce_count).
    pub nc: &'a [u8],
    /// See [`cnonce`](super::cnonce).
    pub cnonce: &'a [u8],
    /// The body as sent, empty if there is none; used by `auth-int` alone.
    pub body: &'a [u8],
}

/// Why no response can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestError {
    /// [`Secret::Ha1`] has fewer characters than the hash.
    ShortHa1,
    /// A `-sess` algorithm with neither a `qop` nor a session cnonce.
    NoCnonce,
}

/// The `response` parameter. A server verifies an answer by computing it too.
///
/// Works on the stack alone, and wipes there the password and H(A1), as far as
/// safe code reaches: what the hash function keeps in registers, or the compiler
/// moves, is out of its hands.
pub fn response(answer: &Answer<'_>) -> Result<Hex, DigestError> {
    match answer.algorithm.hash {
        Hash::Md5 => compute::<Md5>(answer),
        Hash::Sha256 => compute::<Sha256>(answer),
        Hash::Sha512_256 => compute::<Sha512_256>(answer),
    }
}

/// [`response`] under a protection that the caller names, whatever the name: the
/// text is hashed as it stands, and no body is.
pub fn response_with(
    answer: &Answer<'_>,
    qop: &[u8],
    nc: &[u8],
    cnonce: &[u8],
) -> Result<Hex, DigestError> {
    let answer = Answer {
        protection: Some(Protection {
            qop: Qop::Auth,
            nc,
            cnonce,
            body: &[],
        }),
        ..*answer
    };
    match answer.algorithm.hash {
        Hash::Md5 => compute_as::<Md5>(&answer, qop),
        Hash::Sha256 => compute_as::<Sha256>(&answer, qop),
        Hash::Sha512_256 => compute_as::<Sha512_256>(&answer, qop),
    }
}

/// H(A1) = H(user ":" realm ":" password), to be stored in the password's place
/// and as secret as that. The caller may wipe it ([`zeroize::Zeroize`]).
pub fn ha1(hash: Hash, username: &[u8], realm: &[u8], password: &[u8]) -> Hex {
    hash_joined(hash, [username, realm, password])
}

/// The `username` parameter under `userhash=true`: H(user ":" realm), RFC 7616
/// section 3.4.4.
pub fn userhash(hash: Hash, username: &[u8], realm: &[u8]) -> Hex {
    hash_joined(hash, [username, realm])
}

fn hash_joined<const N: usize>(hash: Hash, parts: [&[u8]; N]) -> Hex {
    let mut scratch = Scratch::new();
    match hash {
        Hash::Md5 => scratch.joined::<Md5, N>(parts),
        Hash::Sha256 => scratch.joined::<Sha256, N>(parts),
        Hash::Sha512_256 => scratch.joined::<Sha512_256, N>(parts),
    }
}

fn compute<F: Function>(answer: &Answer<'_>) -> Result<Hex, DigestError> {
    let qop = answer.protection.map(|p| p.qop.as_str().as_bytes());
    compute_as::<F>(answer, qop.unwrap_or_default())
}

/// With the protection's name as it is to be hashed.
fn compute_as<F: Function>(answer: &Answer<'_>, qop: &[u8]) -> Result<Hex, DigestError> {
    let mut scratch = Scratch::new();
    let a1 = a1::<F>(answer, &mut scratch)?;
    let a2 = a2::<F>(answer, &mut scratch);
    let (a1, a2) = (a1.as_bytes(), a2.as_bytes());
    Ok(match &answer.protection {
        None => scratch.joined::<F, _>([a1, answer.nonce, a2]),
        Some(p) => scratch.joined::<F, _>([a1, answer.nonce, p.nc, p.cnonce, qop, a2]),
    })
}

/// RFC 7616 section 3.4.2.
fn a1<F: Function>(
    answer: &Answer<'_>,
    scratch: &mut Scratch,
) -> Result<Zeroizing<Hex>, DigestError> {
    let base = Zeroizing::new(match answer.secret {
        Secret::Password(password) => {
            scratch.joined::<F, _>([answer.username, answer.realm, password])
        }
        Secret::Ha1(text) => {
            Hex::lower(text, answer.algorithm.hash.hex_len()).ok_or(DigestError::ShortHa1)?
        }
    });
    if !answer.algorithm.session {
        return Ok(base);
    }
    let cnonce = answer
        .session_cnonce
        .or(answer.protection.map(|p| p.cnonce))
        .ok_or(DigestError::NoCnonce)?;
    Ok(Zeroizing::new(scratch.joined::<F, _>([
        base.as_bytes(),
        answer.nonce,
        cnonce,
    ])))
}

/// RFC 7616 section 3.4.3.
fn a2<F: Function>(answer: &Answer<'_>, scratch: &mut Scratch) -> Hex {
    match &answer.protection {
        Some(p) if p.qop == Qop::AuthInt => {
            let body = scratch.joined::<F, _>([p.body]);
            scratch.joined::<F, _>([answer.method, answer.uri, body.as_bytes()])
        }
        _ => scratch.joined::<F, _>([answer.method, answer.uri]),
    }
}
