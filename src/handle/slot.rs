//! One slot and its state word.
//!
//! ```text
//!   63 ...... 35   34 ........ 4   3        2 .. 0
//!                  generation      nested   status
//! ```
//!
//! FREE(g) -> LIVE(g) -> USED(g) -> FREE(g + 1), or RETIRED after the last
//! generation. Whoever moves LIVE to USED has the value, alone, and says when it is
//! done with it: only then can the slot serve another life.
//!
//! A taker that must wait for something first goes by way of PENDING(g), from where
//! either it gets to USED(g), or the owner, who ends, to CANCELLED(g): one of the two.
//!
//! A *nested* slot is on no free list: it waits in its owner's [`Nest`](super::Nest),
//! where a mint claims it, FREE(g) -> FILLING(g) -> LIVE(g).

use super::bits::LAST_GENERATION;
use super::cell::Cell;
use super::slab::Info;
use super::sync::{AcqRel, Acquire, AtomicU32, AtomicU64, Relaxed, Release, fence};
use super::thread;

const STATUS: u64 = 0b111;
const NESTED: u64 = 0b1000;
const GENERATION_SHIFT: u32 = 4;

const FREE: u64 = 0;
const FILLING: u64 = 1;
const LIVE: u64 = 2;
const PENDING: u64 = 3;
const USED: u64 = 4;
const CANCELLED: u64 = 5;
const RETIRED: u64 = 6;

/// A state word that is not nested.
const fn word(status: u64, generation: u32) -> u64 {
    (generation as u64) << GENERATION_SHIFT | status
}

/// Whether a state word has this status, in this generation.
const fn is(state: u64, status: u64, generation: u32) -> bool {
    state & !NESTED == word(status, generation)
}

const fn generation_of(state: u64) -> u32 {
    (state >> GENERATION_SHIFT) as u32 & LAST_GENERATION
}

/// What is left to do for whoever leaves a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum After {
    /// Nothing: it is nested, or retired.
    Leave,
    /// Put the slot on its free list.
    Recycle,
}

/// What the end of its owner makes of a slot.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum End<V> {
    /// It was free, and goes on its free list.
    Free,
    /// It was live: this was its value, and [`Slot::finish`] is the caller's to call.
    Live(u32, V),
    /// Another thread uses what it took from here.
    Used,
    /// Nothing is left to do: it is dead, or its taker's, who knows.
    Over,
}

/// A state word, what belongs to it, and the value.
#[derive(Debug)]
pub(super) struct Slot<C> {
    state: AtomicU64,
    /// The next on the free list; the list's own business.
    pub(super) next: AtomicU32,
    /// Which thread uses what it took from here; 0 is none.
    user: AtomicU32,
    owner: AtomicU64,
    minted_at: AtomicU64,
    cell: C,
}

impl<C: Cell> Slot<C> {
    /// A free slot whose first life has this generation.
    pub(super) fn new(generation: u32) -> Self {
        Slot {
            state: AtomicU64::new(word(FREE, generation)),
            next: AtomicU32::new(0),
            user: AtomicU32::new(0),
            owner: AtomicU64::new(0),
            minted_at: AtomicU64::new(0),
            cell: C::default(),
        }
    }

    /// Before a life starts; returns the state for [`Slot::publish`]. The caller has just
    /// taken the slot off the free list, and so is alone with it and its cell.
    pub(super) fn open(&self) -> u64 {
        let state = self.state.load(Relaxed);
        // A reader of the previous life that sees one of the writes to come must then
        // see, in `snapshot`, that this life is over.
        fence(Release);
        state
    }

    /// Starts the life of what was put into the cell since [`Slot::open`] or
    /// [`Slot::claim`]; returns its generation.
    #[inline(always)]
    pub(super) fn publish(&self, state: u64, owner: u64, now_ms: u64) -> u32 {
        self.owner.store(owner, Relaxed);
        self.minted_at.store(now_ms, Relaxed);
        self.state.store(state & !STATUS | LIVE, Release);
        generation_of(state)
    }

    #[inline(always)]
    pub(super) fn cell(&self) -> &C {
        &self.cell
    }

    /// Has a slot that the caller took off the free list be a nest's from now on.
    pub(super) fn nest(&self) {
        let generation = generation_of(self.state.load(Relaxed));
        self.state
            .store(NESTED | word(FILLING, generation), Relaxed);
    }

    /// The opposite, for a slot that no nest had room for.
    pub(super) fn unnest(&self) {
        let generation = generation_of(self.state.load(Relaxed));
        self.state.store(word(FREE, generation), Relaxed);
    }

    /// Makes the caller the one who fills this nested slot, if it is free; as
    /// [`Slot::open`] for the rest.
    #[inline(always)]
    pub(super) fn claim(&self) -> Option<u64> {
        let state = self.state.load(Relaxed);
        if state & (STATUS | NESTED) != NESTED | FREE {
            return None;
        }
        let filling = state - FREE + FILLING;
        self.state
            .compare_exchange(state, filling, Acquire, Relaxed)
            .ok()?;
        fence(Release);
        Some(filling)
    }

