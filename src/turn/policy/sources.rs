//! How often each source may have something: tables of fixed size, shared by all cores.
#![forbid(unsafe_code)]

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ahash::RandomState;

use crate::turn::policy::limits::Frequency;
use crate::turn::time::Time;

const WAYS: usize = 4;
const SETS: usize = 2048;

/// One token bucket for each of the most active sources, or users, or whatever
/// is counted.
///
/// One has four entries it may stand in. A newcomer takes the entry of the one
/// that has been quiet the longest, so a flood from invented sources does not push
/// out the one under attack. Nothing is locked: where two cores meet in one entry,
/// one of them counts once less.
pub(crate) struct Sources {
    entries: Box<[Entry]>,
    hasher: RandomState,
}

/// Who stands there (a keyed hash, 0 for nobody), and when the bucket is full again.
#[derive(Debug, Default)]
struct Entry {
    who: AtomicU64,
    full_at: AtomicU64,
}

impl Sources {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Sources {
            entries: (0..WAYS * SETS).map(|_| Entry::default()).collect(),
            hasher,
        }
    }

    /// Whether the source may have one more now; if so it has had it.
    pub(crate) fn admit(&self, source: impl Hash, frequency: Frequency, now: Time) -> bool {
        let entry = self.enter(self.name(source));
        let take = |full_at| frequency.take(Time::from_nanos(full_at), now);
        let take = |full_at| take(full_at).map(Time::as_nanos);
        entry.full_at.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    /// Whether it might have one more, which it does not take.
    pub(crate) fn has_room(&self, source: impl Hash, frequency: Frequency, now: Time) -> bool {
        let full_at = self.full_at(source).unwrap_or(Time::ZERO);
        frequency.take(full_at, now).is_some()
    }

    /// How many of those that are known may have none now.
    pub(crate) fn used_up(&self, frequency: Frequency, now: Time) -> usize {
        let may_not = |entry: &&Entry| {
            let full_at = Time::from_nanos(entry.full_at.load(Relaxed));
            entry.who.load(Relaxed) != 0 && frequency.take(full_at, now).is_none()
        };
        self.entries.iter().filter(may_not).count()
    }

    /// When the source's bucket is full, or was; `None` when nothing is known of it.
    pub(crate) fn full_at(&self, source: impl Hash) -> Option<Time> {
        let entry = self.find(self.name(source))?;
        Some(Time::from_nanos(entry.full_at.load(Relaxed)))
    }

    /// Keeps a source, as one whose bucket is full from now on at the earliest.
    pub(crate) fn keep(&self, source: impl Hash, now: Time) {
        let entry = self.enter(self.name(source));
        entry.full_at.fetch_max(now.as_nanos(), Relaxed);
    }

    /// Never that of nobody.
    fn name(&self, source: impl Hash) -> u64 {
        self.hasher.hash_one(source).max(1)
    }

    fn set(&self, name: u64) -> &[Entry] {
        let set = name as usize % SETS * WAYS;
        &self.entries[set..set + WAYS]
    }

    fn find(&self, name: u64) -> Option<&Entry> {
        let is_there = |entry: &&Entry| entry.who.load(Relaxed) == name;
        self.set(name).iter().find(is_there)
    }

    fn enter(&self, name: u64) -> &Entry {
        if let Some(entry) = self.find(name) {
            return entry;
        }
        let set = self.set(name);
        let quietest = set.iter().min_by_key(|entry| entry.full_at.load(Relaxed));
        let entry = quietest.unwrap_or(&set[0]);
        entry.full_at.store(0, Relaxed);
        entry.who.store(name, Relaxed);
        entry
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_source_gets_its_burst_and_keeps_its_entry_in_a_flood() {
        let frequency = Frequency {
            every: Duration::from_millis(100),
            burst: 5,
        };
        let sources = Sources::new(RandomState::with_seeds(1, 2, 3, 4));
        let victim = "victim";
        assert!(sources.has_room(victim, frequency, Time::ZERO));
        let granted = (0..100)
            .filter(|_| sources.admit(victim, frequency, Time::ZERO))
            .count();
        assert_eq!(granted, 5);
        for n in 0..100_000 {
            sources.admit(n, frequency, Time::ZERO);
        }
        assert!(!sources.has_room(victim, frequency, Time::ZERO));
        assert!(!sources.admit(victim, frequency, Time::ZERO));
        assert_eq!(sources.used_up(frequency, Time::ZERO), 1);
        assert_eq!(sources.entries.len(), WAYS * SETS);
        let later = Time::ZERO + Duration::from_millis(100);
        assert!(sources.admit(victim, frequency, later));
        assert_eq!(sources.full_at("stranger"), None);
        sources.keep("friend", later);
        assert_eq!(sources.full_at("friend"), Some(later));
    }
}
