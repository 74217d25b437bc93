//! The slab under the model checker: every interleaving of two or three threads,
//! with the memory orderings as weak as the language allows.

use loom::model;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;

use super::{ArcCell, Cell, Handle, Kind, Slab, Words};

const VALUE: [u64; 2] = [7, 7];

/// A slab. loom does not see the lock that guards growth: a model in which the other
/// thread would be the first to mint does so once before.
fn slab<C: Cell>() -> Arc<Slab<C>> {
    Arc::new(Slab::new(Kind::CHALLENGE))
}

fn mint(slab: &Slab<Words<2>>, owner: u64, word: u64) -> Handle {
    slab.mint(owner, 0, [word; 2]).expect("room")
}

/// Runs `f` on another thread beside the caller's own next steps.
fn beside<C: Cell + 'static, R: 'static>(
    slab: &Arc<Slab<C>>,
    f: impl FnOnce(&Slab<C>) -> R + 'static,
) -> thread::JoinHandle<R> {
    let slab = Arc::clone(slab);
    thread::spawn(move || f(&slab))
}

#[test]
fn one_of_two_takers_wins() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 0, 7);
        let other = beside(&slab, move |slab| slab.take(handle));
        let mine = slab.take(handle);
        let theirs = other.join().unwrap();
        assert!(mine.is_some() != theirs.is_some());
        assert_eq!(mine.or(theirs), Some(VALUE));
        assert!(slab.is_empty());
    });
}

#[test]
fn get_sees_a_whole_value_or_none() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 3, 7);
        let other = beside(&slab, move |slab| {
            assert_eq!(slab.take(handle), Some(VALUE));
            // The same slot again, under other words and another owner.
            mint(slab, 4, 8)
        });
        assert!(matches!(slab.get(handle), None | Some(VALUE)));
        assert!(slab.info(handle).is_none_or(|info| info.owner == 3));
        let next = other.join().unwrap();
        assert_eq!(slab.get(handle), None);
        assert_eq!(slab.get(next), Some([8, 8]));
    });
}

#[test]
fn get_sees_the_whole_value_or_none() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 0, 7);
        let other = beside(&slab, move |slab| slab.get(handle));
        assert_eq!(slab.take(handle), Some(VALUE));
        assert!(matches!(other.join().unwrap(), None | Some(VALUE)));
    });
}

#[test]
fn get_sees_nothing_of_a_life_that_another_thread_began() {
    // Three threads in all orders would take minutes.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let slab: Arc<Slab<Words<1>>> = slab();
        let handle = slab.mint(0, 0, [7]).unwrap();
        let reader = beside(&slab, move |slab| slab.get(handle));
        let minter = beside(&slab, |slab| slab.mint(0, 0, [8]));
        assert_eq!(slab.take(handle), Some([7]));
        assert!(minter.join().unwrap().is_some());
        assert!(matches!(reader.join().unwrap(), None | Some([7])));
    });
}

#[test]
fn get_of_a_shared_object_never_meets_the_next() {
    model(|| {
        let slab: Arc<Slab<ArcCell<u64>>> = slab();
        let handle = slab.mint(0, 0, std::sync::Arc::new(7)).unwrap();
        let other = beside(&slab, move |slab| {
            assert_eq!(slab.take(handle).as_deref(), Some(&7));
            slab.mint(0, 0, std::sync::Arc::new(8)).unwrap();
        });
        assert!(matches!(slab.get(handle).as_deref(), None | Some(&7)));
        other.join().unwrap();
    });
}

#[test]
fn a_taker_or_the_owner_but_not_both() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 3, 7);
        let other = beside(&slab, move |slab| slab.take(handle).is_some());
        let revoked = slab.take_owned(3, |revoked, value| {
            assert_eq!((revoked, value), (handle, VALUE));
        });
        assert_eq!(revoked + usize::from(other.join().unwrap()), 1);
    });
}

#[test]
fn two_mints_get_two_slots() {
    model(|| {
        let slab = slab();
        // One slot on the free list, the next one fresh.
        slab.take(mint(&slab, 0, 1));
        let other = beside(&slab, |slab| mint(slab, 0, 2));
        let mine = mint(&slab, 0, 3);
        let theirs = other.join().unwrap();
        assert_ne!(mine.index(), theirs.index());
        assert_eq!(slab.get(theirs), Some([2, 2]));
        assert_eq!(slab.get(mine), Some([3, 3]));
    });
}

