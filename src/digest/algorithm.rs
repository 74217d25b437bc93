//! The names that the `algorithm` parameter may carry.
#![forbid(unsafe_code)]

listed! {
    /// A hash function of the IANA registry "Hash Algorithms for HTTP Digest
    /// Authentication", weakest first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Hash {
        /// MD5 (RFC 1321). Weak; what nearly every registrar still offers.
        Md5,
        /// SHA-256 (FIPS 180-4).
        Sha256,
        /// SHA-512/256 (FIPS 180-4): SHA-512 with initial values of its own, which
        /// is not SHA-512 cut short.
        Sha512_256,
    }
}

impl Hash {
    /// Characters in the hexadecimal form of one digest: 32 or 64.
    pub const fn hex_len(self) -> usize {
        match self {
            Hash::Md5 => 32,
            Hash::Sha256 | Hash::Sha512_256 => 64,
        }
    }

    /// The name as registered with IANA, without `-sess`.
    pub const fn name(self) -> &'static str {
        match self {
            Hash::Md5 => "MD5",
            Hash::Sha256 => "SHA-256",
            Hash::Sha512_256 => "SHA-512-256",
        }
    }
}

/// A value of the `algorithm` parameter (RFC 7616 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Algorithm {
    /// The hash underneath.
    pub hash: Hash,
    /// Whether the name ends in `-sess`: the key is then bound to the nonce and
    /// cnonce that opened the session.
    pub session: bool,
}

impl Algorithm {
    /// Reads the parameter's value, without regard to case. An empty value
    /// stands for an absent parameter and means MD5. Quotes and blanks around
    /// the name are tolerated: SIP writes a token, some servers a quoted string.
    ///
    /// `None` for a name that is not ours, AKA among them.
    pub fn parse(name: &[u8]) -> Option<Algorithm> {
        let name = unquote(name);
        if name.is_empty() {
            return Some(Algorithm {
                hash: Hash::Md5,
                session: false,
            });
        }
        let (base, session) = match name.split_last_chunk::<5>() {
            Some((base, suffix)) if suffix.eq_ignore_ascii_case(b"-sess") => (base, true),
            _ => (name, false),
        };
        let hash = Hash::ALL
            .into_iter()
            .find(|hash| base.eq_ignore_ascii_case(hash.name().as_bytes()))?;
        Some(Algorithm { hash, session })
    }

    /// The name to echo in the answer.
    pub const fn name(self) -> &'static str {
        match (self.hash, self.session) {
            (hash, false) => hash.name(),
            (Hash::Md5, true) => "MD5-sess",
            (Hash::Sha256, true) => "SHA-256-sess",
            (Hash::Sha512_256, true) => "SHA-512-256-sess",
        }
    }
}

/// `value` without the blanks and quotes around it.
pub(super) fn unquote(mut value: &[u8]) -> &[u8] {
    const AROUND: &[u8] = b"\" \t\r\n";
    while let [first, rest @ ..] = value
        && AROUND.contains(first)
    {
        value = rest;
    }
    while let [rest @ .., last] = value
        && AROUND.contains(last)
    {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for hash in Hash::ALL {
            for session in [false, true] {
                let algorithm = Algorithm { hash, session };
                let name = algorithm.name();
                assert_eq!(name.ends_with("-sess"), session);
                assert_eq!(Algorithm::parse(name.as_bytes()), Some(algorithm));
                let lower = name.to_ascii_lowercase();
                assert_eq!(Algorithm::parse(lower.as_bytes()), Some(algorithm));
            }
        }
    }

    #[test]
    fn absent_quoted_and_padded() {
        let md5 = Algorithm::parse(b"MD5");
        assert!(md5.is_some_and(|a| a.hash == Hash::Md5 && !a.session));
        for value in [
            &b""[..],
            b"  ",
            b"\"\"",
            b"\"MD5\"",
            b" md5\t",
            b"\" Md5 \"",
        ] {
            assert_eq!(Algorithm::parse(value), md5, "{value:?}");
        }
        let sess = Algorithm::parse(b"\"sha-256-SESS\"").unwrap();
        assert_eq!(sess.name(), "SHA-256-sess");
    }

    #[test]
    fn strangers() {
        for value in [
            &b"AKAv1-MD5"[..],
            b"SHA",
            b"SHA256",
            b"SHA-1",
            b"SHA-512",
            b"MD5-",
            b"MD5-ses",
            b"MD5-sess-sess",
            b"-sess",
            b"MD5 SHA-256",
            b"MD5\0",
        ] {
            assert_eq!(Algorithm::parse(value), None, "{value:?}");
        }
    }
}
