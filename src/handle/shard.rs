//! One sixteenth of a slab: its slots and its free list.

use super::bits::INDEX_BITS;
use super::cell::Cell;
use super::slot::{After, Slot};
use super::sync::{AcqRel, Acquire, AtomicU32, AtomicU64, OnceLock, Relaxed, Release, const_fn};

// The model checker gets one shard, so that its few threads do meet, and small chunks.
const SHARD_BITS: u32 = if cfg!(loom) { 0 } else { 4 };
const FIRST_BITS: u32 = if cfg!(loom) { 2 } else { 6 };

/// Number of shards in a slab.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
/// The most slots that the index can address in one shard.
pub(super) const MAX_SLOTS: u32 = 1 << LOCAL_BITS;

const LOCAL_BITS: u32 = INDEX_BITS - SHARD_BITS;
const CHUNKS: usize = (LOCAL_BITS - FIRST_BITS) as usize + 1;
const LINK_BITS: u32 = LOCAL_BITS + 1;
const LINK_MASK: u64 = (1 << LINK_BITS) - 1;

/// The index in a handle for a slot of a shard.
pub(super) fn join(shard: usize, local: u32) -> u32 {
    local << SHARD_BITS | shard as u32
}

/// The shard, and the slot within it, that an index in a handle means.
pub(super) fn split(index: u32) -> (usize, u32) {
    (index as usize & (SHARDS - 1), index >> SHARD_BITS)
}

/// How far slots go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The generation of a slot's first life.
    pub(super) first_generation: u32,
    /// Slots for each shard, at most [`MAX_SLOTS`].
    pub(super) slots: u32,
}

/// Slots in chunks of doubling size, and a stack of those that are free.
///
/// Padded, so that shards share no cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard<C> {
    /// The top of the stack: a count of pushes above, a link below. A link is a slot's
    /// number plus one, or 0 at the end. The count keeps a pop that has slept from
    /// mistaking a returned slot for one that never left (ABA); its 43 bits last
    /// through hours of pushes within one sleep.
    head: AtomicU64,
    /// Slots that have been in use at some time: all below this number.
    high_water: AtomicU32,
    chunks: [OnceLock<Box<[Slot<C>]>>; CHUNKS],
}

impl<C: Cell> Shard<C> {
    const_fn! {
        pub(super) fn new() -> Self {
            Shard {
                head: AtomicU64::new(0),
                high_water: AtomicU32::new(0),
                chunks: [const { OnceLock::new() }; CHUNKS],
            }
        }
    }

    /// A slot for the caller alone: one that was freed, or a fresh one.
    #[inline]
    pub(super) fn acquire(&self, limits: Limits) -> Option<(u32, &Slot<C>)> {
        self.pop().or_else(|| self.fresh(limits))
    }

    /// The slot with this number, if its chunk exists.
    #[inline]
    pub(super) fn slot(&self, local: u32) -> Option<&Slot<C>> {
        let (chunk, offset) = locate(local);
        self.chunks.get(chunk)?.get()?.get(offset)
    }

    /// Does what a slot's last user was told to do.
    #[inline]
    pub(super) fn settle(&self, local: u32, slot: &Slot<C>, after: After) {
        if after == After::Recycle {
            self.push(local, slot);
        }
    }

    /// One more than the number of the highest slot ever used.
    pub(super) fn high_water(&self) -> u32 {
        self.high_water.load(Acquire)
    }

    #[inline]
    fn push(&self, local: u32, slot: &Slot<C>) {
        let mut head = self.head.load(Relaxed);
        loop {
            slot.next.store((head & LINK_MASK) as u32, Relaxed);
            let count = (head >> LINK_BITS).wrapping_add(1);
            let top = count << LINK_BITS | u64::from(local + 1);
            match self.head.compare_exchange_weak(head, top, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    #[inline]
    fn pop(&self) -> Option<(u32, &Slot<C>)> {
        let mut head = self.head.load(Acquire);
        loop {
            let local = ((head & LINK_MASK) as u32).checked_sub(1)?;
            let slot = self.slot(local)?;
            let rest = head & !LINK_MASK | u64::from(slot.next.load(Relaxed));
            match self
                .head
                .compare_exchange_weak(head, rest, Acquire, Acquire)
            {
                Ok(_) => return Some((local, slot)),
                Err(now) => head = now,
            }
        }
    }

    #[cold]
    fn fresh(&self, limits: Limits) -> Option<(u32, &Slot<C>)> {
        let mut local = self.high_water.load(Relaxed);
        loop {
            if local >= limits.slots {
                return None;
            }
            let (chunk, offset) = locate(local);
            let slots = self.chunks[chunk].get_or_init(|| new_chunk(chunk, limits));
            let next = local + 1;
            match self
                .high_water
                .compare_exchange_weak(local, next, AcqRel, Relaxed)
            {
                Ok(_) => return Some((local, &slots[offset])),
                Err(now) => local = now,
            }
        }
    }
}

/// The chunk and the place in it of a slot. Chunk 0 has the first slots; chunk k > 0
/// those from FIRST << (k - 1) on, as many again as all chunks before it.
#[inline]
fn locate(local: u32) -> (usize, usize) {
    match local.checked_ilog2() {
        Some(top) if top >= FIRST_BITS => {
            let chunk = top - FIRST_BITS + 1;
            (chunk as usize, (local - (1 << top)) as usize)
        }
        _ => (0, local as usize),
    }
}

fn new_chunk<C: Cell>(chunk: usize, limits: Limits) -> Box<[Slot<C>]> {
    let len = 1usize << (FIRST_BITS as usize + chunk.saturating_sub(1));
    (0..len)
        .map(|_| Slot::new(limits.first_generation))
        .collect()
}
