//! What a handle costs: `cargo bench --bench slab`.
//!
//! Prints nanoseconds for each operation, the best of several runs. Under more
//! threads than cores the figure is processor time, not the time on the wall.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use pjauth::handle::{Cell, Handle, Kind, Nest, Slab, Words};

const ROUNDS: u32 = 1_000_000;
const RUNS: u32 = 7;

static SLAB: Slab<Words<4>> = Slab::new(Kind::CHALLENGE);

fn mint() -> Handle {
    SLAB.mint(black_box(1), black_box(2), black_box([1, 2, 3, 4]))
        .expect("room")
}

fn mint_take() {
    let handle = black_box(mint());
    black_box(SLAB.take(handle)).expect("live");
}

/// Nanoseconds for one call of `op`, over all threads, on as many cores as there are.
fn measure(threads: usize, op: impl Fn() + Sync) -> f64 {
    let cores = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(threads);
    let run = |barrier: &Barrier| {
        op();
        barrier.wait();
        let start = Instant::now();
        for _ in 0..ROUNDS {
            op();
        }
        (start, Instant::now())
    };
    let once = || {
        let barrier = Barrier::new(threads);
        let times: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| run(&barrier)))
                .collect();
            all.into_iter()
                .map(|one| one.join().expect("no panic"))
                .collect()
        });
        let start = times.iter().map(|time| time.0).min().expect("a thread");
        let end = times.iter().map(|time| time.1).max().expect("a thread");
        let calls = f64::from(ROUNDS) * threads as f64;
        (end - start).as_nanos() as f64 * cores as f64 / calls
    };
    (0..RUNS).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// What the walks cost: one over many live handles.
fn walk() {
    const LIVE: usize = 100_000;
    for _ in 0..LIVE {
        mint();
    }
    let once = || {
        let start = Instant::now();
        assert!(black_box(SLAB.len()) >= LIVE);
        start.elapsed().as_nanos() as f64 / SLAB.len() as f64
    };
    let best = (0..RUNS).map(|_| once()).fold(f64::INFINITY, f64::min);
    println!("{:<28} {best:>10.1}", "walk, for each slot");
}

fn main() {
    println!(
        "{:<28} {:>10} {:>10}",
        "ns per operation", "1 thread", "4 threads"
    );
    let row = |name: &str, op: &(dyn Fn() + Sync)| {
        println!(
            "{name:<28} {:>10.1} {:>10.1}",
            measure(1, op),
            measure(4, op)
        );
    };
    row("mint + take", &mint_take);
    let nest = Nest::default();
    row("mint + take, in a nest", &|| {
        // Four threads may fill it.
        if let Some(vacant) = SLAB.vacancy_in(black_box(&nest)) {
            vacant.cell().put(black_box([1, 2, 3, 4]));
            let handle = vacant.publish(black_box(1), black_box(2));
            black_box(SLAB.take(black_box(handle)));
        }
    });
    let handle = mint();
    row("get", &|| {
        black_box(SLAB.get(black_box(handle))).expect("live");
    });
    row("get, dead handle", &|| {
        let dead = Handle::from_bits(black_box(handle).bits() + (1 << 32));
        assert!(black_box(SLAB.get(dead.expect("well-formed"))).is_none());
    });
    walk();
}
