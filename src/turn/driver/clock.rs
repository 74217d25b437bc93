//! The time that drivers tell their cores.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::turn::time::Time;

/// Now: monotonic, and near the wall clock's time, so that servers that share
/// a secret agree about the age of a nonce.
pub fn now() -> Time {
    static START: OnceLock<(Instant, u64)> = OnceLock::new();
    let (start, wall) = START.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        (
            Instant::now(),
            wall.map_or(0, |wall| wall.as_nanos() as u64),
        )
    });
    Time::from_nanos(wall + start.elapsed().as_nanos() as u64)
}