    /// Ends what the owner has here: all, or of this generation only. The slot leaves
    /// its nest.
    pub(super) fn end(&self, only: Option<u32>) -> End<Option<C::Value>> {
        let thread = thread::number();
        let mut state = self.state.load(Acquire);
        loop {
            let generation = generation_of(state);
            let next = match state & STATUS {
                _ if only.is_some_and(|only| only != generation) => return End::Over,
                FREE if only.is_none() => word(FREE, generation),
                LIVE => word(USED, generation),
                PENDING => word(CANCELLED, generation),
                // On this very thread nobody else is about to finish.
                USED if self.user.load(Relaxed) == thread => word(USED, generation),
                USED => return End::Used,
                _ => return End::Over,
            };
            match self.state.compare_exchange(state, next, AcqRel, Acquire) {
                Err(now) => state = now,
                Ok(_) if state & STATUS == FREE => return End::Free,
                Ok(_) if state & STATUS == LIVE => {
                    self.user.store(thread, Relaxed);
                    return End::Live(generation, self.cell.clear());
                }
                Ok(_) => return End::Over,
            }
        }
    }

    /// How many lives have begun, the first under this generation.
    pub(super) fn lives(&self, first_generation: u32) -> u32 {
        let state = self.state.load(Acquire);
        let ended = generation_of(state) - first_generation;
        ended + u32::from(!matches!(state & STATUS, FREE | FILLING))
    }

    /// The generation of the life that is on now, if any.
    pub(super) fn live_generation(&self) -> Option<u32> {
        let state = self.state.load(Acquire);
        (state & STATUS == LIVE).then(|| generation_of(state))
    }

    #[inline]
    pub(super) fn is_live(&self, generation: u32) -> bool {
        self.live_state(generation).is_some()
    }

    /// The state of the life with this generation, if it is on.
    #[inline(always)]
    pub(super) fn live_state(&self, generation: u32) -> Option<u64> {
        let state = self.state.load(Acquire);
        is(state, LIVE, generation).then_some(state)
    }

    pub(super) fn peek(&self, generation: u32) -> Option<C::Value> {
        self.snapshot(generation, || self.cell.peek())?
    }

    pub(super) fn info(&self, generation: u32) -> Option<Info> {
        self.snapshot(generation, || Info {
            owner: self.owner.load(Relaxed),
            minted_at: self.minted_at.load(Relaxed),
        })
    }

    /// What `read` returns, if the life was on before and after it: generations do not
    /// come back, so it was then on throughout.
    #[inline(always)]
    fn snapshot<R>(&self, generation: u32, read: impl FnOnce() -> R) -> Option<R> {
        if !self.is_live(generation) {
            return None;
        }
        let result = read();
        fence(Acquire);
        is(self.state.load(Relaxed), LIVE, generation).then_some(result)
    }

    /// Ends the life and yields the value, if the life is on. Of all callers for one
    /// life, one gets it, and calls [`Slot::finish`] when done with what it stands for.
    #[inline(always)]
    pub(super) fn take(&self, generation: u32) -> Option<Option<C::Value>> {
        let state = self.live_state(generation)?;
        self.leave(state).then(|| self.cell.clear())
    }

    /// The same for who knows the state of the life; the value stays where it is.
    #[inline(always)]
    pub(super) fn leave(&self, live: u64) -> bool {
        let left = self.leave_for(USED, live);
        if left {
            self.user.store(thread::number(), Relaxed);
        }
        left
    }

    /// The same, on the way to what [`Slot::begin`] begins.
    pub(super) fn take_pending(&self, generation: u32) -> Option<Option<C::Value>> {
        let state = self.live_state(generation)?;
        self.leave_for(PENDING, state).then(|| self.cell.clear())
    }

    /// The state of what is live changes at the end of that life and not before, so one
    /// try is enough.
    #[inline(always)]
    fn leave_for(&self, status: u64, live: u64) -> bool {
        self.state
            .compare_exchange(live, live - LIVE + status, AcqRel, Relaxed)
            .is_ok()
    }

    /// From pending to used, unless the owner has ended meanwhile. By the taker.
    pub(super) fn begin(&self, generation: u32) -> bool {
        self.user.store(thread::number(), Relaxed);
        let state = self.state.load(Relaxed);
        let used = state & NESTED | word(USED, generation);
        // Only its owner's end changes what is pending, and that is for good.
        is(state, PENDING, generation)
            && self
                .state
                .compare_exchange(state, used, AcqRel, Relaxed)
                .is_ok()
    }

    /// From used to pending: the owner's end is of no consequence for what the taker
    /// goes on to do. By the taker.
    pub(super) fn stand_back(&self, generation: u32) {
        let nested = self.state.load(Relaxed) & NESTED;
        self.state
            .store(nested | word(PENDING, generation), Release);
    }

    /// The taker is done: frees the slot for the next life, or retires it.
    #[inline(always)]
    pub(super) fn finish(&self, generation: u32) -> After {
        self.user.store(0, Relaxed);
        let state = self.state.load(Relaxed);
        if state & STATUS != USED || generation == LAST_GENERATION {
            return self.finish_otherwise(generation);
        }
        // What is used is the taker's alone.
        self.state
            .store(state & NESTED | word(FREE, generation + 1), Release);
        match state & NESTED {
            0 => After::Recycle,
            _ => After::Leave,
        }
    }

    /// What is pending may be leaving its nest meanwhile.
    #[cold]
    fn finish_otherwise(&self, generation: u32) -> After {
        let mut state = self.state.load(Relaxed);
        loop {
            let nested = state & NESTED;
            let next = match generation {
                LAST_GENERATION => word(RETIRED, generation),
                _ => nested | word(FREE, generation + 1),
            };
            match self.state.compare_exchange(state, next, Release, Relaxed) {
                Err(now) => state = now,
                Ok(_) if nested == 0 && generation != LAST_GENERATION => return After::Recycle,
                Ok(_) => return After::Leave,
            }
        }
    }
}