#[test]
fn the_free_list_loses_and_doubles_nothing() {
    model(|| {
        let slab = slab();
        let (a, b) = (mint(&slab, 0, 1), mint(&slab, 0, 2));
        slab.take(a);
        slab.take(b);
        // Pop one, pop the other, push the first back: what ABA is made of.
        let other = beside(&slab, |slab| {
            let first = mint(slab, 0, 3);
            let second = mint(slab, 0, 4);
            slab.take(first);
            second
        });
        let mine = mint(&slab, 0, 5);
        let theirs = other.join().unwrap();
        let third = mint(&slab, 0, 6);
        assert_eq!(slab.get(theirs), Some([4, 4]));
        assert_eq!(slab.get(mine), Some([5, 5]));
        assert_eq!(slab.get(third), Some([6, 6]));
        assert_eq!(slab.len(), 3);
    });
}

#[test]
fn a_pop_beside_a_push_loses_no_slot() {
    model(|| {
        let slab = slab();
        let (a, b) = (mint(&slab, 0, 1), mint(&slab, 0, 2));
        slab.take(b);
        let other = beside(&slab, |slab| mint(slab, 0, 3));
        slab.take(a);
        other.join().unwrap();
        assert!(mint(&slab, 0, 4).index() < 2, "a slot was lost");
    });
}

#[test]
fn a_deadline_never_lands_on_the_next_life() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 0, 7);
        let other = beside(&slab, move |slab| slab.set_deadline(handle, 100));
        assert_eq!(slab.take(handle), Some(VALUE));
        let next = mint(&slab, 0, 8);
        other.join().unwrap();
        assert_eq!(slab.info(next).map(|info| info.deadline), Some(0));
        // Whoever was last put the slot back: it serves another life.
        assert_eq!(slab.take(next), Some([8, 8]));
        assert!(!slab.is_live(handle) && !slab.set_deadline(handle, 1));
        let again = mint(&slab, 0, 9);
        let third = mint(&slab, 0, 10);
        assert!(again.index() < 2 && third.index() < 2, "a slot was lost");
        assert_ne!(again.index(), third.index());
    });
}

#[test]
fn two_deadlines_and_a_take_free_the_slot_once() {
    // Three threads in all orders would take minutes; three forced switches are what
    // it takes for each thread to interrupt another.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let slab = slab();
        let handle = mint(&slab, 0, 7);
        let one = beside(&slab, move |slab| slab.set_deadline(handle, 100));
        let two = beside(&slab, move |slab| slab.set_deadline(handle, 200));
        assert_eq!(slab.take(handle), Some(VALUE));
        one.join().unwrap();
        two.join().unwrap();
        let next = mint(&slab, 0, 8);
        assert_eq!(next.index(), handle.index());
        assert_eq!(next.generation(), handle.generation() + 1);
        assert_ne!(mint(&slab, 0, 9).index(), next.index());
    });
}

#[test]
fn a_deadline_that_moved_is_not_expired_by_the_old_one() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 0, 7);
        assert!(slab.set_deadline(handle, 10));
        let other = beside(&slab, move |slab| slab.take_expired(10, |_, _| {}));
        let moved = slab.set_deadline(handle, 20);
        let expired = other.join().unwrap();
        assert_eq!(moved, expired == 0);
        assert_eq!(slab.is_live(handle), moved);
    });
}

#[test]
fn what_the_taker_reads_happened_before() {
    model(|| {
        let slab = slab();
        slab.take(mint(&slab, 0, 1));
        let outside = Arc::new(AtomicU64::new(0));
        let slot = Arc::new(AtomicU64::new(0));
        let other = {
            let (outside, slot) = (Arc::clone(&outside), Arc::clone(&slot));
            beside(&slab, move |slab| {
                outside.store(1, Relaxed);
                slot.store(mint(slab, 0, 7).bits(), Relaxed);
            })
        };
        // The handle travels without synchronisation; the slab itself supplies it.
        if let Some(handle) = Handle::from_bits(slot.load(Relaxed))
            && let Some(value) = slab.take(handle)
        {
            assert_eq!(value, VALUE);
            assert_eq!(outside.load(Relaxed), 1);
        }
        other.join().unwrap();
    });
}

#[test]
fn a_deadline_comes_after_the_mint() {
    model(|| {
        let slab = slab();
        slab.take(mint(&slab, 0, 1));
        let place = Arc::new(AtomicU64::new(0));
        let setter = {
            let place = Arc::clone(&place);
            beside(&slab, move |slab| {
                let handle = Handle::from_bits(place.load(Relaxed))?;
                slab.set_deadline(handle, 5).then_some(())
            })
        };
        let handle = mint(&slab, 0, 7);
        place.store(handle.bits(), Relaxed);
        let set = setter.join().unwrap().is_some();
        assert_eq!(slab.info(handle).map(|info| info.deadline == 5), Some(set));
    });
}
