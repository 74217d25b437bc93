//! The slots that an owner keeps to itself, so that its handles are found without
//! looking at anybody else's, and a mint and a take are one atomic step each.

use super::cell::Cell;
use super::sync::{AtomicU32, Relaxed};

/// How many slots a nest keeps. What an owner mints beyond has to be found otherwise.
pub const NEST: usize = 4;

/// The slots of one owner, by their numbers in the slab, plus one; 0 is none yet.
///
/// An owner's nest is for one [`Slab`](super::Slab), which gives it its slots and takes
/// them back in [`Slab::clear_nest`](super::Slab::clear_nest).
#[derive(Debug)]
pub struct Nest {
    pub(super) places: [AtomicU32; NEST],
}

impl Default for Nest {
    fn default() -> Self {
        Nest {
            places: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }
}

/// So that owners can themselves be kept under handles.
impl Cell for Nest {
    type Value = ();

    fn put(&self, (): ()) {
        for place in &self.places {
            place.store(0, Relaxed);
        }
    }

    fn peek(&self) -> Option<()> {
        Some(())
    }

    fn clear(&self) -> Option<()> {
        Some(())
    }
}
