//! How often each source may be answered: a table of fixed size.
#![forbid(unsafe_code)]

use std::net::IpAddr;

use ahash::RandomState;

use crate::turn::address::AddrKey;
use crate::turn::policy::limits::Frequency;
use crate::turn::time::Time;

const WAYS: usize = 4;
const SETS: usize = 2048;

/// One token bucket for each of the most active sources.
///
/// A source has four entries it may stand in. A newcomer takes the entry of the
/// one that has been quiet the longest, so a flood from invented sources does
/// not push out the one under attack.
#[derive(Debug)]
pub(crate) struct Sources {
    entries: Vec<Entry>,
    hasher: RandomState,
    frequency: Frequency,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    source: Option<AddrKey>,
    full_at: Time,
}

impl Sources {
    pub(crate) fn new(frequency: Frequency, hasher: RandomState) -> Self {
        Sources {
            entries: vec![Entry::default(); WAYS * SETS],
            hasher,
            frequency,
        }
    }

    /// Whether the source may have one more now; if so it has had it.
    pub(crate) fn admit(&mut self, ip: &IpAddr, now: Time) -> bool {
        let source = AddrKey::source(ip);
        let set = self.hasher.hash_one(source) as usize % SETS * WAYS;
        let entries = &mut self.entries[set..set + WAYS];
        let at = match entries.iter().position(|p| p.source == Some(source)) {
            Some(at) => at,
            None => {
                let quietest = (0..WAYS).min_by_key(|at| entries[*at].full_at);
                let at = quietest.unwrap_or(0);
                entries[at] = Entry {
                    source: Some(source),
                    full_at: Time::ZERO,
                };
                at
            }
        };
        let entry = &mut entries[at];
        let full_at = entry.full_at.max(now) + self.frequency.every;
        let allowed = full_at.since(now)
            <= self
                .frequency
                .every
                .saturating_mul(self.frequency.burst.max(1));
        if allowed {
            entry.full_at = full_at;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_source_gets_its_burst_and_keeps_its_place_in_a_flood() {
        let frequency = Frequency {
            every: Duration::from_millis(100),
            burst: 5,
        };
        let mut sources = Sources::new(frequency, RandomState::with_seeds(1, 2, 3, 4));
        let victim = "1.2.3.4".parse().unwrap();
        let granted = (0..100)
            .filter(|_| sources.admit(&victim, Time::ZERO))
            .count();
        assert_eq!(granted, 5);
        for n in 0..100_000_u32 {
            sources.admit(&IpAddr::V4((0x0A00_0000 + n).into()), Time::ZERO);
        }
        assert!(!sources.admit(&victim, Time::ZERO));
        assert_eq!(sources.entries.len(), WAYS * SETS);
        assert!(sources.admit(&victim, Time::ZERO + Duration::from_millis(100)));
    }
}
