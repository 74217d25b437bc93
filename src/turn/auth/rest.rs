//! Time-limited credentials from a shared secret, the "TURN REST interface"
//! (draft-uberti-behave-turn-rest-00): a web service hands out the user name
//! `timestamp:user`, and as password the Base64 text of an HMAC over that name.
#![forbid(unsafe_code)]

use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, KeyInit as _};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::credentials::Credential;

/// The hash of the HMAC. The draft knows SHA-1, which is what every service and
/// server speaks; SHA-256 is what some of them can be told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestHash {
    /// HMAC-SHA1.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
}

impl RestHash {
    /// All of them, the usual one first.
    pub const ALL: [RestHash; 2] = [RestHash::Sha1, RestHash::Sha256];
}

/// The password that belongs to a user name.
pub fn rest_password(secret: &[u8], username: &str, hash: RestHash) -> Zeroizing<String> {
    Zeroizing::new(match hash {
        RestHash::Sha1 => encode(Hmac::<Sha1>::new_from_slice(secret), username),
        RestHash::Sha256 => encode(Hmac::<Sha256>::new_from_slice(secret), username),
    })
}

fn encode<M: hmac::Mac>(keyed: Result<M, hmac::digest::InvalidLength>, text: &str) -> String {
    let mut mac = keyed.expect("an HMAC takes a key of any length");
    mac.update(text.as_bytes());
    Base64::encode_string(&mac.finalize().into_bytes())
}

/// The user name for a user who may use it until `expiry`, in seconds since 1970.
pub fn rest_username(user: &str, expiry: u64) -> String {
    match user {
        "" => expiry.to_string(),
        user => format!("{expiry}:{user}"),
    }
}

/// How long a user name is good from `now` on, in time since 1970: `timestamp` or
/// `timestamp:user`. `None` when it is no such name, or its time has come.
pub fn rest_remaining(username: &str, now: Duration) -> Option<Duration> {
    let stamp = username
        .split_once(':')
        .map_or(username, |(stamp, _)| stamp);
    // No sign, no spaces: two spellings of one name would be two users.
    let canonical = !stamp.starts_with('0') && stamp.bytes().all(|b| b.is_ascii_digit());
    let expiry = Duration::from_secs(stamp.parse().ok().filter(|_| canonical)?);
    expiry.checked_sub(now).filter(|left| !left.is_zero())
}

/// The passwords that a user name may have come with, the likeliest first.
pub fn rest_credentials<'a>(
    secrets: impl IntoIterator<Item = &'a [u8]> + 'a,
    username: &'a str,
) -> impl Iterator<Item = Credential> + 'a {
    let hashes = |secret| RestHash::ALL.map(|hash| (secret, hash));
    let candidates = secrets.into_iter().flat_map(hashes);
    candidates.map(|(secret, hash)| Credential::Password(rest_password(secret, username, hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Both from `openssl dgst -hmac north -binary | base64`.
    #[test]
    fn passwords_are_those_of_other_programs() {
        let name = "1577836800:ann";
        let sha1 = rest_password(b"north", name, RestHash::Sha1);
        assert_eq!(sha1.as_str(), "gH1D3C52SIVGmBwaZ6y3qr+uSoQ=");
        let sha256 = rest_password(b"north", name, RestHash::Sha256);
        assert_eq!(
            sha256.as_str(),
            "7vM1KP5clqI0ikXwv5NQHFiffmqkfjrtbd1UBNW+BiY="
        );
    }

    #[test]
    fn a_name_is_good_until_its_time_comes() {
        let at = Duration::from_secs;
        assert_eq!(rest_remaining("100:ann", at(40)), Some(at(60)));
        assert_eq!(rest_remaining("100", at(99)), Some(at(1)));
        assert_eq!(rest_remaining("100:a:b", at(99)), Some(at(1)));
        for (name, now) in [
            ("100:ann", 100),
            ("100:ann", 101),
            ("ann:100", 1),
            ("ann", 1),
            ("", 1),
            (":ann", 1),
            ("+100:ann", 1),
            ("0100:ann", 1),
            (" 100:ann", 1),
            ("99999999999999999999999:ann", 1),
        ] {
            assert_eq!(rest_remaining(name, at(now)), None, "{name} at {now}");
        }
    }

    #[test]
    fn a_name_is_made_as_it_is_read() {
        let left = rest_remaining(&rest_username("ann", 100), Duration::from_secs(70));
        assert_eq!(left, Some(Duration::from_secs(30)));
        assert_eq!(rest_username("", 100), "100");
    }
}
