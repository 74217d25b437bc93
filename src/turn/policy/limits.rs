//! Token buckets.
//!
//! A bucket is one number: the time at which it will be full again (the
//! generic cell rate algorithm). Nothing refills it; time does.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::turn::time::Time;

/// A rate in bytes, with the burst that it lets through at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes in a second; 0 lets nothing through.
    pub bytes_per_second: u64,
    /// Bytes that may pass at once after a pause. A packet larger than this
    /// never passes.
    pub burst: u64,
}

/// A bucket that cores may share: changing and using it takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// Bytes in a second, plus one; 0 for no limit.
    rate: AtomicU64,
    burst: AtomicU64,
    full_at: AtomicU64,
}

impl Bucket {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let bucket = Bucket::default();
        bucket.set(rate);
        bucket
    }

    /// Changes the rate; `None` lifts the limit. The bucket starts full.
    pub(crate) fn set(&self, rate: Option<Rate>) {
        let burst = rate.map_or(0, |rate| rate.burst);
        let rate = rate.map_or(0, |rate| rate.bytes_per_second.saturating_add(1));
        self.full_at.store(0, Relaxed);
        self.burst.store(burst, Relaxed);
        self.rate.store(rate, Relaxed);
    }

    /// Whether there is a limit now.
    pub(crate) fn is_limited(&self) -> bool {
        self.rate.load(Relaxed) != 0
    }

    /// Takes `bytes` out, or nothing and says `false`.
    pub(crate) fn admit(&self, bytes: usize, now: Time) -> bool {
        let rate = match self.rate.load(Relaxed) {
            0 => return true,
            1 => return false,
            stored => stored - 1,
        };
        let cost = nanos(bytes as u64, rate);
        let depth = nanos(self.burst.load(Relaxed), rate);
        let now = now.as_nanos();
        self.full_at
            .fetch_update(Relaxed, Relaxed, |full_at| {
                let next = full_at.max(now).saturating_add(cost);
                (next - now <= depth).then_some(next)
            })
            .is_ok()
    }

    /// How many bytes could be taken out now: for a stream, which can be read in
    /// parts of any size.
    pub(crate) fn available(&self, now: Time) -> u64 {
        let Some(rate) = self.rate() else {
            return u64::MAX;
        };
        let burst = self.burst.load(Relaxed);
        let owed = self.full_at.load(Relaxed).saturating_sub(now.as_nanos());
        let owed = u128::from(owed) * u128::from(rate) / 1_000_000_000;
        let owed = u64::try_from(owed).unwrap_or(u64::MAX);
        if rate == 0 {
            0
        } else {
            burst.saturating_sub(owed)
        }
    }

    /// Takes out what was available. Where somebody else was quicker, both have it,
    /// and both wait the longer for more.
    pub(crate) fn charge(&self, bytes: usize, now: Time) {
        let Some(rate @ 1..) = self.rate() else {
            return;
        };
        let (cost, now) = (nanos(bytes as u64, rate), now.as_nanos());
        let next = |full_at: u64| Some(full_at.max(now).saturating_add(cost));
        // Always succeeds, since there is always a next.
        let _ = self.full_at.fetch_update(Relaxed, Relaxed, next);
    }

    /// When a good part of the burst is available again. At most a second from now,
    /// by when the rate may have been changed.
    pub(crate) fn ready_at(&self, now: Time) -> Time {
        let latest = now + Duration::from_secs(1);
        let rate = match self.rate() {
            None => return now,
            Some(0) => return latest,
            Some(rate) => rate,
        };
        let burst = self.burst.load(Relaxed);
        let wanted = nanos((burst / 2).clamp(1, WORTHWHILE), rate);
        let depth = nanos(burst, rate);
        let at = self
            .full_at
            .load(Relaxed)
            .saturating_add(wanted)
            .saturating_sub(depth);
        (now + Duration::from_nanos(at.saturating_sub(now.as_nanos()).max(1_000_000))).min(latest)
    }

    /// Bytes in a second; `None` for no limit.
    fn rate(&self) -> Option<u64> {
        self.rate.load(Relaxed).checked_sub(1)
    }
}

/// Bytes of a stream that are worth a read of their own.
const WORTHWHILE: u64 = 4096;

/// How long `bytes` take at a rate that is not 0.
fn nanos(bytes: u64, rate: u64) -> u64 {
    match bytes.checked_mul(1_000_000_000) {
        Some(product) => product / rate,
        None => (bytes / rate).saturating_mul(1_000_000_000),
    }
}

/// How often one source may have something, and how often at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// Mean distance of two.
    pub every: Duration,
    /// How many at once after a pause.
    pub burst: u32,
}

impl Frequency {
    /// Takes one out of a bucket that will be full again, or was, at `full_at`:
    /// then when that is. `None` when it is empty.
    pub(crate) fn take(&self, full_at: Time, now: Time) -> Option<Time> {
        let next = full_at.max(now) + self.every;
        let depth = self.every.saturating_mul(self.burst.max(1));
        (next.since(now) <= depth).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_bucket_lets_its_burst_through_and_then_its_rate() {
        let bucket = Bucket::new(Some(Rate {
            bytes_per_second: 1000,
            burst: 500,
        }));
        assert!(bucket.admit(300, at(0)));
        assert!(bucket.admit(200, at(0)));
        assert!(!bucket.admit(1, at(0)));
        assert!(bucket.admit(100, at(100)));
        assert!(!bucket.admit(1, at(100)));
        assert!(bucket.admit(500, at(10_000)));
        assert!(!bucket.admit(501, at(100_000)));
    }

    #[test]
    fn a_stream_takes_what_there_is_and_waits_for_more() {
        let bucket = Bucket::new(Some(Rate {
            bytes_per_second: 1000,
            burst: 500,
        }));
        assert_eq!(bucket.available(at(0)), 500);
        bucket.charge(500, at(0));
        assert_eq!(bucket.available(at(0)), 0);
        assert_eq!(bucket.ready_at(at(0)), at(250));
        assert_eq!(bucket.available(at(250)), 250);
        // A debt is paid before anything else passes.
        bucket.charge(1250, at(250));
        assert_eq!(
            (bucket.available(at(1000)), bucket.ready_at(at(1000))),
            (0, at(1500))
        );
        assert_eq!(bucket.available(at(1500)), 250);
        bucket.set(None);
        bucket.charge(usize::MAX, at(1500));
        assert_eq!(bucket.available(at(1500)), u64::MAX);
        bucket.set(Some(Rate {
            bytes_per_second: 0,
            burst: 9,
        }));
        assert_eq!(
            (bucket.available(at(0)), bucket.ready_at(at(0))),
            (0, at(1000))
        );
    }

    #[test]
    fn a_rate_can_be_lifted_set_and_closed() {
        let bucket = Bucket::new(None);
        assert!(bucket.admit(usize::MAX, at(0)));
        bucket.set(Some(Rate {
            bytes_per_second: 0,
            burst: 9,
        }));
        assert!(!bucket.admit(0, at(0)));
        bucket.set(Some(Rate {
            bytes_per_second: u64::MAX,
            burst: u64::MAX,
        }));
        assert!(bucket.admit(65_535, at(0)));
        bucket.set(None);
        assert!(bucket.admit(1 << 40, at(0)));
    }
}
