//! What the slab hands out: a slot to fill, and one that was found.

use super::bits::{Handle, Kind};
use super::cell::{Cell, Words};
use super::nest::Nest;
use super::slab::Slab;
use super::slot::Slot;

/// A slot that nobody else can find: who does not publish it loses it for good.
#[derive(Debug)]
#[must_use]
pub struct Vacant<'a, C: Cell> {
    pub(super) kind: Kind,
    pub(super) index: u32,
    pub(super) slot: &'a Slot<C>,
    pub(super) state: u64,
}

impl<C: Cell> Vacant<'_, C> {
    /// The empty cell, for the value.
    #[inline(always)]
    #[must_use]
    pub fn cell(&self) -> &C {
        self.slot.cell()
    }

    /// Lends the value out. Owner and time are those of [`Info`](super::Info).
    #[inline(always)]
    #[must_use]
    pub fn publish(self, owner: u64, now_ms: u64) -> Handle {
        let generation = self.slot.publish(self.state, owner, now_ms);
        Handle::new(self.kind, self.index, generation)
    }
}

/// What a handle stands for, or stood for: it may be dead, or die at any moment.
#[derive(Debug)]
pub struct Lent<'a, C: Cell> {
    pub(super) slab: &'a Slab<C>,
    pub(super) handle: Handle,
    pub(super) slot: &'a Slot<C>,
}

impl<C: Cell> Clone for Lent<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Cell> Copy for Lent<'_, C> {}

impl<C: Cell> Lent<'_, C> {
    /// [`Slab::is_live`].
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.slot.is_live(self.handle.generation())
    }

    /// Ends the life, as [`Slab::take`] does, but keeps the slot until
    /// [`finish`](Lent::finish): the end of the owner waits for that, on other threads
    /// than this. Who does not call it loses the slot for good.
    #[inline(always)]
    #[must_use]
    pub fn take(&self) -> Option<C::Value> {
        self.slot.take(self.handle.generation())?
    }

    /// The same, but so that the owner can end first: what it owned may then only be
    /// used where [`begin`](Lent::begin) says so.
    #[must_use]
    pub fn take_pending(&self) -> Option<C::Value> {
        self.slot.take_pending(self.handle.generation())?
    }

    /// Whether the owner is still there, and will be until [`finish`](Lent::finish).
    #[must_use]
    pub fn begin(&self) -> bool {
        self.slot.begin(self.handle.generation())
    }

    /// After [`take`](Lent::take): nobody has to wait for this.
    pub fn stand_back(&self) {
        self.slot.stand_back(self.handle.generation());
    }

    /// Says that this thread, which had the value of [`take`](Lent::take), is done with
    /// what it stood for.
    #[inline(always)]
    pub fn finish(&self) {
        self.slab
            .finish(self.handle.index(), self.slot, self.handle.generation());
    }
}

/// That a life was on when its cell was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen(u64);

impl<const N: usize> Lent<'_, Words<N>> {
    /// The first of the words, for who goes on to [`take_seen`](Lent::take_seen): before
    /// that returned true they may be a mixture of values.
    #[inline(always)]
    #[must_use]
    pub fn look<const M: usize>(&self) -> Option<([u64; M], Seen)> {
        let state = self.slot.live_state(self.handle.generation())?;
        Some((self.slot.cell().first(), Seen(state)))
    }

    /// [`take`](Lent::take) for who has [looked](Lent::look) before: where it returns
    /// true, what was seen is what the handle stood for.
    #[inline(always)]
    #[must_use]
    pub fn take_seen(&self, seen: Seen) -> bool {
        self.slot.leave(seen.0)
    }
}

impl<'a> Lent<'a, Nest> {
    /// The nest, which may be another owner's by now.
    #[inline(always)]
    #[must_use]
    pub fn nest(&self) -> Option<&'a Nest> {
        let is_live = self.slot.is_live(self.handle.generation());
        is_live.then(|| self.slot.cell())
    }
}
