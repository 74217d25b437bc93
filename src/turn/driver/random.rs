//! Random numbers of the operating system's: none can be guessed from those before it.
#![forbid(unsafe_code)]

/// How many are fetched with one call, which costs as much as for one.
const FETCHED: usize = 64;
const BYTES: usize = size_of::<u32>();

/// Random bits of the system's.
pub fn random() -> [u64; 4] {
    std::array::from_fn(|_| random_word())
}

/// Likewise.
pub fn random_word() -> u64 {
    getrandom::u64().unwrap_or_else(|_| fallback())
}

/// Numbers that were fetched and not given out yet.
///
/// A copy of the process (`fork`) has them too, and nobody who takes one there: the threads
/// of a server stay with the parent.
#[derive(Debug)]
pub struct RandomNumbers {
    numbers: [u32; FETCHED],
    left: usize,
}

impl RandomNumbers {
    pub const fn new() -> Self {
        RandomNumbers {
            numbers: [0; FETCHED],
            left: 0,
        }
    }

    /// A number that nobody has had, and that is not kept.
    pub fn take(&mut self) -> u32 {
        if self.left == 0 {
            self.fetch();
        }
        self.left -= 1;
        std::mem::take(&mut self.numbers[self.left])
    }

    fn fetch(&mut self) {
        let mut bytes = [0; FETCHED * BYTES];
        let is_filled = getrandom::fill(&mut bytes).is_ok();
        let (words, _) = bytes.as_chunks::<BYTES>();
        for (number, word) in self.numbers.iter_mut().zip(words) {
            *number = match is_filled {
                true => u32::from_ne_bytes(*word),
                false => fallback() as u32,
            };
        }
        zeroize::Zeroize::zeroize(&mut bytes[..]);
        self.left = FETCHED;
    }
}

/// The standard library seeds its hash tables from the same source, long before
/// it can fail: these are used only when that source has gone away since.
fn fallback() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_number_is_given_out_once_and_not_kept() {
        let mut numbers = RandomNumbers::new();
        let mut seen = HashSet::new();
        for _ in 0..3 * FETCHED {
            let number = numbers.take();
            assert!(!numbers.numbers.contains(&number), "kept");
            seen.insert(number);
        }
        // Two of 192 are the same once in 200,000 runs; a sequence that repeats has 64.
        assert!(seen.len() > 3 * FETCHED - 3);
        assert_eq!(numbers.numbers, [0; FETCHED]);
    }
}
