//! The slab under the model checker: every interleaving of two or three threads,
//! with the memory orderings as weak as the language allows.

use loom::model;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;

use super::{ArcCell, Cell, Handle, Kind, Nest, Slab, Words};

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

/// A slab and a nest for it.
fn nested() -> (Arc<Slab<Words<2>>>, Arc<Nest>) {
    (slab(), Arc::new(Nest::default()))
}

fn mint_in(slab: &Slab<Words<2>>, nest: &Nest, word: u64) -> Option<Handle> {
    let vacant = slab.vacancy_in(nest)?;
    vacant.cell().put([word; 2]);
    Some(vacant.publish(3, 0))
}

#[test]
fn two_mints_into_a_nest_get_two_slots() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (slab, nest) = nested();
        // One slot is there, free.
        slab.take(mint_in(&slab, &nest, 1).unwrap());
        let other = {
            let nest = Arc::clone(&nest);
            beside(&slab, move |slab| mint_in(slab, &nest, 2).unwrap())
        };
        let mine = mint_in(&slab, &nest, 3).unwrap();
        let theirs = other.join().unwrap();
        assert_ne!(mine.index(), theirs.index());
        assert_eq!(
            (slab.get(mine), slab.get(theirs)),
            (Some([3, 3]), Some([2, 2]))
        );
    });
}

#[test]
fn get_sees_nothing_of_the_next_life_in_a_nest() {
    model(|| {
        let (slab, nest) = nested();
        let handle = mint_in(&slab, &nest, 7).unwrap();
        let other = {
            let nest = Arc::clone(&nest);
            beside(&slab, move |slab| {
                assert_eq!(slab.take(handle), Some(VALUE));
                mint_in(slab, &nest, 8).unwrap()
            })
        };
        assert!(matches!(slab.get(handle), None | Some(VALUE)));
        let next = other.join().unwrap();
        assert_eq!(next.index(), handle.index());
        assert_eq!((slab.get(handle), slab.get(next)), (None, Some([8, 8])));
    });
}

#[test]
fn a_taker_sees_its_own_life_while_the_nest_begins_the_next() {
    model(|| {
        let (slab, nest) = nested();
        let handle = mint_in(&slab, &nest, 7).unwrap();
        let other = beside(&slab, move |slab| slab.take(handle));
        // As soon as it is free, or else in another slot.
        let next = mint_in(&slab, &nest, 8).unwrap();
        assert!(matches!(other.join().unwrap(), Some(VALUE)));
        assert_eq!(slab.get(next), Some([8, 8]));
    });
}

#[test]
fn what_was_seen_before_a_take_is_what_was_taken() {
    model(|| {
        let (slab, nest) = nested();
        let handle = mint_in(&slab, &nest, 7).unwrap();
        let other = {
            let nest = Arc::clone(&nest);
            beside(&slab, move |slab| {
                let mine = slab.take(handle).is_some();
                // The same slot again, if it is free.
                mint_in(slab, &nest, 8).unwrap();
                mine
            })
        };
        let lent = slab.find(handle).unwrap();
        let mine = match lent.look() {
            Some((words, seen)) if lent.take_seen(seen) => {
                assert_eq!(words, VALUE);
                lent.finish();
                true
            }
            _ => false,
        };
        assert!(other.join().unwrap() != mine);
    });
}

#[test]
fn a_taker_or_the_owner_but_not_both_and_the_owner_waits() {
    model(|| {
        let (slab, nest) = nested();
        let handle = mint_in(&slab, &nest, 7).unwrap();
        let used = Arc::new(AtomicU64::new(0));
        let other = {
            let used = Arc::clone(&used);
            beside(&slab, move |slab| {
                let lent = slab.find(handle).unwrap();
                let taken = lent.take();
                if taken.is_some() {
                    assert_eq!(taken, Some(VALUE));
                    used.store(1, Relaxed);
                    lent.finish();
                }
                taken.is_some()
            })
        };
        let mut revoked = false;
        slab.clear_nest(
            &nest,
            |value| {
                assert_eq!(value, VALUE);
                revoked = true;
            },
            || {
                thread::yield_now();
                true
            },
        );
        // What the taker did with it is done, and seen to be.
        assert!(revoked || used.load(Relaxed) == 1);
        assert!(other.join().unwrap() != revoked);
        // Its slot is nobody's but the slab's.
        assert_eq!(mint(&slab, 0, 8).index(), handle.index());
    });
}

#[test]
fn what_is_pending_begins_or_is_cancelled() {
    model(|| {
        let (slab, nest) = nested();
        let handle = mint_in(&slab, &nest, 7).unwrap();
        let ended = Arc::new(AtomicU64::new(0));
        let other = {
            let ended = Arc::clone(&ended);
            beside(&slab, move |slab| {
                let lent = slab.find(handle).unwrap();
                if lent.take_pending().is_none() {
                    return false;
                }
                if lent.begin() {
                    assert_eq!(ended.load(Relaxed), 0, "used after its owner's end");
                }
                lent.finish();
                true
            })
        };
        let mut revoked = false;
        slab.clear_nest(
            &nest,
            |_| revoked = true,
            || {
                thread::yield_now();
                true
            },
        );
        ended.store(1, Relaxed);
        assert!(other.join().unwrap() != revoked);
        assert_eq!(mint(&slab, 0, 8).index(), handle.index(), "a slot was lost");
    });
}

#[path = "../pjsip/tokens/due.rs"]
mod due;

/// As in `pjsip/tokens/deadline.rs`: the deadlines behind a lock.
#[test]
fn a_deadline_that_moved_is_not_enforced_at_the_old_one() {
    model(|| {
        let slab = slab();
        let handle = mint(&slab, 0, 7);
        let due = Arc::new(loom::sync::Mutex::new(due::Due::default()));
        due.lock().unwrap().set(&slab, handle, 10).unwrap();
        let other = {
            let due = Arc::clone(&due);
            beside(&slab, move |slab| {
                let mut due = due.lock().unwrap();
                due.take(10, |handle| slab.take(handle)).is_some()
            })
        };
        let moved = due.lock().unwrap().set(&slab, handle, 20).is_ok();
        let expired = other.join().unwrap();
        assert_eq!(moved, !expired);
        assert_eq!(slab.is_live(handle), moved);
    });
}
