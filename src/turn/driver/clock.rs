//! The time that drivers tell their cores.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::turn::time::Time;

/// Now: monotonic, and near the wall clock's time, so that servers that share
/// a secret agree about the age of a nonce.
pub fn now() -> Time {
    let (start, wall) = first();
    Time::from_nanos(wall + start.elapsed().as_nanos() as u64)
}

/// When somebody first asked.
pub fn start() -> Time {
    Time::from_nanos(first().1)
}

fn first() -> (Instant, u64) {
    static START: OnceLock<(Instant, u64)> = OnceLock::new();
    *START.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        (
            Instant::now(),
            wall.map_or(0, |wall| wall.as_nanos() as u64),
        )
    })
}
