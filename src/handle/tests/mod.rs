//! Each rule of the slab by itself.

mod random;
mod threads;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::bits::{INDEX_BITS, LAST_GENERATION};
use super::shard::{Limits, MAX_SLOTS, SHARDS};
use super::{ArcCell, Cell, Handle, Info, Kind, NEST, Nest, Slab, Words};

const KIND: Kind = Kind::TURN_REQUEST;

/// What is usable in a test as it is in the library.
static STATIC: Slab<Words<2>> = Slab::new(KIND);

fn slab() -> Slab<Words<1>> {
    Slab::new(KIND)
}

/// A slab of `slots` slots for each shard, with `lives` lives each.
fn short_lived(slots: u32, lives: u32) -> Slab<Words<1>> {
    Slab::with_limits(
        KIND,
        Limits {
            first_generation: LAST_GENERATION - lives + 1,
            slots,
        },
    )
}

fn mint(slab: &Slab<Words<1>>, owner: u64, value: u64) -> Handle {
    slab.mint(owner, 0, [value]).expect("room")
}

#[test]
fn a_handle_is_used_once() {
    let handle = STATIC.mint(0, 5, [1, 2]).unwrap();
    assert!(STATIC.is_live(handle));
    assert_eq!(STATIC.get(handle), Some([1, 2]));
    assert_eq!(STATIC.get(handle), Some([1, 2]), "get does not consume");
    assert_eq!(STATIC.take(handle), Some([1, 2]));
    assert_eq!(STATIC.take(handle), None);
    assert_eq!(STATIC.get(handle), None);
    assert_eq!(STATIC.info(handle), None);
    assert!(!STATIC.is_live(handle));
}

#[test]
fn an_old_handle_never_meets_the_next_life_of_its_slot() {
    let slab = slab();
    let old = mint(&slab, 0, 1);
    slab.take(old);
    let new = mint(&slab, 0, 2);
    assert_eq!(old.index(), new.index(), "the slot is used again");
    assert_eq!(slab.take(old), None);
    assert_eq!(slab.take(new), Some([2]));
}

#[test]
fn bits_travel_there_and_back() {
    let handle = mint(&slab(), 0, 1);
    assert_eq!(Handle::from_bits(handle.bits()), Some(handle));
    assert_eq!(handle.kind(), KIND);
    assert_eq!(handle.bits() >> 63, 1, "no user-space address");
    assert_eq!(handle.bits() & 1, 1, "no aligned address");
    assert_eq!(size_of::<Option<Handle>>(), 8);
    let shown = format!("{handle:?}");
    assert!(
        shown.starts_with("Handle(kind 3, slot ") && shown.ends_with("life 1)"),
        "{shown}"
    );
}

#[test]
fn extreme_fields_do_not_touch_each_other() {
    let last = (1 << INDEX_BITS) - 1;
    for (kind, index, generation) in [
        (0, 0, 1),
        (127, 0, 1),
        (0, last, 1),
        (0, 0, LAST_GENERATION),
        (127, last, LAST_GENERATION),
    ] {
        let handle = Handle::new(Kind::new(kind), index, generation);
        assert_eq!(Handle::from_bits(handle.bits()), Some(handle));
        assert_eq!(handle.kind(), Kind::new(kind));
        assert_eq!((handle.index(), handle.generation()), (index, generation));
    }
}

#[test]
#[should_panic(expected = "seven bits")]
fn a_kind_has_seven_bits() {
    let _ = Kind::new(128);
}

#[test]
fn garbage_is_no_handle() {
    let good = mint(&slab(), 0, 1).bits();
    let local = 0u64;
    let heap = Box::new(0u64);
    let addresses = [&raw const local as u64, &raw const *heap as u64];
    let unmarked = [0, 1, 2, 1 << 63, good & !1, good & !(1 << 63)];
    let no_generation = [1 << 63 | 1, good & !(u64::from(LAST_GENERATION) << 32)];
    for bits in addresses.into_iter().chain(unmarked).chain(no_generation) {
        assert_eq!(Handle::from_bits(bits), None, "{bits:#x}");
    }
}

#[test]
fn another_kind_another_generation_another_slot_are_not_live() {
    let slab = slab();
    let handle = mint(&slab, 0, 1);
    let (index, generation) = (handle.index(), handle.generation());
    let last = (1 << INDEX_BITS) - 1;
    for forged in [
        Handle::new(Kind::CHALLENGE, index, generation),
        Handle::new(KIND, index, generation + 1),
        Handle::new(KIND, index, LAST_GENERATION),
        Handle::new(KIND, index ^ 1, generation),
        Handle::new(KIND, index + SHARDS as u32, generation),
        Handle::new(KIND, last, generation),
    ] {
        assert_eq!(slab.take(forged), None, "{forged:?}");
        assert_eq!(slab.get(forged), None, "{forged:?}");
    }
    assert_eq!(slab.take(handle), Some([1]));
}

