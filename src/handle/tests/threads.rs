//! The slab under real threads. What the model checker cannot reach: many slots,
//! several shards, growth.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::{mint, slab};
use crate::handle::Handle;

#[test]
fn many_threads_take_each_handle_once() {
    const THREADS: u64 = 6;
    let rounds = if cfg!(miri) { 100 } else { 30_000 };
    let slab = slab();
    // Handles lie here for all to see; whoever reads one may try to take it.
    let board: [AtomicU64; 8] = std::array::from_fn(|_| AtomicU64::new(0));
    let work = |thread: u64| {
        let mut taken = Vec::new();
        let mut random = thread + 1;
        let mut lost = 0;
        for round in 0..rounds {
            let value = thread * rounds + round;
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let place = &board[(random >> 61) as usize];
            let mine = mint(&slab, thread + 1, value);
            let seen = place.swap(mine.bits(), Ordering::Relaxed);
            // Mostly also take what another may be about to take.
            let also = if random >> 60 & 1 == 0 {
                mine.bits()
            } else {
                seen
            };
            for handle in [seen, also].into_iter().filter_map(Handle::from_bits) {
                match slab.take(handle) {
                    Some([value]) => taken.push(value),
                    None => lost += 1,
                }
            }
        }
        (taken, lost)
    };
    let (mut taken, mut lost) = (Vec::new(), 0);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|i| scope.spawn(move || work(i))).collect();
        for thread in threads {
            let (values, none) = thread.join().unwrap();
            taken.extend(values);
            lost += none;
        }
    });
    let left: Vec<_> = slab.outstanding().map(|(handle, _)| handle).collect();
    taken.extend(
        left.into_iter()
            .filter_map(|handle| slab.take(handle))
            .flatten(),
    );
    assert!(slab.is_empty());
    assert!(lost > 0, "nobody competed for anything");
    taken.sort_unstable();
    assert!(taken.into_iter().eq(0..THREADS * rounds));
}
