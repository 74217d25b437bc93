//! The slab: shards under one roof.

use super::bits::{Handle, Kind};
use super::cell::Cell;
use super::lent::{Lent, Vacant};
use super::nest::Nest;
use super::shard::{self, Limits, MAX_SLOTS, SHARDS, Shard};
use super::slot::{After, End, Slot};
use super::sync::{AcqRel, Acquire, Mutex, array_of, const_fn};
use super::thread;

/// What a slab knows about a live handle besides its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Who it was minted for; 0 is nobody.
    pub owner: u64,
    /// The time given to [`Slab::mint`], in milliseconds.
    pub minted_at: u64,
}

/// A table of values that are lent out under generation-counted handles.
///
/// All methods may be called from any thread. Times are milliseconds of any clock,
/// as long as it is always the same one.
///
/// Memory grows in bounded steps and is kept for reuse until the slab is dropped; a
/// slab in a `static` keeps it for good. There is room for 2^24 slots.
///
/// **Cost.** `mint`, `get`, `info` and `take` take constant time, and
/// [`clear_nest`](Slab::clear_nest) too. What has to find handles by themselves
/// ([`outstanding`](Slab::outstanding), `len`) walks every slot that was ever in use
/// at once: some five nanoseconds for each of the most handles that were ever live
/// together.
#[derive(Debug)]
pub struct Slab<C: Cell> {
    kind: Kind,
    limits: Limits,
    /// Held by the one thread that makes the slab larger.
    growth: Mutex<()>,
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
            Slab { kind, limits, growth: Mutex::new(()), shards: array_of!(Shard::new()) }
        }
    }

    /// Stores a value and returns the handle that stands for it.
    ///
    /// `None`, and the value is dropped, when all slots are live or retired, or there
    /// is no memory for more.
    #[inline]
    pub fn mint(&self, owner: u64, now_ms: u64, value: C::Value) -> Option<Handle> {
        let vacant = self.vacancy()?;
        vacant.cell().put(value);
        Some(vacant.publish(owner, now_ms))
    }

    /// A slot for a value that is put there by itself; `None` as for
    /// [`mint`](Slab::mint).
    #[inline]
    pub fn vacancy(&self) -> Option<Vacant<'_, C>> {
        let (index, slot) = self.acquire()?;
        Some(self.vacant(index, slot, slot.open()))
    }

    /// The same in an owner's nest; `None` if there is no room in it.
    #[inline(always)]
    pub fn vacancy_in(&self, nest: &Nest) -> Option<Vacant<'_, C>> {
        let (index, slot, state) = self.claim(nest)?;
        Some(self.vacant(index, slot, state))
    }

    #[inline(always)]
    fn vacant<'a>(&self, index: u32, slot: &'a Slot<C>, state: u64) -> Vacant<'a, C> {
        Vacant {
            kind: self.kind,
            index,
            slot,
            state,
        }
    }

    #[inline(always)]
    fn claim(&self, nest: &Nest) -> Option<(u32, &Slot<C>, u64)> {
        for place in &nest.places {
            let Some(index) = place.load(Acquire).checked_sub(1) else {
                let (index, slot) = self.acquire()?;
                slot.nest();
                if place
                    .compare_exchange(0, index + 1, AcqRel, Acquire)
                    .is_ok()
                {
                    return Some((index, slot, slot.open()));
                }
                // Another thread was first, and has its own slot there.
                slot.unnest();
                self.recycle(index, slot);
                continue;
            };
            let slot = self.slot(index)?;
            if let Some(state) = slot.claim() {
                return Some((index, slot, state));
            }
        }
        None
    }

    /// Takes back all that was minted into a nest before this call, and gives each to
    /// `f`; the nest's slots are the slab's again. What another thread
    /// [took](Lent::take) and has not [finished](Lent::finish) with is waited for:
    /// `wait` is called as long as that is so, or until it returns false.
    ///
    /// No lock is held while `f` and `wait` run: they may use this slab. Nothing may be
    /// minted into the nest meanwhile.
    pub fn clear_nest(
        &self,
        nest: &Nest,
        mut f: impl FnMut(C::Value),
        mut wait: impl FnMut() -> bool,
    ) {
        for place in &nest.places {
            let Some(index) = place.swap(0, AcqRel).checked_sub(1) else {
                continue;
            };
            if let Some(slot) = self.slot(index) {
                self.end(index, slot, None, &mut f, &mut wait);
            }
        }
    }

    /// The same for what one handle stands for.
    pub fn end_of(
        &self,
        handle: Handle,
        mut f: impl FnMut(C::Value),
        mut wait: impl FnMut() -> bool,
    ) {
        if let Some(at) = self.find(handle) {
            let only = Some(handle.generation());
            self.end(handle.index(), at.slot, only, &mut f, &mut wait);
        }
    }

    fn end(
        &self,
        index: u32,
        slot: &Slot<C>,
        only: Option<u32>,
        f: &mut dyn FnMut(C::Value),
        wait: &mut dyn FnMut() -> bool,
    ) {
        loop {
            match slot.end(only) {
                End::Over => return,
                End::Free => return self.recycle(index, slot),
                End::Live(generation, value) => {
                    if let Some(value) = value {
                        f(value);
                    }
                    return self.finish(index, slot, generation);
                }
                End::Used if !wait() => return,
                End::Used => {}
            }
        }
    }

    /// The value, which stays: all of it as it was minted, or `None` if the handle is
    /// not live here.
    #[inline]
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<C::Value> {
        self.find(handle)?.slot.peek(handle.generation())
    }

    /// Whether the handle is live at this moment. Another thread may take it in the
    /// next: decide by the result of [`take`](Slab::take).
    #[must_use]
    pub fn is_live(&self, handle: Handle) -> bool {
        self.find(handle).is_some_and(|at| at.is_live())
    }

    /// Ends the handle's life and returns its value. Of all callers, on all threads,
    /// and of all revocations, one gets it; from then on the handle is dead.
    #[inline]
    pub fn take(&self, handle: Handle) -> Option<C::Value> {
        let lent = self.find(handle)?;
        let value = lent.take();
        if value.is_some() {
            lent.finish();
        }
        value
    }

    /// Owner and time of a live handle.
    #[must_use]
    pub fn info(&self, handle: Handle) -> Option<Info> {
        self.find(handle)?.slot.info(handle.generation())
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

    /// The lock under which the slab grows, for who must know that nobody is at it.
    #[cfg(not(loom))]
    pub fn growth(&self) -> &Mutex<()> {
        &self.growth
    }

    /// A slot of this thread's shard, or, where that is full, of the next one that is
    /// not; and its number in the slab.
    #[inline]
    fn acquire(&self) -> Option<(u32, &Slot<C>)> {
        let home = thread::number() as usize % SHARDS;
        let of = |shard: usize| {
            let (local, slot) = self.shards[shard].acquire(self.limits, &self.growth)?;
            Some((shard::join(shard, local), slot))
        };
        of(home).or_else(|| (home + 1..SHARDS).chain(0..home).find_map(of))
    }

    #[inline(always)]
    fn slot(&self, index: u32) -> Option<&Slot<C>> {
        let (shard, local) = shard::split(index);
        self.shards[shard].slot(local)
    }

    fn recycle(&self, index: u32, slot: &Slot<C>) {
        let (shard, local) = shard::split(index);
        self.shards[shard].push(local, slot);
    }

    #[inline(always)]
    pub(super) fn finish(&self, index: u32, slot: &Slot<C>, generation: u32) {
        if slot.finish(generation) == After::Recycle {
            self.recycle(index, slot);
        }
    }

    /// The slot that a handle of this slab's kind names, whatever its generation: for
    /// more than one question about the same handle.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, handle: Handle) -> Option<Lent<'_, C>> {
        if handle.kind() != self.kind {
            return None;
        }
        Some(Lent {
            slab: self,
            handle,
            slot: self.slot(handle.index())?,
        })
    }
}