#[test]
fn a_slot_retires_after_its_last_generation() {
    let slab = short_lived(1, 3);
    let mut seen = BTreeSet::new();
    let lives = 3 * SHARDS as u64;
    for value in 0..lives {
        let handle = mint(&slab, 0, value);
        assert!(seen.insert(handle.bits()), "no handle comes twice");
        assert_eq!(slab.take(handle), Some([value]));
        assert_eq!(slab.take(handle), None);
    }
    assert_eq!(slab.mint(0, 0, [0]), None, "all slots are retired");
    for bits in seen {
        assert!(!slab.is_live(Handle::from_bits(bits).unwrap()));
    }
    assert!(slab.is_empty());
}

#[test]
fn a_full_slab_says_so_and_recovers() {
    let slab = short_lived(2, 100);
    let handles: Vec<_> = (0..2 * SHARDS as u64)
        .map(|value| mint(&slab, 0, value))
        .collect();
    assert_eq!(slab.len(), handles.len());
    assert_eq!(slab.mint(0, 0, [0]), None);
    assert_eq!(slab.take(handles[7]), Some([7]));
    assert_eq!(mint(&slab, 0, 99).index(), handles[7].index());
    assert_eq!(slab.mint(0, 0, [0]), None);
}

#[test]
fn growth_leaves_live_handles_valid() {
    let slab = slab();
    let count = if cfg!(miri) { 300 } else { 20_000 };
    let handles: Vec<_> = (0..count).map(|value| mint(&slab, 0, value)).collect();
    let distinct: BTreeSet<_> = handles.iter().map(|handle| handle.index()).collect();
    assert_eq!(distinct.len(), handles.len());
    assert_eq!(slab.len(), handles.len());
    for (value, handle) in handles.iter().enumerate() {
        assert_eq!(slab.take(*handle), Some([value as u64]));
    }
    assert!(slab.is_empty());
}

#[test]
fn the_index_can_address_every_slot() {
    assert_eq!(u64::from(MAX_SLOTS) * SHARDS as u64, 1 << INDEX_BITS);
}

#[test]
fn info_says_who_and_when() {
    let slab = slab();
    let handle = slab.mint(7, 1234, [1]).unwrap();
    let info = Info {
        owner: 7,
        minted_at: 1234,
    };
    assert_eq!(slab.info(handle), Some(info));
    assert_eq!(slab.outstanding().collect::<Vec<_>>(), [(handle, info)]);
    slab.take(handle);
    let next = mint(&slab, 0, 2);
    let info = Info {
        owner: 0,
        minted_at: 0,
    };
    assert_eq!(slab.info(next), Some(info));
}

fn mint_in(slab: &Slab<Words<1>>, nest: &Nest, value: u64) -> Option<Handle> {
    let vacant = slab.vacancy_in(nest)?;
    vacant.cell().put([value]);
    Some(vacant.publish(7, 0))
}

/// Where nobody else is about, nothing is waited for.
fn nobody() -> bool {
    panic!("nobody to wait for")
}

#[test]
fn an_owner_takes_back_its_own_alone() {
    let (slab, [mine, others]) = (slab(), [Nest::default(), Nest::default()]);
    let mint = |nest, value| mint_in(&slab, nest, value).unwrap();
    let (a, b, taken) = (mint(&mine, 1), mint(&others, 2), mint(&mine, 3));
    slab.take(taken);
    let mut revoked = Vec::new();
    slab.clear_nest(&mine, |value| revoked.push(value), nobody);
    assert_eq!((revoked, slab.take(a)), (vec![[1]], None));
    slab.clear_nest(&mine, |_| unreachable!(), nobody);
    assert!(slab.is_live(b));
}

#[test]
fn a_nest_has_its_limit_and_uses_its_slots_again() {
    let (slab, nest) = (slab(), Nest::default());
    let mint = |value| mint_in(&slab, &nest, value);
    let handles: Vec<_> = (0..NEST as u64).map(|i| mint(i).unwrap()).collect();
    assert_eq!(mint(9), None);
    assert_eq!(slab.take(handles[2]), Some([2]));
    let again = mint(10).unwrap();
    assert_eq!(again.index(), handles[2].index());
    assert_eq!(again.generation(), handles[2].generation() + 1);
    // Given back, the slots serve anybody.
    slab.clear_nest(&nest, |_| {}, nobody);
    let free: BTreeSet<_> = (0..NEST as u64)
        .map(|i| slab.mint(0, 0, [i]).unwrap().index())
        .collect();
    assert!(handles.iter().all(|handle| free.contains(&handle.index())));
}

