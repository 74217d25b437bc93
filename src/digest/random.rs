//! The client's own random number in an answer.
#![forbid(unsafe_code)]

use super::hex::encode;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A fresh `cnonce` (RFC 7616 section 3.4): 128 random bits from the operating
/// system, as 32 lower-case hexadecimal characters. Never panics, never blocks
/// once the system has been seeded.
///
/// Each call asks the system. A pool of random bytes in the process would have
/// to notice `fork`, lest parent and child send the same values. Without unsafe
/// code it could only compare process ids, which takes a system call as well and
/// is fooled by namespaces and reused ids; the kernel's generator is not forked.
///
/// Where the system refuses (a seccomp filter, a kernel without the call and
/// no `/dev/urandom`), the value is a hash of the time, the process, the thread's
/// stack and a counter: unlike any other, but not a secret. That still makes a
/// correct answer; what it weakens is the defence against a server that prepares
/// tables for a nonce of its choice.
pub fn cnonce() -> [u8; 32] {
    cnonce_from(|bits| getrandom::fill(bits).is_ok())
}

/// `fill` returns whether it has filled the bits.
fn cnonce_from(fill: impl FnOnce(&mut [u8; 16]) -> bool) -> [u8; 32] {
    let mut bits = [0; 16];
    if !fill(&mut bits) {
        bits = unique();
    }
    let mut text = [0; 32];
    encode(&bits, &mut text);
    text
}

fn unique() -> [u8; 16] {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    // A clock before 1970 gives an error that holds as many bits.
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_else(|error| error.duration());
    let stack = std::ptr::from_ref(&call).addr();
    let digest = Sha256::new()
        .chain_update(call.to_le_bytes())
        .chain_update(time.as_nanos().to_le_bytes())
        .chain_update(std::process::id().to_le_bytes())
        .chain_update(stack.to_le_bytes())
        .finalize();
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest[..16]);
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn is_hex(text: &[u8; 32]) -> bool {
        text.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
    }

    #[test]
    fn well_formed_and_never_twice() {
        let drawn: HashSet<_> = (0..1000).map(|_| cnonce()).collect();
        assert_eq!(drawn.len(), 1000);
        assert!(drawn.iter().all(is_hex));
    }

    #[test]
    fn bits_come_from_the_source() {
        let text = cnonce_from(|bits| {
            *bits = *b"\x00\x01\x02\x03\x0a\x0f\x10\x7f\x80\xff\xfe\xab\xcd\xef\x12\x34";
            true
        });
        assert_eq!(&text, b"000102030a0f107f80fffeabcdef1234");
    }

    #[test]
    fn a_failing_source_still_gives_unique_values() {
        let drawn: HashSet<_> = (0..1000).map(|_| cnonce_from(|_| false)).collect();
        assert_eq!(drawn.len(), 1000);
        assert!(drawn.iter().all(is_hex));
    }
}
