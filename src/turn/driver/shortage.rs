//! Descriptors and memory that run out: told once a minute, with how often.
#![forbid(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use crate::turn::time::Time;

use super::sys::descriptor_limit;

/// How often a line is written at most.
const EVERY: Duration = Duration::from_secs(60);

/// What all workers lacked since it was last told.
#[derive(Debug, Default)]
pub struct Shortage {
    count: AtomicU64,
    /// The last error, and when the next line is due.
    last: Mutex<(Option<i32>, Time)>,
}

impl Shortage {
    /// Whether an error is one, which is then counted.
    pub fn note(&self, error: &io::Error) -> bool {
        let is_one = matches!(
            error.raw_os_error(),
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC)
        );
        if is_one {
            self.last.lock().0 = error.raw_os_error();
            self.count.fetch_add(1, Relaxed);
        }
        is_one
    }

    /// What to log now.
    pub fn line(&self, now: Time) -> Option<String> {
        if self.count.load(Relaxed) == 0 {
            return None;
        }
        let mut last = self.last.lock();
        let error = last.0.filter(|_| last.1 <= now)?;
        last.1 = now + EVERY;
        let count = self.count.swap(0, Relaxed);
        let error = io::Error::from_raw_os_error(error);
        let limit = descriptor_limit();
        Some(format!(
            "{count} sockets could not be had: {error}; the limit of descriptors is {limit}"
        ))
    }
}

/// What to say at the start where the limit of descriptors allows fewer
/// allocations than the configuration.
pub fn warning(max_allocations: usize, listeners: usize, workers: usize) -> Option<String> {
    // A worker waits on its listeners, two of its own, and the program has some.
    let rest = (workers * (listeners + 2) + 32) as u64;
    let limit = descriptor_limit();
    let possible = limit.saturating_sub(rest);
    (possible < max_allocations as u64).then(|| {
        format!(
            "the limit of descriptors is {limit}: enough for {possible} allocations, not for \
             max_allocations ({max_allocations})"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_minute_says_how_often() {
        let shortage = Shortage::default();
        let none_left = || io::Error::from_raw_os_error(libc::EMFILE);
        let second = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert!(!shortage.note(&io::Error::from_raw_os_error(libc::EADDRINUSE)));
        assert_eq!(shortage.line(second(1)), None);
        assert!(shortage.note(&none_left()));
        assert!(shortage.line(second(1)).unwrap().starts_with("1 sockets"));
        for _ in 0..3 {
            shortage.note(&none_left());
        }
        assert_eq!(shortage.line(second(60)), None);
        assert!(shortage.line(second(61)).unwrap().starts_with("3 sockets"));
        assert_eq!(shortage.line(second(200)), None);
    }

    #[test]
    fn the_limit_is_compared_with_what_is_configured() {
        assert!(warning(usize::MAX, 2, 1).is_some());
        assert_eq!(warning(1, 2, 1), None);
    }
}
