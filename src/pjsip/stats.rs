//! Counters, spread over cache lines so that threads do not wait for each other.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::cell::Cell;

/// What is counted: how tokens end, but for the one way that has to be fast. What was
/// sent is what was minted and did not end otherwise.
#[derive(Clone, Copy)]
pub enum Event {
    /// Consumed by abandon.
    Abandoned,
    /// The application declined the challenge in its callback.
    Declined,
    /// Taken back when the session was deinitialised.
    Revoked,
    /// Abandoned by the library at its deadline.
    Expired,
    /// A call with a dead or foreign token.
    Refused,
}

const EVENTS: usize = 5;
const STRIPES: usize = 16;

#[repr(align(64))]
struct Stripe([AtomicU64; EVENTS]);

static STRIPES_OF_COUNTERS: [Stripe; STRIPES] =
    [const { Stripe([const { AtomicU64::new(0) }; EVENTS]) }; STRIPES];

/// Counts one event.
pub fn count(event: Event) {
    STRIPES_OF_COUNTERS[stripe()].0[event as usize].fetch_add(1, Relaxed);
}

/// How often each event has happened in this process.
pub fn total(event: Event) -> u64 {
    STRIPES_OF_COUNTERS
        .iter()
        .map(|stripe| stripe.0[event as usize].load(Relaxed))
        .sum()
}

fn stripe() -> usize {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        // Const and without a destructor: harmless when the library goes first.
        static MINE: Cell<usize> = const { Cell::new(0) };
    }
    MINE.with(|mine| {
        if mine.get() == 0 {
            mine.set(NEXT.fetch_add(1, Relaxed) as usize);
        }
        mine.get() % STRIPES
    })
}