#[test]
fn a_revocation_may_use_the_slab() {
    let (slab, nest) = (slab(), Nest::default());
    let handles: Vec<_> = (0..NEST as u64)
        .map(|i| mint_in(&slab, &nest, i).unwrap())
        .collect();
    let mut revoked = 0;
    slab.clear_nest(
        &nest,
        |[value]| {
            assert_eq!(slab.take(handles[value as usize]), None, "dead before");
            slab.take(handles[NEST - 1]);
            slab.mint(0, 0, [value]).unwrap();
            revoked += 1;
        },
        nobody,
    );
    assert_eq!(revoked, NEST - 1);
    assert!(handles.iter().all(|handle| !slab.is_live(*handle)));
}

#[test]
fn what_is_used_keeps_its_slot_and_its_owner_waits_for_it() {
    let (slab, nest) = (slab(), Nest::default());
    let handle = mint_in(&slab, &nest, 1).unwrap();
    let lent = slab.find(handle).unwrap();
    assert_eq!((lent.take(), slab.take(handle)), (Some([1]), None));
    assert_ne!(mint_in(&slab, &nest, 2).unwrap().index(), handle.index());
    let (used, done) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let owner = scope.spawn({
            let (slab, nest, used, done) = (&slab, &nest, &used, &done);
            move || {
                let wait = || {
                    used.store(1, Ordering::Release);
                    std::thread::yield_now();
                    true
                };
                slab.clear_nest(nest, |value| assert_eq!(value, [2]), wait);
                assert_eq!(done.load(Ordering::Acquire), 1, "came back too early");
            }
        });
        while used.load(Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        done.store(1, Ordering::Release);
        lent.finish();
        owner.join().unwrap();
    });
}

#[test]
fn an_owner_that_ends_inside_what_it_lent_does_not_wait_for_itself() {
    let (slab, nest) = (slab(), Nest::default());
    let handle = mint_in(&slab, &nest, 1).unwrap();
    let lent = slab.find(handle).unwrap();
    assert_eq!(lent.take(), Some([1]));
    slab.clear_nest(&nest, |_| unreachable!(), nobody);
    lent.finish();
    assert_eq!(mint(&slab, 0, 2).index(), handle.index(), "a slot was lost");
}

#[test]
fn what_is_pending_begins_or_is_cancelled() {
    let (slab, nest) = (slab(), Nest::default());
    for ends_first in [false, true] {
        let handle = mint_in(&slab, &nest, 1).unwrap();
        let lent = slab.find(handle).unwrap();
        assert_eq!(lent.take_pending(), Some([1]));
        if ends_first {
            slab.clear_nest(&nest, |_| unreachable!(), nobody);
        }
        assert_eq!(lent.begin(), !ends_first);
        lent.finish();
        assert!(!slab.is_live(handle));
    }
    // And one outside of a nest.
    let handle = mint(&slab, 7, 1);
    let lent = slab.find(handle).unwrap();
    assert!(lent.take_pending().is_some());
    slab.end_of(handle, |_| unreachable!(), nobody);
    assert!(!lent.begin());
    lent.finish();
}

/// Looks into its own cell when it is dropped.
struct Peeks(Weak<ArcCell<Peeks>>);

static PEEKED: AtomicU64 = AtomicU64::new(0);

impl Drop for Peeks {
    fn drop(&mut self) {
        // Under the lock of the cell, this would wait for itself.
        let cell = self.0.upgrade().expect("the test holds it");
        assert!(cell.peek().is_none());
        PEEKED.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_shared_object_is_dropped_outside_the_lock() {
    let cell = Arc::new(ArcCell::default());
    cell.put(Arc::new(Peeks(Arc::downgrade(&cell))));
    drop(cell.clear());
    assert_eq!(PEEKED.load(Ordering::Relaxed), 1);
}

#[test]
fn a_shared_object_outlives_its_handle_where_it_is_held() {
    let slab: Slab<ArcCell<u64>> = Slab::new(KIND);
    let handle = slab.mint(9, 0, Arc::new(5)).unwrap();
    let held = slab.get(handle).unwrap();
    slab.end_of(handle, |object| assert_eq!(*object, 5), nobody);
    assert!(slab.get(handle).is_none());
    assert_eq!(Arc::strong_count(&held), 1, "the slab has let go");
}

#[test]
fn counts_what_was_minted() {
    let slab = Slab::<Words<1>>::with_limits(
        Kind::CHALLENGE,
        Limits {
            first_generation: LAST_GENERATION - 1,
            slots: 4,
        },
    );
    assert_eq!(slab.minted(), 0);
    let first = slab.mint(0, 0, [1]).unwrap();
    let second = slab.mint(0, 0, [2]).unwrap();
    assert_eq!(slab.minted(), 2);
    // The same slot again, until it retires: a life counts once, on and over.
    slab.take(second);
    assert_eq!(slab.minted(), 2);
    let third = slab.mint(0, 0, [3]).unwrap();
    slab.take(third);
    slab.take(first);
    assert_eq!(slab.minted(), 3);
}
