//! Stateless nonces, bound to a client's address and to time (RFC 8489, 9.2 and 18.1).
//!
//! A nonce is the nonce cookie, the second of issue and a MAC, in hexadecimal.
//! The MAC covers cookie, second and client, so neither can be changed: an
//! attacker in the path cannot take the security features out (bid-down).
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::turn::address::AddrKey;
use crate::turn::time::Time;

/// Length of a nonce: cookie 13, second 8, MAC 20.
pub(crate) const NONCE_LEN: usize = 41;

const MAC_LEN: usize = 10;

/// By how many seconds the clocks of servers with one secret may differ.
const SKEW: i64 = 60;
/// The longest lifetime in seconds, so that ages are told from the future.
const LONGEST: u64 = i32::MAX as u64;

/// The security features a server announces in its nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    pub password_algorithms: bool,
    pub username_anonymity: bool,
}

impl Features {
    /// "obMatJos2" and the base64 of the 24 feature bits, of which two are defined.
    ///
    /// RFC 8489 counts them from the left, and so does the example in RFC 8656;
    /// erratum 6290 counts them from the right, and so do clients that follow
    /// it. Both ways of counting find what they look for here: the other end's
    /// bits are unassigned to them.
    fn cookie(self) -> &'static [u8; 13] {
        match (self.password_algorithms, self.username_anonymity) {
            (false, false) => b"obMatJos2AAAA",
            (true, false) => b"obMatJos2gAAB",
            (false, true) => b"obMatJos2QAAC",
            (true, true) => b"obMatJos2wAAD",
        }
    }
}

/// Makes and checks nonces. Cores with the same secret accept each other's.
pub(crate) struct Nonces {
    secret: Zeroizing<[u8; 32]>,
}

impl Nonces {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Nonces {
            secret: Zeroizing::new(secret),
        }
    }

    /// A nonce for a client at a time.
    pub(crate) fn issue(
        &self,
        features: Features,
        client: &SocketAddr,
        now: Time,
    ) -> [u8; NONCE_LEN] {
        self.write(features, client, now.as_secs() as u32)
    }

    /// Whether a nonce was issued to this client with these features no longer
    /// than `lifetime` ago.
    pub(crate) fn is_fresh(
        &self,
        nonce: &[u8],
        features: Features,
        client: &SocketAddr,
        now: Time,
        lifetime: Duration,
    ) -> bool {
        let Some(issued) = nonce.get(13..21).and_then(parse_hex) else {
            return false;
        };
        // Below zero for one of a server whose clock is ahead of ours.
        let age = i64::from((now.as_secs() as u32).wrapping_sub(issued) as i32);
        let is_in_time = age >= -SKEW && age <= lifetime.as_secs().min(LONGEST) as i64;
        let expected = self.write(features, client, issued);
        bool::from(expected[..].ct_eq(nonce)) && is_in_time
    }

    fn write(&self, features: Features, client: &SocketAddr, issued: u32) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        nonce[..13].copy_from_slice(features.cookie());
        write_hex(&issued.to_be_bytes(), &mut nonce[13..21]);
        let mut mac = self.mac();
        mac.update(&nonce[..21]);
        mac.update(&AddrKey::of(client).to_bytes());
        write_hex(&mac.finalize().into_bytes()[..MAC_LEN], &mut nonce[21..]);
        nonce
    }

    /// Seeds for tables that strangers must not be able to foresee.
    pub(crate) fn seeds(&self) -> [u64; 4] {
        let mut mac = self.mac();
        mac.update(b"seeds");
        let bytes = mac.finalize().into_bytes();
        std::array::from_fn(|at| {
            let word = bytes[at * 8..][..8].try_into();
            u64::from_be_bytes(word.expect("eight bytes"))
        })
    }

    fn mac(&self) -> Hmac<Sha256> {
        <Hmac<Sha256> as KeyInit>::new_from_slice(&*self.secret)
            .expect("HMAC takes a key of any length")
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonces(..)")
    }
}

fn write_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn parse_hex(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEATURES: Features = Features {
        password_algorithms: true,
        username_anonymity: false,
    };
    const LIFETIME: Duration = Duration::from_secs(600);

    fn client(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_nonce_serves_its_client_for_its_time_with_its_features() {
        let nonces = Nonces::new([7; 32]);
        let a = client("192.0.2.1:1000");
        let start = Time::ZERO + Duration::from_secs(5);
        let nonce = nonces.issue(FEATURES, &a, start);
        let fresh = |nonce: &[u8], features, addr: &str, after: u64| {
            let now = start + Duration::from_secs(after);
            nonces.is_fresh(nonce, features, &client(addr), now, LIFETIME)
        };
        assert!(fresh(&nonce, FEATURES, "192.0.2.1:1000", 0));
        assert!(fresh(&nonce, FEATURES, "192.0.2.1:1000", 600));
        assert!(!fresh(&nonce, FEATURES, "192.0.2.1:1000", 601));
        assert!(!fresh(&nonce, FEATURES, "192.0.2.1:1001", 0));
        assert!(!fresh(&nonce, FEATURES, "192.0.2.2:1000", 0));
        let without = Features {
            password_algorithms: false,
            ..FEATURES
        };
        assert!(!fresh(&nonce, without, "192.0.2.1:1000", 0));
        for at in 0..NONCE_LEN {
            let mut changed = nonce;
            changed[at] ^= 1;
            assert!(!fresh(&changed, FEATURES, "192.0.2.1:1000", 0));
            assert!(!fresh(&nonce[..at], FEATURES, "192.0.2.1:1000", 0));
        }
        assert!(!Nonces::new([8; 32]).is_fresh(&nonce, FEATURES, &a, start, LIFETIME));
        // Issued "later" than now: by a clock that may be a little ahead of ours.
        let ahead = nonces.issue(FEATURES, &a, start + Duration::from_secs(60));
        assert!(nonces.is_fresh(&ahead, FEATURES, &a, start, LIFETIME));
        let far = nonces.issue(FEATURES, &a, start + Duration::from_secs(61));
        assert!(!nonces.is_fresh(&far, FEATURES, &a, start, LIFETIME));
    }
}
