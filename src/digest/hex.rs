//! Lower-case hexadecimal, as digest authentication writes every number.
#![forbid(unsafe_code)]

use std::fmt;
use zeroize::Zeroize;

const MAX_LEN: usize = 64;

/// The character of a number under 16. Computed, not looked up: where a table is read
/// shows in the cache, and an H(A1) is a secret.
const fn digit(nibble: u8) -> u8 {
    const TO_LETTERS: u8 = b'a' - 10 - b'0';
    nibble + b'0' + if nibble > 9 { TO_LETTERS } else { 0 }
}

/// Writes `bytes` to the first `2 * bytes.len()` places of `out`.
#[inline]
pub(super) fn encode(bytes: &[u8], out: &mut [u8]) {
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// A digest in lower-case hexadecimal, held inline: 32 or 64 characters.
///
/// It may be an H(A1), which is as good as the password; so it is not `Copy`,
/// its `Debug` shows the length only, and it can be wiped with [`Zeroize`].
#[derive(Clone, PartialEq, Eq)]
pub struct Hex {
    chars: [u8; MAX_LEN],
    len: usize,
}

impl Hex {
    /// The hexadecimal form of a digest of at most 32 bytes, given word by word.
    pub(super) fn of_words<const W: usize>(words: impl ExactSizeIterator<Item = [u8; W]>) -> Hex {
        let mut hex = Hex {
            chars: [0; MAX_LEN],
            len: (words.len() * W * 2).min(MAX_LEN),
        };
        let mut bytes = [0; MAX_LEN / 2];
        for (place, word) in bytes.chunks_exact_mut(W).zip(words) {
            place.copy_from_slice(&word);
        }
        encode(&bytes[..hex.len / 2], &mut hex.chars);
        bytes = [0; MAX_LEN / 2];
        zeroize::optimization_barrier(&bytes);
        hex
    }

    /// The first `len` characters of `text` in lower case; `None` when it is
    /// shorter.
    pub(super) fn lower(text: &[u8], len: usize) -> Option<Hex> {
        let mut hex = Hex {
            chars: [0; MAX_LEN],
            len,
        };
        let chars = hex.chars.get_mut(..len)?;
        chars.copy_from_slice(text.get(..len)?);
        chars.make_ascii_lowercase();
        Some(hex)
    }

    /// The characters, `0-9a-f`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.chars[..self.len]
    }
}

impl Zeroize for Hex {
    fn zeroize(&mut self) {
        self.chars = [0; MAX_LEN];
        zeroize::optimization_barrier(&self.chars);
        self.len = 0;
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({} characters)", self.len)
    }
}

/// The `nc` parameter: eight lower-case hexadecimal digits (RFC 7616 section
/// 3.4). The tenth request under one nonce has `0000000a`.
pub fn nonce_count(n: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    encode(&n.to_be_bytes(), &mut digits);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_counts() {
        for (n, text) in [
            (0, b"00000000"),
            (1, b"00000001"),
            (9, b"00000009"),
            (10, b"0000000a"),
            (16, b"00000010"),
            (255, b"000000ff"),
            (0x1234_abcd, b"1234abcd"),
            (u32::MAX, b"ffffffff"),
        ] {
            assert_eq!(&nonce_count(n), text);
        }
    }

    #[test]
    fn every_byte() {
        for byte in 0..=255u8 {
            assert_eq!(
                Hex::of_words([[byte]].into_iter()).as_bytes(),
                format!("{byte:02x}").as_bytes()
            );
        }
    }

    #[test]
    fn lower_takes_exactly_len() {
        assert_eq!(Hex::lower(b"AbCdEf", 4).unwrap().as_bytes(), b"abcd");
        assert!(Hex::lower(b"abc", 4).is_none());
        assert!(Hex::lower(&[b'a'; 100], 65).is_none());
    }

    #[test]
    fn debug_keeps_the_secret_and_zeroize_wipes_it() {
        let mut hex = Hex::of_words([[0xab; 4]; 4].into_iter());
        assert_eq!(format!("{hex:?}"), "Hex(32 characters)");
        hex.zeroize();
        assert_eq!(hex.chars, [0; MAX_LEN]);
        assert_eq!(hex.as_bytes(), b"");
    }
}
