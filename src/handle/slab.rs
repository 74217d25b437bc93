//! The slab: shards under one roof.

use super::bits::{Handle, Kind};
use super::cell::Cell;
use super::shard::{self, Limits, MAX_SLOTS, SHARDS, Shard};
use super::slot::Slot;
use super::sync::{array_of, const_fn};

/// What a slab knows about a live handle besides its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Who can take it back with [`Slab::take_owned`]; 0 is nobody.
    pub owner: u64,
    /// The time given to [`Slab::mint`], in milliseconds.
    pub minted_at: u64,
    /// When [`Slab::take_expired`] takes it, in milliseconds; 0 is never.
    pub deadline: u64,
}

/// A table of values that are lent out under generation-counted handles.
///
/// All methods may be called from any thread. Times are milliseconds of any clock,
/// as long as it is always the same one.
///
/// Memory grows in chunks and is kept for reuse until the slab is dropped; a slab in a
/// `static` keeps it for good. There is room for 2^24 slots.
///
/// **Cost.** `mint`, `get`, `info`, `take` and `set_deadline` take constant time. What
/// has to find handles ([`outstanding`](Slab::outstanding), `take_owned`,
/// `take_expired`, `next_deadline`, `len`) walks every slot that was ever in use at
/// once: some five nanoseconds for each of the most handles that were ever live together.
#[derive(Debug)]
pub struct Slab<C: Cell> {
    kind: Kind,
    limits: Limits,
    shards: [Shard<C>; SHARDS],
}

impl<C: Cell> Slab<C> {
    const_fn! {
        /// An empty slab whose handles have this kind. Allocates nothing.
        #[must_use]
        pub fn new(kind: Kind) -> Self {
            Self::with_limits(kind, Limits { first_generation: 1, slots: MAX_SLOTS })
        }
    }

    const_fn! {
        pub(super) fn with_limits(kind: Kind, limits: Limits) -> Self {
            Slab { kind, limits, shards: array_of!(Shard::new()) }
        }
    }

    /// Stores a value and returns the handle that stands for it, without a deadline.
    ///
    /// `None`, and the value is dropped, when all slots are live or retired.
    #[inline]
    pub fn mint(&self, owner: u64, now_ms: u64, value: C::Value) -> Option<Handle> {
        self.mint_with(owner, now_ms, || value)
    }

    /// [`mint`](Slab::mint) of a value that is computed once there is room for it.
    #[inline]
    pub fn mint_with(
        &self,
        owner: u64,
        now_ms: u64,
        value: impl FnOnce() -> C::Value,
    ) -> Option<Handle> {
        let (shard, (local, slot)) = self.acquire(home())?;
        let generation = slot.fill(owner, now_ms, value());
        let index = shard::join(shard, local);
        Some(Handle::new(self.kind, index, generation))
    }

    /// The value, which stays: all of it as it was minted, or `None` if the handle is
    /// not live here.
    #[inline]
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<C::Value> {
        self.look(handle, C::peek)?
    }

    /// What `look` makes of the handle's cell, where a part of the value will do. It
    /// may see a mixture of values, of which the result is then thrown away.
    #[inline]
    #[must_use]
    pub fn look<R>(&self, handle: Handle, look: impl FnOnce(&C) -> R) -> Option<R> {
        self.find(handle)?.look(look)
    }

    /// Whether the handle is live at this moment. Another thread may take it in the
    /// next: decide by the result of [`take`](Slab::take).
    #[must_use]
    pub fn is_live(&self, handle: Handle) -> bool {
        self.find(handle)
            .is_some_and(|at| at.slot.is_live(at.generation))
    }

    /// Ends the handle's life and returns its value. Of all callers, on all threads,
    /// and of all revocations, one gets it; from then on the handle is dead.
    #[inline(always)]
    pub fn take(&self, handle: Handle) -> Option<C::Value> {
        self.take_if(handle, |_| true)
    }

    /// Sets when the handle expires; 0 is never. Returns whether the handle was live
    /// once that was done. If so, no concurrent [`take_expired`](Slab::take_expired)
    /// still goes by the deadline from before.
    pub fn set_deadline(&self, handle: Handle, at_ms: u64) -> bool {
        self.find(handle).is_some_and(|at| {
            let (done, after) = at.slot.set_deadline(at.generation, at_ms);
            at.shard.settle(at.local, at.slot, after);
            done
        })
    }

    /// Owner and times of a live handle.
    #[must_use]
    pub fn info(&self, handle: Handle) -> Option<Info> {
        let at = self.find(handle)?;
        at.slot.info(at.generation)
    }

