//! One sixteenth of a slab: its slots and its free list.

use super::bits::INDEX_BITS;
use super::cell::Cell;
use super::slot::Slot;
use super::sync::{
    AcqRel, Acquire, AtomicU32, AtomicU64, Mutex, OnceLock, Relaxed, Release, const_fn,
};

// The model checker gets one shard, so that its few threads do meet, and small chunks.
const SHARD_BITS: u32 = if cfg!(loom) { 0 } else { 4 };
const FIRST_BITS: u32 = if cfg!(loom) { 2 } else { 6 };

/// Number of shards in a slab.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
/// The most slots that the index can address in one shard.
pub(super) const MAX_SLOTS: u32 = 1 << LOCAL_BITS;

const LOCAL_BITS: u32 = INDEX_BITS - SHARD_BITS;
/// Slots in a late chunk, and in all early ones together: nobody initialises more at once.
const STEP_BITS: u32 = if cfg!(loom) { 4 } else { 12 };
/// Slots in the first chunk, in which most processes find all they need.
const FIRST: usize = 1 << FIRST_BITS;
/// Early chunks after it double: a process that needs few slots has few.
const EARLY: usize = (STEP_BITS - FIRST_BITS) as usize;
const LATE: usize = (1 << (LOCAL_BITS - STEP_BITS)) - 1;
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

type Chunk<C> = OnceLock<Box<[Slot<C>]>>;

/// Slots in chunks, and a stack of those that are free.
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
    first: OnceLock<Box<[Slot<C>; FIRST]>>,
    early: [Chunk<C>; EARLY],
    late: OnceLock<Box<[Chunk<C>]>>,
}

impl<C: Cell> Shard<C> {
    const_fn! {
        pub(super) fn new() -> Self {
            Shard {
                head: AtomicU64::new(0),
                high_water: AtomicU32::new(0),
                first: OnceLock::new(),
                early: [const { OnceLock::new() }; EARLY],
                late: OnceLock::new(),
            }
        }
    }

    /// A slot for the caller alone: one that was freed, or a fresh one. `None` when all
    /// are in use or retired, or there is no memory for more.
    #[inline]
    pub(super) fn acquire(&self, limits: Limits, growth: &Mutex<()>) -> Option<(u32, &Slot<C>)> {
        self.pop().or_else(|| self.fresh(limits, growth))
    }

    /// The slot with this number, if its chunk exists.
    #[inline(always)]
    pub(super) fn slot(&self, local: u32) -> Option<&Slot<C>> {
        match (local as usize) < FIRST {
            true => Some(&self.first.get()?[local as usize]),
            false => self.later_slot(local),
        }
    }

    #[inline(never)]
    fn later_slot(&self, local: u32) -> Option<&Slot<C>> {
        let (chunk, offset) = locate(local);
        self.chunk(chunk)?.get()?.get(offset)
    }

    fn chunk(&self, number: usize) -> Option<&Chunk<C>> {
        match self.early.get(number) {
            Some(chunk) => Some(chunk),
            None => self.late.get()?.get(number - EARLY),
        }
    }

    /// One more than the number of the highest slot ever used.
    pub(super) fn high_water(&self) -> u32 {
        self.high_water.load(Acquire)
    }

    /// Puts a slot on the free list.
    #[inline]
    pub(super) fn push(&self, local: u32, slot: &Slot<C>) {
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
    fn fresh(&self, limits: Limits, growth: &Mutex<()>) -> Option<(u32, &Slot<C>)> {
        let mut local = self.high_water.load(Relaxed);
        loop {
            if local >= limits.slots {
                return None;
            }
            let slot = match self.slot(local) {
                Some(slot) => slot,
                None => self.grow(local, limits, growth)?,
            };
            let next = local + 1;
            match self
                .high_water
                .compare_exchange_weak(local, next, AcqRel, Relaxed)
            {
                Ok(_) => return Some((local, slot)),
                Err(now) => local = now,
            }
        }
    }

    /// Makes the chunk of a slot, unless another thread did. Under a lock, which is
    /// taken before the process forks: no child waits for a chunk that nobody makes.
    fn grow(&self, local: u32, limits: Limits, growth: &Mutex<()>) -> Option<&Slot<C>> {
        let _held = growth.lock();
        let slot = || Slot::new(limits.first_generation);
        if (local as usize) < FIRST {
            if self.first.get().is_none() {
                let slots = boxed(FIRST, slot)?.try_into().ok()?;
                let _ = self.first.set(slots);
            }
            return self.slot(local);
        }
        let (number, _) = locate(local);
        if number >= EARLY && self.late.get().is_none() {
            // Set by nobody else: the lock is held.
            let _ = self.late.set(boxed(LATE, OnceLock::new)?);
        }
        let chunk = self.chunk(number)?;
        if chunk.get().is_none() {
            let slots = boxed(size_of_chunk(number), slot)?;
            let _ = chunk.set(slots);
        }
        self.slot(local)
    }
}

/// The chunk after the first, and the place in it, of a slot. Early chunk k has as many
/// as all chunks before it; each late one a step more.
fn locate(local: u32) -> (usize, usize) {
    if local >> STEP_BITS > 0 {
        let (step, offset) = (local >> STEP_BITS, local & ((1 << STEP_BITS) - 1));
        return (EARLY + step as usize - 1, offset as usize);
    }
    let top = local.ilog2();
    ((top - FIRST_BITS) as usize, (local - (1 << top)) as usize)
}

fn size_of_chunk(number: usize) -> usize {
    match number {
        0..EARLY => FIRST << number,
        _ => 1 << STEP_BITS,
    }
}

/// So many values in one piece, or `None` where there is no memory for them.
fn boxed<T>(count: usize, value: impl FnMut() -> T) -> Option<Box<[T]>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).ok()?;
    values.resize_with(count, value);
    Some(values.into_boxed_slice())
}
