//! When handles are due: an ordered queue of (due, handle) beside the slab.
//!
//! Deletion is lazy: a handle that was consumed, or whose deadline moved, leaves its old
//! place in the queue, which is found to mean nothing when its time comes, or thrown
//! away when such places have become the most. Whoever holds this holds a lock: a
//! handle is taken at its deadline under it, and a deadline is moved under it, so that
//! who was told that it has moved is never met by the old one.
#![forbid(unsafe_code)]

use crate::handle::{Cell, Handle, Slab};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Dead places that are not worth the tidying.
const FEW: usize = 64;

/// Why a deadline was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// The handle is dead.
    Dead,
    /// There is no memory for it.
    NoMemory,
}

/// The deadlines of some handles of one slab, in milliseconds of its clock.
#[derive(Default)]
pub struct Due {
    /// Of each handle the one deadline that counts.
    dues: HashMap<Handle, u64>,
    queue: BinaryHeap<Reverse<(u64, Handle)>>,
    /// How many deadlines there may be before those of the dead are looked for.
    enough: usize,
}

impl Due {
    /// Gives a live handle a deadline, instead of any it has; 0 takes it away.
    pub fn set<C: Cell>(&mut self, slab: &Slab<C>, handle: Handle, due: u64) -> Result<(), Unset> {
        if !slab.is_live(handle) {
            self.dues.remove(&handle);
            return Err(Unset::Dead);
        }
        if due == 0 {
            self.dues.remove(&handle);
            return Ok(());
        }
        self.tidy(slab);
        let no_memory = |_| Unset::NoMemory;
        self.dues.try_reserve(1).map_err(no_memory)?;
        self.queue.try_reserve(1).map_err(no_memory)?;
        self.dues.insert(handle, due);
        self.queue.push(Reverse((due, handle)));
        Ok(())
    }

    /// The deadline of a handle, if it has one.
    pub fn of(&self, handle: Handle) -> Option<u64> {
        self.dues.get(&handle).copied()
    }

    /// Takes one of those that are due at `now`, as `take` does.
    pub fn take<T>(&mut self, now: u64, take: impl Fn(Handle) -> Option<T>) -> Option<T> {
        while let Some((due, handle)) = self.first() {
            if due > now {
                return None;
            }
            self.queue.pop();
            self.dues.remove(&handle);
            if let Some(taken) = take(handle) {
                return Some(taken);
            }
        }
        None
    }

    /// The earliest deadline, maybe of a handle that is dead by now.
    pub fn next(&mut self) -> Option<u64> {
        self.first().map(|(due, _)| due)
    }

    /// The first place in the queue that still counts.
    fn first(&mut self) -> Option<(u64, Handle)> {
        while let Some(&Reverse((due, handle))) = self.queue.peek() {
            if self.of(handle) == Some(due) {
                return Some((due, handle));
            }
            self.queue.pop();
        }
        None
    }

    /// Forgets what the dead and the moved have left, where that is more than half.
    /// In the mean a deadline pays for the look at two.
    fn tidy<C: Cell>(&mut self, slab: &Slab<C>) {
        if self.dues.len() >= self.enough {
            self.dues.retain(|&handle, _| slab.is_live(handle));
            self.enough = 2 * self.dues.len() + FEW;
        }
        if self.queue.len() > 2 * self.dues.len() + FEW {
            let dues = &self.dues;
            self.queue
                .retain(|Reverse((due, handle))| dues.get(handle) == Some(due));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::handle::{Kind, Words};

    fn slab() -> Slab<Words<1>> {
        Slab::new(Kind::CHALLENGE)
    }

    fn mint(slab: &Slab<Words<1>>) -> Handle {
        slab.mint(0, 0, [1]).expect("room")
    }

    #[test]
    fn deadlines_are_met_in_time() {
        let (slab, mut due) = (slab(), Due::default());
        let [early, late, never] = [0; 3].map(|_| mint(&slab));
        assert_eq!(due.next(), None);
        due.set(&slab, early, 100).unwrap();
        due.set(&slab, late, 50).unwrap();
        due.set(&slab, late, 200).unwrap();
        assert_eq!((due.next(), due.of(late)), (Some(100), Some(200)));
        let take = |handle| slab.take(handle).map(|_| handle);
        assert_eq!(due.take(99, take), None);
        assert_eq!(due.take(100, take), Some(early));
        assert_eq!((due.take(199, take), due.next()), (None, Some(200)));
        due.set(&slab, late, 0).unwrap();
        assert_eq!((due.take(u64::MAX, take), due.of(late)), (None, None));
        assert!(slab.is_live(late) && slab.is_live(never));
    }

    #[test]
    fn the_dead_have_no_deadline() {
        let (slab, mut due) = (slab(), Due::default());
        let handle = mint(&slab);
        due.set(&slab, handle, 10).unwrap();
        slab.take(handle);
        assert_eq!(due.take(10, |handle| slab.take(handle)), None);
        assert_eq!(due.set(&slab, handle, 20), Err(Unset::Dead));
        assert_eq!(due.next(), None);
    }

    #[test]
    fn what_the_dead_and_the_moved_leave_does_not_add_up() {
        let (slab, mut due) = (slab(), Due::default());
        let kept = mint(&slab);
        for at in 1..if cfg!(miri) { 1000 } else { 100_000 } {
            let handle = mint(&slab);
            due.set(&slab, handle, at).unwrap();
            due.set(&slab, kept, at + 1).unwrap();
            slab.take(handle);
            assert!(due.dues.len() <= 2 * FEW && due.queue.len() <= 8 * FEW);
        }
        assert_eq!(due.of(kept).is_some(), slab.is_live(kept));
    }
}
