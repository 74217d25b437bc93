//! One slot and its state word.
//!
//! ```text
//!   63 ...... 43   42 ........ 12   11 10    9 .. 0
//!   touches        generation       status   pins
//! ```
//!
//! FREE(g) -> LIVE(g) -> BUSY(g) -> FREE(g + 1), or RETIRED after the last
//! generation. Whoever moves LIVE to BUSY owns the value, alone.
//!
//! *Pins* count the threads that are about to write into the slot without owning it
//! (`set_deadline`), and the taker beside them. A slot is freed by the last to leave,
//! so such a write never lands on a later life. *Touches* count those writes, so that
//! a take that depends on the deadline fails when the deadline has moved meanwhile.
//! (They wrap after 2^21: that many in the nanoseconds between a look and a swap.)

use super::bits::LAST_GENERATION;
use super::cell::Cell;
use super::slab::Info;
use super::sync::{AcqRel, Acquire, AtomicU32, AtomicU64, Relaxed, Release, fence};

const MAX_PINS: u64 = (1 << 10) - 1;
const STATUS_SHIFT: u32 = 10;
const GENERATION_SHIFT: u32 = 12;
const TOUCH: u64 = 1 << 43;

const FREE: u64 = 0;
const LIVE: u64 = 1;
const BUSY: u64 = 2;
const RETIRED: u64 = 3;

/// A state word without pins and touches.
const fn word(status: u64, generation: u32) -> u64 {
    (generation as u64) << GENERATION_SHIFT | status << STATUS_SHIFT
}

/// Whether a state word says LIVE in this generation.
const fn is_live(state: u64, generation: u32) -> bool {
    state & (TOUCH - 1) & !MAX_PINS == word(LIVE, generation)
}

const fn pins(state: u64) -> u64 {
    state & MAX_PINS
}

const fn generation_of(state: u64) -> u32 {
    (state >> GENERATION_SHIFT) as u32 & LAST_GENERATION
}

/// What is left to do for whoever leaves a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum After {
    /// Nothing: it is live, retired, or another thread's to free.
    Leave,
    /// Put the slot on its free list.
    Recycle,
}

/// A state word, what belongs to it, and the value.
#[derive(Debug)]
pub(super) struct Slot<C> {
    state: AtomicU64,
    /// The next on the free list; the list's own business.
    pub(super) next: AtomicU32,
    owner: AtomicU64,
    minted_at: AtomicU64,
    deadline: AtomicU64,
    cell: C,
}

impl<C: Cell> Slot<C> {
    /// A free slot whose first life has this generation.
    pub(super) fn new(generation: u32) -> Self {
        Slot {
            state: AtomicU64::new(word(FREE, generation)),
            next: AtomicU32::new(0),
            owner: AtomicU64::new(0),
            minted_at: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            cell: C::default(),
        }
    }

    /// Starts a life; returns its generation. The caller has just taken the slot off
    /// the free list and so is alone with it.
    #[inline]
    pub(super) fn fill(&self, owner: u64, now_ms: u64, value: C::Value) -> u32 {
        let generation = generation_of(self.state.load(Relaxed));
        // A reader of the previous life that sees one of the writes below must then
        // see, in `snapshot`, that this life is over.
        fence(Release);
        self.owner.store(owner, Relaxed);
        self.minted_at.store(now_ms, Relaxed);
        self.deadline.store(0, Relaxed);
        self.cell.put(value);
        self.state.store(word(LIVE, generation), Release);
        generation
    }

    /// How many lives have begun, the first under this generation.
    pub(super) fn lives(&self, first_generation: u32) -> u32 {
        let state = self.state.load(Acquire);
        let ended = generation_of(state) - first_generation;
        let free = state & word(RETIRED, 0) == word(FREE, 0);
        ended + u32::from(!free)
    }

    /// The generation of the life that is on now, if any.
    pub(super) fn live_generation(&self) -> Option<u32> {
        let state = self.state.load(Acquire);
        let generation = generation_of(state);
        is_live(state, generation).then_some(generation)
    }

    #[inline]
    pub(super) fn is_live(&self, generation: u32) -> bool {
        is_live(self.state.load(Acquire), generation)
    }

    #[inline]
    pub(super) fn look<R>(&self, generation: u32, look: impl FnOnce(&C) -> R) -> Option<R> {
        self.snapshot(generation, || look(&self.cell))
    }

    pub(super) fn info(&self, generation: u32) -> Option<Info> {
        self.snapshot(generation, || Info {
            owner: self.owner.load(Relaxed),
            minted_at: self.minted_at.load(Relaxed),
            deadline: self.deadline.load(Relaxed),
        })
    }

    /// What `read` returns, if the life was on before and after it: generations do not
    /// come back, so it was then on throughout.
    #[inline]
    fn snapshot<R>(&self, generation: u32, read: impl FnOnce() -> R) -> Option<R> {
        if !self.is_live(generation) {
            return None;
        }
        let result = read();
        fence(Acquire);
        is_live(self.state.load(Relaxed), generation).then_some(result)
    }

    /// Ends the life and yields the value, if the life is on and `wanted` holds for
    /// its deadline. Of all callers for one life, one gets it.
    #[inline(always)]
    pub(super) fn take_if(
        &self,
        generation: u32,
        wanted: impl Fn(u64) -> bool,
    ) -> Option<(Option<C::Value>, After)> {
        let mut state = self.state.load(Acquire);
        loop {
            if !is_live(state, generation) || !wanted(self.deadline.load(Relaxed)) {
                return None;
            }
            let busy = word(BUSY, generation) | (pins(state) + 1);
            match self
                .state
                .compare_exchange_weak(state, busy, Acquire, Acquire)
            {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        // As in `fill`: who sees what the next life puts there must see BUSY.
        fence(Release);
        let value = self.cell.clear();
        // Only a live slot can be pinned, so without pins nobody else is about.
        let last = pins(state) == 0 || pins(self.state.fetch_sub(1, AcqRel)) == 1;
        let after = if last {
            self.finish(generation)
        } else {
            After::Leave
        };
        Some((value, after))
    }

    /// Sets the deadline of this life. The answer is whether the life was still on
    /// once it was set.
    pub(super) fn set_deadline(&self, generation: u32, at_ms: u64) -> (bool, After) {
        if !self.pin(generation) {
            return (false, After::Leave);
        }
        self.deadline.store(at_ms, Relaxed);
        // One touch more, one pin less.
        let state = self.state.fetch_add(TOUCH - 1, AcqRel);
        if is_live(state, generation) {
            (true, After::Leave)
        } else if pins(state) == 1 {
            (false, self.finish(generation))
        } else {
            (false, After::Leave)
        }
    }

    fn pin(&self, generation: u32) -> bool {
        let mut state = self.state.load(Relaxed);
        while is_live(state, generation) {
            // Room for the taker's own pin; a thousand threads in here at once wait.
            if pins(state) + 1 == MAX_PINS {
                std::hint::spin_loop();
                state = self.state.load(Relaxed);
                continue;
            }
            match self
                .state
                .compare_exchange_weak(state, state + 1, Acquire, Relaxed)
            {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// After the life: frees the slot for the next, or retires it.
    #[inline]
    fn finish(&self, generation: u32) -> After {
        if generation == LAST_GENERATION {
            self.state.store(word(RETIRED, generation), Release);
            return After::Leave;
        }
        self.state.store(word(FREE, generation + 1), Release);
        After::Recycle
    }
}
