//! H(part ":" part ":" ...), the one shape of hash that digest authentication
//! knows.
//!
//! The texts are short, two or three blocks, and for texts so short the hash
//! crates' buffering costs a quarter of the whole. So a text that fits is laid
//! out, padded, in one place and goes to the crates' compression functions in
//! one piece; what does not fit takes their ordinary way. The tests hold the one
//! against the other at every length.
#![forbid(unsafe_code)]

use super::Hex;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use zeroize::{Zeroizing, optimization_barrier};

/// A hash function, by its parts.
pub(super) trait Function: Digest {
    /// Bytes in a block.
    const BLOCK: usize;
    /// Bytes at the end of the last block that are kept for the length.
    const LENGTH: usize;
    /// The last eight bytes of a text of so many bits.
    fn length(bits: u64) -> [u8; 8];
    /// The digest of whole blocks, padding included.
    fn of_blocks(padded: &[u8]) -> Hex;
}

impl Function for Md5 {
    const BLOCK: usize = 64;
    const LENGTH: usize = 8;

    fn length(bits: u64) -> [u8; 8] {
        bits.to_le_bytes()
    }

    fn of_blocks(padded: &[u8]) -> Hex {
        // RFC 1321 section 3.3.
        let initial = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        let mut state = Zeroizing::new(initial);
        md5::block_api::compress(&mut state, padded.as_chunks().0);
        Hex::of_words(state.iter().map(|word: &u32| word.to_le_bytes()))
    }
}

impl Function for Sha256 {
    const BLOCK: usize = 64;
    const LENGTH: usize = 8;

    fn length(bits: u64) -> [u8; 8] {
        bits.to_be_bytes()
    }

    fn of_blocks(padded: &[u8]) -> Hex {
        // FIPS 180-4 section 5.3.3.
        let initial = [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        let mut state = Zeroizing::new(initial);
        sha2::block_api::compress256(&mut state, padded.as_chunks().0);
        Hex::of_words(state.iter().map(|word: &u32| word.to_be_bytes()))
    }
}

impl Function for Sha512_256 {
    const BLOCK: usize = 128;
    const LENGTH: usize = 16;

    fn length(bits: u64) -> [u8; 8] {
        bits.to_be_bytes()
    }

    fn of_blocks(padded: &[u8]) -> Hex {
        // FIPS 180-4 section 5.3.6.2.
        let initial = [
            0x2231_2194_fc2b_f72c,
            0x9f55_5fa3_c84c_64c2,
            0x2393_b86b_6f53_b151,
            0x9638_7719_5940_eabd,
            0x9628_3ee2_a88e_ffe3,
            0xbe5e_1e25_5386_3992,
            0x2b01_99fc_2c85_b8aa,
            0x0eb7_2ddc_81c5_2ca2,
        ];
        let mut state = Zeroizing::new(initial);
        sha2::block_api::compress512(&mut state, padded.as_chunks().0);
        Hex::of_words(state[..4].iter().map(|word: &u64| word.to_be_bytes()))
    }
}

/// Room for a nonce of some 300 characters; a whole number of every block.
const ROOM: usize = 512;

/// A place to lay out texts, one after the other. Wiped when dropped.
pub(super) struct Scratch {
    bytes: [u8; ROOM],
}

impl Scratch {
    pub(super) fn new() -> Scratch {
        Scratch { bytes: [0; ROOM] }
    }

    /// The hash over `parts` with a colon between each two.
    pub(super) fn joined<F: Function, const N: usize>(&mut self, parts: [&[u8]; N]) -> Hex {
        match self.lay_out::<F, N>(&parts) {
            Some(padded) => F::of_blocks(padded),
            None => in_pieces::<F>(&parts),
        }
    }

    /// The padded text, if there is room for it.
    fn lay_out<F: Function, const N: usize>(&mut self, parts: &[&[u8]; N]) -> Option<&[u8]> {
        let mut len = 0;
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                *self.bytes.get_mut(len)? = b':';
                len += 1;
            }
            // No overflow: `len` is at most ROOM, a slice at most isize::MAX.
            let place = self.bytes.get_mut(len..len + part.len())?;
            place.copy_from_slice(part);
            len += part.len();
        }
        let end = (len + 1 + F::LENGTH).next_multiple_of(F::BLOCK);
        let padding = self.bytes.get_mut(len..end)?;
        padding.fill(0);
        padding[0] = 0x80;
        let bits = len as u64 * 8;
        *padding.last_chunk_mut()? = F::length(bits);
        Some(&self.bytes[..end])
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.bytes = [0; ROOM];
        optimization_barrier(&self.bytes);
    }
}

fn in_pieces<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut hasher = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    Hex::of_words(hasher.finalize().as_chunks::<4>().0.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_at_every_length<F: Function>() {
        let text: Vec<u8> = (0..ROOM + 200).map(|i| (i * 31 % 251) as u8).collect();
        let mut scratch = Scratch::new();
        let mut laid_out = 0;
        // Downwards, so that every text is laid over the remains of a longer one.
        for len in (0..text.len()).rev() {
            let (a, b) = text[..len].split_at(len / 3);
            laid_out += usize::from(scratch.lay_out::<F, 2>(&[a, b]).is_some());
            assert_eq!(
                scratch.joined::<F, 2>([a, b]),
                in_pieces::<F>(&[a, b]),
                "{len}"
            );
        }
        // The colon, the byte 0x80 and the length take room too.
        assert_eq!(laid_out, ROOM - F::LENGTH - 1);
    }

    #[test]
    fn short_way_equals_ordinary_way() {
        same_at_every_length::<Md5>();
        same_at_every_length::<Sha256>();
        same_at_every_length::<Sha512_256>();
    }

    #[test]
    fn no_part_one_part_empty_parts() {
        let mut scratch = Scratch::new();
        // MD5 of "", "a" and "::".
        for (hex, text) in [
            (
                scratch.joined::<Md5, 0>([]),
                "d41d8cd98f00b204e9800998ecf8427e",
            ),
            (
                scratch.joined::<Md5, 1>([b"a"]),
                "0cc175b9c0f1b6a831c399e269772661",
            ),
            (
                scratch.joined::<Md5, 3>([b"", b"", b""]),
                "4501c091b0366d76ea3218b6cfdd8097",
            ),
        ] {
            assert_eq!(hex.as_bytes(), text.as_bytes());
        }
    }
}
