//! The 64 bits of a handle.
//!
//! ```text
//!   63   62 ........... 32   31 ........ 8   7 ... 1   0
//!   1    generation, not 0   index           kind      1
//! ```
//!
//! Bit 63 is set in no user-space address, but for tags that ARM64 lets a pointer
//! carry there, and bit 0 in no aligned one: a handle equals the address of no object.

use std::fmt;
use std::num::NonZeroU64;

/// Width of the slot index.
pub(super) const INDEX_BITS: u32 = 24;
/// The last generation a slot can have; after it the slot retires.
pub(super) const LAST_GENERATION: u32 = (1 << 31) - 1;

const MARKS: u64 = 1 << 63 | 1;
const KIND_SHIFT: u32 = 1;
const INDEX_SHIFT: u32 = 8;
const GENERATION_SHIFT: u32 = 32;
const KIND_MASK: u64 = 0x7f;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// What a handle stands for, in seven bits. A process has one [`Slab`](super::Slab)
/// for each kind: two slabs of one kind could not tell their handles apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(u8);

impl Kind {
    /// A deferred authentication challenge of the SIP half.
    pub const CHALLENGE: Kind = Kind::new(1);
    /// A TURN server.
    pub const TURN_SERVER: Kind = Kind::new(2);
    /// A TURN request whose authentication is still open.
    pub const TURN_REQUEST: Kind = Kind::new(3);
    /// A TURN allocation.
    pub const TURN_ALLOCATION: Kind = Kind::new(4);
    /// A session of the SIP half, which is not lent out.
    pub const SESSION: Kind = Kind::new(5);
    /// An attribute of a TURN request.
    pub const TURN_ATTRIBUTE: Kind = Kind::new(6);

    /// The kind with this number.
    ///
    /// # Panics
    /// If `number` is over 127; in a constant, that is a compile-time error.
    #[must_use]
    pub const fn new(number: u8) -> Kind {
        assert!(number as u64 <= KIND_MASK, "a kind has seven bits");
        Kind(number)
    }
}

/// One life of one slot: an opaque value, not a pointer and not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(NonZeroU64);

impl Handle {
    /// The handle with these bits, as they come back from the application, or `None`
    /// where they cannot be one. `Some` says nothing about the handle being live:
    /// only the slab knows that.
    #[inline]
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Handle> {
        // The upper half is above the mark alone: it has the mark, and a generation.
        let is_handle = bits >> GENERATION_SHIFT > MARKS >> GENERATION_SHIFT && bits & 1 != 0;
        NonZeroU64::new(bits).filter(|_| is_handle).map(Handle)
    }

    pub(super) fn new(kind: Kind, index: u32, generation: u32) -> Handle {
        debug_assert!(u64::from(index) <= INDEX_MASK);
        debug_assert!((1..=LAST_GENERATION).contains(&generation));
        let bits = u64::from(kind.0) << KIND_SHIFT
            | u64::from(index) << INDEX_SHIFT
            | u64::from(generation) << GENERATION_SHIFT;
        Handle(NonZeroU64::MIN | bits | MARKS)
    }

    /// The bits to lend out, usually cast to a pointer type. Never zero.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0.get()
    }

    /// What the handle claims to stand for.
    #[must_use]
    pub fn kind(self) -> Kind {
        Kind((self.bits() >> KIND_SHIFT & KIND_MASK) as u8)
    }

    pub(super) fn index(self) -> u32 {
        (self.bits() >> INDEX_SHIFT & INDEX_MASK) as u32
    }

    pub(super) fn generation(self) -> u32 {
        (self.bits() >> GENERATION_SHIFT) as u32 & LAST_GENERATION
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, index, generation) = (self.kind().0, self.index(), self.generation());
        write!(f, "Handle(kind {kind}, slot {index}, life {generation})")
    }
}