    /// A walk over the live handles, in no particular order. What is live from the
    /// call of this method to the end of the walk is met once; what comes or goes
    /// meanwhile may be met or not.
    pub fn outstanding(&self) -> impl Iterator<Item = (Handle, Info)> + '_ {
        let high_water: [u32; SHARDS] = std::array::from_fn(|i| self.shards[i].high_water());
        high_water
            .into_iter()
            .enumerate()
            .flat_map(move |(shard, end)| {
                (0..end).filter_map(move |local| {
                    let slot = self.shards[shard].slot(local)?;
                    let generation = slot.live_generation()?;
                    let info = slot.info(generation)?;
                    Some((
                        Handle::new(self.kind, shard::join(shard, local), generation),
                        info,
                    ))
                })
            })
    }

    /// Takes back all that was minted for `owner` before this call, and gives each to
    /// `f`. Returns how many. Nothing if `owner` is 0.
    ///
    /// No lock is held while `f` runs: it may use this slab. What is minted for the
    /// owner meanwhile, by `f` or another thread, may survive: stop minting first.
    pub fn take_owned(&self, owner: u64, f: impl FnMut(Handle, C::Value)) -> usize {
        if owner == 0 {
            return 0;
        }
        self.take_all(|info| info.owner == owner, |_| true, f)
    }

    /// Takes all whose deadline is at or before `now_ms`, and gives each to `f`.
    /// Returns how many. No lock is held while `f` runs: it may use this slab.
    pub fn take_expired(&self, now_ms: u64, f: impl FnMut(Handle, C::Value)) -> usize {
        let expired = |deadline| deadline != 0 && deadline <= now_ms;
        self.take_all(|info| expired(info.deadline), expired, f)
    }

    /// The earliest deadline of a live handle, in milliseconds.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.outstanding()
            .map(|(_, info)| info.deadline)
            .filter(|&at| at != 0)
            .min()
    }

    /// How many handles were ever minted, by a walk: each slot knows its lives.
    #[must_use]
    pub fn minted(&self) -> u64 {
        let first = self.limits.first_generation;
        let lives = |shard: &Shard<C>| -> u64 {
            (0..shard.high_water())
                .filter_map(|local| shard.slot(local))
                .map(|slot| u64::from(slot.lives(first)))
                .sum()
        };
        self.shards.iter().map(lives).sum()
    }

    /// How many handles are live, by a walk (see [`outstanding`](Slab::outstanding)).
    #[must_use]
    pub fn len(&self) -> usize {
        self.outstanding().count()
    }

    /// Whether no handle is live, by a walk that ends at the first it meets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outstanding().next().is_none()
    }

    /// Takes what `choose` picks, provided that `still` holds for its deadline in the
    /// moment it is taken.
    fn take_all(
        &self,
        choose: impl Fn(&Info) -> bool,
        still: impl Fn(u64) -> bool,
        mut f: impl FnMut(Handle, C::Value),
    ) -> usize {
        let mut taken = 0;
        for (handle, _) in self.outstanding().filter(|(_, info)| choose(info)) {
            if let Some(value) = self.take_if(handle, &still) {
                taken += 1;
                f(handle, value);
            }
        }
        taken
    }

    #[inline(always)]
    fn take_if(&self, handle: Handle, wanted: impl Fn(u64) -> bool) -> Option<C::Value> {
        self.find(handle)?.take_if(wanted)
    }

    /// A slot of `home`'s, or, where that shard is full, of the next one that is not.
    #[inline]
    fn acquire(&self, home: usize) -> Option<(usize, (u32, &Slot<C>))> {
        let of = |shard: usize| Some((shard, self.shards[shard].acquire(self.limits)?));
        of(home).or_else(|| (home + 1..SHARDS).chain(0..home).find_map(of))
    }

    /// The slot that a handle of this slab's kind names, whatever its generation: for
    /// more than one question about the same handle.
    #[inline]
    #[must_use]
    pub fn find(&self, handle: Handle) -> Option<Lent<'_, C>> {
        if handle.kind() != self.kind {
            return None;
        }
        let (shard, local) = shard::split(handle.index());
        let shard = &self.shards[shard];
        Some(Lent {
            shard,
            local,
            generation: handle.generation(),
            slot: shard.slot(local)?,
        })
    }
}

/// What a handle stands for, or stood for: it may be dead, or die at any moment.
#[derive(Debug)]
pub struct Lent<'a, C> {
    shard: &'a Shard<C>,
    local: u32,
    generation: u32,
    slot: &'a Slot<C>,
}

impl<C: Cell> Lent<'_, C> {
    /// [`Slab::look`].
    #[inline]
    #[must_use]
    pub fn look<R>(&self, look: impl FnOnce(&C) -> R) -> Option<R> {
        self.slot.look(self.generation, look)
    }

    /// [`Slab::take`].
    #[inline(always)]
    #[must_use]
    pub fn take(&self) -> Option<C::Value> {
        self.take_if(|_| true)
    }

    // Always, as its callers: a value of many words is then not copied on its way out.
    #[inline(always)]
    fn take_if(&self, wanted: impl Fn(u64) -> bool) -> Option<C::Value> {
        let (value, after) = self.slot.take_if(self.generation, wanted)?;
        self.shard.settle(self.local, self.slot, after);
        value
    }
}

/// The shard this thread mints from first. Threads are dealt out in turn.
#[cfg(not(loom))]
fn home() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};

    const UNSET: usize = usize::MAX;
    static DEALT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        // Const and without a destructor: nothing is left to run when the library is
        // unloaded or the thread ends.
        static HOME: std::cell::Cell<usize> = const { std::cell::Cell::new(UNSET) };
    }
    HOME.with(|home| {
        if home.get() == UNSET {
            home.set(DEALT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        home.get()
    })
}

#[cfg(loom)]
fn home() -> usize {
    0
}
